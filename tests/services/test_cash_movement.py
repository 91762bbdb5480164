"""A person's credits and debits in caixa e bancos, and their reversal (G.4, domain.md B.9)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    AlreadyReversed,
    AmountNotPositive,
    CashDayClosed,
    DateInFuture,
    InactiveCode,
    InexactAmount,
    MovementBelongsToCredit,
    MovementBelongsToReceipt,
    ReasonTooLong,
    ReasonTooShort,
    WrongAccount,
    WrongDirection,
)
from receivables.domain.reversal import ClosedCashOption
from receivables.models import SYSTEM, CashMovement, ClosedCashReversal, Direction, MovementStatus, Origin
from receivables.services.cash_day import close_day
from receivables.services.cash_movement import record_cash_movement, reverse_cash_movement
from receivables.services.credit import refund_credit, use_credit
from receivables.services.reversal import ClosedCash, reverse_title
from tests.ledger import assert_books_are_clean, refused, told
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
    make_title,
)
from tests.services.test_reversal import debit
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def account():
    return cash_account(make_branch())


@pytest.fixture
def codes():
    return {"history_code_id": make_history_code(direction="debit").pk, "document_type_id": make_document_type().pk}


@pytest.fixture
def credit_code():
    return make_history_code().pk


def record(account, amount="12.50", **values):
    usual = {"cash_date": TODAY, "by": CASHIER, "now": NOW, "on": TODAY, "notes": "tarifa"}
    return record_cash_movement(account_id=account.pk, amount=Decimal(amount), **usual | values)


def reverse(movement, history_code_id, **values):
    usual = {"reason": REASON, "by": CASHIER, "now": NOW}
    return reverse_cash_movement(movement_id=movement.pk, history_code_id=history_code_id, **usual | values)


# Recording


def test_the_history_code_says_whether_money_enters_or_leaves(account, codes, credit_code):
    assert record(account, **codes).amount == Decimal("-12.50")
    assert record(account, **codes | {"history_code_id": credit_code}).amount == Decimal("12.50")
    assert_books_are_clean()


def test_a_movement_is_signed_and_told(account, codes):
    movement = record(account, **codes)
    assert (movement.actor, movement.channel, movement.posted_at) == ("ana", "back_office", NOW)
    assert (movement.cash_date, movement.origin, movement.status) == (TODAY, Origin.BACK_OFFICE, MovementStatus.POSTED)
    assert told(movement) == ("ana", "back_office", "tarifa")


@pytest.mark.parametrize(
    ("amount", "rule", "code"),
    [
        ("0.00", AmountNotPositive, "amount_not_positive"),
        ("-1.00", AmountNotPositive, "amount_not_positive"),
        ("0.005", InexactAmount, "inexact_amount"),
    ],
)
def test_an_amount_is_a_positive_number_of_cents(account, codes, amount, rule, code):
    with refused(rule, code):
        record(account, amount, **codes)


def test_a_movement_is_not_dated_in_the_future(account, codes):
    with refused(DateInFuture, "date_in_future"):
        record(account, cash_date=TODAY + timedelta(days=1), **codes)


def test_a_closed_day_takes_no_movement(account, codes):
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    with refused(CashDayClosed, "cash_day_closed"):
        record(account, **codes)


@pytest.mark.parametrize("what", ["account", "history_code", "document_type"])
def test_an_inactive_code_is_refused(account, what):
    rows = {"account": account, "history_code": make_history_code(), "document_type": make_document_type()}
    rows[what].is_active = False
    rows[what].save_as(SYSTEM)
    with refused(InactiveCode, "inactive_code") as refusal:
        record(account, history_code_id=rows["history_code"].pk, document_type_id=rows["document_type"].pk)
    assert refusal.value.facts["code"] == str(rows[what])


@pytest.fixture
def known_difference():
    """A title of 1,000.00 undone without debit information, its cash closed."""
    title = make_title()
    account = cash_account(title.collecting_branch)
    settle(title, "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    close_day(account_id=account.pk, day=YESTERDAY, by=CASHIER, now=NOW, on=TODAY)
    reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY,
                  closed_cash={account.pk: ClosedCash(ClosedCashOption.NO_DEBIT)})  # fmt: skip
    return ClosedCashReversal.objects.get()


def test_a_linked_movement_clears_a_known_difference(known_difference, codes):
    movement = record(known_difference.account, "1000.00", clears_id=known_difference.pk, **codes)
    assert movement.clears == known_difference
    assert_books_are_clean()


def test_a_difference_is_cleared_in_its_own_account(known_difference, account, codes):
    with refused(WrongAccount, "wrong_account") as refusal:
        record(account, clears_id=known_difference.pk, **codes)
    assert refusal.value.facts["expected"] == str(known_difference.account)


# Reversing


def test_a_reversal_posts_the_opposite_and_both_lines_stay(account, codes, credit_code):
    original = record(account, **codes)
    opposite = reverse(original, credit_code)
    original.refresh_from_db()
    assert (original.status, original.amount) == (MovementStatus.REVERSED, Decimal("-12.50"))
    assert (opposite.amount, opposite.cash_date, opposite.reverses) == (Decimal("12.50"), TODAY, original)
    assert told(original) == told(opposite) == ("ana", "back_office", REASON)
    assert CashMovement.objects.balance() == 0
    assert_books_are_clean()


def test_a_reversal_falls_on_the_day_of_its_original(account, codes, credit_code):
    assert reverse(record(account, cash_date=YESTERDAY, **codes), credit_code).cash_date == YESTERDAY


def test_a_reversed_clearing_leaves_the_difference_open_again(known_difference, codes, credit_code):
    clearing = record(known_difference.account, "1000.00", clears_id=known_difference.pk, **codes)
    reverse(clearing, credit_code)
    assert_books_are_clean()


def test_a_movement_is_reversed_once(account, codes, credit_code):
    original = record(account, **codes)
    reverse(original, credit_code)
    with refused(AlreadyReversed, "already_reversed"):
        reverse(original, credit_code)


def test_an_opposite_is_not_reversed(account, codes, credit_code):
    opposite = reverse(record(account, **codes), credit_code)
    with refused(AlreadyReversed, "already_reversed"):
        reverse(opposite, codes["history_code_id"])


def test_the_movement_of_a_receipt_is_reversed_with_it(credit_code):
    receipt = settle(make_title(), "1000.00")
    with refused(MovementBelongsToReceipt, "movement_belongs_to_receipt") as refusal:
        reverse(receipt.movements.get(), credit_code)
    assert refusal.value.facts["receipt"] == receipt.label


def test_a_debit_of_the_closed_cash_dialogue_belongs_to_its_receipt(credit_code):
    title = make_title()
    account = cash_account(title.collecting_branch)
    settle(title, "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    close_day(account_id=account.pk, day=YESTERDAY, by=CASHIER, now=NOW, on=TODAY)
    reversal = reverse_title(
        title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY,
        closed_cash={account.pk: ClosedCash(ClosedCashOption.ACCOUNT_DEBIT, [debit()])},
    )  # fmt: skip
    with refused(MovementBelongsToReceipt, "movement_belongs_to_receipt"):
        reverse(reversal.movements.get(), credit_code)


def test_the_movements_of_a_customers_credit_are_not_reversed_alone(credit_code):
    title = make_title()
    settle(title, "1100.00")
    other = make_title(branch=title.collecting_branch, bill_to=title.bill_to)
    use_credit(installment_id=other.installments.get().pk, amount=Decimal("60.00"), cash_date=TODAY, by=CASHIER,
               now=NOW, on=TODAY)  # fmt: skip
    refund_credit(customer_id=title.bill_to_id, branch_id=title.collecting_branch_id, amount=Decimal("40.00"),
                  method_code="cash", cash_date=TODAY, reason=REASON, by=CASHIER, now=NOW, on=TODAY)  # fmt: skip
    for movement in CashMovement.objects.filter(credit__isnull=False):
        with refused(MovementBelongsToCredit, "movement_belongs_to_credit"):
            reverse(movement, credit_code)
    assert_books_are_clean()


def test_a_closed_day_takes_no_reversal(account, codes, credit_code):
    original = record(account, **codes)
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    with refused(CashDayClosed, "cash_day_closed"):
        reverse(original, credit_code)


def test_a_debit_is_not_undone_by_a_debit(account, codes):
    original = record(account, **codes)
    with refused(WrongDirection, "wrong_direction") as refusal:
        reverse(original, codes["history_code_id"])
    assert refusal.value.facts["direction"] == Direction.DEBIT.label


@pytest.mark.parametrize(
    ("reason", "rule", "code"),
    [("engano", ReasonTooShort, "reason_too_short"), ("x" * 501, ReasonTooLong, "reason_too_long")],
)
def test_a_reversal_needs_a_reason(account, codes, credit_code, reason, rule, code):
    original = record(account, **codes)
    with refused(rule, code):
        reverse(original, credit_code, reason=reason)
