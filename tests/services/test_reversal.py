"""Estorno: the decision table C1-C12 with G.1-G.4, voids at a station, and what stays behind."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    CashDayClosed,
    CashDayNotClosed,
    ConfirmationRequired,
    DebitRequired,
    MovementDateBeforeLiquidation,
    NewerReceiptFirst,
    NothingToReverse,
    OptionRequired,
    ReasonTooShort,
    TitleNotSettled,
    WrongDirection,
)
from receivables.domain.reversal import ClosedCashOption
from receivables.models import (
    CashMovement,
    ClosedCashReversal,
    CreditKind,
    CustomerCredit,
    InstallmentStatus,
    MovementStatus,
    Reversal,
    ReversalKind,
    TitleStatus,
)
from receivables.services.cash_day import close_day
from receivables.services.credit import refund_credit, use_credit
from receivables.services.reversal import ClosedCash, Debit, reverse_share, reverse_title, void_receipt
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_branch,
    make_document_type,
    make_history_code,
    make_parameter_set,
    make_title,
)
from tests.services.test_settlement import LATE, settle, settle_part

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)


def reverse(title, **values):
    return reverse_title(title_id=title.pk, **{"reason": REASON, "by": CASHIER, "now": NOW, "on": TODAY} | values)


def reverse_receipt(title, receipt, **values):
    usual = {"reason": REASON, "by": CASHIER, "now": NOW, "on": TODAY}
    return reverse_share(title_id=title.pk, receipt_id=receipt.pk, **usual | values)


def void(receipt, key="void-1"):
    return void_receipt(receipt_id=receipt.pk, reason="", idempotency_key=key, by=CASHIER, now=NOW, on=TODAY)


def debit(amount="1000.00", on=TODAY, **values):
    codes = {"history_code_id": make_history_code(direction="debit").pk, "document_type_id": make_document_type().pk}
    return Debit(movement_date=on, amount=Decimal(amount), **codes | values)


@pytest.fixture
def closed_title():
    """A title settled yesterday in a cash that was closed afterwards."""
    branch = make_branch()
    title = make_title(branch=branch)
    settle(title, "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    close_day(account_id=cash_account(branch).pk, day=YESTERDAY, by=CASHIER, now=NOW, on=TODAY)
    title.account_closed = cash_account(branch)
    return title


def test_c1_a_pending_title_has_nothing_to_reverse():
    with pytest.raises(TitleNotSettled) as refusal:
        reverse(make_title())
    assert refusal.value.code == "title_not_settled"


def test_c2_a_partly_settled_title_is_not_reversed_on_the_title_screen():
    title = make_title()
    settle_part(title.installments.get(), "10.00")
    with pytest.raises(TitleNotSettled):
        reverse(title)


def test_c3_no_service_leaves_a_receipt_date_on_a_partly_settled_title():
    title = make_title(amounts=("600.00", "400.00"), due_dates=(TODAY, TODAY))
    first, second = title.installments.order_by("number")
    settle_part(first, "600.00")
    dates = [(title.refresh_from_db(), title.status, title.received_on)[1:]]
    settle_part(second, "400.00")
    reverse(title)
    dates += [(title.refresh_from_db(), title.status, title.received_on)[1:]]
    assert dates == [(TitleStatus.PARTIALLY_SETTLED, None)] * 2


def test_c5_with_the_cash_open_an_opposite_movement_is_posted_and_the_original_is_marked():
    title = make_title(due_dates=(LATE,))
    settle(title, "1030.00")
    reversal = reverse(title)
    title.refresh_from_db()
    assert (title.status, title.received_on, title.received_amount) == (TitleStatus.PENDING, None, 0)
    installment = title.installments.get()
    assert (installment.status, installment.balance, installment.fine_charged) == ("pending", 1000, False)
    assert installment.interest_from == LATE
    original, opposite = CashMovement.objects.order_by("pk")
    assert (original.status, opposite.reverses, opposite.amount) == (MovementStatus.REVERSED, original, -1030)
    assert (opposite.cash_date, reversal.kind) == (original.cash_date, ReversalKind.OPPOSITE)


def test_c4_with_the_control_off_a_closed_day_takes_the_opposite_as_a_supplement():
    branch = make_branch(parameter_set=make_parameter_set(cash_closing_control=False))
    title = make_title(branch=branch)
    settle(title, "1000.00")
    closing = close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    reverse(title)
    opposite = CashMovement.objects.get(amount=-1000)
    assert (opposite.supplement_of, opposite.supplement_number, opposite.cash_date) == (closing, 1, TODAY)


def test_c6_with_the_cash_closed_a_person_must_choose_and_nothing_happens_until_then(closed_title):
    with pytest.raises(OptionRequired) as refusal:
        reverse(closed_title)
    assert refusal.value.facts["day"] == YESTERDAY
    closed_title.refresh_from_db()
    assert closed_title.status == TitleStatus.SETTLED


def test_c7_the_original_stays_and_one_debit_is_posted(closed_title):
    answer = ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [debit()])
    reversal = reverse(closed_title, closed_cash={closed_title.account_closed.pk: answer})
    original, posted = CashMovement.objects.order_by("pk")
    assert (original.status, original.amount) == (MovementStatus.POSTED, 1000)
    assert (posted.amount, posted.cash_date, posted.account) == (-1000, TODAY, original.account)
    record = ClosedCashReversal.objects.get()
    assert (record.known_difference, record.first_debit, reversal.kind) == (0, posted, ReversalKind.CLOSED_DEBIT)
    closed_title.refresh_from_db()
    assert (closed_title.status, closed_title.notes) == (TitleStatus.PENDING, "")


def test_c8_further_debits_are_ordinary_and_a_differing_sum_asks_for_a_tick(closed_title):
    answer = ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [debit("990.00"), debit("3.50", notes="tarifa")])
    closed_cash = {closed_title.account_closed.pk: answer}
    with pytest.raises(ConfirmationRequired) as refusal:
        reverse(closed_title, closed_cash=closed_cash)
    assert refusal.value.facts["codes"] == ["debits_differ"]
    assert not Reversal.objects.exists()
    reverse(closed_title, closed_cash=closed_cash, confirmed=frozenset({"debits_differ"}))
    assert ClosedCashReversal.objects.get().known_difference == 10
    assert sorted(CashMovement.objects.values_list("amount", flat=True)) == [Decimal("-990.00"), Decimal("-3.50"), 1000]


def test_c10_without_debit_nothing_is_posted_and_the_difference_is_known(closed_title):
    answer = ClosedCash(ClosedCashOption.NO_DEBIT)
    reverse(closed_title, closed_cash={closed_title.account_closed.pk: answer})
    assert CashMovement.objects.count() == 1
    assert ClosedCashReversal.objects.get().known_difference == 1000
    closed_title.refresh_from_db()
    assert REASON in closed_title.notes


def test_an_answer_for_a_cash_that_is_open_again_is_refused():
    title = make_title()
    settle(title, "1000.00")
    account = cash_account(title.collecting_branch)
    with pytest.raises(CashDayNotClosed):
        reverse(title, closed_cash={account.pk: ClosedCash(ClosedCashOption.NO_DEBIT)})


def test_the_first_debit_is_obligatory(closed_title):
    with pytest.raises(DebitRequired):
        reverse(closed_title, closed_cash={
            closed_title.account_closed.pk: ClosedCash(ClosedCashOption.ACCOUNT_DEBIT)})  # fmt: skip


@pytest.mark.parametrize(
    ("day", "error"),
    [(YESTERDAY, CashDayClosed), (YESTERDAY - timedelta(days=1), MovementDateBeforeLiquidation)],
)
def test_a_debit_may_not_fall_on_a_closed_day_nor_before_the_settlement(closed_title, day, error):
    answer = ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [debit(on=day)])
    with pytest.raises(error):
        reverse(closed_title, closed_cash={closed_title.account_closed.pk: answer})
    assert not Reversal.objects.exists()


def test_a_debit_needs_a_history_code_of_debit(closed_title):
    wrong = debit(history_code_id=make_history_code().pk)
    with pytest.raises(WrongDirection):
        reverse(closed_title, closed_cash={
            closed_title.account_closed.pk: ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [wrong])})  # fmt: skip


def test_a_reversal_needs_a_reason():
    title = make_title()
    settle(title, "1000.00")
    with pytest.raises(ReasonTooShort):
        reverse(title, reason="  engano  ")


def test_estornar_undoes_only_the_closing_receipt_and_the_title_falls_back_to_partly_settled():
    title = make_title()
    installment = title.installments.get()
    settle_part(installment, "300.00")
    settle_part(installment, "700.00")
    reverse(title)
    title.refresh_from_db()
    installment.refresh_from_db()
    assert (title.status, title.received_on, title.received_amount) == (TitleStatus.PARTIALLY_SETTLED, None, 300)
    assert (installment.status, installment.balance) == (InstallmentStatus.PARTIALLY_SETTLED, 700)


def test_parts_are_reversed_newest_first_naming_the_one_to_undo():
    title = make_title()
    installment = title.installments.get()
    first, second = settle_part(installment, "300.00"), settle_part(installment, "100.00")
    with pytest.raises(NewerReceiptFirst) as refusal:
        reverse_receipt(title, first)
    assert refusal.value.facts["receipt"] == second.label
    reverse_receipt(title, second)
    reverse_receipt(title, first)
    title.refresh_from_db()
    assert title.status == TitleStatus.PENDING


def test_charges_carried_by_an_undone_part_are_owed_again():
    title = make_title(due_dates=(LATE,))
    installment = title.installments.get()
    receipt = settle_part(installment, "5.00")
    installment.refresh_from_db()
    assert (installment.carried_charges, installment.fine_charged) == (25, True)
    reverse_receipt(title, receipt)
    installment.refresh_from_db()
    assert (installment.carried_charges, installment.fine_charged, installment.interest_from) == (0, False, LATE)


def test_a_second_reversal_finds_nothing():
    title = make_title()
    receipt = settle(title, "1000.00")
    reverse(title)
    with pytest.raises(NothingToReverse):
        reverse_receipt(title, receipt)
    assert CashMovement.objects.balance() == 0


def test_a_title_can_be_settled_and_reversed_again_and_again():
    title = make_title()
    for _ in range(3):
        settle(title, "1000.00")
        reverse(title)
    assert CashMovement.objects.count() == 6
    assert CashMovement.objects.balance() == 0


def test_a_void_undoes_a_whole_receipt_with_its_credit():
    title = make_title()
    receipt = settle(title, "1010.00")
    voided = void(receipt)
    assert (voided.shortfall, voided.reversal.amount) == (0, 1010)
    assert CashMovement.objects.balance() == 0
    assert CustomerCredit.objects.filter(customer=title.bill_to).available() == 0


def test_a_second_void_posts_nothing():
    receipt = settle(make_title(), "1000.00")
    void(receipt)
    assert void(receipt, "void-2").reversal is None
    assert Reversal.objects.count() == 1


def test_a_void_of_a_receipt_that_a_person_reversed_posts_nothing():
    title = make_title()
    receipt = settle(title, "1000.00")
    reverse(title)
    assert void(receipt).reversal is None


def test_a_void_is_not_bound_by_the_order_of_receipts():
    title = make_title()
    installment = title.installments.get()
    first = settle_part(installment, "300.00")
    settle_part(installment, "700.00")
    void(first)
    installment.refresh_from_db()
    title.refresh_from_db()
    assert (installment.balance, title.status, title.received_amount) == (300, TitleStatus.PARTIALLY_SETTLED, 700)


def test_a_void_whose_credit_was_refunded_tells_what_is_missing():
    title = make_title()
    receipt = settle(title, "1010.00")
    refund_credit(customer_id=title.bill_to_id, branch_id=title.collecting_branch_id, amount=Decimal("4.00"),
                  method_code="cash", cash_date=TODAY, reason=REASON, by=CASHIER, now=NOW, on=TODAY)  # fmt: skip
    assert void(receipt).shortfall == 4
    assert CustomerCredit.objects.filter(kind=CreditKind.REVOKED).get().amount == 6


def test_a_void_lands_on_the_first_open_day(closed_title):
    receipt = closed_title.allocations.get().receipt
    voided = void(receipt)
    assert CashMovement.objects.get(reversal=voided.reversal).cash_date == TODAY


def test_a_void_after_a_closed_cash_reversal_posts_nothing(closed_title):
    receipt = closed_title.allocations.get().receipt
    reverse(closed_title, closed_cash={closed_title.account_closed.pk: ClosedCash(ClosedCashOption.NO_DEBIT)})
    assert void(receipt).reversal is None


def test_reversing_what_was_paid_with_credit_gives_the_credit_back():
    branch = make_branch()
    title = make_title(branch=branch)
    settle(title, "1200.00")
    other = make_title(branch=branch, amounts=("200.00",), bill_to=title.bill_to)
    use_credit(installment_id=other.installments.get().pk, amount=Decimal("200.00"), cash_date=TODAY, by=CASHIER,
               now=NOW, on=TODAY)  # fmt: skip
    assert CustomerCredit.objects.available() == 0
    reverse(other)
    assert CustomerCredit.objects.available() == 200
    assert CashMovement.objects.balance() == 1200


def test_a_closed_debit_may_be_dated_between_the_settlement_and_today_only(closed_title):
    from receivables.domain.errors import DateInFuture

    answer = ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [debit(on=date(2026, 11, 24))])
    with pytest.raises(DateInFuture):
        reverse(closed_title, closed_cash={closed_title.account_closed.pk: answer})


def test_voiding_a_receipt_that_paid_only_charges_leaves_a_settled_installment_settled():
    title = make_title(due_dates=(LATE,))
    installment = title.installments.get()
    first = settle_part(installment, "5.00")
    settle(title, "1025.00")
    void(first)
    installment.refresh_from_db()
    title.refresh_from_db()
    assert (installment.status, installment.balance) == (InstallmentStatus.SETTLED, 0)
    assert (title.status, title.received_on, title.received_amount) == (TitleStatus.SETTLED, TODAY, 1025)
