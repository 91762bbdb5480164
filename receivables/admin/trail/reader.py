"""Reading all that remembers together, a page at a time: each read is bounded, whatever the tables hold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from receivables.admin.history import Names
from receivables.admin.trail import Asked, Line, Mark, Source
from receivables.admin.trail.sources import sources
from receivables.models import SYSTEM


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines in order, and where the next page begins, if there is one."""

    lines: Sequence[Line]
    after: Mark | None = None


def read(
    request: HttpRequest, asked: Asked, *, most: int, after: Mark | None = None, oldest_first: bool = False
) -> Page:
    """Read at most `most` lines after a mark; the number of queries does not grow with the number of rows."""
    known = {each.code: each for each in sources()}
    marks: list[Mark] = []
    for code, source in known.items():
        rows = source.rows(request, asked)
        if rows is not None:
            if after is not None:
                rows = rows.filter(_beyond(source, code, after, oldest_first=oldest_first))
            marks += _first_of(source, code, rows, most + 1, oldest_first=oldest_first)
    marks.sort(key=lambda mark: (mark.at, mark.source, mark.key), reverse=not oldest_first)
    chosen = marks[:most]
    return Page(_told(known, chosen), chosen[-1] if len(marks) > most else None)


def _first_of(source: Source, code: str, rows: QuerySet, most: int, *, oldest_first: bool) -> list[Mark]:
    order = (source.at, "pk") if oldest_first else (f"-{source.at}", "-pk")
    pairs = rows.order_by(*order).values_list(source.at, "pk")
    return [Mark(at, code, key) for at, key in pairs[:most]]


def _beyond(source: Source, code: str, after: Mark, *, oldest_first: bool) -> Q:
    """Give the condition that a row comes after a mark in the order (instant, source, key)."""
    side = "gt" if oldest_first else "lt"
    later = Q(**{f"{source.at}__{side}": after.at})
    if code == after.source:
        return later | Q(**{source.at: after.at, f"pk__{side}": after.key})
    is_behind = code > after.source if oldest_first else code < after.source
    return later | Q(**{source.at: after.at}) if is_behind else later


def _told(known: Mapping[str, Source], marks: Sequence[Mark]) -> list[Line]:
    rows: dict[str, Sequence[Any]] = {
        code: source.load([mark.key for mark in marks if mark.source == code])
        for code, source in known.items()
        if any(mark.source == code for mark in marks)
    }
    names = Names(pair for code, found in rows.items() for pair in known[code].named(found))
    lines = {
        (code, row.pk): line
        for code, found in rows.items()
        for row, line in zip(found, known[code].tell(found, names), strict=True)
    }
    told = [lines[mark.source, mark.key] for mark in marks]
    _name_people(told)
    return told


# Who


def _name_people(lines: Sequence[Line]) -> None:
    """Call each actor as people do: `Ana Souza (Tesouraria)`, the name of a till, or the system."""
    people: dict[Any, str] = {}
    known = Q(pk__in={line.user_id for line in lines if line.user_id}) | Q(username__in={line.actor for line in lines})
    for user in get_user_model().objects.filter(known).prefetch_related("groups"):
        people[user.pk] = people[user.get_username()] = called(user)
    for line in lines:
        line.who = people.get(line.user_id) or people.get(line.actor) or _name_of(line.actor)


def called(user: Any) -> str:
    """Give a person's name with the groups."""
    groups = ", ".join(sorted(group.name for group in user.groups.all()))
    name = user.get_full_name() or user.get_username()
    return f"{name} ({groups})" if groups else name


def _name_of(actor: str) -> str:
    return gettext("System") if actor == SYSTEM.name else actor or "—"


ACTORS: list[Callable[[HttpRequest], Iterable[tuple[str, str]]]] = []
"""Who may be asked for beside people: name in the trail and name on the screen; other apps add theirs."""
