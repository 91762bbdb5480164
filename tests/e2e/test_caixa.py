"""Caixa e bancos in a browser: the statement, counting and closing, openly and blind, known differences (G.4, G.11)."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from receivables.admin.explain import explain
from receivables.domain.errors import AmountAboveDifference, CashDayClosed
from receivables.domain.money import format_brl
from receivables.domain.reversal import ClosedCashOption
from receivables.models import (
    Actor,
    Branch,
    CashDay,
    CashDayClosing,
    CashMovement,
    ClosedCashReversal,
    Direction,
    DocumentType,
    HistoryCode,
    LedgerAccount,
    ParameterSet,
)
from receivables.services.cash_day import close_day
from receivables.services.groups import GERENCIA
from receivables.services.reversal import ClosedCash, reverse_title
from receivables.services.settlement import settle_title
from tests.e2e.desk import Desk, address, today, typed
from tests.make import REASON, cash_account, deposit, make_branch, make_parameter_set, make_title, make_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def account(branch: Branch) -> LedgerAccount:
    return cash_account(branch)


@pytest.fixture
def yesterday() -> date:
    return today() - timedelta(days=1)


def moment() -> dict[str, Any]:
    return {"by": Actor.person(make_user()), "now": timezone.now(), "on": today()}


def receive(branch: Branch, amount: str, *, on: date) -> Any:
    title = make_title(branch=branch, amounts=(amount,), due_dates=(on,), issued_on=on - timedelta(days=90))
    settle_title(title_id=title.pk, received=title.amount, received_on=on, deposit=deposit(on=on), **moment())
    return title


def balance(account: LedgerAccount) -> Decimal:
    return CashMovement.objects.filter(account=account).balance()


def read_statement(desk: Desk, account: LedgerAccount, *, since: date) -> None:
    desk.page.goto(f"{desk.server}{reverse('admin:statement')}")
    form = desk.page.locator("form.period")
    form.locator("[name=account]").select_option(str(account.pk))
    form.locator("[name=first]").fill(typed(since))
    form.locator("[name=last]").fill(typed(today()))
    form.locator("[type=submit]").click()


def choose_day(desk: Desk, account: LedgerAccount, day: date) -> None:
    """Start a closing from the list."""
    desk.open_list(CashDay)
    desk.press("close-cash")
    desk.page.locator("[name=account]").select_option(str(account.pk))
    desk.page.locator("[name=day]").fill(typed(day))
    desk.page.locator("#content [type=submit]").click()


def record(desk: Desk, account: LedgerAccount, amount: str, *, day: date, direction: str = Direction.CREDIT) -> None:
    """Record a movement by hand, with the codes that the page proposes."""
    add = reverse("admin:receivables_cashmovement_add")
    desk.page.goto(f"{desk.server}{add}?account={account.pk}&direction={direction}")
    desk.fill(amount=amount, cash_date=typed(day))
    desk.page.locator("[name=_save]").click()


def codes() -> dict[str, str]:
    debit = HistoryCode.objects.filter(direction=Direction.DEBIT, is_active=True)[0]
    return {"history_code": str(debit.pk), "document_type": str(DocumentType.objects.filter(is_active=True)[0].pk)}


# Extrato


def test_the_statement_adds_up_to_the_balance_of_the_account(
    tesouraria: Desk, branch: Branch, account: LedgerAccount, yesterday: date
) -> None:
    receive(branch, "1234.56", on=yesterday)
    record(tesouraria, account, "100,00", day=yesterday)
    record(tesouraria, account, "34,56", day=today(), direction=Direction.DEBIT)
    read_statement(tesouraria, account, since=yesterday)
    lines = tesouraria.page.locator(".ledger tbody.day tr[id]")
    expect(lines.locator("td:last-child")).to_have_text(["1.234,56", "1.334,56", "1.300,00"])
    expect(tesouraria.page.locator(".strip dd").last).to_have_text(format_brl(balance(account)))
    expect(tesouraria.page.locator(".ledger .day-head td:last-child")).to_have_text(["0,00", "1.334,56"])
    tesouraria.page.goto(tesouraria.server + reverse("admin:accounts"))
    expect(tesouraria.page.get_by_role("row").filter(has_text=str(account))).to_contain_text("1.300,00")


def test_a_line_leads_to_its_receipt_and_back_to_its_title(
    tesouraria: Desk, branch: Branch, account: LedgerAccount
) -> None:
    title = receive(branch, "50.00", on=today())
    read_statement(tesouraria, account, since=today())
    tesouraria.page.locator(".ledger tbody.day tr[id] a", has_text=title.document_number).click()
    expect(tesouraria.page.locator("h1")).to_contain_text(title.document_number)


# Counting and closing


def test_a_day_is_counted_closed_short_refused_reopened_and_closed_again(
    gerencia: Desk, branch: Branch, account: LedgerAccount, yesterday: date
) -> None:
    receive(branch, "100.00", on=yesterday)
    choose_day(gerencia, account, yesterday)
    gerencia.fill(counted_cash="90,00", counted_outros="0,00")
    expect(gerencia.page.locator("output.differs").first).to_contain_text("-R$ 10,00")
    gerencia.confirm()
    gerencia.page.locator("[name=confirmed]").check()
    gerencia.confirm()
    gerencia.told("-10,00")
    gerencia.status_is("closed")
    assert CashDayClosing.objects.get(cash_day__account=account).count.difference == -10
    assert balance(account) == 100

    record(gerencia, account, "1,00", day=yesterday)
    expect(gerencia.page.locator(".field-cash_date .errorlist")).to_have_text(
        explain(CashDayClosed(account=str(account), day=yesterday))
    )

    gerencia.open(CashDay.objects.get(account=account, day=yesterday), "reopen")
    gerencia.fill(reason=REASON, step_up="secret")
    gerencia.confirm()
    gerencia.status_is("open")

    record(gerencia, account, "10,00", day=yesterday, direction=Direction.DEBIT)
    gerencia.open(CashDay.objects.get(account=account, day=yesterday), "close")
    gerencia.fill(counted_cash="90,00", counted_outros="0,00")
    gerencia.confirm()
    gerencia.status_is("closed")
    newest = CashDayClosing.objects.filter(cash_day__account=account).first()
    assert (newest.total, newest.count.difference) == (90, 0)


def test_the_difference_of_a_count_is_posted_by_a_person(
    tesouraria: Desk, branch: Branch, account: LedgerAccount, yesterday: date
) -> None:
    receive(branch, "100.00", on=yesterday)
    choose_day(tesouraria, account, yesterday)
    tesouraria.fill(counted_cash="90,00", counted_outros="0,00")
    tesouraria.confirm()
    tesouraria.page.locator("[name=confirmed]").check()
    tesouraria.confirm()
    tesouraria.press("post-difference")
    expect(tesouraria.page.locator("[name=amount]")).to_have_value("10,00")
    tesouraria.confirm()
    tesouraria.told("-10,00")
    assert balance(account) == 90
    expect(tesouraria.button("post-difference")).to_have_count(0)


@pytest.fixture
def blind(live_server: Any) -> LedgerAccount:
    """A cash account of a branch that counts blind."""
    parameters: ParameterSet = make_parameter_set(blind_closing=True)
    return cash_account(make_branch(parameter_set=parameters))


def test_a_blind_day_shows_what_was_expected_only_after_the_count(
    sit_down: Callable[[Any], Desk], blind: LedgerAccount, yesterday: date
) -> None:
    manager = sit_down(make_user(group=GERENCIA, branches=(blind.branch,)))
    receive(blind.branch, "1234.56", on=yesterday)
    choose_day(manager, blind, yesterday)
    expect(manager.page.locator("#content")).not_to_contain_text("1.234,56")
    manager.fill(counted_cash="1.200,00", counted_outros="0,00")
    manager.confirm()
    expect(manager.page.locator("#content")).to_contain_text("1.234,56")
    expect(manager.page.locator("#content")).to_contain_text("-34,56")

    manager.page.locator("#what-is a").click()
    manager.fill(counted_cash="1.230,00", counted_outros="0,00")
    manager.confirm()
    manager.page.locator("[name=confirmed]").check()
    manager.confirm()
    manager.status_is("closed")
    closing = CashDayClosing.objects.get(cash_day__account=blind)
    assert [count.counted_amount for count in closing.cash_day.counts.all()] == [1230, 1200]
    assert (closing.count.number, closing.count.difference) == (2, Decimal("-4.56"))


# Diferenças conhecidas


def test_a_key_that_is_held_down_presses_one_button(
    blind: LedgerAccount, sit_down: Callable[..., Desk], yesterday: date
) -> None:
    """F2 sends the count, and the next page has a button as well: it closes the day."""
    manager = sit_down(make_user(group=GERENCIA, branches=(blind.branch,)))
    receive(blind.branch, "1234.56", on=yesterday)
    choose_day(manager, blind, yesterday)
    manager.fill(counted_cash="1.234,56", counted_outros="0,00")
    for _ in range(40):
        manager.page.keyboard.down("F2")
        manager.page.wait_for_timeout(30)
    manager.page.keyboard.up("F2")
    manager.page.wait_for_load_state()
    assert CashDay.objects.get(account=blind, day=yesterday).status == "open"


@pytest.fixture
def known(branch: Branch, account: LedgerAccount, yesterday: date) -> ClosedCashReversal:
    """A title of 300.00 undone without debit information, its cash closed."""
    title = receive(branch, "300.00", on=yesterday)
    close_day(account_id=account.pk, day=yesterday, **moment())
    answer = {account.pk: ClosedCash(ClosedCashOption.NO_DEBIT)}
    reverse_title(title_id=title.pk, reason=REASON, closed_cash=answer, **moment())
    return ClosedCashReversal.objects.get(account=account)


def test_a_known_difference_is_assigned_and_cleared(
    tesouraria: Desk, known: ClosedCashReversal, account: LedgerAccount
) -> None:
    tesouraria.open_list(ClosedCashReversal)
    row = tesouraria.page.locator("#result_list tbody tr").filter(has_text=known.reversal.title.document_number)
    expect(row).to_contain_text("300,00")
    tesouraria.page.goto(tesouraria.server + address(known))
    tesouraria.press("assign")
    tesouraria.fill(owner=str(tesouraria.user.pk))
    tesouraria.confirm()
    tesouraria.told(tesouraria.user.username)

    tesouraria.press("clear")
    expect(tesouraria.page.locator("[name=amount]")).to_have_value("300,00")
    tesouraria.fill(amount="300,01", **codes())
    tesouraria.confirm()
    refusal = AmountAboveDifference(amount=Decimal("300.01"), remaining=Decimal("300.00"))
    tesouraria.refused("amount", explain(refusal))
    tesouraria.fill(amount="300,00")
    tesouraria.confirm()
    tesouraria.told("-300,00")
    expect(tesouraria.button("clear")).to_have_count(0)
    assert balance(account) == 0

    tesouraria.open_list(ClosedCashReversal)
    expect(tesouraria.page.locator("#result_list tbody tr").filter(has_text=str(account))).to_have_count(0)
    tesouraria.page.goto(f"{tesouraria.page.url}?open=no")
    expect(tesouraria.page.locator("#result_list tbody tr").filter(has_text=str(account))).to_have_count(1)
