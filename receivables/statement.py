"""Extrato: an account's movements day by day with running balances, the figures of one day, and all accounts at once.

Read-only. A page of lines is bounded, its balance carried; the number of statements never grows with the lines (G.4).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from receivables.domain.cash_day import expected_by_method
from receivables.domain.money import ZERO, round_half_up
from receivables.models import (
    CashDay,
    CashDayClosing,
    CashDayStatus,
    CashMovement,
    ClosedCashReversal,
    LedgerAccount,
    PaymentMethod,
)
from receivables.models.cash_movement import Moved
from receivables.reports import MONEY, of_branches, summed, with_open_difference

LINES_PER_PAGE = 500
LONGEST_PERIOD = timedelta(days=366)

Mark = tuple[date, int]
"""A place in a statement: the cash date and the id of its last line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A movement and the account's balance after it, in reais."""

    movement: CashMovement
    balance: Decimal

    @property
    def is_undone(self) -> bool:
        """Say whether the line is one of the two of a reversal."""
        return self.movement.reverses_id is not None or self.movement.status == "reversed"


@dataclass(slots=True)
class StatementDay:
    """A day of a statement; a day that goes over the end of a page is `cut` there, and goes on in the next one."""

    day: date
    opening: Decimal
    is_closed: bool
    lines: list[Line] = field(default_factory=list)
    closing: CashDayClosing | None = None
    cash_day: CashDay | None = None
    is_cut: bool = False

    @property
    def moved(self) -> Moved:
        amounts = [line.movement.amount for line in self.lines]
        return Moved(sum((a for a in amounts if a > 0), ZERO), sum((a for a in amounts if a < 0), ZERO))

    @property
    def balance(self) -> Decimal:
        return self.lines[-1].balance if self.lines else self.opening


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of an account's statement from `first` to `last`, both included; amounts in reais.

    `opening`, `moved` and `balance` are of the whole period; `carried` is the balance with which the page begins.
    `onward` is where the next page begins, None on the last one.
    """

    account: LedgerAccount
    first: date
    last: date
    opening: Decimal
    moved: Moved
    carried: Decimal
    days: Sequence[StatementDay]
    onward: Mark | None = None

    @property
    def balance(self) -> Decimal:
        return self.opening + self.moved.total


def statement(
    account: LedgerAccount, *, first: date, last: date, after: Mark | None = None, lines: int = LINES_PER_PAGE
) -> Statement:
    """Give the page of an account's statement that begins after a mark, at most so many lines of it."""
    movements = CashMovement.objects.filter(account=account)
    rows = movements.filter(cash_date__gte=first, cash_date__lte=last)
    sums = rows.aggregate(
        credits=summed("amount", filter=Q(amount__gt=0)), debits=summed("amount", filter=Q(amount__lt=0))
    )
    opening = carried = movements.filter(cash_date__lt=first).balance()
    if after is not None:
        carried += rows.filter(_up_to(after)).balance()
        rows = rows.exclude(_up_to(after))
    found = list(with_origins(rows).order_by("cash_date", "pk")[: lines + 1])
    shown, onward = found[:lines], _mark(found[lines - 1]) if len(found) > lines else None
    return Statement(
        account=account,
        first=first,
        last=last,
        opening=opening,
        moved=Moved(round_half_up(sums["credits"]), round_half_up(sums["debits"])),
        carried=carried,
        days=_days(account, shown, carried=carried, since=after[0] if after else first,
                   until=onward[0] if onward else last, is_cut=onward is not None),
        onward=onward,
    )  # fmt: skip


def _up_to(mark: Mark) -> Q:
    return Q(cash_date__lt=mark[0]) | Q(cash_date=mark[0], pk__lte=mark[1])


def _mark(movement: CashMovement) -> Mark:
    return movement.cash_date, movement.pk


def with_origins(rows: QuerySet) -> QuerySet:
    """Bring along what a line tells of where it comes from."""
    return rows.select_related(
        "history_code", "document_type", "title", "receipt", "tender__method", "session__branch", "reversal__receipt",
        "reversed_by", "clears", "difference_of__cash_day", "credit__customer",
        "session_difference_of__session__branch",
    )  # fmt: skip


def _days(
    account: LedgerAccount, rows: Sequence[CashMovement], *, carried: Decimal, since: date, until: date, is_cut: bool
) -> list[StatementDay]:
    """Group the lines by day, with the days that were closed without a line."""
    known = _cash_days(account, since=since, until=until)
    closed_until = last_closed_day(account)
    by_day = {day: list(group) for day, group in groupby(rows, key=lambda row: row.cash_date)}
    silent = {day for day, cash_day in known.items() if cash_day.status == CashDayStatus.CLOSED}
    days, balance = [], carried
    for day in sorted(by_day.keys() | silent):
        cash_day = known.get(day)
        shown = StatementDay(
            day=day, opening=balance, cash_day=cash_day, closing=standing_closing(cash_day),
            is_closed=closed_until is not None and day <= closed_until, is_cut=is_cut and day == until,
        )  # fmt: skip
        for movement in by_day.get(day, ()):
            balance += movement.amount
            shown.lines.append(Line(movement, balance))
        days.append(shown)
    return days


def _cash_days(account: LedgerAccount, *, since: date, until: date) -> dict[date, CashDay]:
    rows = CashDay.objects.filter(account=account, day__gte=since, day__lte=until)
    return {row.day: row for row in rows.prefetch_related("closings__count", "closings__reopening")}


def last_closed_day(account: LedgerAccount) -> date | None:
    """Give the newest closed day of an account: it closes every day before it."""
    return CashDay.objects.closed().filter(account=account).aggregate(last=Max("day"))["last"]


def standing_closing(cash_day: CashDay | None) -> CashDayClosing | None:
    """Give the closing that stands; a reopened day has none."""
    if cash_day is None or cash_day.status != CashDayStatus.CLOSED:
        return None
    return next(iter(cash_day.closings.all()), None)


# One day


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """A means of payment in an account's day, in reais; `opening` is what lay in the drawer in the morning."""

    method: PaymentMethod
    opening: Decimal
    moved: Moved
    counted: Decimal | None = None
    expected_then: Decimal | None = None
    """What the books expected when it was counted; the day may have taken supplements since."""

    @property
    def expected(self) -> Decimal:
        return self.opening + self.moved.total

    @property
    def difference(self) -> Decimal | None:
        return None if self.counted is None or self.expected_then is None else self.counted - self.expected_then


@dataclass(frozen=True, slots=True)
class DayFigures:
    """All that is told of an account's day, on the screen and on paper; amounts in reais."""

    account: LedgerAccount
    day: date
    opening: Decimal
    moved: Moved
    methods: Sequence[MethodFigures]
    is_closed: bool
    cash_day: CashDay | None = None
    closing: CashDayClosing | None = None

    @property
    def balance(self) -> Decimal:
        return self.opening + self.moved.total

    def lines(self) -> Iterator[Line]:
        """Give the day's movements in order of posting with the running balance; supplements carry their number."""
        balance = self.opening
        rows = CashMovement.objects.filter(account=self.account, cash_date=self.day)
        for movement in with_origins(rows).order_by("pk").iterator(chunk_size=LINES_PER_PAGE):
            balance += movement.amount
            yield Line(movement, balance)


def day_figures(account: LedgerAccount, day: date) -> DayFigures:
    """Add up an account's day by means of payment; where it was counted, beside what was counted."""
    movements = CashMovement.objects.filter(account=account)
    moved = movements.filter(cash_date=day).by_method()
    opening = movements.filter(cash_date__lt=day).balance()
    cash_day = _cash_days(account, since=day, until=day).get(day)
    closing = standing_closing(cash_day)
    closed_until = last_closed_day(account)
    return DayFigures(
        account=account,
        day=day,
        opening=opening,
        moved=Moved(sum((m.credits for m in moved.values()), ZERO), sum((m.debits for m in moved.values()), ZERO)),
        methods=_methods(account, moved, opening=opening, closing=closing),
        is_closed=closed_until is not None and day <= closed_until,
        cash_day=cash_day,
        closing=closing,
    )


def _methods(
    account: LedgerAccount, moved: dict[str, Moved], *, opening: Decimal, closing: CashDayClosing | None
) -> list[MethodFigures]:
    has_drawer = account.kind == LedgerAccount.Kind.CASH
    expected = expected_by_method(
        moved={code: each.total for code, each in moved.items()},
        usual=account.usual_methods(),
        opening=opening if has_drawer else None,
    )
    counts = {}
    if closing is not None and closing.count is not None:
        counts = {line.method.code: line for line in closing.count.lines.select_related("method")}
    methods = PaymentMethod.objects.filter(code__in=expected.keys() | counts.keys())
    return [
        MethodFigures(
            method=method,
            opening=opening if has_drawer and method.code == PaymentMethod.CASH else ZERO,
            moved=moved.get(method.code, Moved()),
            counted=counts[method.code].counted_amount if method.code in counts else None,
            expected_then=counts[method.code].expected_amount if method.code in counts else None,
        )
        for method in methods.order_by("code")
    ]


@dataclass(frozen=True, slots=True)
class ClosedAlong:
    """What closing a day means for the days before it: those still open go first, the silent ones close with it.

    `since` is the newest day that is closed already; without one, every day before is closed at once (ADR 0007).
    """

    open_days: Sequence[CashDay]
    silent_days: Sequence[date]
    since: date | None


def closed_along(account: LedgerAccount, day: date) -> ClosedAlong:
    """Tell which days before `day` closing it would close with it, and which ask to be closed before."""
    open_days = list(CashDay.objects.filter(account=account, day__lt=day, status=CashDayStatus.OPEN).order_by("day"))
    since = CashDay.objects.closed().filter(account=account, day__lt=day).aggregate(last=Max("day"))["last"]
    known = {row.day for row in open_days}
    between = [since + timedelta(past) for past in range(1, (day - since).days)] if since else []
    return ClosedAlong(open_days, [each for each in between if each not in known], since)


# All accounts


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """How an account stands: its balance at the end of a day, what is dated later, and what waits for a person."""

    account: LedgerAccount
    balance: Decimal
    later: Decimal
    last_closed: date | None
    oldest_open: date | None
    differences: int
    difference: Decimal


def accounts_of(user: Any) -> QuerySet:
    """Give the accounts that a person may look at, those out of use as well."""
    return of_branches(LedgerAccount.objects.all(), user, "branch")


def account_figures(user: Any, *, on: date) -> list[AccountFigures]:
    """Tell how each account of the user's branches stands at the end of a day; one statement for each kind of sum."""
    accounts = list(_with_balances(accounts_of(user), on=on).select_related("branch"))
    differences = _open_differences([account.pk for account in accounts])
    return [
        AccountFigures(
            account=account,
            balance=round_half_up(account.balance),
            later=round_half_up(account.later),
            last_closed=account.last_closed,
            oldest_open=account.oldest_open,
            differences=differences.get(account.pk, (0, ZERO))[0],
            difference=differences.get(account.pk, (0, ZERO))[1],
        )
        for account in accounts
        if account.is_active or account.balance or account.later
    ]


def _with_balances(accounts: QuerySet, *, on: date) -> QuerySet:
    movements = CashMovement.objects.filter(account=OuterRef("pk")).order_by().values("account")
    days = CashDay.objects.filter(account=OuterRef("pk")).order_by().values("account")
    return accounts.annotate(
        balance=_sum_of(movements.filter(cash_date__lte=on)),
        later=_sum_of(movements.filter(cash_date__gt=on)),
        last_closed=Subquery(days.filter(status=CashDayStatus.CLOSED).annotate(last=Max("day")).values("last")),
        oldest_open=Subquery(
            days.filter(status=CashDayStatus.OPEN, day__lt=on).annotate(oldest=Min("day")).values("oldest")
        ),
    ).order_by("short_code")


def _sum_of(movements: QuerySet) -> Coalesce:
    return Coalesce(Subquery(movements.annotate(total=Sum("amount")).values("total")), ZERO, output_field=MONEY)


def _open_differences(ids: Sequence[int]) -> dict[int, tuple[int, Decimal]]:
    rows = with_open_difference(ClosedCashReversal.objects.filter(account__in=ids)).exclude(open_difference=0)
    found: dict[int, tuple[int, Decimal]] = {}
    for account_id, amount in rows.order_by().values_list("account", F("open_difference")):
        count, total = found.get(account_id, (0, ZERO))
        found[account_id] = (count + 1, total + round_half_up(amount))
    return found
