"""Liquidação total, parcial and múltipla (domain.md B, G.3, G.5, G.16)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotClosing,
    BatchChanged,
    CashDayClosed,
    ChangedMeanwhile,
    DateInFuture,
    DateTooFarAhead,
    DiscountAboveLimit,
    InstallmentNotOpen,
    ReasonTooShort,
    ReceiptBeforeIssue,
    TitleNotOpen,
    WrongDirection,
)
from receivables.models import CashMovement, CustomerCredit, Direction, InstallmentStatus, Receipt, TitleStatus
from receivables.services import settlement
from receivables.services.cash_day import close_day
from receivables.services.settlement import settle_installment, settle_title, settle_titles
from receivables.services.title import change_title
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_branch,
    make_history_code,
    make_title,
)

pytestmark = pytest.mark.django_db

LATE = date(2026, 10, 24)  # 30 days before TODAY, a Saturday: payable until Monday the 26th


def settle(title, amount, **values):
    usual = {"received_on": TODAY, "deposit": deposit(), "by": CASHIER, "now": NOW, "on": TODAY}
    return settle_title(title_id=title.pk, received=Decimal(amount), **usual | values)


def settle_part(installment, amount, **values):
    usual = {"received_on": TODAY, "deposit": deposit(), "by": CASHIER, "now": NOW, "on": TODAY}
    return settle_installment(installment_id=installment.pk, received=Decimal(amount), **usual | values)


def test_a_title_paid_on_time_is_settled_without_difference():
    title = make_title()
    settle(title, "1000.00")
    title.refresh_from_db()
    assert (title.status, title.received_on, title.received_amount) == (TitleStatus.SETTLED, TODAY, Decimal("1000.00"))
    assert title.difference_amount == Decimal("0.00")


def test_a_title_paid_30_days_late_owes_interest_and_fine_and_its_difference_is_negative():
    title = make_title(due_dates=(LATE,))
    receipt = settle(title, "1030.00")
    allocation = receipt.allocations.get()
    assert (allocation.principal, allocation.interest, allocation.fine) == (1000, 10, 20)
    title.refresh_from_db()
    assert title.difference_amount == Decimal("-30.00")


def test_a_part_payment_pays_charges_first_and_interest_counts_from_it():
    title = make_title(due_dates=(LATE,))
    installment = title.installments.get()
    receipt = settle_part(installment, "500.00")
    allocation = receipt.allocations.get()
    assert (allocation.principal, allocation.interest, allocation.fine) == (470, 10, 20)
    installment.refresh_from_db()
    assert (installment.balance, installment.status) == (530, InstallmentStatus.PARTIALLY_SETTLED)
    assert (installment.interest_from, installment.fine_charged) == (TODAY, True)
    title.refresh_from_db()
    assert (title.status, title.received_on) == (TitleStatus.PARTIALLY_SETTLED, None)


def test_a_write_off_above_the_limit_needs_the_permission():
    title = make_title()
    with pytest.raises(DiscountAboveLimit) as refusal:
        settle(title, "900.00", discount=Decimal("100.00"))
    assert refusal.value.code == "discount_above_limit"
    assert not Receipt.objects.exists()


def test_a_write_off_above_the_limit_needs_a_reason():
    title = make_title()
    with pytest.raises(ReasonTooShort):
        settle(title, "900.00", discount=Decimal("100.00"), may_exceed_limit=True, reason="curto")


def test_a_discount_within_the_limit_is_no_money():
    title = make_title()
    receipt = settle(title, "995.00", discount=Decimal("5.00"))
    title.refresh_from_db()
    assert title.status == TitleStatus.SETTLED
    assert title.difference_amount == Decimal("5.00")
    assert receipt.amount == Decimal("995.00")
    assert CashMovement.objects.get().amount == Decimal("995.00")


def test_charges_may_be_waived_with_permission_and_reason():
    title = make_title(due_dates=(LATE,))
    settle(title, "1000.00", interest=Decimal(0), fine=Decimal(0), may_exceed_limit=True, reason=REASON)
    title.refresh_from_db()
    assert title.status == TitleStatus.SETTLED


def test_waiving_charges_without_the_permission_is_refused():
    title = make_title(due_dates=(LATE,))
    with pytest.raises(DiscountAboveLimit):
        settle(title, "1000.00", interest=Decimal(0), fine=Decimal(0))


def test_more_than_is_due_becomes_credit_of_the_customer():
    title = make_title()
    receipt = settle(title, "1010.00")
    credit = CustomerCredit.objects.get()
    assert (credit.customer, credit.amount, credit.receipt) == (title.bill_to, 10, receipt)
    assert sorted(receipt.movements.values_list("amount", flat=True)) == [10, 1000]


def test_less_than_is_due_does_not_close_a_title():
    title = make_title()
    with pytest.raises(AmountNotClosing):
        settle(title, "999.99")
    assert not CashMovement.objects.exists()


def test_a_part_above_what_is_due_is_refused():
    installment = make_title().installments.get()
    with pytest.raises(AmountAboveBalance):
        settle_part(installment, "1000.01")


def test_parts_that_close_the_balance_settle_the_title_on_the_day_of_the_last():
    title = make_title(amounts=("60.00", "40.00"))
    first, second = title.installments.all()
    settle_part(first, "60.00")
    settle_part(second, "40.00")
    title.refresh_from_db()
    assert (title.status, title.received_on) == (TitleStatus.SETTLED, TODAY)


def test_a_settled_installment_cannot_be_settled_again():
    title = make_title(amounts=("60.00", "40.00"))
    first = title.installments.first()
    settle_part(first, "60.00")
    with pytest.raises(InstallmentNotOpen) as refusal:
        settle_part(first, "1.00")
    assert refusal.value.code == "installment_not_open"


def test_a_settled_title_cannot_be_settled_again():
    title = make_title()
    settle(title, "1000.00")
    with pytest.raises(TitleNotOpen):
        settle(title, "1000.00")
    assert Receipt.objects.count() == 1


def test_a_receipt_before_the_issue_is_refused():
    with pytest.raises(ReceiptBeforeIssue):
        settle(make_title(), "1000.00", received_on=date(2026, 8, 31))


def test_a_receipt_in_the_future_is_refused():
    with pytest.raises(DateInFuture):
        settle(make_title(), "1000.00", received_on=date(2026, 11, 24))


def test_money_is_expected_at_most_30_days_ahead():
    title = make_title()
    with pytest.raises(DateTooFarAhead) as refusal:
        settle(title, "1000.00", deposit=deposit(on=TODAY + timedelta(days=31)))
    assert refusal.value.facts["field"] == "Data Cxa/Banco"
    settle(title, "1000.00", deposit=deposit(on=TODAY + timedelta(days=30)))
    assert CashMovement.objects.get().cash_date == TODAY + timedelta(days=30)


def test_a_debit_history_code_cannot_receive_money():
    code = make_history_code(direction=Direction.DEBIT)
    with pytest.raises(WrongDirection):
        settle(make_title(), "1000.00", deposit=deposit(history_code_id=code.pk))


def test_a_closed_day_takes_nothing_from_the_back_office():
    branch = make_branch()
    title = make_title(branch=branch)
    close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    with pytest.raises(CashDayClosed) as refusal:
        settle(title, "1000.00")
    assert refusal.value.facts["day"] == TODAY


def test_several_titles_are_settled_together_with_one_credit_each():
    branch = make_branch()
    titles = [make_title(branch=branch), make_title(branch=branch, amounts=("50.00", "70.00"))]
    settle_titles(
        expected={titles[0].pk: Decimal("1000.00"), titles[1].pk: Decimal("120.00")},
        received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY,
    )  # fmt: skip
    for title in titles:
        title.refresh_from_db()
        assert title.status == TitleStatus.SETTLED
    assert sorted(CashMovement.objects.values_list("amount", flat=True)) == [120, 1000]


def test_a_batch_in_which_one_title_changed_is_refused_whole_naming_it():
    branch = make_branch()
    titles = [make_title(branch=branch), make_title(branch=branch)]
    settle_part(titles[1].installments.get(), "10.00")
    with pytest.raises(BatchChanged) as refusal:
        settle_titles(
            expected={title.pk: Decimal("1000.00") for title in titles},
            received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY,
        )  # fmt: skip
    assert refusal.value.facts["titles"] == [str(titles[1])]
    (change,) = refusal.value.facts["changes"]
    assert (change.status, change.seen, change.due) == ("Título Parcialmente Liquidado", 1000, 990)
    assert Receipt.objects.count() == 1


def settle_batch(*titles, key="batch-1", **values):
    usual = {"received_on": TODAY, "deposit": deposit(), "by": CASHIER, "now": NOW, "on": TODAY}
    return settle_titles(expected={title.pk: title.amount for title in titles}, idempotency_key=key, **usual | values)


def test_the_same_batch_again_gives_the_receipts_of_the_first():
    branch = make_branch()
    titles = [make_title(branch=branch), make_title(branch=branch)]
    assert settle_batch(*titles) == settle_batch(*titles)
    assert (Receipt.objects.count(), CashMovement.objects.count()) == (2, 2)


def test_another_batch_under_the_same_key_is_no_repetition():
    branch = make_branch()
    first, second = make_title(branch=branch), make_title(branch=branch)
    settle_batch(first)
    with pytest.raises(BatchChanged):
        settle_batch(first, second)
    with pytest.raises(BatchChanged):
        settle_batch(first, received_on=TODAY - timedelta(days=1))
    settle_batch(second)
    assert Receipt.objects.count() == 2


def test_each_change_of_status_is_in_the_history_with_actor_and_channel():
    title = make_title()
    settle(title, "1000.00")
    newest = title.history.first()
    assert (newest.status, newest.actor, newest.channel) == (TitleStatus.SETTLED, "ana", "back_office")
    installment = title.installments.get().history.first()
    assert (installment.status, installment.actor, installment.version) == (InstallmentStatus.SETTLED, "ana", 2)


def test_a_title_that_went_to_another_collecting_branch_meanwhile_is_not_settled(monkeypatch):
    title, other, really_land = make_title(), make_branch(), settlement.land

    def land_late(**days):
        change_title(title_id=title.pk, changes={"collecting_branch": other}, version=title.version, by=CASHIER)
        return really_land(**days)

    monkeypatch.setattr(settlement, "land", land_late)
    with pytest.raises(ChangedMeanwhile):
        settle(title, "1000.00")
    assert not Receipt.objects.exists()
