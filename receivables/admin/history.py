"""The history of a row as people read it: who, through which channel, when, why, old → new. Never set back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import models
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import MOVES, written

CHANNELS: dict[str, Any] = {
    "back_office": _("Back office"),
    "till": _("Till"),
    "import": _("Import"),
    "system": _("System"),
}
KINDS: dict[str, Any] = {"+": _("Created"), "~": _("Changed"), "-": _("Removed")}
SECRET = {"pin_hash", "token_hash", "code_hash", "public_key"}
UNTOLD = {"id", "version", "idempotency_key", "install_id"}
MOST_TOLD = 5
"""How many changes of one row a refusal tells."""
SIGNED = {"actor", "channel"}
"""Of a history row they say who changed the row; a movement has columns of these names too, which never change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one version: what it was and what it became."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a row, and what it changed."""

    record: Any
    kind: Any
    channel: Any
    changes: Sequence[Change]


def entries(records: Sequence[Any]) -> list[Entry]:
    """Tell each record, newest first, with what changed since the one after it in the list.

    The oldest record given is the measure of the one before it; it is told with changes only when it is the first of
    its row.
    """
    names = Names.of_records(records)
    older = [*records[1:], None]
    return [
        Entry(
            record=record,
            kind=kind_of(record),
            channel=CHANNELS.get(record.channel, record.channel or "—"),
            changes=[] if before is None else changes_between(before, record, names),
        )
        for record, before in zip(records, older, strict=True)
    ]


def told_since(row: Any, version: int) -> str:
    """Name a row with who changed it, or its installments, after the version that somebody saw, when, and what."""
    since = list(row.history.filter(version__gte=version).order_by("-version")[: MOST_TOLD + 1])
    if len(since) < 2:
        return str(row)
    first = min(record.history_date for record in since[:-1])
    found = entries(since)[:-1]
    for part in row.installments.order_by("number") if hasattr(row, "installments") else ():
        newest = entries(list(part.history.order_by("-history_date", "-history_id")[: MOST_TOLD + 1]))
        found += [each for each in newest if each.record.history_date >= first and each.record.history_type == "~"]
    told = "; ".join(map(_sentence, (each for each in found if each.changes)))
    return f"{row} ({told})" if told else str(row)


def _sentence(entry: Entry) -> str:
    changes = ", ".join(f"{each.label} {each.old} → {each.new}" for each in entry.changes)
    return f"{entry.record.actor}, {written(timezone.localtime(entry.record.history_date))}: {changes}"


def kind_of(record: Any) -> Any:
    """Name what made a version: the move of its noun, or that it was created or changed."""
    move = f"{type(record).instance_type._meta.label_lower}.{record.move}"
    return MOVES.get(move) or KINDS.get(record.history_type, record.history_type)


def values_of(record: Any) -> list[tuple[str, str]]:
    """Give each field of one version with its label."""
    names = Names.of_records([record])
    return [(label_of(field), names.show(record, field)) for field in _told(record) if field.name not in SECRET]


def label_of(field: models.Field) -> str:
    """Give a field's label as forms show it."""
    return str(capfirst(field.verbose_name))


def changes_between(before: Any, after: Any, names: "Names") -> list[Change]:
    """Give what the fields of two versions of a row were and became; a secret only says that it changed."""
    return list(_changes(before, after, names))


def pointed_to(records: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the model and the key of each row that versions point to."""
    for record in records:
        for field in _told(record):
            if field.is_relation and getattr(record, field.attname) is not None:
                yield field.related_model, getattr(record, field.attname)


def _told(record: Any) -> Iterator[models.Field]:
    return (field for field in type(record).tracked_fields if field.name not in UNTOLD | SIGNED)


def _changes(before: Any, after: Any, names: "Names") -> Iterator[Change]:
    for field in _told(after):
        if getattr(before, field.attname) == getattr(after, field.attname):
            continue
        if field.name in SECRET:
            yield Change(label_of(field), "•••", "•••")
        else:
            yield Change(label_of(field), names.show(before, field), names.show(after, field))


class Names:
    """The names of rows, fetched once for each model: as many queries for one row as for a thousand."""

    def __init__(self, wanted: Iterable[tuple[Any, Any]]) -> None:
        self.found: dict[tuple[Any, Any], str] = {}
        keys: dict[Any, set[Any]] = {}
        for model, key in wanted:
            keys.setdefault(model, set()).add(key)
        for model, ids in keys.items():
            rows = model._base_manager.filter(pk__in=ids).select_related(*named_through(model))
            self.found |= {(model, row.pk): str(row) for row in rows}

    @classmethod
    def of_records(cls, records: Iterable[Any]) -> "Names":
        return cls(pointed_to(records))

    def of(self, model: Any, key: Any) -> str:
        """Give the name of a row, or its key where there is none."""
        return self.found.get((model, key), str(key))

    def show(self, record: Any, field: models.Field) -> str:
        """Write the value that a field has in a version."""
        value = getattr(record, field.attname)
        if value is not None and field.is_relation:
            return self.of(field.related_model, value)
        if field.name == "channel":
            return str(CHANNELS.get(value, value)) or "—"
        if field.choices:
            return str(dict(field.flatchoices).get(value, value)) or "—"
        return written(value)


_THROUGH: dict[str, tuple[str, ...]] = {
    "receivables.receipttender": ("method",),
    "receivables.receiptallocation": ("installment__title",),
    "receivables.cashdayclosing": ("cash_day__account",),
    "receivables.cashdayreopening": ("closing__cash_day__account",),
    "receivables.cashsessionclosing": ("session__branch",),
    "receivables.cashdaycount": ("cash_day__account",),
    "receivables.knowndifferenceassignment": ("record__reversal__receipt", "owner"),
}
"""What the name of a row without a page of its own is made of."""


def named_through(model: Any) -> tuple[str, ...]:
    """Give the relations that a row's name reads: those that its list reads."""
    page: Any = admin.site._registry.get(model)
    listed = page.list_select_related if page else ()
    return tuple(listed) if isinstance(listed, list | tuple) and listed else _THROUGH.get(model._meta.label_lower, ())
