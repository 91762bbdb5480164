"""Diferenças conhecidas through the pages: open, assigned, cleared, and seen by the branch alone (S86, G.4)."""

from datetime import timedelta

import pytest

from receivables.domain.errors import AmountAboveDifference, CashDayClosed
from receivables.domain.reversal import ClosedCashOption
from receivables.models import CashMovement, ClosedCashReversal, Direction
from receivables.services.cash_day import close_day
from receivables.services.reversal import ClosedCash, reverse_title
from tests.admin.pages import buttons_of, desk, errors_of, page
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
    make_user,
)
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

YESTERDAY = TODAY - timedelta(days=1)
LIST = desk(ClosedCashReversal, "changelist")


@pytest.fixture
def record(branch):
    """A title of 1,000.00 undone without debit information, its cash closed yesterday."""
    title, account = make_title(branch=branch), cash_account(branch)
    settle(title, "1000.00", received_on=YESTERDAY, deposit=deposit(on=YESTERDAY))
    close_day(account_id=account.pk, day=YESTERDAY, by=CASHIER, now=NOW, on=TODAY)
    reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY,
                  closed_cash={account.pk: ClosedCash(ClosedCashOption.NO_DEBIT)})  # fmt: skip
    return ClosedCashReversal.objects.get()


def typed(amount="1.000,00", day=TODAY, direction=Direction.DEBIT):
    return {
        "amount": amount, "cash_date": day.strftime("%d/%m/%Y"), "document_type": make_document_type().pk,
        "history_code": make_history_code(direction=direction).pk,
    }  # fmt: skip


def listed(client, **query):
    return list(client.get(LIST, query).context["cl"].result_list)


def test_a_difference_is_listed_with_title_reason_and_age(tesouraria, record):
    shown = tesouraria.get(LIST).content.decode()
    assert record.reversal.title.document_number in shown
    assert REASON in shown
    assert "1.000,00" in shown


def test_a_difference_is_open_until_a_movement_clears_it_and_stays_under_a_filter(tesouraria, record):
    assert (listed(tesouraria), listed(tesouraria, open="no")) == ([record], [])
    tesouraria.post(page(record, "clear"), typed())
    assert CashMovement.objects.get(clears=record).amount == -1000
    assert (listed(tesouraria), listed(tesouraria, open="no"), listed(tesouraria, open="all")) == (
        [], [record], [record]
    )  # fmt: skip
    assert buttons_of(tesouraria, record) == set()


def test_what_remains_is_proposed_and_no_more_is_taken(tesouraria, record):
    tesouraria.post(page(record, "clear"), typed("400,00"))
    assert tesouraria.get(page(record, "clear")).context["form"].initial["amount"] == 600
    response = tesouraria.post(page(record, "clear"), typed("600,01"))
    assert errors_of(response) == {"amount": [AmountAboveDifference.code]}
    assert "600,00" in str(response.context["form"].errors["amount"])


def test_clearing_on_a_closed_day_is_refused_naming_account_and_day(tesouraria, record):
    response = tesouraria.post(page(record, "clear"), typed(day=YESTERDAY))
    assert errors_of(response) == {"cash_date": [CashDayClosed.code]}
    told = str(response.context["form"].errors["cash_date"])
    assert str(record.account) in told
    assert "22/11/2026" in told


def test_a_second_click_clears_nothing_more(tesouraria, record):
    twice = typed("100,00") | {"form_key": "7f1f5dd6-8a43-4f0f-9d2e-0d8d5f3c2b11"}
    for _each in range(2):
        tesouraria.post(page(record, "clear"), twice)
    assert CashMovement.objects.filter(clears=record).count() == 1


def test_a_person_is_made_responsible_and_each_change_is_kept(tesouraria, record, branch):
    for name in ("bia", "caio"):
        owner = make_user(username=name, branches=(branch,))
        tesouraria.post(page(record, "assign"), {"owner": owner.pk})
    assert [(each.owner.username, each.actor) for each in record.assignments.all()] == [
        ("caio", tesouraria.user.username), ("bia", tesouraria.user.username)
    ]  # fmt: skip
    assert "caio" in tesouraria.get(LIST).content.decode()


def test_who_is_of_another_branch_is_no_choice(tesouraria, record):
    stranger = make_user(branches=(make_branch(),))
    response = tesouraria.post(page(record, "assign"), {"owner": stranger.pk})
    assert errors_of(response) == {"owner": ["invalid_choice"]}


@pytest.mark.parametrize("move", ["clear", "assign"])
def test_clearing_and_assigning_need_their_permission(financeiro, record, move):
    assert financeiro.post(page(record, move), {}).status_code == 403


@pytest.mark.parametrize("move", ["change", "clear", "assign"])
def test_a_difference_of_another_branch_is_not_found(foreigner, record, move):
    assert foreigner.get(page(record, move)).status_code in (302, 404)
    assert listed(foreigner) == []
    assert foreigner.post(page(record, "clear"), typed()).status_code == 404
