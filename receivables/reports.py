"""What the screens add up: read-only sums over the rows of one's own branches, each a single statement.

`WAITING` lists the questions of the start page; other apps append theirs when they are ready. Nothing is written here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, F, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from receivables.domain.money import ZERO, round_half_up
from receivables.models import (
    ClosedCashReversal,
    Divergence,
    DivergenceStatus,
    Installment,
    MovementStatus,
    Receipt,
    ReceiptTender,
    Reversal,
    Title,
)
from receivables.models.installment import OPEN, in_time_since

MONEY = DecimalField(max_digits=15, decimal_places=2)
DAYS_BACK = 14
MANY_OPEN = 100_000
"""From so many open installments on, their aging is a request of its own."""


def of_branches(rows: Any, user: Any, lookup: str) -> Any:
    """Limit rows to those that `lookup` leads to a branch of the user's; a superuser sees all."""
    return rows if user.is_superuser else rows.filter(**{f"{lookup}__in": user.branches.values("pk")})


def of_titles(installments: Any, titles: Any) -> Any:
    """Limit installments to those of some titles; where the titles are all there are, nothing is looked up."""
    return installments.filter(title__in=titles.order_by().values("pk")) if titles.query.where else installments


def summed(column: str, **options: Any) -> Sum:
    return Sum(column, default=ZERO, output_field=MONEY, **options)


# What is to be received, by age


@dataclass(frozen=True, slots=True)
class Band:
    """Due dates from `first` to `last` days after today, both included; None is without end.

    What fell due on days without banks and is still payable is due today, not overdue (G.17).
    """

    code: str
    label: Any
    first: int | None
    last: int | None

    @property
    def is_overdue(self) -> bool:
        return self.last is not None and self.last < 0

    def span(self, column: str, *, on: date, in_time: date | None = None) -> Q:
        """Give the condition on a column of dates; `in_time` is what `in_time_since` says of the day."""
        first, last = self.ends(on=on, in_time=in_time or in_time_since(on))
        ends = {"gte": first, "lte": last}
        return Q(**{f"{column}__{end}": day for end, day in ends.items() if day is not None})

    def holds(self, due_date: date, *, on: date, in_time: date) -> bool:
        """Say whether a due date is in the band."""
        first, last = self.ends(on=on, in_time=in_time)
        return (first is None or first <= due_date) and (last is None or due_date <= last)

    def ends(self, *, on: date, in_time: date) -> tuple[date | None, date | None]:
        """Give the first and the last due date of the band; it is empty where the first is after the last."""
        first = None if self.first is None else on + timedelta(self.first)
        last = None if self.last is None else on + timedelta(self.last)
        if self.first == 0:
            first = in_time
        if last is not None and self.is_overdue:
            last = min(last, in_time - timedelta(1))
        return first, last


BANDS = (
    Band("over-90", _("Overdue for more than 90 days"), None, -91),
    Band("61-90", _("Overdue for 61 to 90 days"), -90, -61),
    Band("31-60", _("Overdue for 31 to 60 days"), -60, -31),
    Band("1-30", _("Overdue for 1 to 30 days"), -30, -1),
    Band("today", _("Due today"), 0, 0),
    Band("next-7", _("Due in 1 to 7 days"), 1, 7),
    Band("next-30", _("Due in 8 to 30 days"), 8, 30),
    Band("later", _("Due later"), 31, None),
)
"""Every open installment is in exactly one."""


@dataclass(frozen=True, slots=True)
class Aged:
    """How many installments of a band are open, and what they owe in reais, charges apart."""

    band: Band
    count: int
    amount: Decimal


def aging(user: Any, *, on: date) -> list[Aged]:
    """Add up the open balances of the user's branches by band of due date."""
    rows = of_titles(Installment.objects.open(), Title.objects.visible_to(user))
    days = list(rows.order_by().values("due_date").annotate(count=Count("pk"), owed=summed("balance")))
    in_time = in_time_since(on)
    return [_aged(band, [day for day in days if band.holds(day["due_date"], on=on, in_time=in_time)]) for band in BANDS]


def _aged(band: Band, days: Sequence[Mapping[str, Any]]) -> Aged:
    owed = sum((day["owed"] for day in days), ZERO)
    return Aged(band, sum(day["count"] for day in days), round_half_up(owed))


def is_aging_long() -> bool:
    """Say whether so much is open that adding it up takes a moment; counts no further than that."""
    rows = Installment.objects.filter(status__in=OPEN).order_by("due_date").values_list("due_date", flat=True)
    return bool(rows[MANY_OPEN : MANY_OPEN + 1])


# What was received


@dataclass(frozen=True, slots=True)
class Received:
    """An amount in reais under a name; `key` is the branch's id or the method's code."""

    key: Any
    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """What was received on a day, in reais; later reversals are not taken off."""

    by_method: Sequence[Received]
    by_branch: Sequence[Received]
    total: Decimal


def received(user: Any, *, on: date) -> Day:
    """Add up what the user's branches received on a day, by means of payment and by branch."""
    rows = of_branches(ReceiptTender.objects.filter(receipt__received_on=on), user, "receipt__branch")
    methods = {"method_key": F("method__code"), "method_name": F("method__name")}
    branches = {"branch_key": F("receipt__branch"), "branch_code": F("receipt__branch__code"),
                "branch_name": F("receipt__branch__name")}  # fmt: skip
    found = list(rows.values(**methods, **branches).annotate(paid=summed("amount")).order_by())
    return Day(
        by_method=_totals((row["method_key"], row["method_name"], row["paid"]) for row in found),
        by_branch=_totals(
            (row["branch_key"], f"{row['branch_code']} · {row['branch_name']}", row["paid"]) for row in found
        ),
        total=round_half_up(sum((row["paid"] for row in found), ZERO)),
    )


def _totals(lines: Iterator[tuple[Any, str, Decimal]]) -> list[Received]:
    """Add up lines of one key, the largest first."""
    names: dict[Any, str] = {}
    amounts: dict[Any, Decimal] = {}
    for key, name, amount in lines:
        names[key], amounts[key] = name, amounts.get(key, ZERO) + amount
    totals = [Received(key, names[key], round_half_up(amount)) for key, amount in amounts.items()]
    return sorted(totals, key=lambda line: (-line.amount, line.name))


def received_per_day(user: Any, *, on: date, days: int = DAYS_BACK) -> list[tuple[date, Decimal]]:
    """Give what the user's branches received on each of the last days, oldest first and `on` last."""
    first = on - timedelta(days - 1)
    rows = of_branches(Receipt.objects.filter(received_on__gte=first, received_on__lte=on), user, "branch")
    found = dict(
        rows.values("received_on").annotate(paid=summed("amount")).order_by().values_list("received_on", "paid")
    )
    return [(day, round_half_up(found.get(day, ZERO))) for day in (first + timedelta(past) for past in range(days))]


# What waits for a person


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits: how many, what they amount to in reais where that says something, a few of them in words.

    `query` filters the noun's list to exactly these rows.
    """

    count: int
    query: Mapping[str, str]
    amount: Decimal | None = None
    examples: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the start page about rows of a noun (`receivables.divergence`); `calm` is said when none waits."""

    noun: str
    label: Any
    calm: Any
    ask: Callable[..., Waiting]


WAITING: list[Question] = []


def reversals_of(user: Any, *, on: date) -> Waiting:
    """Tell the reversals made on a day."""
    rows = of_branches(Reversal.objects.filter(reversed_on=on), user, "receipt__branch")
    query = {"reversed_on__gte": on.isoformat(), "reversed_on__lt": (on + timedelta(1)).isoformat()}
    return _waiting(rows, "amount", query)


def with_open_difference(rows: QuerySet) -> QuerySet:
    """Annotate known cash differences with what posted movements did not clear yet (G.4)."""
    cleared = Q(clearings__status=MovementStatus.POSTED, clearings__reverses=None)
    return rows.annotate(open_difference=F("known_difference") + summed("clearings__amount", filter=cleared))


def open_differences(user: Any, *, on: date) -> Waiting:
    """Tell the known cash differences that are not cleared."""
    rows = of_branches(ClosedCashReversal.objects.all(), user, "account__branch")
    return _waiting(with_open_difference(rows).exclude(open_difference=0), "open_difference", {"open": "yes"})


def open_divergences(user: Any, *, on: date) -> Waiting:
    """Tell the divergences that nobody resolved."""
    rows = of_branches(Divergence.objects.filter(status=DivergenceStatus.OPEN), user, "branch")
    return _waiting(rows, "amount", {"queue": "open"})


def _waiting(rows: QuerySet, column: str, query: Mapping[str, str]) -> Waiting:
    found = rows.order_by().aggregate(count=Count("pk"), total=summed(column))
    return Waiting(found["count"], query, amount=round_half_up(found["total"]))


WAITING += [
    Question("receivables.reversal", _("Reversals today"), _("Nothing was reversed today."), reversals_of),
    Question(
        "receivables.closedcashreversal", _("Known cash differences open"), _("Every known difference is cleared."),
        open_differences,
    ),
    Question("receivables.divergence", _("Divergences open"), _("No divergence waits."), open_divergences),
]  # fmt: skip


# The totals of a list


@dataclass(frozen=True, slots=True)
class Totals:
    """What the titles of a list come to, in reais."""

    amount: Decimal
    balance: Decimal
    overdue: Decimal


def totals_of_titles(titles: QuerySet, *, on: date) -> Totals:
    """Add up amount, open balance and what of it is overdue for the titles that a filter found."""
    whole = titles.order_by().aggregate(total=summed("amount"))
    late = summed("balance", filter=Q(due_date__lt=in_time_since(on)))
    found = of_titles(Installment.objects.open(), titles).aggregate(open=summed("balance"), late=late)
    return Totals(*map(round_half_up, (whole["total"], found["open"], found["late"])))


def total_of(rows: QuerySet, column: str) -> Decimal:
    """Add up one column of the rows that a filter found, in reais."""
    return round_half_up(rows.order_by().aggregate(total=summed(column))["total"])
