"""The tables that remember: versions of audited rows, and rows that are written once. All of them, by name."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import MOVES, reais
from receivables.admin.history import CHANNELS, Change, Names, changes_between, named_through, pointed_to
from receivables.admin.trail import ACTIONS, ADDED, CHANGED, Line, Source, address_of
from receivables.domain.money import format_brl
from receivables.models.audited import AppendOnlyModel, AuditedModel


class HistorySource(Source):
    """The versions of an audited row: what was added, changed, or moved by a transition."""

    at = "history_date"

    def __init__(self, noun: type[models.Model]) -> None:
        super().__init__(noun.history.model, noun=noun, within=str(noun._meta.pk.name))  # type: ignore[attr-defined]

    @property
    def subject(self) -> type[models.Model]:
        return self.noun

    @property
    def actions(self) -> frozenset[str]:
        stem = f"{self.code}."
        return frozenset({ADDED, CHANGED, *(key for key in MOVES if key.startswith(stem))})

    def done(self, rows: QuerySet, actions: Collection[str]) -> QuerySet | None:
        chosen = self.actions & set(actions)
        if not chosen:
            return None
        found = Q(move__in=[key.rpartition(".")[2] for key in chosen if key not in (ADDED, CHANGED)])
        if ADDED in chosen:
            found |= Q(history_type=ADDED)
        if CHANGED in chosen:
            found |= Q(history_type=CHANGED, move="")
        return rows.filter(found)

    def load(self, keys: Collection[int]) -> Sequence[Any]:
        """Fetch versions, each with the one before it of the same row."""
        key = self.noun._meta.pk.attname
        older = self.model._base_manager.filter(**{key: OuterRef(key)}, history_id__lt=OuterRef("history_id"))
        before = Subquery(older.order_by("-history_id").values("history_id")[:1])
        rows = list(self.model._base_manager.filter(pk__in=keys).annotate(before_id=before))
        priors = self.model._base_manager.in_bulk([row.before_id for row in rows if row.before_id])
        for row in rows:
            row.before = priors.get(row.before_id)
        return rows

    def named(self, rows: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
        key = self.noun._meta.pk.attname
        yield from ((self.noun, getattr(row, key)) for row in rows)
        yield from pointed_to([*rows, *(row.before for row in rows if row.before)])

    def tell(self, rows: Sequence[Any], names: Names) -> Iterator[Line]:
        for row in rows:
            key = getattr(row, self.noun._meta.pk.attname)
            name = names.of(self.noun, key)
            action, deed = self._deed(row, name)
            yield Line(
                at=row.history_date, actor=row.actor, user_id=row.history_user_id,
                channel=CHANNELS.get(row.channel, row.channel or "—"), noun=self.label, action=action, deed=deed,
                row=name, address=address_of(self.noun, key), reason=row.history_change_reason or "",
                facts=_amount_of(row, name) if row.history_type == ADDED else (),
                changes=[] if row.before is None else changes_between(row.before, row, names),
            )  # fmt: skip

    def _deed(self, row: Any, name: str) -> tuple[Any, str]:
        """Give what was done in a word and as a sentence without its subject."""
        move = f"{self.code}.{row.move}" if row.move else row.history_type
        word = ACTIONS.get(move) or MOVES.get(move, row.move or row.history_type)
        sentence = DEEDS.get(move) or DEEDS.get(f"{self.code}.{move}")
        if sentence is None and row.move:
            return word, f"{word}: {self.label} {name}"
        return word, str(sentence or _ON_ANY[row.history_type]) % {"noun": self.label, "row": name}


DEEDS: dict[str, Any] = {}
"""What a move, or `noun.+` and `noun.~`, is called when it was done; `%(row)s` is the row's name."""

_ON_ANY: dict[str, Any] = {
    ADDED: _("added %(noun)s %(row)s"),
    CHANGED: _("changed %(noun)s %(row)s"),
    "-": _("removed %(noun)s %(row)s"),
}


def _amount_of(row: Any, name: str) -> Sequence[str]:
    """Give a row's amount, where its name does not tell it."""
    amount = getattr(row, "amount", None)
    return () if amount is None or format_brl(amount) in name else (reais(amount),)


@dataclass(frozen=True, slots=True)
class Told:
    """What an append-only row tells: a sentence without its subject, and what goes with it."""

    deed: str
    facts: Sequence[Any] = ()
    details: Sequence[str] = ()
    changes: Sequence[Change] = ()
    where: str = ""
    address: str = ""


class LedgerSource(Source):
    """Rows that are written once: the deed is the row. `tells` words it, from what `reads` and `brings` fetch."""

    def __init__(
        self, model: type[models.Model], *, tells: Callable[[Any], Told] | None = None, reads: Sequence[str] = (),
        brings: Sequence[Any] = (), moves: Collection[str] = (ADDED,), noun: Any = None, within: str = "pk",
        sees: Callable[[HttpRequest, QuerySet], QuerySet | None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(model, noun=noun, within=within)
        self._tells, self._reads, self._brings = tells or _told_plainly, reads, brings
        self._moves, self._sees = frozenset(moves), sees

    @property
    def actions(self) -> frozenset[str]:
        return self._moves

    def seen(self, request: HttpRequest, rows: QuerySet) -> QuerySet | None:
        return super().seen(request, rows) if self._sees is None else self._sees(request, rows)

    def load(self, keys: Collection[int]) -> Sequence[Any]:
        bytes_ = [each.name for each in self.model._meta.concrete_fields if isinstance(each, models.BinaryField)]
        reads = self._reads or named_through(self.model)
        rows = self.model._base_manager.filter(pk__in=keys).select_related(*reads).defer(*bytes_)
        return list(rows.prefetch_related(*self._brings))

    def tell(self, rows: Sequence[Any], names: Names) -> Iterator[Line]:
        for row in rows:
            told, name = self._tells(row), str(row)
            yield Line(
                at=row.posted_at, actor=row.actor, user_id=row.user_id,
                channel=CHANNELS.get(row.channel, row.channel or "—"), noun=self.label, action=self._word(), row=name,
                deed=told.deed or str(_ON_ANY[ADDED]) % {"noun": self.label, "row": name},
                address=told.address or address_of(self.model, row.pk), reason=getattr(row, "reason", ""),
                facts=told.facts, details=told.details, changes=told.changes, where=told.where,
            )  # fmt: skip

    def _word(self) -> Any:
        first = sorted(self._moves)[0]
        return ACTIONS.get(first) or MOVES.get(first, first)


def _told_plainly(row: Any) -> Told:
    return Told(deed="", facts=_amount_of(row, str(row)))


# All of them


LEDGERS: dict[type[models.Model], Source] = {}
"""The tables that are no history of an audited row; each app adds its own."""
PARTS: set[type[models.Model]] = set()
"""Append-only rows that are told by the row that they belong to."""


def add_source(source: Source) -> None:
    """Let a table tell what happened in it."""
    LEDGERS[source.model] = source


def sources() -> list[Source]:
    """Give every table that remembers: the history of each audited noun, and each append-only row that is a deed."""
    found: list[Source] = []
    for model in apps.get_models():
        if issubclass(model, AuditedModel):
            found.append(HistorySource(model))
        if model in LEDGERS:
            found.append(LEDGERS[model])
        elif issubclass(model, AppendOnlyModel) and model not in PARTS:
            found.append(LedgerSource(model))
    return found


def nouns() -> list[tuple[str, str]]:
    """Give what can be told about, by code, in the order of its words."""
    return sorted(((each.code, str(capfirst(each.label))) for each in sources()), key=lambda pair: pair[1].casefold())


def actions() -> dict[str, set[str]]:
    """Give what can be done, by its word on the screens; a word may stand for moves of several nouns."""
    words: dict[str, set[str]] = {}
    for key in {action for source in sources() for action in source.actions}:
        words.setdefault(str(ACTIONS.get(key) or MOVES.get(key, key)), set()).add(key)
    return words
