"""The trail: what people, tills and the system did, read from every table that remembers.

Here: what a line tells, what may be asked, and what every table that remembers (a source) answers. The kinds of
source are in `sources`, reading them together in `reader`, what each noun of ours tells in `nouns`; other apps add
theirs when their admin is imported. Nothing is shown of a row whose own list would not show it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib import admin
from django.contrib.admin.utils import lookup_spawns_duplicates
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import pgettext_lazy

from receivables.admin.history import Change, Names

Touched = Mapping[type[models.Model], Collection[int]]
"""Rows by noun: a line is about one of them."""

ADDED, CHANGED = "+", "~"
ACTIONS: dict[str, Any] = {ADDED: pgettext_lazy("action", "Add"), CHANGED: pgettext_lazy("action", "Change")}
"""What can be done beside the moves of `explain.MOVES`; sources add theirs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to read; what is None is not asked. Instants: `since` inclusive, `until` exclusive."""

    since: datetime | None = None
    until: datetime | None = None
    actors: Collection[str] | None = None
    channel: str = ""
    actions: Collection[str] | None = None
    noun: str = ""
    touching: Sequence[Touched] = ()
    """A line is about one row of each of these."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page of lines ended."""

    at: datetime
    source: str
    key: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}|{self.source}|{self.key}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read a mark back; whatever else somebody typed is none."""
        at, _bar, rest = text.partition("|")
        source, _bar, key = rest.partition("|")
        try:
            moment = parse_datetime(at)
        except ValueError:
            return None
        if moment is None or moment.tzinfo is None or not (key.isascii() and key.isdigit() and len(key) < 19):
            return None
        return cls(moment, source, int(key))


@dataclass(slots=True)
class Line:
    """One thing that was done: who, when, through what, a sentence without its subject, and what it changed."""

    at: datetime
    actor: str
    user_id: int | None
    channel: Any
    noun: Any
    action: Any
    deed: str
    row: str = ""
    address: str = ""
    facts: Sequence[Any] = ()
    reason: str = ""
    changes: Sequence[Change] = ()
    details: Sequence[str] = ()
    where: str = ""
    who: str = ""


class Source:
    """A table that remembers. `noun` is whose list says who may see its rows, to which `within` leads from them."""

    at: ClassVar[str] = "posted_at"
    actor: ClassVar[str] = "actor"

    def __init__(self, model: type[models.Model], *, noun: Any = None, within: str = "pk") -> None:
        self.model, self.noun, self.within = model, noun or model, within

    @property
    def subject(self) -> type[models.Model]:
        """What its lines are about."""
        return self.model

    @property
    def code(self) -> str:
        """Give the name of the source in addresses."""
        return self.subject._meta.label_lower

    @property
    def label(self) -> Any:
        return self.subject._meta.verbose_name

    @property
    def actions(self) -> frozenset[str]:
        """The actions that its lines may tell."""
        return frozenset({ADDED})

    # Which rows

    def rows(self, request: HttpRequest, asked: Asked) -> QuerySet | None:
        """Give the rows that the person may see and asked for; None where it has none by its nature."""
        if asked.noun and asked.noun != self.code:
            return None
        rows = self.seen(request, self.model._base_manager.all())
        for touched in asked.touching:
            rows = None if rows is None else self.about(rows, touched)
        if rows is not None and asked.actions is not None:
            rows = self.done(rows, asked.actions)
        return None if rows is None else self._signed(rows, asked)

    def _signed(self, rows: QuerySet, asked: Asked) -> QuerySet:
        if asked.since is not None:
            rows = rows.filter(**{f"{self.at}__gte": asked.since})
        if asked.until is not None:
            rows = rows.filter(**{f"{self.at}__lt": asked.until})
        if asked.channel:
            rows = self.through(rows, asked.channel)
        return rows if asked.actors is None else self.by(rows, asked.actors)

    def seen(self, request: HttpRequest, rows: QuerySet) -> QuerySet | None:
        """Limit rows to those whose noun's own list would show them to the person."""
        page: Any = admin.site._registry.get(self.noun)
        if page is None:
            return rows if is_superuser(request) else None
        if not page.has_view_permission(request):
            return None
        if is_superuser(request):
            return rows
        return rows.filter(**{f"{self.within}__in": page.get_queryset(request).order_by().values("pk")})

    def about(self, rows: QuerySet, touched: Touched) -> QuerySet | None:
        """Limit rows to those about one of the touched; None where the table knows nothing of such nouns."""
        found = touching(self.model, touched, subject=self.subject)
        return None if found is None else rows.filter(found)

    def done(self, rows: QuerySet, actions: Collection[str]) -> QuerySet | None:
        """Limit rows to some actions."""
        return rows if self.actions & set(actions) else None

    def by(self, rows: QuerySet, actors: Collection[str]) -> QuerySet:
        return rows.filter(**{f"{self.actor}__in": actors})

    def through(self, rows: QuerySet, channel: str) -> QuerySet:
        return rows.filter(channel=channel)

    # What they tell

    def load(self, keys: Collection[int]) -> Sequence[Any]:
        """Fetch rows with all that their lines need."""
        return list(self.model._base_manager.filter(pk__in=keys))

    def named(self, rows: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
        """Give the model and key of each row that must be called by its name."""
        return ()

    def tell(self, rows: Sequence[Any], names: Names) -> Iterator[Line]:
        """Give a line for each row, in their order."""
        raise NotImplementedError

    def stamp(self, row: Any) -> Mark:
        return Mark(getattr(row, self.at), self.code, row.pk)


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


# What a table knows of a noun


LOOKUPS: dict[type[models.Model], dict[type[models.Model], tuple[str, ...]]] = {}
"""By which of its own lookups a table tells that it is about a noun; foreign keys to the noun need no entry."""


def lookups_of(subject: type[models.Model], about: type[models.Model]) -> tuple[str, ...]:
    """Give the lookups from a noun, or from its versions, to another noun."""
    known = LOOKUPS.get(subject, {})
    if about in known:
        return known[about]
    if subject is about:
        return (str(subject._meta.pk.name),)
    return tuple(each.name for each in subject._meta.concrete_fields if each.related_model is about)


def touching(model: type[models.Model], touched: Touched, *, subject: type[models.Model] | None = None) -> Q | None:
    """Give the condition that a row is about one of the touched rows; None where no lookup leads to any of them."""
    pairs = [(path, ids) for about, ids in touched.items() for path in lookups_of(subject or model, about)]
    if not pairs:
        return None
    pairs = [(path, ids) for path, ids in pairs if ids]
    if not pairs:
        return Q(pk__in=[])
    if len(pairs) == 1 and not lookup_spawns_duplicates(model._meta, pairs[0][0]):
        return Q(**{f"{pairs[0][0]}__in": pairs[0][1]})
    # A union, so that each lookup may use its own index however large the table is.
    every = [model._base_manager.filter(**{f"{path}__in": ids}).order_by().values("pk") for path, ids in pairs]
    return Q(pk__in=every[0].union(*every[1:]) if every[1:] else every[0])


def address_of(model: type[models.Model], key: Any) -> str:
    """Give the address of a row's page; "" where its noun has none."""
    if model not in admin.site._registry:
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[key])
