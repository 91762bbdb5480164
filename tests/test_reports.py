"""The sums of the start page and of the lists: exact, of one's own branches, each one statement."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pos_sync.models import Device, DeviceContact
from pos_sync.reports import silent_tills
from receivables import reports
from receivables.domain.reversal import ClosedCashOption
from receivables.models import SYSTEM, Divergence, Title
from receivables.services.cash_day import close_day
from receivables.services.groups import TESOURARIA
from receivables.services.reversal import ClosedCash, reverse_title
from receivables.services.settlement import settle_installment, settle_title
from receivables.services.title import cancel_title
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    deposit,
    make_branch,
    make_title,
    make_user,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def branch():
    return make_branch()


@pytest.fixture
def user(branch):
    return make_user(group=TESOURARIA, branches=(branch,))


def due(days, *, branch, amount="100.00", **values):
    return make_title(branch=branch, amounts=(amount,), due_dates=(TODAY + timedelta(days),), **values)


def settle(title, *, method="cash"):
    received = sum((each.balance for each in title.installments.all()), Decimal("0.00"))
    return settle_title(
        title_id=title.pk, received=received, received_on=TODAY, deposit=deposit(method=method), by=CASHIER, now=NOW,
        on=TODAY,
    )  # fmt: skip


def reverse(title, **options):
    return reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY, **options)


def in_bands(user):
    return {each.band.code: (each.count, each.amount) for each in reports.aging(user, on=TODAY) if each.count}


# Aging


@pytest.mark.parametrize(
    ("days", "code"),
    [(-91, "over-90"), (-90, "61-90"), (-61, "61-90"), (-60, "31-60"), (-31, "31-60"), (-30, "1-30"), (-4, "1-30"),
     (-3, "today"), (-1, "today"), (0, "today"), (1, "next-7"), (7, "next-7"), (8, "next-30"),
     (30, "next-30"), (31, "later")],
)  # fmt: skip
def test_each_due_date_falls_into_one_band(branch, user, days, code):
    due(days, branch=branch, issued_on=TODAY - timedelta(120))
    assert in_bands(user) == {code: (1, Decimal("100.00"))}


def test_aging_counts_what_is_still_open_of_a_part_paid_installment(branch, user):
    title = due(0, branch=branch, amount="100.10")
    settle_installment(
        installment_id=title.installments.get().pk, received=Decimal("30.05"), received_on=TODAY, deposit=deposit(),
        by=CASHIER, now=NOW, on=TODAY,
    )  # fmt: skip
    assert in_bands(user) == {"today": (1, Decimal("70.05"))}


def test_what_is_settled_or_cancelled_is_not_to_be_received(branch, user):
    settle(due(0, branch=branch))
    cancel_title(title_id=due(3, branch=branch).pk, reason=REASON, by=CASHIER)
    assert in_bands(user) == {}


def test_aging_is_of_the_titles_that_the_user_may_see(branch, user):
    due(0, branch=make_branch(name="Outra"))
    assert in_bands(user) == {}
    assert in_bands(make_user(is_superuser=True)) == {"today": (1, Decimal("100.00"))}


def test_cents_add_up_exactly(branch, user):
    for _each in range(10):
        due(0, branch=branch, amount="0.10")
    assert in_bands(user) == {"today": (10, Decimal("1.00"))}


# Received


def test_the_day_is_told_by_method_and_by_branch_the_largest_first(branch, user):
    other = make_branch(name="Londrina")
    other.members.add(user)
    settle(due(0, branch=branch, amount="100.00"))
    settle(due(0, branch=branch, amount="50.00"), method="pix")
    settle(due(0, branch=other, amount="70.00"), method="pix")
    day = reports.received(user, on=TODAY)
    assert [(line.key, line.amount) for line in day.by_method] == [
        ("pix", Decimal("120.00")), ("cash", Decimal("100.00")),
    ]  # fmt: skip
    assert [(line.key, line.amount) for line in day.by_branch] == [
        (branch.pk, Decimal("150.00")), (other.pk, Decimal("70.00")),
    ]  # fmt: skip
    assert day.total == Decimal("220.00")


def test_what_another_branch_received_is_not_told(user):
    settle(due(0, branch=make_branch(name="Outra")))
    assert reports.received(user, on=TODAY).total == Decimal("0.00")


def test_each_of_the_last_days_has_its_sum(branch, user):
    settle(due(0, branch=branch))
    days = reports.received_per_day(user, on=TODAY, days=3)
    assert days == [
        (TODAY - timedelta(2), Decimal("0.00")), (TODAY - timedelta(1), Decimal("0.00")), (TODAY, Decimal("100.00")),
    ]  # fmt: skip


# What waits


def test_the_reversals_of_the_day_are_counted_and_added_up(branch, user):
    title = due(0, branch=branch)
    settle(title)
    reverse(title, closed_cash={})
    told = reports.reversals_of(user, on=TODAY)
    assert (told.count, told.amount) == (1, Decimal("100.00"))
    assert reports.reversals_of(user, on=TODAY + timedelta(1)).count == 0


def test_a_known_difference_waits_until_movements_clear_it(branch, user):
    title = due(0, branch=branch)
    settle(title)
    account = cash_account(branch)
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    reversal = reverse(title, closed_cash={account.pk: ClosedCash(option=ClosedCashOption.NO_DEBIT)})
    told = reports.open_differences(user, on=TODAY)
    assert (told.count, told.amount) == (1, Decimal("100.00"))
    tomorrow = TODAY + timedelta(1)
    clears_id = reversal.closed_cash.get().pk
    record(account, "-100.00", tomorrow, clears_id=clears_id, now=NOW + timedelta(1), on=tomorrow)
    assert reports.open_differences(user, on=tomorrow).count == 0


def test_open_divergences_of_the_users_branches_wait(branch, user):
    for place in (branch, make_branch(name="Outra")):
        Divergence(branch=place, reason="over_balance", amount=Decimal("12.30")).save_as(SYSTEM)
    told = reports.open_divergences(user, on=TODAY)
    assert (told.count, told.amount) == (1, Decimal("12.30"))


@pytest.mark.parametrize(("heard_on", "count"), [(None, 1), (NOW - timedelta(1), 1), (NOW, 0)])
def test_a_till_without_contact_today_waits(branch, user, heard_on, count):
    device = Device(branch=branch, till="03", install_id="x")
    device.save_as(SYSTEM)
    DeviceContact.objects.create(device=device, last_contact_at=heard_on)
    assert silent_tills(user, on=TODAY).count == count


def test_a_till_of_another_branch_or_out_of_use_is_not_missed(branch, user):
    Device(branch=make_branch(name="Outra"), till="01", install_id="x").save_as(SYSTEM)
    Device(branch=branch, till="02", install_id="y", state="revoked").save_as(SYSTEM)
    assert silent_tills(user, on=TODAY).count == 0


def test_the_tills_question_is_among_those_of_the_start_page():
    assert [question.noun for question in reports.WAITING] == [
        "receivables.reversal", "receivables.closedcashreversal", "receivables.divergence", "pos_sync.device",
    ]  # fmt: skip


# Totals of lists


def test_the_totals_of_titles_are_those_of_the_rows_that_were_found(branch):
    due(-5, branch=branch, amount="100.00")
    due(5, branch=branch, amount="40.00")
    cancel_title(title_id=due(-5, branch=branch, amount="7.00").pk, reason=REASON, by=CASHIER)
    totals = reports.totals_of_titles(Title.objects.all(), on=TODAY)
    assert totals == reports.Totals(amount=Decimal("147.00"), balance=Decimal("140.00"), overdue=Decimal("100.00"))


@pytest.mark.parametrize(
    "ask",
    [reports.aging, reports.received, reports.received_per_day, *(each.ask for each in reports.WAITING)],
)
def test_each_sum_is_one_statement(branch, user, ask):
    for days in (-40, 0, 9):
        settle(due(0, branch=branch))
        due(days, branch=branch)
    make_branch(name="Outra")
    with CaptureQueriesContext(connection) as queries:
        ask(user, on=TODAY)
    read_from = [re.search(r'FROM "(\w+)"', query["sql"])[1] for query in queries]
    small = {"receivables_branch", "receivables_branch_members", "receivables_holiday"}  # whose branches, which days
    assert len([table for table in read_from if table not in small]) == 1
