"""The statement of an account: what it adds up to, its pages, the figures of a day and of all accounts (G.4, G.11)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from receivables.domain.reversal import ClosedCashOption
from receivables.models import CashMovement, LedgerAccount
from receivables.services.cash_day import COUNT_DIFFERS, close_day
from receivables.services.cash_movement import reverse_cash_movement
from receivables.services.reversal import ClosedCash, reverse_title
from receivables.statement import account_figures, closed_along, day_figures, statement
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_account,
    make_branch,
    make_history_code,
    make_parameter_set,
    make_title,
    make_user,
    record,
)
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)
WHO = {"by": CASHIER, "now": NOW, "on": TODAY}


@pytest.fixture
def account():
    return cash_account(make_branch())


def read(account, first=YESTERDAY, last=TODAY, **options):
    return statement(account, first=first, last=last, **options)


def told(found):
    """The days of a page: day, opening, lines with their balances, closing."""
    return [
        (day.day, day.opening, [(line.movement.amount, line.balance) for line in day.lines], day.balance)
        for day in found.days
    ]


def test_each_line_has_its_balance_and_each_day_begins_where_the_last_one_ended(account):
    record(account, "70.00", TODAY - timedelta(days=9))
    record(account, "30.00", YESTERDAY)
    record(account, "-5.00")
    record(account, "1.00")
    found = read(account)
    assert told(found) == [
        (YESTERDAY, 70, [(30, 100)], 100),
        (TODAY, 100, [(-5, 95), (1, 96)], 96),
    ]
    assert (found.opening, found.moved.credits, found.moved.debits, found.balance) == (70, 31, -5, 96)


def test_the_statement_ends_with_the_balance_of_the_account(account):
    for amount in ("10.10", "20.20", "-0.30"):
        record(account, amount)
    assert read(account).balance == CashMovement.objects.filter(account=account).balance() == Decimal("30.00")


def test_what_is_of_another_account_or_period_is_not_told(account):
    record(make_account(branch=account.branch), "1.00")
    record(account, "2.00", TODAY - timedelta(days=2))
    found = read(account)
    assert (found.days, found.opening) == ([], 2)


def test_both_lines_of_a_reversal_are_marked(account):
    movement = record(account, "10.00")
    reverse_cash_movement(
        movement_id=movement.pk, history_code_id=make_history_code(direction="debit").pk, reason=REASON, by=CASHIER,
        now=NOW,
    )  # fmt: skip
    record(account, "1.00")
    [day] = read(account).days
    assert [line.is_undone for line in day.lines] == [True, True, False]


def test_closing_a_day_marks_it_and_all_before_it(account):
    record(account, "1.00", YESTERDAY)
    close_day(account_id=account.pk, day=YESTERDAY, **WHO)
    record(account, "1.00")
    assert [(day.day, day.is_closed) for day in read(account).days] == [(YESTERDAY, True), (TODAY, False)]


def test_a_day_closed_without_a_movement_is_told(account):
    close_day(account_id=account.pk, day=TODAY, **WHO)
    assert told(read(account)) == [(TODAY, 0, [], 0)]


def test_supplements_keep_their_number():
    loose = cash_account(make_branch(parameter_set=make_parameter_set(cash_closing_control=False)))
    record(loose, "1.00")
    close_day(account_id=loose.pk, day=TODAY, **WHO)
    record(loose, "2.00")
    [day] = read(loose).days
    assert [line.movement.supplement_number for line in day.lines] == [None, 1]


@pytest.mark.parametrize("length", [1, 2, 3, 4, 6])
def test_pages_of_any_length_tell_the_same_lines_with_the_same_balances(account, length):
    for number in range(6):
        record(account, f"{number + 1}.10", YESTERDAY if number < 3 else TODAY)
    after, told = None, []
    while True:
        page = read(account, after=after, lines=length)
        told += [(line.movement.pk, line.balance) for day in page.days for line in day.lines]
        after = page.onward
        if after is None:
            break
    assert told == [(line.movement.pk, line.balance) for day in read(account).days for line in day.lines]


def test_a_page_carries_the_balance_of_the_one_before(account):
    for amount in ("1.00", "2.00", "4.00"):
        record(account, amount)
    first = read(account, lines=2)
    second = read(account, lines=2, after=first.onward)
    assert (first.carried, first.days[-1].is_cut, second.carried, second.balance) == (0, True, 3, 7)
    assert told(second) == [(TODAY, 3, [(4, 7)], 7)]


def test_a_longer_statement_asks_the_database_no_more(account):
    record(account, "1.00", YESTERDAY)
    with CaptureQueriesContext(connection) as few:
        read(account)
    for _each in range(5):
        record(account, "1.00")
        settle(make_title(branch=account.branch), "1000.00")
    with CaptureQueriesContext(connection) as many:
        read(account)
    assert len(many) == len(few) <= 6


def test_a_balance_is_summed_from_the_index(account):
    assert ["account", "cash_date", "id", "amount"] in [index.fields for index in CashMovement._meta.indexes]


# One day


def test_a_day_is_told_by_means_of_payment(account):
    record(account, "70.00", YESTERDAY)
    settle(make_title(branch=account.branch), "1000.00")
    record(account, "-20.00")
    figures = day_figures(account, TODAY)
    told = {each.method.code: (each.opening, each.moved.credits, each.moved.debits, each.expected)
            for each in figures.methods}  # fmt: skip
    assert told == {"cash": (70, 1000, -20, 1050), "outros": (0, 0, 0, 0)}
    assert (figures.opening, figures.balance, figures.is_closed) == (70, 1050, False)
    assert [line.balance for line in figures.lines()] == [1070, 1050]


def test_a_counted_day_tells_what_was_over_or_short(account):
    record(account, "70.00")
    close_day(account_id=account.pk, day=TODAY, confirmed=frozenset({COUNT_DIFFERS}), **WHO,
              counted={"cash": Decimal(69), "outros": Decimal(0)})  # fmt: skip
    cash = day_figures(account, TODAY).methods[0]
    assert (cash.expected_then, cash.counted, cash.difference) == (70, 69, -1)


# What closing a day closes as well


def test_the_silent_days_since_the_last_closing_close_as_well(account):
    close_day(account_id=account.pk, day=TODAY - timedelta(days=3), **WHO)
    along = closed_along(account, TODAY)
    assert along.silent_days == [TODAY - timedelta(days=2), YESTERDAY]


def test_an_open_day_in_between_goes_first(account):
    close_day(account_id=account.pk, day=TODAY - timedelta(days=3), **WHO)
    record(account, "1.00", YESTERDAY)
    along = closed_along(account, TODAY)
    assert ([row.day for row in along.open_days], along.silent_days) == ([YESTERDAY], [TODAY - timedelta(days=2)])


def test_the_first_closing_closes_every_day_before(account):
    assert closed_along(account, TODAY).since is None


# All accounts


def test_each_account_is_told_with_its_balance_its_last_closing_and_its_differences(account):
    title = make_title(branch=account.branch)
    settle(title, "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    close_day(account_id=account.pk, day=YESTERDAY, **WHO)
    reverse_title(title_id=title.pk, reason=REASON, closed_cash={account.pk: ClosedCash(ClosedCashOption.NO_DEBIT)},
                  **WHO)  # fmt: skip
    user = make_user(branches=(account.branch,))
    bank = LedgerAccount.objects.get(branch=account.branch, kind=LedgerAccount.Kind.BANK)
    told = {each.account: each for each in account_figures(user, on=TODAY)}
    assert set(told) == {account, bank}
    mine = told[account]
    assert (mine.balance, mine.last_closed, mine.differences, mine.difference) == (1000, YESTERDAY, 1, 1000)
    assert (told[bank].balance, told[bank].last_closed, told[bank].differences) == (0, None, 0)


def test_the_accounts_of_other_branches_are_not_told(account):
    assert account not in [each.account for each in account_figures(make_user(branches=(make_branch(),)), on=TODAY)]


def test_more_accounts_ask_the_database_no_more(account):
    user = make_user(branches=(account.branch,))
    with CaptureQueriesContext(connection) as few:
        account_figures(user, on=TODAY)
    for _each in range(5):
        record(make_account(branch=account.branch), "1.00")
    with CaptureQueriesContext(connection) as many:
        account_figures(user, on=TODAY)
    assert len(many) == len(few) == 2
