"""What is expected when an account's day is counted, the counts, and what their difference still asks for (G.11).

The day is locked and closed in `cash_day`. A difference never moves money by itself: a person posts it as an ordinary
movement, in `cash_movement`.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from receivables.domain.cash_day import expected_by_method
from receivables.domain.errors import (
    CountOutdated,
    CountRequired,
    DifferenceCountedAgain,
    MethodNotCounted,
    PaymentMethodNotSetUp,
)
from receivables.domain.money import ZERO, round_half_up, to_cents
from receivables.models import (
    CashDay,
    CashDayClosing,
    CashDayCount,
    CashDayCountLine,
    CashMovement,
    LedgerAccount,
    PaymentMethod,
)


def counts_blind(account: LedgerAccount) -> bool:
    """Say whether what is expected stays hidden until it was counted, in the set of the account's branch (G.13)."""
    return account.branch.parameter_set.blind_closing


def opening_of(account: LedgerAccount, *, day: date) -> Decimal | None:
    """Give the balance that lies in the drawer when the day begins; a bank account has no drawer."""
    if account.kind != LedgerAccount.Kind.CASH:
        return None
    return CashMovement.objects.filter(account=account, cash_date__lt=day).balance()


def expected_of(account: LedgerAccount, *, day: date) -> dict[str, Decimal]:
    """Give what the books expect of each means of payment at the end of the day, in reais, by the means' code."""
    moved = CashMovement.objects.filter(account=account, cash_date=day).by_method()
    return expected_by_method(
        moved={code: sums.total for code, sums in moved.items()},
        usual=account.usual_methods(),
        opening=opening_of(account, day=day),
    )


def write_count(
    cash_day: CashDay, account: LedgerAccount, counted: Mapping[str, Decimal], *, stamp: dict[str, object]
) -> CashDayCount:
    """Write the next count of a locked open day; raises MethodNotCounted, PaymentMethodNotSetUp, InexactAmount."""
    expected = expected_of(account, day=cash_day.day)
    methods = _methods(expected.keys() | counted.keys(), account)
    for code, method in methods.items():
        if code not in counted:
            raise MethodNotCounted(method=str(method))
        to_cents(counted[code])
    count = CashDayCount.objects.create(
        cash_day=cash_day,
        number=cash_day.counts.count() + 1,
        is_blind=counts_blind(account),
        opening_amount=opening_of(account, day=cash_day.day),
        expected_amount=sum(expected.values(), ZERO),
        counted_amount=sum(counted.values(), ZERO),
        **stamp,
    )
    CashDayCountLine.objects.bulk_create(
        CashDayCountLine(
            count=count, method=method, expected_amount=expected.get(code, ZERO), counted_amount=counted[code], **stamp
        )
        for code, method in methods.items()
    )
    return count


def _methods(codes: set[str], account: LedgerAccount) -> dict[str, PaymentMethod]:
    methods = {method.code: method for method in PaymentMethod.objects.filter(code__in=codes).order_by("code")}
    for code in sorted(codes - methods.keys()):
        raise PaymentMethodNotSetUp(method=code, branch=str(account.branch))
    return methods


def count_to_close_with(*, cash_day: CashDay, account: LedgerAccount, count_id: int | None) -> CashDayCount | None:
    """Give the newest count of a locked day, by which it is closed; None where none was made and none is needed.

    Raises CountRequired where the account is counted blind and the newest count is not the one that was seen, and
    CountOutdated where the account was moved after the count.
    """
    newest = cash_day.counts.order_by("-number").first()
    if newest is None or newest.pk != count_id or hasattr(newest, "closing"):
        if counts_blind(account) or count_id is not None:
            raise CountRequired(account=str(account), day=cash_day.day)
        return None
    said = dict(newest.lines.values_list("method__code", "expected_amount"))
    if said != expected_of(account, day=cash_day.day):
        raise CountOutdated(account=str(account), day=cash_day.day)
    return newest


def still_to_post(closing: CashDayClosing) -> Decimal:
    """Give what posted movements left of the difference of a closing's day, in reais: negative where money is missing.

    Raises DifferenceCountedAgain where a later count of the drawer found it again.
    """
    if closing.count is None:
        return ZERO
    cash_day = closing.cash_day
    later = CashDayClosing.objects.filter(
        cash_day__account=cash_day.account_id, cash_day__day__gt=cash_day.day, reopening=None,
        count__opening_amount__isnull=False,
    ).order_by("cash_day__day")  # fmt: skip
    found_again = later.last()
    if found_again is not None:
        raise DifferenceCountedAgain(account=str(cash_day.account), day=cash_day.day, later=found_again.cash_day.day)
    posted = CashMovement.objects.posted().filter(difference_of__cash_day=cash_day, reverses=None)
    return round_half_up(closing.count.difference - (posted.aggregate(total=Sum("amount"))["total"] or ZERO))
