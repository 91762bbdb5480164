"""Closing and reopening an account's day, and where money lands when a day is closed (S61-S63, G.11, G.13)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import (
    CashDayClosed,
    CashDayNotClosed,
    DateInFuture,
    EarlierDayOpen,
    LaterDayClosed,
    MoveRefused,
    ReasonTooLong,
    ReasonTooShort,
)
from receivables.models import CashDay, CashDayReopening, CashDayStatus, CashMovement
from receivables.services.cash_day import (
    COUNT_DIFFERS,
    close_day,
    closes_cash,
    first_open_days,
    is_closed,
    land,
    land_later,
    lock_days,
    reopen_day,
)
from tests.ledger import assert_books_are_clean, refused, told
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, deposit, make_branch, make_parameter_set, make_title
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
BEFORE = TODAY - timedelta(days=2)


@pytest.fixture
def account():
    return cash_account(make_branch())


@pytest.fixture
def loose():
    """An account of a branch whose cash closing control is off."""
    return cash_account(make_branch(parameter_set=make_parameter_set(cash_closing_control=False)))


def close(account, day=TODAY, **values):
    return close_day(account_id=account.pk, day=day, **{"by": CASHIER, "now": NOW, "on": TODAY} | values)


def reopen(account, day=TODAY, **values):
    return reopen_day(account_id=account.pk, day=day, **{"reason": REASON, "by": CASHIER, "now": NOW} | values)


def receive(account, amount="1000.00", on=TODAY):
    return settle(make_title(branch=account.branch, amounts=(amount,)), amount, deposit=deposit(on=on))


# Closing


def test_a_closing_writes_down_what_the_day_added_up_to(account):
    receive(account, "70.00", on=YESTERDAY)
    close(account, YESTERDAY)
    receive(account, "100.00")
    receive(account, "50.00")
    counted = {"cash": Decimal("219.00"), "outros": Decimal(0)}
    closing = close(account, counted=counted, confirmed=frozenset({COUNT_DIFFERS}))
    assert (closing.opening_balance, closing.credits, closing.debits, closing.total) == (70, 150, 0, 150)
    assert (closing.counted_amount, closing.actor, closing.posted_at) == (219, "ana", NOW)
    assert_books_are_clean()


def test_a_closed_day_is_told_in_the_history(account):
    day = close(account).cash_day
    assert (day.status, told(day)) == (CashDayStatus.CLOSED, ("ana", "back_office", None))


def test_a_day_without_movements_can_be_closed(account):
    assert close(account).total == 0


def test_the_future_is_not_closed(account):
    with refused(DateInFuture, "date_in_future"):
        close(account, TOMORROW)


def test_days_close_oldest_first(account):
    receive(account, on=YESTERDAY)
    with refused(EarlierDayOpen, "earlier_day_open") as refusal:
        close(account)
    assert refusal.value.facts["earlier"] == YESTERDAY


def test_a_closed_day_is_not_closed_again(account):
    close(account)
    with refused(MoveRefused, "move_refused"):
        close(account)


def test_closing_a_day_closes_the_days_before_it(account):
    close(account)
    assert is_closed(account_id=account.pk, day=BEFORE)
    assert not is_closed(account_id=account.pk, day=TOMORROW)


def test_the_days_of_another_account_stay_open(account):
    close(account)
    assert not is_closed(account_id=cash_account(make_branch()).pk, day=TODAY)


# Reopening


def test_a_day_is_reopened_with_a_reason_and_closed_anew_with_all_that_came(account):
    receive(account, "100.00")
    first = close(account)
    day = reopen(account)
    assert (day.status, told(day)) == (CashDayStatus.OPEN, ("ana", "back_office", REASON))
    assert CashDayReopening.objects.get().closing == first
    receive(account, "30.00")
    assert close(account).total == 130
    assert_books_are_clean()


def test_days_reopen_newest_first(account):
    close(account, YESTERDAY)
    close(account)
    with refused(LaterDayClosed, "later_day_closed") as refusal:
        reopen(account, YESTERDAY)
    assert refusal.value.facts["later"] == TODAY
    reopen(account)
    assert reopen(account, YESTERDAY).status == CashDayStatus.OPEN


@pytest.mark.parametrize("known", [True, False])
def test_only_a_closed_day_is_reopened(account, known):
    if known:
        receive(account)
    with refused(CashDayNotClosed, "cash_day_not_closed"):
        reopen(account)


@pytest.mark.parametrize(
    ("reason", "rule", "code"),
    [("engano", ReasonTooShort, "reason_too_short"), ("x" * 501, ReasonTooLong, "reason_too_long")],
)
def test_a_reopening_needs_a_reason(account, reason, rule, code):
    close(account)
    with refused(rule, code):
        reopen(account, reason=reason)


# Where a person's money lands


def test_a_person_names_the_day_and_gets_it(account):
    landing = land(wanted=[(account, TODAY)], by=CASHIER)[account.pk, TODAY]
    assert (landing.day, landing.supplement()) == (TODAY, {})


@pytest.mark.parametrize("day", [TODAY, YESTERDAY])
def test_a_person_is_refused_a_closed_day_and_every_day_before_it(account, day):
    close(account)
    with pytest.raises(CashDayClosed) as refusal:
        land(wanted=[(account, day)], by=CASHIER)
    assert (refusal.value.code, refusal.value.facts) == ("cash_day_closed", {"account": str(account), "day": day})


def test_with_the_control_off_a_closed_day_takes_numbered_supplements(loose):
    receive(loose, "10.00")
    closing = close(loose)
    receive(loose, "20.00")
    receive(loose, "30.00")
    supplements = CashMovement.objects.filter(supplement_of=closing).order_by("pk")
    assert list(supplements.values_list("supplement_number", "amount")) == [(1, 20), (2, 30)]
    assert_books_are_clean()


def test_the_control_is_read_from_the_set_of_the_accounts_branch(account, loose):
    assert closes_cash(account)
    assert not closes_cash(loose)


# Where a station's money lands


def test_a_stations_money_lands_on_the_first_day_that_is_not_closed(account):
    close(account, YESTERDAY)
    landed = land_later(wanted=[(account, BEFORE), (account, YESTERDAY), (account, TODAY)], by=CASHIER)
    assert sorted(day for _, day in landed) == [BEFORE, YESTERDAY, TODAY]
    assert {landing.day for landing in landed.values()} == {TODAY}


def test_days_that_land_together_number_their_supplements_together(loose):
    close(loose, YESTERDAY)
    landed = land_later(wanted=[(loose, YESTERDAY)], by=CASHIER)[loose.pk, YESTERDAY]
    assert [landed.supplement()["supplement_number"] for _ in range(3)] == [1, 2, 3]


def first_open_day(*, account, day):
    return first_open_days({(account.pk, day): account})[account.pk, day]


def test_an_open_day_is_its_own_first_open_day(account):
    assert first_open_day(account=account, day=TODAY) == TODAY


def test_with_the_control_off_every_day_is_open_to_a_station(loose):
    close(loose)
    assert first_open_day(account=loose, day=YESTERDAY) == YESTERDAY


def test_days_are_made_once_and_their_making_is_told(account):
    first = lock_days([(account.pk, TODAY)], by=CASHIER)[account.pk, TODAY]
    again = lock_days([(account.pk, TODAY), (account.pk, TODAY)], by=CASHIER)[account.pk, TODAY]
    assert first == again == CashDay.objects.get()
    assert told(first) == ("ana", "back_office", None)
