"""The history of a row as people read it: who, through which channel, when, why, old → new. Never set back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import written

CHANNELS: dict[str, Any] = {
    "back_office": _("Back office"),
    "till": _("Till"),
    "import": _("Import"),
    "system": _("System"),
}
KINDS: dict[str, Any] = {"+": _("Created"), "~": _("Changed"), "-": _("Removed")}
SECRET = {"pin_hash", "token_hash", "code_hash", "public_key"}
UNTOLD = {"id", "version", "idempotency_key", "install_id"}


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
    names = _Names(records)
    older = [*records[1:], None]
    return [
        Entry(
            record=record,
            kind=KINDS.get(record.history_type, record.history_type),
            channel=CHANNELS.get(record.channel, record.channel or "—"),
            changes=[] if before is None else list(_changes(before, record, names)),
        )
        for record, before in zip(records, older, strict=True)
    ]


def values_of(record: Any) -> list[tuple[str, str]]:
    """Give each field of one version with its label."""
    names = _Names([record])
    return [(label_of(field), names.show(record, field)) for field in _told(record) if field.name not in SECRET]


def label_of(field: models.Field) -> str:
    """Give a field's label as forms show it."""
    return str(capfirst(field.verbose_name))


def _told(record: Any) -> Iterator[models.Field]:
    return (field for field in type(record).tracked_fields if field.name not in UNTOLD)


def _changes(before: Any, after: Any, names: "_Names") -> Iterator[Change]:
    for field in _told(after):
        if getattr(before, field.attname) == getattr(after, field.attname):
            continue
        if field.name in SECRET:
            yield Change(label_of(field), "•••", "•••")
        else:
            yield Change(label_of(field), names.show(before, field), names.show(after, field))


class _Names:
    """The names of the rows that some records point to, fetched once for each model."""

    def __init__(self, records: Sequence[Any]) -> None:
        self.found: dict[tuple[Any, Any], str] = {}
        wanted: dict[Any, set[Any]] = {}
        for record in records:
            for field in _told(record):
                if field.is_relation and getattr(record, field.attname) is not None:
                    wanted.setdefault(field.related_model, set()).add(getattr(record, field.attname))
        for model, ids in wanted.items():
            self.found |= {(model, row.pk): str(row) for row in model._default_manager.filter(pk__in=ids)}

    def show(self, record: Any, field: models.Field) -> str:
        value = getattr(record, field.attname)
        if value is not None and field.is_relation:
            return self.found.get((field.related_model, value), str(value))
        if field.name == "channel":
            return str(CHANNELS.get(value, value)) or "—"
        if field.choices:
            return str(dict(field.flatchoices).get(value, value))
        return written(value)
