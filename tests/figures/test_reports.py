"""Statement, receipts, reversals and cash of the day: every sum is the ledger's, of one's own branches only."""

from datetime import timedelta
from decimal import Decimal

import pytest

from receivables.domain.reversal import ClosedCashOption
from receivables.figures.cash_day import cash_day_sheet
from receivables.figures.customer_statement import customer_statement
from receivables.figures.received import received_sheet
from receivables.figures.reversals import reversals_sheet
from receivables.models import CashMovement, CustomerCredit, Receipt, Reversal
from receivables.services.cash_day import close_day, reopen_day
from receivables.services.groups import TESOURARIA
from receivables.services.reversal import ClosedCash, reverse_title
from receivables.services.settlement import quote
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_branch,
    make_customer,
    make_parameter_set,
    make_title,
    make_user,
    record,
)
from tests.services.test_settlement import LATE, settle, settle_part

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(1)
MONTH = {"first": TODAY - timedelta(30), "last": TODAY}


@pytest.fixture
def branch():
    return make_branch()


@pytest.fixture
def user(branch):
    return make_user(group=TESOURARIA, branches=(branch,))


def reverse(title, **options):
    return reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY, **options)


def column(part, place):
    return [row[place] for row in part.rows]


# Extrato do cliente


def statement(user, customer, **options):
    return customer_statement(user, customer=customer, today=TODAY, **{"most": 100} | MONTH | options)


def test_open_installments_owe_what_settling_them_today_would_cost(branch, user):
    title = make_title(branch=branch, amounts=("1000.00", "50.00"), due_dates=(LATE, TODAY + timedelta(9)))
    open_part = statement(user, title.bill_to).parts[0]
    assert column(open_part, -1) == [each.total for each in quote(title_ids=[title.pk], on=TODAY)] == [1030, 50]
    assert column(open_part, 3) == [30, None]
    assert open_part.total[-1] == 1080


def test_receipts_of_the_period_are_told_with_their_split_and_what_was_undone(branch, user):
    title = make_title(branch=branch, due_dates=(LATE,))
    settle(title, "1030.00")
    reverse(title)
    settle(title, "1040.00", discount=Decimal("0.00"))
    sheet = statement(user, title.bill_to)
    paid = sheet.parts[1]
    assert [row[3:] for row in paid.rows] == [
        [1000, 10, 20, None, 1030, 1030],
        [1000, 10, 20, None, 1040, None],
    ]
    assert paid.total[3:] == [2000, 20, 40, 0, 2070, 1030]
    assert dict(sheet.numbers)["Recebido no período"] == 1040
    assert [amount for _label, amount in sheet.numbers][-1] == CustomerCredit.objects.available() == 10


def test_what_was_received_before_or_after_the_period_is_not_told(branch, user):
    title = make_title(branch=branch)
    settle(title, "1000.00")
    assert statement(user, title.bill_to, last=YESTERDAY).parts[1].rows == []


def test_a_customers_dealings_with_other_branches_are_not_told(user):
    customer = make_customer()
    settle(make_title(branch=make_branch(name="Outra"), bill_to=customer), "1000.00")
    make_title(branch=make_branch(name="Outra"), bill_to=customer)
    assert [part.rows for part in statement(user, customer).parts] == [[], []]


def test_a_statement_takes_as_many_statements_for_many_titles_as_for_one(branch, user, django_assert_num_queries):
    customer = make_customer()
    for count in (1, 6):
        for _each in range(count):
            settle(make_title(branch=branch, bill_to=customer), "1000.00")
            make_title(branch=branch, bill_to=customer)
        with django_assert_num_queries(12):
            statement(user, customer)


# Recebimentos do período


def test_the_receipts_of_a_period_are_summed_by_means_by_what_they_paid_and_by_day(branch, user):
    settle(make_title(branch=branch, due_dates=(LATE,)), "1030.00")
    settle(make_title(branch=branch), "1005.00", deposit=deposit(method="pix"))
    settle_part(
        make_title(branch=branch).installments.get(), "0.10", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY)
    )
    by_method, composition, by_day = received_sheet(user, **MONTH).parts
    assert [row[1:] for row in by_method.rows] == [["Cash", 2, Decimal("1030.10")], ["Pix", 1, 1005]]
    assert composition.total[1:] == [Decimal("2000.10"), 10, 20, 0, 5, Decimal("2035.10")]
    assert by_day.rows == [[YESTERDAY, 1, Decimal("0.10")], [TODAY, 2, 2035]]


def test_the_three_tables_come_to_what_the_receipts_come_to(branch, user):
    for amount in ("1000.01", "1333.33"):
        settle(make_title(branch=branch), amount)
    whole = sum(Receipt.objects.values_list("amount", flat=True))
    sheet = received_sheet(user, **MONTH)
    assert [part.total[-1] for part in sheet.parts] == [whole] * 3
    assert sheet.numbers[0][1] == whole


def test_reversals_are_told_beside_what_was_received(branch, user):
    title = make_title(branch=branch)
    settle(title, "1000.00")
    reverse(title)
    assert [amount for _label, amount in received_sheet(user, **MONTH).numbers] == [1000, 1000, 0]


def test_what_other_branches_received_is_not_told(user):
    settle(make_title(branch=make_branch(name="Outra")), "1000.00")
    sheet = received_sheet(user, **MONTH)
    assert ([part.rows for part in sheet.parts], sheet.numbers[0][1]) == ([[], [], []], 0)


# Estornos do período


def test_a_reversal_is_told_with_who_why_and_what_it_left_in_the_cash(branch, user):
    title = make_title(branch=branch)
    receipt = settle(title, "1000.00")
    account = cash_account(branch)
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    reversal = reverse(title, closed_cash={account.pk: ClosedCash(option=ClosedCashOption.NO_DEBIT)})
    kinds, each = reversals_sheet(user, most=100, **MONTH).parts
    (row,) = each.rows
    assert [str(row[place]) for place in (1, 2, 3)] == [f"{reversal.pk:06d}", receipt.label, title.document_number]
    assert row[7:] == [1000, 0, 1000, CASHIER.name, REASON]
    assert kinds.total[1:] == [1, 1000, 0, 1000]


def test_the_reversals_add_up_though_only_some_are_shown(branch, user):
    for _each in range(3):
        title = make_title(branch=branch)
        settle(title, "1000.00")
        reverse(title)
    sheet = reversals_sheet(user, most=2, **MONTH)
    assert (len(sheet.parts[1].rows), sheet.parts[1].total[7]) == (2, 3000)
    assert sheet.notes


@pytest.mark.parametrize(("first", "last", "count"), [(TODAY, TODAY, 1), (YESTERDAY, YESTERDAY, 0)])
def test_both_ends_of_the_period_count(branch, user, first, last, count):
    title = make_title(branch=branch)
    settle(title, "1000.00")
    reverse(title)
    assert len(reversals_sheet(user, first=first, last=last, most=100).parts[1].rows) == count


def test_reversals_of_other_branches_are_not_told(user):
    title = make_title(branch=make_branch(name="Outra"))
    settle(title, "1000.00")
    reverse(title)
    assert Reversal.objects.count() == 1
    assert reversals_sheet(user, most=100, **MONTH).parts[1].rows == []


# Caixa do dia


def cash(account, day=TODAY, most=100):
    return cash_day_sheet(account=account, day=day, most=most)


def test_the_day_goes_from_its_opening_to_its_closing_balance_line_by_line(branch):
    account = cash_account(branch)
    settle(make_title(branch=branch), "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    settle(make_title(branch=branch), "1000.00")
    record(account, "-70.07", notes="Sangria")
    sheet = cash(account)
    assert [amount for _label, amount in sheet.numbers] == [1000, 1000, Decimal("-70.07"), Decimal("1929.93")]
    assert column(sheet.parts[1], -1) == [2000, Decimal("1929.93")]
    assert sheet.numbers[-1][1] == CashMovement.objects.filter(account=account).balance()


def test_the_means_of_payment_add_up_to_the_day(branch):
    settle(make_title(branch=branch), "1000.00")
    methods = cash(cash_account(branch)).parts[0]
    assert methods.total[1:5] == [0, 1000, 0, 1000]


def test_each_closing_is_told_and_why_it_was_reopened(branch):
    account = cash_account(branch)
    settle(make_title(branch=branch), "1000.00")
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    reopen_day(account_id=account.pk, day=TODAY, reason=REASON, by=CASHIER, now=NOW)
    (row,) = cash(account).parts[2].rows
    assert (row[1], row[5], row[-1]) == (CASHIER.name, 1000, REASON)


def test_what_entered_a_closed_day_is_numbered_and_summed_beside_its_closing():
    branch = make_branch(parameter_set=make_parameter_set(cash_closing_control=False))
    account = cash_account(branch)
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    settle(make_title(branch=branch), "1000.00")
    sheet = cash(account)
    assert column(sheet.parts[1], 6) == [1]
    assert column(sheet.parts[2], 7) == [1000]


def test_a_known_difference_is_told_on_the_day_that_it_is_about(branch):
    title, account = make_title(branch=branch), cash_account(branch)
    settle(title, "1000.00")
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    reverse(title, closed_cash={account.pk: ClosedCash(option=ClosedCashOption.NO_DEBIT)})
    (row,) = cash(account).parts[3].rows
    assert row[3:7] == [1000, 0, 1000, 1000]


def test_an_account_that_is_counted_blind_tells_nothing_before_it_was_counted():
    branch = make_branch(parameter_set=make_parameter_set(blind_closing=True))
    settle(make_title(branch=branch), "1000.00")
    sheet = cash(cash_account(branch))
    assert (sheet.numbers, sheet.parts) == ((), [])
    assert sheet.notes


def test_a_day_takes_as_many_statements_for_many_postings_as_for_one(branch, django_assert_max_num_queries):
    for count in (1, 8):
        for _each in range(count):
            settle(make_title(branch=branch), "1000.00")
        account = cash_account(branch)
        with django_assert_max_num_queries(16):
            cash(account)
