"""What a treasurer sees: look up, settle, cash movement, history, Estornar, parts, many, bad input.

Every journey also ends with clean books, signed history, silent consoles and no request to another host (conftest).
"""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import expect

from receivables.admin.explain import explain, reais
from receivables.admin.history import told_since
from receivables.domain.errors import AmountAboveBalance, BatchChanged, ChangedMeanwhile, InvalidAmount
from receivables.domain.money import format_brl
from receivables.models import (
    Branch,
    CashMovement,
    Direction,
    HistoryCode,
    PaymentMethod,
    Receipt,
    Reversal,
    Title,
    TitleStatus,
)
from receivables.services.groups import FINANCEIRO
from receivables.services.settlement import quote
from tests.e2e.desk import Desk, address, said, today, typed
from tests.make import REASON, cash_account, make_customer, make_title, make_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LATE_DAYS = 40


def issue(branch: Branch, amount: str = "1000.00", *, due: date | None = None, **values: object) -> Title:
    """A title issued 60 days ago, due today unless told otherwise."""
    return make_title(
        branch=branch, amounts=(amount,), due_dates=(due or today(),), issued_on=today() - timedelta(days=60), **values
    )


def read(title: Title) -> Title:
    return Title.objects.get(pk=title.pk)


def amounts_of(title: Title) -> list[Decimal]:
    return list(CashMovement.objects.filter(title=title).order_by("pk").values_list("amount", flat=True))


def money_moved(branch: Branch) -> tuple[int, int]:
    """Count the receipts and the movements of a branch."""
    return Receipt.objects.filter(branch=branch).count(), CashMovement.objects.filter(account__branch=branch).count()


def is_reversed(title: Title) -> bool:
    return Reversal.objects.filter(title=title).exists()


def settle(desk: Desk, title: Title, *, on: date | None = None) -> None:
    """Settle a title wholly through its page, with what the page proposes."""
    desk.open(title)
    desk.press("settle")
    if on is not None:
        desk.calculate_for(on)
    desk.confirm()
    desk.status_is("settled")


def settle_part(desk: Desk, title: Title, amount: str) -> None:
    desk.open(title)
    desk.press("settle-part")
    desk.fill(received=amount)
    desk.confirm()
    desk.told(said("Receipt %(receipt)s of %(amount)s posted. Title %(title)s: %(status)s.").split("%")[0])


# Look up, settle, see, reverse


def test_a_title_is_looked_up_settled_seen_and_reversed(financeiro: Desk, branch: Branch) -> None:
    customer = make_customer(name="Ferragens Tibagi Ltda.", document="11144477735")
    issue(branch)
    title = issue(branch, due=today() - timedelta(days=LATE_DAYS), bill_to=customer)
    due = sum(each.total for each in quote(title_ids=[title.pk], on=today()))
    assert due > title.amount

    financeiro.log_in("secret")
    financeiro.open_list(Title)
    financeiro.search("111.444.777-35")
    expect(financeiro.page.locator("#result_list tbody tr")).to_have_count(1)
    financeiro.page.get_by_role("link", name=title.document_number).click()
    financeiro.status_is("pending")

    financeiro.press("settle")
    expect(financeiro.page.locator("[name=received]")).to_have_value(format_brl(due))
    financeiro.confirm()
    financeiro.told(reais(due))
    financeiro.status_is("settled")
    financeiro.shows("received_on", typed(today()))
    assert read(title).received_amount == due

    movements = financeiro.table("Cash and banks")
    expect(movements).to_have_count(1)
    expect(movements.locator("td.number")).to_have_text(format_brl(due))
    movements.get_by_role("link", name=typed(today())).click()
    financeiro.status_is("posted")
    financeiro.shows("amount", format_brl(due))

    financeiro.open(title, "history")
    receipt = Receipt.objects.get(branch=branch)
    entry = financeiro.entry(str(TitleStatus.SETTLED.label)).first
    expect(entry).to_contain_text(financeiro.user.username)
    expect(entry.locator(".reason")).to_contain_text(receipt.label)

    financeiro.open(title)
    financeiro.press("reverse")
    expect(financeiro.page.locator(".facts-line")).to_contain_text(receipt.label)
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.told(receipt.label)
    financeiro.status_is("pending")
    lines = financeiro.table("Cash and banks")
    expect(lines.locator("td.number")).to_have_text([format_brl(due), format_brl(-due)])
    expect(financeiro.table("Receipts")).to_contain_text(REASON)
    financeiro.table("Cash and banks").get_by_role("link", name=typed(today())).first.click()
    financeiro.status_is("reversed")

    financeiro.open(title, "history")
    expect(financeiro.entry(REASON).first).to_contain_text(financeiro.user.username)
    assert amounts_of(title) == [due, -due]
    assert read(title).received_on is None


# Parts


def test_parts_are_received_until_the_title_closes_and_undone_newest_first(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    settle_part(financeiro, title, "300,00")
    financeiro.status_is("partially_settled")
    expect(financeiro.table("Installments").locator("td.number")).to_have_text(["1.000,00", "700,00"])
    settle_part(financeiro, title, "700,00")
    financeiro.status_is("settled")

    financeiro.press("reverse")
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.status_is("partially_settled")
    expect(financeiro.button("reverse")).to_have_count(0)

    financeiro.press("reverse-part")
    financeiro.fill(reason=REASON)
    financeiro.confirm()
    financeiro.status_is("pending")
    expect(financeiro.table("Cash and banks").locator("td.number")).to_have_text(
        ["300,00", "700,00", "-700,00", "-300,00"]
    )


def test_a_part_above_the_balance_is_refused_beside_its_field(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle-part")
    financeiro.fill(received="1.000,01")
    financeiro.confirm()
    expected = AmountAboveBalance(amount=Decimal("1000.01"), balance=title.amount, installment=title.installments.get())
    financeiro.refused("received", explain(expected))
    assert money_moved(branch) == (0, 0)


# Several titles


def choose_titles(desk: Desk, *titles: Title) -> None:
    desk.open_list(Title)
    for title in titles:
        desk.page.locator(f"[name=_selected_action][value='{title.pk}']").check()
    desk.page.locator("[name=action]").select_option("settle_selected")
    desk.page.locator("#changelist-form .actions [type=submit]").click()


def test_several_titles_are_settled_at_once(tesouraria: Desk, branch: Branch) -> None:
    titles = [issue(branch, amount) for amount in ("1234.56", "100.00", "0.44")]
    left = issue(branch)
    choose_titles(tesouraria, *titles)
    expect(tesouraria.page.locator("#sum-total")).to_have_text("R$ 1.335,00")
    tesouraria.confirm()
    tesouraria.told("R$ 1.335,00")
    assert [read(title).status for title in (*titles, left)] == ["settled"] * 3 + ["pending"]
    assert money_moved(branch) == (3, 3)


def test_when_one_of_several_changed_meanwhile_none_is_settled(
    tesouraria: Desk, sit_down: Callable[[User], Desk], branch: Branch
) -> None:
    first, second = issue(branch), issue(branch)
    choose_titles(tesouraria, first, second)
    settle(sit_down(make_user(group=FINANCEIRO, branches=(branch,))), second)
    tesouraria.confirm()
    expect(tesouraria.page.locator(".errorlist.nonfield")).to_have_text(explain(BatchChanged(titles=[str(second)])))
    assert read(first).status == "pending"
    assert money_moved(branch) == (1, 1)
    tesouraria.confirm()
    tesouraria.told("R$ 1.000,00")
    assert read(first).status == "settled"


# What people type


def test_an_amount_is_typed_the_brazilian_way(financeiro: Desk, branch: Branch) -> None:
    for amount in ("1.234,56", "1234,56", "R$ 1.234,56"):
        title = issue(branch, "1234.56")
        financeiro.open(title, "settle")
        financeiro.fill(received=amount)
        financeiro.confirm()
        financeiro.status_is("settled")
        assert amounts_of(title) == [Decimal("1234.56")]


def test_no_odd_amount_is_taken(financeiro: Desk, branch: Branch) -> None:
    financeiro.open(issue(branch, "1234.56"), "settle")
    for amount in ("1234.56", "1,234.56", "1.23,45", "1.234,567", "mil", "12e2", "1 234,56"):
        financeiro.fill(received=amount)
        financeiro.confirm()
        financeiro.refused("received", explain(InvalidAmount(text=amount)))
        expect(financeiro.page.locator("[name=received]")).to_have_value(amount)
    for amount in ("", "0,00", "-1.234,56", "99.999.999.999.999,00"):
        financeiro.fill(received=amount)
        financeiro.confirm()
        financeiro.refused("received")
    assert money_moved(branch) == (0, 0)


def test_no_odd_day_is_taken(financeiro: Desk, branch: Branch) -> None:
    financeiro.open(issue(branch), "settle")
    for field in ("received_on", "cash_date"):
        for day in ("", "31/02/2026", "11/22/2026", "ontem", "1/1/0001"):
            financeiro.fill(**{field: day})
            financeiro.confirm()
            financeiro.refused(field)
        financeiro.fill(**{field: typed(today())})
    financeiro.fill(received_on=typed(today() + timedelta(days=1)))
    financeiro.confirm()
    financeiro.refused("received_on")
    assert money_moved(branch) == (0, 0)


def test_no_short_or_empty_reason_is_taken(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    settle(financeiro, title)
    financeiro.press("reverse")
    for reason in ("", "engano", " " * 40):
        financeiro.fill(reason=reason)
        financeiro.confirm()
        financeiro.refused("reason")
    assert not is_reversed(title)


# A second click


def test_a_double_click_settles_once(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle")
    financeiro.page.locator("[name=_confirm]").dblclick()
    financeiro.status_is("settled")
    assert amounts_of(title) == [Decimal("1000.00")]


def test_a_double_click_receives_one_part(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle-part")
    financeiro.fill(received="100,00")
    financeiro.page.locator("[name=_confirm]").dblclick()
    expect(financeiro.page.locator(".messagelist .success, .errorlist.nonfield")).to_be_visible()
    assert amounts_of(title) == [Decimal("100.00")]


def test_a_double_click_reverses_once(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    settle(financeiro, title)
    financeiro.press("reverse")
    financeiro.fill(reason=REASON)
    financeiro.page.locator("[name=_confirm]").dblclick()
    financeiro.status_is("pending")
    assert amounts_of(title) == [Decimal("1000.00"), Decimal("-1000.00")]


def test_a_form_left_open_in_another_tab_receives_nothing_more(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle-part")
    financeiro.fill(received="100,00")
    with financeiro.another_tab():
        settle_part(financeiro, title, "300,00")
    financeiro.confirm()
    told = explain(ChangedMeanwhile(what=told_since(title, title.version)))
    expect(financeiro.page.locator(".errorlist.nonfield")).to_have_text(told)
    assert "0,00 → 300,00" in told
    assert amounts_of(title) == [Decimal("300.00")]


def test_going_back_shows_what_is_open_now(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    settle_part(financeiro, title, "100,00")
    financeiro.page.go_back()
    expect(financeiro.page.locator("[name=received]")).to_have_value("900,00")


# Who may not


def test_without_the_permission_there_is_no_button_and_a_post_is_403(suporte: Desk, branch: Branch) -> None:
    title = issue(branch)
    suporte.open(title)
    suporte.status_is("pending")
    expect(suporte.page.locator(".object-tools .act")).to_have_count(0)
    expect(suporte.page.locator("[name=_save]")).to_have_count(0)
    token = next(cookie["value"] for cookie in suporte.context.cookies() if cookie["name"] == "csrftoken")
    for move in ("settle", "settle-part", "reverse", "cancel"):
        answer = suporte.context.request.post(
            suporte.server + address(title, move), form={"csrfmiddlewaretoken": token, "received": "1.000,00"}
        )
        assert answer.status == 403
        assert said("Not permitted") in answer.text()
    assert money_moved(branch) == (0, 0)


def test_a_permission_taken_while_the_form_is_open_counts(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle")
    financeiro.user.groups.remove(Group.objects.get(name=FINANCEIRO))
    financeiro.may_be_refused = True
    financeiro.confirm()
    expect(financeiro.page.get_by_role("heading", name=said("Not permitted"))).to_be_visible()
    assert money_moved(branch) == (0, 0)


# Cash and banks by hand


def test_a_movement_is_recorded_by_hand_and_reversed(tesouraria: Desk, branch: Branch) -> None:
    account = cash_account(branch)
    usual = branch.payment_methods.get(method__code=PaymentMethod.CASH)
    tesouraria.open_list(CashMovement)
    tesouraria.page.locator(".object-tools .addlink").click()
    tesouraria.fill(
        account=str(account.pk), amount="1.234,56", history_code=str(usual.debit_history_id),
        document_type=str(usual.document_type_id), notes="Tarifa do banco",
    )  # fmt: skip
    tesouraria.page.locator("[name=_save]").click()
    expect(tesouraria.page.locator(".messagelist .success")).to_be_visible()
    movement = CashMovement.objects.get(account=account)
    assert movement.amount == Decimal("-1234.56")

    tesouraria.open(movement)
    tesouraria.press("reverse")
    credit = HistoryCode.objects.filter(direction=Direction.CREDIT).first()
    assert credit is not None
    tesouraria.fill(history_code=str(credit.pk), reason=REASON)
    tesouraria.confirm()
    tesouraria.status_is("reversed")
    expect(tesouraria.table("Reversal").locator("td.number")).to_have_text("1.234,56")
    assert CashMovement.objects.filter(account=account).balance() == 0
