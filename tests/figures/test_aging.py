"""Aging by customer and branch: today as the start page has it, an earlier day as it was."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine

from receivables import reports
from receivables.figures.aging import aging_sheet
from receivables.models import Installment
from receivables.services.groups import TESOURARIA
from receivables.services.reissue import reissue_bank_collection
from receivables.services.reversal import reverse_title
from receivables.services.title import cancel_title
from tests.make import CASHIER, NOW, REASON, TODAY, deposit, make_branch, make_customer, make_title, make_user
from tests.services.test_settlement import settle, settle_part

pytestmark = pytest.mark.django_db

FRIDAY = TODAY - timedelta(3)
ONE_WEEK_AGO = TODAY - timedelta(7)


@pytest.fixture
def branch():
    return make_branch()


@pytest.fixture
def user(branch):
    return make_user(group=TESOURARIA, branches=(branch,))


def lines(user, on=TODAY, **options):
    """The lines of the table: name, branch, bands that owe something, total."""
    sheet = aging_sheet(user, on=on, today=TODAY, most=100, **options)
    codes = [band.code for band in reports.BANDS]
    return [
        (row[1], {code: each for code, each in zip(codes, row[2:-1], strict=True) if each}, row[-1])
        for row in sheet.parts[0].rows
    ]


def total(user, on=TODAY):
    return aging_sheet(user, on=on, today=TODAY, most=100).numbers[0][1]


def due(days, *, branch, amount="100.00", **values):
    return make_title(branch=branch, amounts=(amount,), due_dates=(TODAY + timedelta(days),), **values)


def test_customers_and_branches_have_a_line_each_with_a_sum_for_each_age(branch, user):
    customer = make_customer()
    for days in (-45, -5, -4, 40):
        due(days, branch=branch, bill_to=customer)
    due(0, branch=branch, amount="7.07")
    assert lines(user) == [
        (branch.code, {"31-60": Decimal(100), "1-30": Decimal(200), "later": Decimal(100)}, Decimal(400)),
        (branch.code, {"today": Decimal("7.07")}, Decimal("7.07")),
    ]


def test_the_totals_of_today_are_those_of_the_start_page(branch, user):
    for days in (-100, -70, -45, -3, 0, 5, 20, 90):
        due(days, branch=branch, amount="33.33")
    settle_part(Installment.objects.latest("pk"), "10.00")
    sheet = aging_sheet(user, on=TODAY, today=TODAY, most=100)
    assert list(sheet.parts[0].total[2:-1]) == [each.amount for each in reports.aging(user, on=TODAY)]


def test_what_was_received_later_was_still_open_on_the_day(branch, user):
    settle(due(-10, branch=branch), "102.33")
    assert (total(user), total(user, FRIDAY)) == (0, 100)


def test_what_was_received_by_the_day_is_no_longer_open_on_it(branch, user):
    settle_part(due(5, branch=branch).installments.get(), "30.00", received_on=FRIDAY, deposit=deposit(on=FRIDAY))
    assert (total(user, FRIDAY), total(user, FRIDAY - timedelta(1))) == (70, 100)


def test_what_was_reversed_later_was_settled_on_the_day(branch, user):
    title = due(5, branch=branch)
    settle(title, "100.00", received_on=FRIDAY, deposit=deposit(on=FRIDAY))
    reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY)
    assert (total(user), total(user, FRIDAY), total(user, FRIDAY - timedelta(1))) == (100, 0, 100)


def test_a_new_collection_after_the_day_leaves_due_date_and_amount_as_they_were_on_it(branch, user):
    title = make_title(branch=branch, due_dates=(date(2026, 10, 5),), our_numbers=("109000001",))
    reissue_bank_collection(
        installment_id=title.installments.get().pk, new_due_date=TODAY, reason=REASON, apply_charges=True,
        interest_percent=Decimal("0.033"), fine_percent=Decimal(2), write_off_requested=True, by=CASHIER, on=TODAY,
        now=NOW,
    )  # fmt: skip
    (_branch, bands, _total) = lines(user, FRIDAY)[0]
    assert bands == {"31-60": Decimal("1000.00")}
    assert total(user) > 1000


def test_a_title_cancelled_after_the_day_was_open_on_it(branch, user):
    with time_machine.travel(NOW, tick=False):
        cancel_title(title_id=due(5, branch=branch).pk, reason=REASON, by=CASHIER)
    assert (total(user), total(user, FRIDAY)) == (0, 100)


def test_a_title_cancelled_by_the_day_was_not_open_on_it(branch, user):
    with time_machine.travel(NOW - timedelta(3), tick=False):
        cancel_title(title_id=due(5, branch=branch).pk, reason=REASON, by=CASHIER)
    assert (total(user, FRIDAY), total(user, FRIDAY - timedelta(1))) == (0, 100)


def test_a_title_issued_after_the_day_was_not_there(branch, user):
    due(5, branch=branch, issued_on=FRIDAY)
    assert (total(user, FRIDAY), total(user, FRIDAY - timedelta(1))) == (100, 0)


def test_what_fell_due_on_a_weekend_is_not_late_on_monday(branch, user):
    due(-1, branch=branch)
    assert lines(user) == [(branch.code, {"today": Decimal(100)}, Decimal(100))]


def test_a_day_to_come_ages_what_is_open_now(branch, user):
    due(5, branch=branch)
    assert lines(user, TODAY + timedelta(30)) == [(branch.code, {"1-30": Decimal(100)}, Decimal(100))]


def test_each_day_ages_alike_whether_it_is_today_or_past(branch, user):
    for days in (-45, 3):
        due(days, branch=branch)
    as_today = aging_sheet(user, on=ONE_WEEK_AGO, today=ONE_WEEK_AGO, most=100)
    as_past = aging_sheet(user, on=ONE_WEEK_AGO, today=TODAY, most=100)
    assert as_past.parts[0].rows == as_today.parts[0].rows


def test_titles_of_other_branches_are_not_told(user):
    due(0, branch=make_branch(name="Outra"))
    assert lines(user) == []


def test_one_branch_may_be_asked_for(branch):
    other, chief = make_branch(name="Outra"), make_user(is_superuser=True)
    due(0, branch=branch), due(0, branch=other)
    assert [line[0] for line in lines(chief, branch=other)] == [other.code]


def test_lines_that_are_left_out_are_said_and_counted(branch, user):
    for amount in ("1.00", "3.00", "2.00"):
        due(0, branch=branch, amount=amount)
    sheet = aging_sheet(user, on=TODAY, today=TODAY, most=2)
    assert [row[-1] for row in sheet.parts[0].rows] == [3, 2]
    assert sheet.parts[0].total[-1] == 6
    assert "2" in sheet.notes[0]
    assert "3" in sheet.notes[0]


@pytest.mark.parametrize(("on", "statements"), [(TODAY, 6), (FRIDAY, 10)])
def test_the_number_of_statements_does_not_grow_with_the_titles(
    branch, user, on, statements, django_assert_num_queries
):
    for count in (1, 5):
        for _each in range(count):
            settle(due(-10, branch=branch), "102.33")
            due(5, branch=branch)
        with django_assert_num_queries(statements):
            aging_sheet(user, on=on, today=TODAY, most=100)
