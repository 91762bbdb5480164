"""A report as facts: headed parts of typed columns, their totals, and in words what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.utils.translation import gettext as _

from receivables.domain.money import ZERO, round_half_up
from receivables.models import Branch

MOST_DAYS = 366
"""A period holds at most a year, both ends included."""

Kind = Literal["text", "amount", "count", "day", "moment"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what stands in it; `width` in millimetres of an A4, none takes what the others leave."""

    label: Any
    kind: Kind = "text"
    width: int = 0

    @property
    def is_number(self) -> bool:
        return self.kind in ("amount", "count")


@dataclass(frozen=True, slots=True)
class Named:
    """A text that stands for a row of a noun (`receipt`), which a screen may lead to."""

    text: str
    noun: str
    pk: int

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Part:
    """A table of a report; `empty` says what would be here, `total` has a value under each column that has one."""

    title: Any
    columns: Sequence[Column]
    empty: Any
    rows: Sequence[Sequence[Any]] = field(default_factory=list)
    total: Sequence[Any] | None = None


@dataclass(slots=True)
class Sheet:
    """A report: what it is about, its few main numbers, its parts, and notes that say what it leaves out."""

    code: str
    title: str
    about: Sequence[tuple[Any, Any]]
    parts: Sequence[Part]
    numbers: Sequence[tuple[Any, Decimal]] = ()
    notes: Sequence[str] = ()
    is_wide: bool = False


def added(amounts: Any) -> Decimal:
    """Add up amounts in reais, in whole cents: SQLite adds decimals as floats."""
    return round_half_up(sum((amount for amount in amounts if amount is not None), ZERO))


def period_of(first: date, last: date) -> tuple[Any, str]:
    return _("Period"), _("%(first)s to %(last)s") % {"first": f"{first:%d/%m/%Y}", "last": f"{last:%d/%m/%Y}"}


def branch_of(branch: Branch | None) -> tuple[Any, str]:
    return _("Branch"), str(branch) if branch else _("All of yours")


def left_out(shown: int, *, there_are: int) -> list[str]:
    """Say how many rows are not shown though the totals count them."""
    if there_are <= shown:
        return []
    text = _("Only the first %(shown)s of %(count)s lines are shown; the totals are of all of them.")
    return [text % {"shown": shown, "count": there_are}]
