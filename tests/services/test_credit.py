"""Using and refunding a customer's credit: entries of their own, never more than there is (G.5, B11)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotPositive,
    CashDayClosed,
    CreditIsSpentByItself,
    CreditNotEnough,
    DateTooFarAhead,
    InactiveCode,
    InexactAmount,
    InstallmentNotOpen,
    PaymentMethodNotSetUp,
    ReasonTooShort,
    TitleNotOpen,
)
from receivables.models import (
    SYSTEM,
    BranchPaymentMethod,
    CashMovement,
    CreditKind,
    CustomerCredit,
    InstallmentStatus,
    PaymentMethod,
)
from receivables.services.cash_day import close_day
from receivables.services.credit import refund_credit, use_credit
from receivables.services.reversal import reverse_title
from tests.ledger import assert_books_are_clean, refused
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_account,
    make_branch,
    make_method,
    make_parameter_set,
    make_title,
    set_up_method,
)
from tests.services.test_settlement import LATE, settle, settle_part

pytestmark = pytest.mark.django_db


@pytest.fixture
def rich():
    """The customer of a title that was paid with 100.00 too much."""
    title = make_title()
    settle(title, "1100.00")
    return title


def another(title, *amounts, **values):
    return make_title(branch=title.collecting_branch, bill_to=title.bill_to, amounts=amounts or ("80.00",), **values)


def use(title, amount, **values):
    usual = {"cash_date": TODAY, "by": CASHIER, "now": NOW, "on": TODAY}
    return use_credit(installment_id=title.installments.first().pk, amount=Decimal(amount), **usual | values)


def refund(title, amount, **values):
    usual = {"customer_id": title.bill_to_id, "branch_id": title.collecting_branch_id, "method_code": "cash",
             "cash_date": TODAY, "reason": REASON, "by": CASHIER, "now": NOW, "on": TODAY}  # fmt: skip
    return refund_credit(amount=Decimal(amount), **usual | values)


def available(title):
    return CustomerCredit.objects.filter(customer=title.bill_to).available()


# Using


def test_credit_pays_an_installment_and_no_money_moves(rich):
    title = another(rich)
    balance = CashMovement.objects.balance()
    receipt = use(title, "80.00", reason="pedido do cliente")
    assert title.installments.get().status == InstallmentStatus.SETTLED
    assert (available(rich), CashMovement.objects.balance()) == (20, balance)
    used = CustomerCredit.objects.get(kind=CreditKind.USED)
    assert (used.receipt, used.movement.amount, used.reason, used.actor) == (receipt, -80, "pedido do cliente", "ana")
    assert_books_are_clean()


def test_credit_pays_charges_first(rich):
    receipt = use(another(rich, "80.00", due_dates=(LATE,)), "50.00")
    allocation = receipt.allocations.get()
    assert (allocation.interest, allocation.fine, allocation.principal) == (
        Decimal("0.80"), Decimal("1.60"), Decimal("47.60")
    )  # fmt: skip


def test_more_than_there_is_cannot_be_used(rich):
    title = another(rich, "200.00")
    with refused(CreditNotEnough, "credit_not_enough") as refusal:
        use(title, "100.01")
    assert refusal.value.facts == {"available": Decimal("100.00"), "asked": Decimal("100.01")}


def test_credit_is_spent_to_the_last_cent_and_no_further(rich):
    title = another(rich, "200.00")
    use(title, "99.99")
    use(title, "0.01")
    with refused(CreditNotEnough, "credit_not_enough"):
        use(title, "0.01")


def test_the_credit_of_another_customer_is_not_used(rich):
    title = make_title(branch=rich.collecting_branch)
    with refused(CreditNotEnough, "credit_not_enough"):
        use(title, "1.00")


def test_credit_pays_no_more_than_is_owed(rich):
    title = another(rich, "80.00")
    with refused(AmountAboveBalance, "amount_above_balance"):
        use(title, "80.01")


@pytest.mark.parametrize(
    ("amount", "rule", "code"),
    [
        ("0.00", AmountNotPositive, "amount_not_positive"),
        ("-1.00", AmountNotPositive, "amount_not_positive"),
        ("0.001", InexactAmount, "inexact_amount"),
    ],
)
def test_what_is_used_or_refunded_is_a_positive_number_of_cents(rich, amount, rule, code):
    title = another(rich)
    with refused(rule, code):
        use(title, amount)
    with refused(rule, code):
        refund(rich, amount)


def test_credit_does_not_pay_what_is_settled(rich):
    with refused(TitleNotOpen, "title_not_open"):
        use(rich, "1.00")
    title = another(rich, "10.00", "20.00")
    settle_part(title.installments.first(), "10.00")
    with refused(InstallmentNotOpen, "installment_not_open"):
        use(title, "1.00")


def test_a_closed_day_takes_no_use_and_no_refund(rich):
    title = another(rich)
    close_day(account_id=cash_account(rich.collecting_branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    with refused(CashDayClosed, "cash_day_closed"):
        use(title, "80.00")
    with refused(CashDayClosed, "cash_day_closed"):
        refund(rich, "80.00")


def test_with_the_control_off_both_legs_are_supplements_of_the_closed_day():
    branch = make_branch(parameter_set=make_parameter_set(cash_closing_control=False))
    title = make_title(branch=branch)
    settle(title, "1100.00")
    closing = close_day(account_id=cash_account(branch).pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    use(another(title), "80.00")
    assert list(closing.supplements.order_by("supplement_number").values_list("supplement_number", "amount")) == [
        (1, 80), (2, -80)
    ]  # fmt: skip
    assert_books_are_clean()


def test_a_reversal_gives_the_credit_back(rich):
    title = another(rich)
    use(title, "80.00")
    reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY)
    assert available(rich) == 100
    assert_books_are_clean()


def test_an_ordinary_settlement_does_not_spend_credit(rich):
    title = another(rich)
    with refused(CreditIsSpentByItself, "credit_is_spent_by_itself"):
        settle(title, "80.00", deposit=deposit(method=PaymentMethod.CREDIT))


def test_a_branch_without_an_account_for_credits_cannot_use_them(rich):
    branch = rich.collecting_branch
    row = BranchPaymentMethod.objects.get(branch=branch, method__code=PaymentMethod.CREDIT)
    row.branch = make_other_branch(branch)
    row.save_as(SYSTEM)
    title = another(rich)
    with refused(PaymentMethodNotSetUp, "payment_method_not_set_up") as refusal:
        use(title, "80.00")
    assert refusal.value.facts == {"method": "customer_credit", "branch": str(branch)}


def make_other_branch(branch):
    """A branch that has no means of payment yet."""
    other = type(branch)(code="nova", name="Nova", parameter_set=branch.parameter_set)
    other.save_as(SYSTEM)
    return other


# Refunding


def test_a_refund_takes_money_out_of_the_account_of_its_means(rich):
    entry = refund(rich, "40.00", method_code="pix")
    assert (entry.kind, entry.amount, entry.reason, entry.receipt) == (CreditKind.REFUNDED, 40, REASON, None)
    assert (entry.movement.amount, entry.movement.account.kind) == (-40, "bank")
    assert (entry.actor, entry.channel, entry.posted_at) == ("ana", "back_office", NOW)
    assert available(rich) == 60
    assert_books_are_clean()


def test_more_than_there_is_cannot_be_refunded(rich):
    refund(rich, "60.00")
    with refused(CreditNotEnough, "credit_not_enough"):
        refund(rich, "40.01")


def test_a_refund_leaves_the_account_at_most_30_days_ahead(rich):
    with refused(DateTooFarAhead, "date_too_far_ahead"):
        refund(rich, "40.00", cash_date=TODAY + timedelta(days=31))
    assert refund(rich, "40.00", cash_date=TODAY + timedelta(days=30)).amount == 40


def test_a_refund_needs_a_reason(rich):
    with refused(ReasonTooShort, "reason_too_short"):
        refund(rich, "40.00", reason="troco")


def test_a_means_that_the_branch_does_not_have_cannot_refund(rich):
    with refused(PaymentMethodNotSetUp, "payment_method_not_set_up"):
        refund(rich, "40.00", method_code="cheque")


def test_credit_is_not_refunded_as_credit(rich):
    with refused(CreditIsSpentByItself, "credit_is_spent_by_itself"):
        refund(rich, "40.00", method_code=PaymentMethod.CREDIT)


def test_an_inactive_account_refunds_nothing(rich):
    make_method("cheque")
    account = make_account(branch=rich.collecting_branch, is_active=False)
    set_up_method(rich.collecting_branch, "cheque", account=account)
    with refused(InactiveCode, "inactive_code"):
        refund(rich, "40.00", method_code="cheque")
