"""What the page of Estornar promises is what Gravar leaves, to the cent, whatever the title and its cash (G.1-G.4)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from receivables.domain.reversal import ClosedCashOption
from receivables.models import CashMovement, ClosedCashReversal, MovementStatus, SlipStatus, Title
from receivables.services.cash_day import close_day
from receivables.services.credit import use_credit
from receivables.services.reversal import ClosedCash, newest_live_receipt, reverse_share
from receivables.services.reversal_preview import preview_reversal
from tests.ledger import every_row
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, deposit, make_title
from tests.services.test_reversal import debit
from tests.services.test_settlement import LATE, settle, settle_part

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)


def settled(**values):
    title = make_title(**values)
    settle(title, str(title.amount))
    return title


def settled_late():
    title = make_title(due_dates=(LATE,))
    settle(title, "1030.00")
    return title


def settled_in_parts():
    title = make_title(amounts=("600.00", "400.00"), due_dates=(TODAY, TODAY + timedelta(days=30)))
    first, second = title.installments.order_by("number")
    settle_part(first, "250.00")
    settle_part(second, "400.00")
    settle_part(first, "350.00")
    return title


def settled_with_too_much():
    title = make_title()
    settle(title, "1100.00")
    return title


def settled_with_credit():
    rich = settled_with_too_much()
    title = make_title(branch=rich.collecting_branch, bill_to=rich.bill_to, amounts=("80.00",))
    use_credit(
        installment_id=title.installments.get().pk, amount=Decimal("80.00"), cash_date=TODAY, reason=REASON,
        by=CASHIER, now=NOW, on=TODAY,
    )  # fmt: skip
    return title


def settled_yesterday_and_closed():
    title = make_title()
    settle(title, "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    close_day(account_id=cash_account(title.issuing_branch).pk, day=YESTERDAY, by=CASHIER, now=NOW, on=TODAY)
    return title


def preview(title, **debits):
    receipt = newest_live_receipt(title_id=title.pk)
    return preview_reversal(title_id=title.pk, receipt_id=receipt.pk, on=TODAY, **debits)


def reverse(title, **values):
    usual = {"reason": REASON, "by": CASHIER, "now": NOW, "on": TODAY}
    return reverse_share(
        title_id=title.pk, receipt_id=newest_live_receipt(title_id=title.pk).pk, **usual | values
    )  # fmt: skip


def assert_kept(promised, title):
    """Compare every figure of a preview with what the ledger holds."""
    found = Title.objects.get(pk=title.pk)
    assert (promised.after.status, promised.after.received_on) == (found.status, found.received_on)
    assert (promised.after.received_amount, promised.after.difference) == (
        found.received_amount, found.difference_amount
    )  # fmt: skip
    for parcel in promised.parcels:
        row = title.installments.get(pk=parcel.installment.pk)
        assert (parcel.balance, parcel.status) == (row.balance, row.status)
    for balance in promised.balances:
        rows = CashMovement.objects.filter(account=balance.account, cash_date__lte=balance.day)
        assert balance.after == rows.balance()


@pytest.mark.parametrize(
    "make",
    [settled, settled_late, settled_in_parts, settled_with_too_much, settled_with_credit],
    ids=lambda make: make.__name__,
)
def test_what_is_promised_is_what_the_reversal_leaves(make):
    title = make()
    promised = preview(title)
    known = CashMovement.objects.latest("pk").pk
    reverse(title)
    assert_kept(promised, title)
    posted = sorted(CashMovement.objects.filter(pk__gt=known).values_list("cash_date", "amount"))
    assert posted == sorted((line.day, line.amount) for line in promised.posted)


@pytest.mark.parametrize("amounts", [("1000.00",), ("990.00", "4.50"), ()], ids=["one", "two", "none"])
def test_with_the_cash_closed_the_debits_typed_so_far_are_promised(amounts):
    title = settled_yesterday_and_closed()
    account = cash_account(title.issuing_branch)
    promised = preview(title, debits={account.pk: [(TODAY, Decimal(amount)) for amount in amounts]})
    option = ClosedCashOption.ACCOUNT_DEBIT if amounts else ClosedCashOption.NO_DEBIT
    answer = ClosedCash(option, [debit(amount) for amount in amounts])
    reverse(title, closed_cash={account.pk: answer}, confirmed=frozenset({"debits_differ"}))
    assert_kept(promised, title)
    assert promised.known_differences == {account.pk: ClosedCashReversal.objects.get().known_difference}
    assert [line.original.status for line in promised.originals] == [MovementStatus.POSTED]
    assert CashMovement.objects.get(pk=promised.originals[0].original.pk).status == MovementStatus.POSTED


def test_a_slip_stays_with_its_nosso_numero():
    title = settled(our_numbers=("109000777",))
    before = [(slip.our_number, slip.status) for slip in preview(title).slips]
    reverse(title)
    slip = title.installments.get().bank_slips.get()
    assert before == [(slip.our_number, slip.status)] == [("109000777", SlipStatus.ISSUED)]


def test_a_credit_that_the_receipt_left_stays_and_one_that_paid_comes_back():
    assert preview(settled_with_too_much()).credit_kept == Decimal("100.00")
    assert preview(settled_with_credit()).credit_back == Decimal("80.00")


def test_a_preview_writes_nothing():
    title = settled_in_parts()
    before = every_row()
    preview(title)
    assert every_row() == before
