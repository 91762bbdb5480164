"""Counting a day through the pages, openly and blind, and posting what the count found (G.11)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from receivables.domain.errors import AmountAboveDifference, ConfirmationRequired, CountOutdated, MethodNotCounted
from receivables.models import CashDay, CashDayClosing, CashDayCount, CashMovement, Direction
from receivables.services.cash_day import COUNT_DIFFERS, close_day, count_day
from tests.admin.conftest import at_the_desk
from tests.admin.pages import buttons_of, desk, errors_of, page
from tests.make import (
    CASHIER,
    NOW,
    TODAY,
    cash_account,
    make_branch,
    make_document_type,
    make_history_code,
    make_parameter_set,
    make_user,
    record,
)

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def account(branch):
    return cash_account(branch)


@pytest.fixture
def blind():
    """An account of a branch that counts blind."""
    return cash_account(make_branch(parameter_set=make_parameter_set(blind_closing=True)))


@pytest.fixture
def treasurer(blind):
    return at_the_desk(make_user(group="Tesouraria", branches=(blind.branch,)))


def recorded(account, amount="100.00", day=TODAY):
    record(account, amount, day)
    return CashDay.objects.get(account=account, day=day)


def counted(cash, other="0,00", **more):
    return {"counted_cash": cash, "counted_outros": other} | more


def text_of(client, address, **query):
    return client.get(address, query).content.decode()


# Openly


def test_what_is_expected_stands_beside_what_is_counted(tesouraria, account):
    shown = text_of(tesouraria, page(recorded(account), "close"))
    assert 'data-expected="100,00"' in shown


def test_a_difference_is_asked_about_and_then_recorded(tesouraria, account):
    cash_day = recorded(account)
    response = tesouraria.post(page(cash_day, "close"), counted("90,00"))
    assert errors_of(response) == {"confirmed": [ConfirmationRequired.code]}
    tesouraria.post(page(cash_day, "close"), counted("90,00", confirmed=[COUNT_DIFFERS]))
    assert CashDayClosing.objects.get().count.difference == -10


def test_a_means_left_empty_beside_counted_ones_is_asked_for(tesouraria, account):
    response = tesouraria.post(page(recorded(account), "close"), counted("100,00", ""))
    assert errors_of(response) == {"counted_outros": [MethodNotCounted.code]}


def test_the_page_names_the_older_days_that_close_with_it(tesouraria, account):
    recorded(account, day=TODAY - timedelta(days=5))
    close_day(account_id=account.pk, day=TODAY - timedelta(days=5), by=CASHIER, now=NOW, on=TODAY)
    shown = text_of(tesouraria, page(recorded(account), "close"))
    assert all(f"{TODAY - timedelta(days=past):%d/%m/%Y}" in shown for past in (4, 3, 2, 1))


def test_an_older_open_day_is_named_with_its_page(tesouraria, account):
    older = recorded(account, day=YESTERDAY)
    assert page(older) in text_of(tesouraria, page(recorded(account), "close"))


def test_an_account_and_a_day_are_asked_for_before_the_count(tesouraria, account):
    response = tesouraria.get(desk(CashDay, "close-cash"))
    assert response.context["chooser"].fields["day"].label
    response = tesouraria.get(desk(CashDay, "close-cash"), {"account": account.pk, "day": "23/11/2026"})
    assert "counted_cash" in response.context["form"].fields


def test_a_day_that_has_a_page_is_closed_there(tesouraria, account):
    cash_day = recorded(account)
    response = tesouraria.get(desk(CashDay, "close-cash"), {"account": account.pk, "day": "23/11/2026"})
    assert response["location"] == page(cash_day, "close")


def test_an_account_of_another_branch_is_no_choice(foreigner, account):
    response = foreigner.get(desk(CashDay, "close-cash"), {"account": account.pk, "day": "23/11/2026"})
    assert response.context["chooser"].errors.as_data()["account"][0].code == "invalid_choice"


# Blind


def test_nothing_that_is_expected_is_told_before_the_count(treasurer, blind):
    cash_day = recorded(blind, "1234.56")
    for address in (page(cash_day), page(cash_day, "count"), page(cash_day, "close")):
        response = treasurer.get(address, follow=True)
        assert response.status_code == 200
        assert "1.234,56" not in response.content.decode()


def test_a_blind_day_is_counted_then_closed_with_what_was_seen(treasurer, blind):
    cash_day = recorded(blind)
    assert buttons_of(treasurer, cash_day) == {"count"}
    response = treasurer.post(page(cash_day, "count"), counted("95,00"), follow=True)
    assert "-5,00" in response.content.decode()
    count = CashDayCount.objects.get()
    assert (count.is_blind, count.difference, count.actor) == (True, -5, treasurer.user.username)
    treasurer.post(page(cash_day, "close"), {"count_id": count.pk, "confirmed": [COUNT_DIFFERS]})
    assert CashDayClosing.objects.get().count == count


def test_a_blind_count_leaves_no_means_out(treasurer, blind):
    response = treasurer.post(page(recorded(blind), "count"), counted("95,00", ""))
    assert errors_of(response) == {"counted_outros": ["required"]}


def test_a_second_count_is_logged_beside_the_first(treasurer, blind):
    cash_day = recorded(blind)
    for cash in ("95,00", "100,00"):
        treasurer.post(page(cash_day, "count"), counted(cash))
    assert list(CashDayCount.objects.order_by("pk").values_list("number", "counted_amount")) == [(1, 95), (2, 100)]
    shown = text_of(treasurer, page(cash_day))
    assert "95,00" in shown
    assert "100,00" in shown


def test_what_is_posted_after_the_count_asks_for_a_new_one(treasurer, blind):
    cash_day = recorded(blind)
    treasurer.post(page(cash_day, "count"), counted("100,00"))
    recorded(blind, "1.00")
    response = treasurer.post(page(cash_day, "close"), {"count_id": CashDayCount.objects.get().pk})
    assert errors_of(response) == {"__all__": [CountOutdated.code]}


def test_a_blind_day_without_a_row_is_counted_from_the_list(treasurer, blind):
    chosen = {"account": blind.pk, "day": "23/11/2026"}
    assert "counted_cash" in treasurer.get(desk(CashDay, "close-cash"), chosen).context["form"].fields
    treasurer.post(desk(CashDay, "count-cash"), chosen | counted("0,00"))
    assert CashDayCount.objects.get().cash_day.account == blind


def test_counting_needs_the_permission_to_close(blind):
    clerk = at_the_desk(make_user(group="Financeiro", branches=(blind.branch,)))
    cash_day = recorded(blind)
    assert clerk.post(page(cash_day, "count"), counted("0,00")).status_code == 403
    assert clerk.post(desk(CashDay, "count-cash"), {"account": blind.pk, "day": "23/11/2026"}).status_code == 403
    assert not CashDayCount.objects.exists()


# Posting the difference


@pytest.fixture
def short(account):
    """Yesterday, closed with 10.00 missing."""
    cash_day = recorded(account, day=YESTERDAY)
    close_day(
        account_id=account.pk, day=YESTERDAY, by=CASHIER, now=NOW, on=TODAY, confirmed=frozenset({COUNT_DIFFERS}),
        counted={"cash": Decimal(90), "outros": Decimal(0)},
    )  # fmt: skip
    return cash_day


def posted(amount="10,00"):
    return {
        "amount": amount, "cash_date": "23/11/2026", "history_code": make_history_code(direction=Direction.DEBIT).pk,
        "document_type": make_document_type().pk,
    }  # fmt: skip


def test_the_difference_is_posted_by_a_person_and_linked(tesouraria, short):
    proposed = tesouraria.get(page(short, "post-difference")).context["form"].initial
    assert (proposed["amount"], proposed["cash_date"]) == (10, TODAY)
    tesouraria.post(page(short, "post-difference"), posted())
    movement = CashMovement.objects.get(difference_of__cash_day=short)
    assert (movement.amount, movement.actor) == (-10, tesouraria.user.username)
    assert "post-difference" not in buttons_of(tesouraria, short)


def test_more_than_the_difference_is_refused_beside_the_amount(tesouraria, short):
    response = tesouraria.post(page(short, "post-difference"), posted("10,01"))
    assert errors_of(response) == {"amount": [AmountAboveDifference.code]}
    assert "10,00" in str(response.context["form"].errors["amount"])


def test_posting_needs_its_permission(financeiro, short):
    assert financeiro.post(page(short, "post-difference"), posted()).status_code == 403


def test_a_count_without_a_difference_leaves_nothing_to_post(tesouraria, account):
    cash_day = recorded(account)
    count_day(account_id=account.pk, day=TODAY, counted={"cash": Decimal(100), "outros": Decimal(0)}, by=CASHIER,
              now=NOW, on=TODAY)  # fmt: skip
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    assert buttons_of(tesouraria, cash_day) == set()
