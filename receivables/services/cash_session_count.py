"""A session's cash count: what each means of payment should have brought, what was counted, what came later (G.11).

A closing is never rewritten: what it said stands beside what it is now. Only what the station sent later belongs to the
count; what the back office undid later left the drawer of another hour. Money is in reais.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Case, Q, Sum, Value, When

from receivables.domain.money import ZERO, round_half_up
from receivables.models import (
    BranchPaymentMethod,
    CashMovement,
    CashSession,
    LedgerAccount,
    Origin,
    PaymentMethod,
)

RECEIPTS, VOIDS, CASH_IN, CASH_OUT = "receipts", "voids", "cash_in", "cash_out"
STATION = Origin.TILL.value
"""The channel through which stations sign what they post."""

CountOf = Callable[[PaymentMethod], "MethodCount"]


@dataclass(slots=True)
class MethodCount:
    """One means of payment in a session: what moved until the closing, what came later, what was counted."""

    method: PaymentMethod
    account: LedgerAccount | None
    float_amount: Decimal = ZERO
    moved: dict[str, Decimal] = field(default_factory=dict)
    late: Decimal = ZERO
    undone: Decimal = ZERO
    counted: Decimal | None = None

    @property
    def expected(self) -> Decimal:
        """What the closing expected, or an open session expects so far."""
        return self.float_amount + sum(self.moved.values(), ZERO)

    @property
    def expected_now(self) -> Decimal:
        return self.expected + self.late

    @property
    def difference(self) -> Decimal | None:
        """What was counted less what the closing expected: negative where money was missing."""
        return None if self.counted is None else self.counted - self.expected

    @property
    def difference_now(self) -> Decimal | None:
        """The difference once what came later is known."""
        return None if self.counted is None else self.counted - self.expected_now

    def of(self, kind: str) -> Decimal:
        return self.moved.get(kind, ZERO)


@dataclass(frozen=True, slots=True)
class AccountDifference:
    """What a session's count leaves to be posted in one account, and the movement that a person posted, if one did."""

    account: LedgerAccount
    difference: Decimal
    movement: CashMovement | None

    @property
    def still_to_post(self) -> Decimal:
        return self.difference - (self.movement.amount if self.movement else ZERO)


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """A session by means of payment, in the order of their codes."""

    session: CashSession
    methods: Sequence[MethodCount]

    @property
    def is_counted(self) -> bool:
        return any(each.counted is not None for each in self.methods)

    def total(self, column: str) -> Decimal:
        """Add up a column of the means; what was not counted counts as nothing."""
        return sum((getattr(each, column) or ZERO for each in self.methods), ZERO)

    def total_of(self, kind: str) -> Decimal:
        return sum((each.of(kind) for each in self.methods), ZERO)

    def differences(self) -> list[AccountDifference]:
        """Give the difference of each account that the means go to; means of one account make one difference."""
        by_account: dict[int, tuple[LedgerAccount, Decimal]] = {}
        for each in self.methods:
            if each.account is not None and each.difference_now is not None:
                _account, so_far = by_account.get(each.account.pk, (each.account, ZERO))
                by_account[each.account.pk] = each.account, so_far + each.difference_now
        posted = {row.account_id: row for row in _posted(self.session)}
        found = [AccountDifference(account, sum_, posted.get(pk)) for pk, (account, sum_) in by_account.items()]
        return [each for each in found if each.difference or each.movement]


def _posted(session: CashSession) -> Iterable[CashMovement]:
    rows = CashMovement.objects.posted().filter(session_difference_of__session=session, reverses=None)
    return rows.select_related("account")


def session_figures(session: CashSession) -> SessionFigures:
    """Tell a session's count, in a number of statements that does not grow with its movements."""
    usual = {
        row.method.code: row
        for row in BranchPaymentMethod.objects.filter(branch=session.branch_id).select_related("method", "account")
    }
    found: dict[str, MethodCount] = {}

    def count_of(method: PaymentMethod) -> MethodCount:
        account = usual[method.code].account if method.code in usual else None
        return found.setdefault(method.code, MethodCount(method=method, account=account))

    if PaymentMethod.CASH in usual:
        count_of(usual[PaymentMethod.CASH].method).float_amount = session.float_amount
    _put_movements(session, count_of)
    _put_counts(session, count_of, found)
    return SessionFigures(session, [found[code] for code in sorted(found)])


def _put_movements(session: CashSession, count_of: CountOf) -> None:
    rows = list(_movements(session))
    methods = PaymentMethod.objects.in_bulk({row["code"] for row in rows}, field_name="code")
    for row in rows:
        count, amount = count_of(methods[row["code"]]), round_half_up(row["amount"] or ZERO)
        if not row["is_late"]:
            count.moved[row["kind"]] = count.of(row["kind"]) + amount
        elif row["is_stations"]:
            count.late += amount
        else:
            count.undone += amount


def _movements(session: CashSession) -> Iterable[dict[str, Any]]:
    """Sum a session's movements by means, kind, and whether they came after the closing and from where."""
    kind = Case(
        When(reverses__isnull=False, then=Value(VOIDS)), When(receipt__isnull=False, then=Value(RECEIPTS)),
        When(amount__gt=0, then=Value(CASH_IN)), default=Value(CASH_OUT),
    )  # fmt: skip
    rows: Any = CashMovement.objects.filter(session=session).with_method().order_by()
    return rows.values(
        "code", kind=kind, is_late=_says(session_supplement_of__isnull=False), is_stations=_says(channel=STATION)
    ).annotate(amount=Sum("amount"))  # fmt: skip


def _says(**facts: object) -> Case:
    return Case(When(Q(**facts), then=Value(value=True)), default=Value(value=False), output_field=BooleanField())


def _put_counts(session: CashSession, count_of: CountOf, found: dict[str, MethodCount]) -> None:
    """Put what was counted; in a closed session what nobody named was counted as nothing."""
    closing = getattr(session, "closing", None)
    if closing is None:
        return
    for row in closing.counts.select_related("method"):
        count = count_of(row.method)
        count.counted = (count.counted or ZERO) + row.amount
    for count in found.values():
        count.counted = ZERO if count.counted is None else count.counted
