"""Extrato and Contas through the pages (G.4, G.11, S36, S82)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from receivables import statement
from receivables.models import CashMovement, Direction
from receivables.services.cash_day import close_day
from receivables.services.cash_movement import reverse_cash_movement
from receivables.services.cash_session import open_session
from tests.admin.pages import desk, page
from tests.make import (
    CASHIER,
    NOW,
    REASON,
    TODAY,
    cash_account,
    make_branch,
    make_document_type,
    make_history_code,
    make_title,
    record,
)
from tests.services.test_cash_session import receive
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(branch):
    return cash_account(branch)


def read(client, account=None, **query):
    chosen = {"account": account.pk} if account is not None else {}
    return client.get(reverse("admin:statement"), chosen | query)


def shown(client, account, **query):
    return read(client, account, **query).content.decode()


def test_it_opens_on_this_month_of_a_cash_account(tesouraria, account):
    record(account, day=TODAY - timedelta(days=25))
    found = read(tesouraria).context["found"]
    assert (found.account, f"{found.first:%d/%m}", f"{found.last:%d/%m}") == (account, "01/11", "30/11")
    assert found.opening == 100


def test_a_receipts_line_leads_to_receipt_and_title(tesouraria, account):
    title = make_title(branch=account.branch)
    receipt = settle(title, "1000.00")
    told = shown(tesouraria, account)
    assert page(receipt) in told
    assert page(title) in told


def test_a_tills_line_leads_to_its_receipt(tesouraria, account):
    session = open_session(
        idempotency_key="s", branch=account.branch, station="03", operator="01", opened_at=NOW,
        float_amount=Decimal(0), by=CASHIER,
    )  # fmt: skip
    assert page(receive(session)) in shown(tesouraria, account)


def test_both_lines_of_a_reversal_are_marked_and_lead_to_each_other(tesouraria, account):
    movement = record(account)
    opposite = reverse_cash_movement(
        movement_id=movement.pk, history_code_id=make_history_code(direction=Direction.DEBIT).pk, reason=REASON,
        by=CASHIER, now=NOW,
    )  # fmt: skip
    told = shown(tesouraria, account)
    assert told.count('class="undone"') == 2
    assert page(movement) in told
    assert page(opposite) in told


def test_the_status_of_each_day_stands_on_it(tesouraria, account):
    yesterday = TODAY - timedelta(days=1)
    record(account, day=yesterday)
    close_day(account_id=account.pk, day=yesterday, by=CASHIER, now=NOW, on=TODAY)
    record(account)
    assert [day.is_closed for day in read(tesouraria, account).context["found"].days] == [True, False]


@pytest.mark.parametrize(("first", "last"), [("02/11/2026", "01/11/2026"), ("01/11/2025", "30/11/2026")])
def test_a_period_that_is_none_or_too_long_is_told_beside_it(tesouraria, account, first, last):
    response = read(tesouraria, account, first=first, last=last)
    assert "last" in response.context["form"].errors
    assert "found" not in response.context


def test_a_long_statement_goes_on_in_further_pages(tesouraria, account, monkeypatch):
    monkeypatch.setattr(statement.statement, "__kwdefaults__", {"after": None, "lines": 2})
    for _each in range(3):
        record(account)
    first = read(tesouraria, account)
    second = tesouraria.get(first.context["next_page"])
    assert len(first.context["found"].days[0].lines) == 2
    assert (second.context["found"].carried, second.context["next_page"]) == (200, "")


@pytest.mark.parametrize("after", ["2026-99-99.1", "x", "2026-11-01.99999999999999999999"])
def test_a_made_up_page_breaks_nothing(tesouraria, account, after):
    assert read(tesouraria, account, after=after).status_code in (200, 404)


def test_the_statement_of_another_branchs_account_is_not_found(foreigner, account):
    assert read(foreigner, account).status_code == 404


def test_a_credit_and_a_debit_are_recorded_from_here(tesouraria, financeiro, account):
    assert "direction=debit" in shown(tesouraria, account)
    assert "direction=debit" not in shown(financeiro, account)


def test_the_codes_used_last_are_proposed(tesouraria, account):
    code, kind = make_history_code(direction=Direction.DEBIT), make_document_type()
    record(account, "-1.00", history_code_id=code.pk, document_type_id=kind.pk)
    response = tesouraria.get(desk(CashMovement, "add"), {"account": account.pk, "direction": "debit"})
    form = response.context["adminform"].form
    assert (form.initial["history_code"], form.initial["document_type"]) == (code.pk, kind.pk)
    assert set(form.fields["history_code"].queryset.values_list("direction", flat=True)) == {"debit"}


def test_the_usual_codes_of_the_account_are_proposed_where_nobody_recorded_yet(tesouraria, account):
    usual = account.branchpaymentmethod_set.order_by("method__code").first()
    form = tesouraria.get(desk(CashMovement, "add")).context["adminform"].form
    assert (str(form.initial["account"]), form.initial["history_code"]) == (str(account.pk), usual.credit_history_id)


# Contas


def test_each_account_of_the_branch_stands_with_its_balance(tesouraria, account):
    record(account, "1234.56")
    cash_account(make_branch(name="Outra"))
    response = tesouraria.get(reverse("admin:accounts"))
    assert "1.234,56" in response.content.decode()
    assert {row["figures"].account.branch for row in response.context["rows"]} == {account.branch}
