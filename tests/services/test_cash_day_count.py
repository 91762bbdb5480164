"""Counting an account's day, openly and blind, and posting what the count found (G.11)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    AmountAboveDifference,
    CashDayClosed,
    ConfirmationRequired,
    CountOutdated,
    CountRequired,
    DateInFuture,
    DifferenceCountedAgain,
    MethodNotCounted,
    WrongAccount,
)
from receivables.models import CashDay, CashDayCount, CashMovement, DocumentType, HistoryCode, LedgerAccount
from receivables.services.cash_day import COUNT_DIFFERS, close_day, count_day, reopen_day
from receivables.services.cash_day_count import expected_of, still_to_post
from receivables.services.cash_movement import record_cash_movement, reverse_cash_movement
from receivables.services.credit import use_credit
from tests.ledger import assert_books_are_clean, refused
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_branch,
    make_history_code,
    make_parameter_set,
    make_title,
    record,
)
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

BEFORE = TODAY - timedelta(days=2)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
WHO = {"by": CASHIER, "now": NOW, "on": TODAY}
AWARE = frozenset({COUNT_DIFFERS})


@pytest.fixture
def account():
    return cash_account(make_branch())


@pytest.fixture
def blind():
    """An account of a branch that counts blind."""
    return cash_account(make_branch(parameter_set=make_parameter_set(blind_closing=True)))


def receive(account, amount="1000.00", on=TODAY, method="cash"):
    title = make_title(branch=account.branch, amounts=(amount,))
    return settle(title, amount, received_on=on, deposit=deposit(on=on, method=method))


def counted(cash="0.00", other="0.00", **more):
    return {"cash": Decimal(cash), "outros": Decimal(other)} | {code: Decimal(text) for code, text in more.items()}


def count(account, day=TODAY, **amounts):
    return count_day(account_id=account.pk, day=day, counted=counted(**amounts), **WHO)


def close(account, day=TODAY, **values):
    return close_day(account_id=account.pk, day=day, **WHO | values)


def short(account, day=TODAY, by="10.00"):
    """Close a day with so much missing in cash."""
    there = expected_of(account, day=day)["cash"] - Decimal(by)
    return close(account, day, counted=counted(cash=str(there)), confirmed=AWARE)


def post(closing, amount="10.00", direction="debit", **values):
    usual = {
        "account_id": closing.cash_day.account_id, "cash_date": TODAY, "amount": Decimal(amount),
        "history_code_id": HistoryCode.objects.filter(direction=direction)[0].pk,
        "document_type_id": DocumentType.objects.all()[0].pk, "difference_of_id": closing.pk,
    }  # fmt: skip
    return record_cash_movement(**usual | WHO | values)


def lines(count):
    return {line.method.code: (line.expected_amount, line.counted_amount) for line in count.lines.all()}


# Counting while closing


def test_a_closing_keeps_what_was_expected_and_counted_of_each_means(account):
    receive(account, "70.00", on=YESTERDAY)
    close(account, YESTERDAY)
    receive(account, "100.00")
    receive(account, "8.00", method="outros")
    closing = close(account, counted=counted(cash="169.00", other="9.00"), confirmed=AWARE)
    assert lines(closing.count) == {"cash": (170, 169), "outros": (8, 9)}
    assert (closing.count.expected_amount, closing.counted_amount, closing.count.difference) == (178, 178, 0)
    assert (closing.count.number, closing.count.is_blind, closing.count.actor) == (1, False, "ana")
    assert_books_are_clean()


def test_a_difference_is_confirmed_before_it_is_recorded(account):
    receive(account, "100.00")
    with refused(ConfirmationRequired, "confirmation_required") as refusal:
        close(account, counted=counted(cash="90.00"))
    assert refusal.value.facts["codes"] == [COUNT_DIFFERS]


def test_a_recorded_difference_moves_no_money(account):
    receive(account, "100.00")
    assert short(account).count.difference == -10
    assert CashMovement.objects.filter(account=account).balance() == 100
    assert_books_are_clean()


def test_a_means_that_was_left_out_is_named(account):
    receive(account, "100.00")
    with refused(MethodNotCounted, "method_not_counted"):
        close(account, counted={"cash": Decimal(100)})


def test_a_day_may_close_without_a_count_where_nothing_demands_one(account):
    closing = close(account)
    assert (closing.count, closing.counted_amount) == (None, None)


def test_a_bank_account_counts_the_day_alone(account):
    bank = LedgerAccount.objects.get(branch=account.branch, kind=LedgerAccount.Kind.BANK)
    receive(account, "70.00", on=YESTERDAY, method="pix")
    close(bank, YESTERDAY)
    receive(account, "30.00", method="pix")
    closing = close(bank, counted={"pix": Decimal(30), "card": Decimal(0)})
    assert (closing.count.opening_amount, closing.count.expected_amount) == (None, 30)
    assert_books_are_clean()


def test_a_credit_that_was_spent_is_no_cash(account):
    title = make_title(branch=account.branch, amounts=("50.00",))
    settle(title, "60.00")
    other = make_title(branch=account.branch, amounts=("40.00",), bill_to=title.bill_to)
    use_credit(installment_id=other.installments.get().pk, amount=Decimal(10), cash_date=TODAY, **WHO)
    assert expected_of(account, day=TODAY) == {"cash": 60, "outros": 0, "customer_credit": 0}


def test_a_persons_movement_is_cash_in_a_cash_account(account):
    record(account, "5.00")
    assert expected_of(account, day=TODAY)["cash"] == 5


# Counting blind


def test_a_blind_account_is_counted_before_it_is_closed(blind):
    receive(blind, "100.00")
    for given in ({}, {"counted": counted(cash="100.00")}):
        with refused(CountRequired, "count_required") as refusal:
            close(blind, **given)
        assert refusal.value.facts == {"account": str(blind), "day": TODAY}


def test_a_blind_account_closes_with_the_count_that_was_seen(blind):
    receive(blind, "100.00")
    seen = count(blind, cash="95.00")
    closing = close(blind, count_id=seen.pk, confirmed=AWARE)
    assert (closing.count, closing.count.is_blind, closing.count.difference) == (seen, True, -5)
    assert_books_are_clean()


def test_a_count_is_changed_only_by_a_new_one_and_both_are_kept(blind):
    receive(blind, "100.00")
    first, second = count(blind, cash="95.00"), count(blind, cash="100.00")
    assert [each.number for each in CashDayCount.objects.order_by("pk")] == [1, 2]
    with refused(CountRequired, "count_required"):
        close(blind, count_id=first.pk, confirmed=AWARE)
    assert close(blind, count_id=second.pk).count == second


def test_a_count_is_outdated_by_what_is_posted_after_it(blind):
    receive(blind, "100.00")
    seen = count(blind, cash="100.00")
    receive(blind, "1.00")
    with refused(CountOutdated, "count_outdated"):
        close(blind, count_id=seen.pk)


def test_a_day_that_was_reopened_is_counted_again(blind):
    receive(blind, "100.00")
    seen = count(blind, cash="100.00")
    close(blind, count_id=seen.pk)
    reopen_day(account_id=blind.pk, day=TODAY, reason=REASON, by=CASHIER, now=NOW)
    with refused(CountRequired, "count_required"):
        close(blind, count_id=seen.pk)


def test_a_closed_day_is_not_counted(account):
    close(account)
    for day in (TODAY, YESTERDAY):
        with refused(CashDayClosed, "cash_day_closed"):
            count(account, day)


def test_the_future_is_not_counted(account):
    with refused(DateInFuture, "date_in_future"):
        count(account, TOMORROW)
    assert not CashDay.objects.exists()


# Posting a difference


def test_a_person_posts_the_difference_as_a_linked_movement(account):
    receive(account, "100.00", on=YESTERDAY)
    closing = short(account, YESTERDAY)
    movement = post(closing)
    assert (movement.amount, movement.difference_of) == (-10, closing)
    assert still_to_post(closing) == 0
    assert_books_are_clean()


@pytest.mark.parametrize(("amount", "direction"), [("10.01", "debit"), ("0.01", "credit")])
def test_no_more_than_the_difference_is_posted(account, amount, direction):
    receive(account, "100.00", on=YESTERDAY)
    closing = short(account, YESTERDAY)
    with refused(AmountAboveDifference, "amount_above_difference"):
        post(closing, amount, direction)


def test_what_was_posted_in_part_leaves_the_rest(account):
    receive(account, "100.00", on=YESTERDAY)
    closing = short(account, YESTERDAY)
    post(closing, "4.00")
    with refused(AmountAboveDifference, "amount_above_difference") as refusal:
        post(closing, "6.01")
    assert refusal.value.facts["remaining"] == 6


def test_a_reversed_posting_leaves_the_difference_again(account):
    receive(account, "100.00", on=YESTERDAY)
    closing = short(account, YESTERDAY)
    reverse_cash_movement(
        movement_id=post(closing).pk, history_code_id=make_history_code().pk, reason=REASON, by=CASHIER, now=NOW
    )
    assert still_to_post(closing) == -10
    assert_books_are_clean()


def test_a_difference_that_a_later_count_found_again_is_posted_there(account):
    receive(account, "100.00", on=BEFORE)
    older, newer = short(account, BEFORE), short(account, YESTERDAY)
    with refused(DifferenceCountedAgain, "difference_counted_again") as refusal:
        post(older)
    assert refusal.value.facts["later"] == YESTERDAY
    assert still_to_post(newer) == -10


def test_a_difference_posted_once_is_not_posted_again_after_a_reopening(account):
    receive(account, "100.00", on=YESTERDAY)
    post(short(account, YESTERDAY))
    reopen_day(account_id=account.pk, day=YESTERDAY, reason=REASON, by=CASHIER, now=NOW)
    again = short(account, YESTERDAY)
    with refused(AmountAboveDifference, "amount_above_difference"):
        post(again)


def test_a_difference_is_posted_in_its_own_account(account):
    receive(account, "100.00", on=YESTERDAY)
    closing = short(account, YESTERDAY)
    other = cash_account(make_branch())
    with refused(WrongAccount, "wrong_account"):
        post(closing, account_id=other.pk)
