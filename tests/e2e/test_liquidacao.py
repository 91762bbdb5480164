"""Liquidação de Títulos at the desk: total, parcial and múltipla as a treasurer does them, by mouse and by keyboard."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect

from receivables.admin.explain import explain, reais
from receivables.domain.errors import BatchChanged, DiscountAboveLimit
from receivables.domain.money import format_brl
from receivables.models import Branch, CashMovement, CustomerCredit, Receipt, Title
from receivables.services.groups import FINANCEIRO
from receivables.services.settlement import quote
from tests.e2e.desk import Desk, said, today, typed
from tests.make import REASON, make_branch, make_customer, make_title, make_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LATE_DAYS = 40


def issue(branch: Branch, amount: str = "1000.00", *, due: date | None = None, **values: object) -> Title:
    return make_title(
        branch=branch, amounts=(amount,), due_dates=(due or today(),), issued_on=today() - timedelta(days=60), **values
    )


@pytest.fixture
def late(branch: Branch) -> Title:
    return issue(branch, due=today() - timedelta(days=LATE_DAYS))


def due(title: Title, on: date) -> Decimal:
    return sum((each.total for each in quote(title_ids=[title.pk], on=on)), Decimal(0))


def status_of(title: Title) -> str:
    return str(Title.objects.get(pk=title.pk).status)


def will_be(desk: Desk, text: str) -> None:
    expect(desk.page.locator("#what-will-be")).to_contain_text(text)


def button_says(desk: Desk, text: str) -> None:
    expect(desk.page.locator("[name=_confirm]")).to_have_value(text)


# Total


def test_the_amount_follows_the_receipt_date_and_the_button_says_it(financeiro: Desk, late: Title) -> None:
    financeiro.open(late, "settle")
    button_says(financeiro, said("Settle for %(amount)s", amount=reais(due(late, today()))))
    on_time = late.installments.get().due_date
    financeiro.fill(received_on=typed(on_time))
    expect(financeiro.page.locator("[name=received]")).to_have_value("1.000,00")
    expect(financeiro.page.locator("[name=cash_date]")).to_have_value(typed(on_time))
    button_says(financeiro, said("Settle for %(amount)s", amount="R$ 1.000,00"))
    financeiro.confirm()
    financeiro.status_is("settled")
    assert Receipt.objects.get(allocations__title=late).received_on == on_time


def test_a_discount_above_the_limit_is_told_to_who_may_not_grant_it(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle")
    expect(financeiro.page.locator("output[name=interest]")).to_be_visible()
    expect(financeiro.page.locator("[name=reason]")).to_have_count(0)
    financeiro.fill(discount="50,01")
    refusal = explain(DiscountAboveLimit(discount=Decimal("50.01"), limit=Decimal("50.00")))
    expect(financeiro.page.locator("#preview-errors")).to_contain_text(refusal)
    financeiro.confirm()
    financeiro.refused("discount", refusal)
    assert status_of(title) == "pending"


def test_a_discount_above_the_limit_is_granted_with_the_permission_and_a_reason(gerencia: Desk, branch: Branch) -> None:
    title = issue(branch)
    gerencia.open(title, "settle")
    gerencia.fill(discount="130,00")
    expect(gerencia.page.locator("[name=received]")).to_have_value("870,00")
    gerencia.confirm()
    gerencia.refused("reason")
    gerencia.fill(reason=REASON)
    gerencia.confirm()
    gerencia.status_is("settled")
    gerencia.shows("difference", "130,00")


def test_an_excess_is_told_and_becomes_the_customers_credit(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle")
    financeiro.fill(received="1.040,00")
    will_be(financeiro, "R$ 40,00")
    financeiro.confirm()
    financeiro.page.get_by_role("checkbox").check()
    financeiro.confirm()
    financeiro.status_is("settled")
    assert CustomerCredit.objects.filter(customer=title.bill_to).available() == Decimal("40.00")


def test_a_field_that_was_emptied_is_not_filled_again_under_the_persons_fingers(
    financeiro: Desk, branch: Branch
) -> None:
    title = issue(branch, "1234.56")
    financeiro.open(title, "settle")
    received = financeiro.page.locator("[name=received]")
    empty_until_previewed(financeiro)
    expect(received).to_have_value("")
    financeiro.page.locator("[name=notes]").focus()
    expect(received).to_have_value("1.234,56")
    empty_until_previewed(financeiro)
    financeiro.confirm()
    financeiro.refused("received")
    assert status_of(title) == "pending"


def test_an_emptied_field_stays_empty_while_the_button_is_pressed(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch, "1234.56")
    financeiro.open(title, "settle")
    page = financeiro.page
    with page.expect_event("console", lambda line: line.text == "previewed"):
        tell_when_previewed(financeiro)
        page.route("**/preview/", lambda route: (page.locator("[name=_confirm]").focus(), route.continue_()))
        financeiro.fill(received="")
    expect(page.locator("[name=received]")).to_have_value("")
    financeiro.confirm()
    financeiro.refused("received")
    assert status_of(title) == "pending"


def test_charges_that_are_only_shown_follow_the_receipt_date(financeiro: Desk, late: Title) -> None:
    financeiro.open(late, "settle")
    shown = financeiro.page.locator("output[name=interest]")
    expect(shown).not_to_have_text("0,00")
    financeiro.fill(received_on=typed(late.installments.get().due_date))
    expect(shown).to_have_text("0,00")


def tell_when_previewed(desk: Desk) -> None:
    desk.page.evaluate("""() => document.querySelector("form[data-preview]")
        .addEventListener("previewed", () => console.log("previewed"), { once: true })""")


def empty_until_previewed(desk: Desk) -> None:
    with desk.page.expect_event("console", lambda line: line.text == "previewed"):
        tell_when_previewed(desk)
        desk.fill(received="")


def test_a_field_follows_that_has_the_focus_already(financeiro: Desk, branch: Branch) -> None:
    """Who types fast is in the next field before the server has answered."""
    financeiro.open(issue(branch, "1234.56"), "settle")
    financeiro.fill(discount="0,56")
    financeiro.page.locator("[name=received]").focus()
    expect(financeiro.page.locator("[name=received]")).to_have_value("1.234,00")


def test_what_is_missing_is_told_before_anything_is_sent(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title, "settle")
    financeiro.fill(received="995,00")
    will_be(financeiro, said("It does not close: %(amount)s would be missing.", amount="R$ 5,00"))
    assert status_of(title) == "pending"


# In part


def test_parts_are_received_until_the_title_closes_and_the_newest_is_undone_from_their_list(
    financeiro: Desk, late: Title
) -> None:
    financeiro.open(late, "settle-part")
    financeiro.fill(received="500,00")
    will_be(financeiro, said("Partially settled title"))
    financeiro.confirm()
    financeiro.status_is("partially_settled")
    financeiro.press("settle-part")
    financeiro.fill(received="100,00")
    financeiro.confirm()
    financeiro.press("settle-part")
    parts = financeiro.table("Parts received so far")
    expect(parts).to_have_count(2)
    expect(parts.nth(0)).to_contain_text("100,00")
    expect(parts.get_by_role("link", name=said("Reverse this part"))).to_have_count(1)
    financeiro.confirm()
    financeiro.status_is("settled")
    assert sum(CashMovement.objects.filter(title=late).values_list("amount", flat=True)) > Decimal(1000)


# Several


def several(desk: Desk) -> None:
    desk.page.goto(desk.server + reverse("admin:settle_many"))


def tick(desk: Desk, *titles: Title) -> None:
    for title in titles:
        desk.page.locator(f"#title-{title.pk}").check()


def test_the_titles_of_a_customer_are_settled_at_once(tesouraria: Desk, branch: Branch) -> None:
    customer = make_customer(name="Ferragens Guaíra Ltda.")
    titles = [issue(branch, amount, bill_to=customer) for amount in ("1234.56", "100.00", "0.44")]
    issue(branch)
    tesouraria.page.goto(tesouraria.server + reverse("admin:index"))
    tesouraria.page.locator("#menu").get_by_text("Liquidação", exact=True).click()
    tesouraria.page.locator("#menu").get_by_role("link", name=said("Several titles at once")).click()
    tesouraria.page.locator("#pick_customer").fill("guaira")
    tesouraria.page.locator(".pick-titles [type=submit]").click()
    expect(tesouraria.page.locator("#titles tbody tr")).to_have_count(3)
    tesouraria.page.locator("#tick-all").check()
    expect(tesouraria.page.locator("#sum-total")).to_have_text("R$ 1.335,00")
    button_says(tesouraria, "Liquidar 3 títulos")
    tesouraria.confirm()
    tesouraria.told("R$ 1.335,00")
    assert [status_of(title) for title in titles] == ["settled"] * 3
    expect(tesouraria.page.locator("#titles tbody tr")).to_have_count(1)


def test_the_key_that_saves_saves_nothing_from_within_the_filter(tesouraria: Desk, branch: Branch) -> None:
    title = issue(branch)
    several(tesouraria)
    tick(tesouraria, title)
    button_says(tesouraria, "Liquidar 1 título")
    tesouraria.page.locator("#pick_customer").focus()
    tesouraria.page.keyboard.press("F2")
    tesouraria.page.locator("[name=received_on]").focus()
    assert status_of(title) == "pending"
    tesouraria.page.keyboard.press("F2")
    tesouraria.told(format_brl(title.amount))
    assert status_of(title) == "settled"


def test_when_one_changed_meanwhile_the_page_says_what_and_settles_none(
    tesouraria: Desk, sit_down: Callable[[User], Desk], branch: Branch
) -> None:
    first, second = issue(branch), issue(branch)
    several(tesouraria)
    tick(tesouraria, first, second)
    button_says(tesouraria, "Liquidar 2 títulos")
    other = sit_down(make_user(group=FINANCEIRO, branches=(branch,)))
    other.open(second, "settle-part")
    other.fill(received="400,00")
    other.confirm()
    other.status_is("partially_settled")
    tesouraria.confirm()
    expect(tesouraria.page.locator(".errorlist.nonfield")).to_have_text(explain(BatchChanged(titles=[str(second)])))
    changes = tesouraria.page.locator("#form-tables tbody tr")
    expect(changes).to_have_count(1)
    expect(changes).to_contain_text("600,00")
    assert status_of(first) == "pending"
    expect(tesouraria.page.locator("#sum-total")).to_have_text("R$ 1.600,00")
    tesouraria.confirm()
    tesouraria.told("R$ 1.600,00")


def test_what_the_next_tick_finds_changed_is_said_beside_the_button_and_confirmed_anew(
    tesouraria: Desk, sit_down: Callable[[User], Desk], branch: Branch
) -> None:
    first, second = issue(branch), issue(branch)
    several(tesouraria)
    tick(tesouraria, first)
    button_says(tesouraria, "Liquidar 1 título")
    expect(tesouraria.page.locator("#changed")).to_be_hidden()
    other = sit_down(make_user(group=FINANCEIRO, branches=(branch,)))
    other.open(second, "settle-part")
    other.fill(received="400,00")
    other.confirm()
    other.status_is("partially_settled")
    tick(tesouraria, second)
    expect(tesouraria.page.locator("#sum-total")).to_have_text("R$ 1.600,00")
    expect(tesouraria.page.locator("#changed")).to_have_text("1 título mudou: veja quanto é devido agora")
    tesouraria.confirm()
    expect(tesouraria.page.locator(".errorlist.nonfield")).to_have_text(explain(BatchChanged(titles=[str(second)])))
    assert status_of(first) == "pending"
    tesouraria.confirm()
    tesouraria.told("R$ 1.600,00")


def test_a_double_click_settles_several_once(tesouraria: Desk, branch: Branch) -> None:
    titles = [issue(branch), issue(branch)]
    several(tesouraria)
    tick(tesouraria, *titles)
    tesouraria.page.locator("[name=_confirm]").dblclick()
    tesouraria.told("R$ 2.000,00")
    assert Receipt.objects.filter(branch=branch).count() == 2


def test_several_titles_are_settled_without_a_mouse(tesouraria: Desk, branch: Branch) -> None:
    title = issue(branch)
    several(tesouraria)
    press = tesouraria.page.keyboard.press
    tesouraria.page.locator("[name=notes]").focus()
    press("Tab")
    expect(tesouraria.page.locator("#tick-all")).to_be_focused()
    press("Tab")
    press("Space")
    expect(tesouraria.page.locator("#sum-count")).to_have_text("1")
    tesouraria.page.locator("[name=received_on]").focus()
    tesouraria.page.locator("[name=_confirm]").focus()
    press("Enter")
    tesouraria.told(format_brl(title.amount))
    assert status_of(title) == "settled"


# The title's page by keyboard, and the branch in the header


def test_the_tabs_of_a_title_are_walked_with_the_arrows(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title)
    tabs = financeiro.page.get_by_role("tab")
    expect(tabs).to_have_count(6)
    tabs.first.focus()
    financeiro.page.keyboard.press("ArrowRight")
    expect(financeiro.page.get_by_role("tab", selected=True)).to_contain_text(said("Installments"))
    expect(financeiro.page.get_by_role("tabpanel")).to_have_count(1)
    financeiro.page.keyboard.press("End")
    expect(financeiro.page.get_by_role("tabpanel")).to_contain_text(title.document_number)
    financeiro.page.reload()
    expect(financeiro.page.get_by_role("tab", selected=True)).to_have_text(said("History"))


def test_payable_on_presentation_sets_the_due_date_and_says_why(financeiro: Desk, branch: Branch) -> None:
    financeiro.page.goto(financeiro.server + reverse("admin:receivables_title_add"))
    financeiro.fill(issued_on="01/12/2026", due_date="31/12/2026")
    box = financeiro.page.locator("[name=payable_on_presentation]")
    box.check()
    expect(financeiro.page.locator("[name=due_date]")).to_have_value("16/12/2026")
    expect(financeiro.page.locator(".field-payable_on_presentation")).to_contain_text("2926")
    financeiro.fill(issued_on="20/12/2026")
    expect(financeiro.page.locator("[name=due_date]")).to_have_value("04/01/2027")
    box.uncheck()
    expect(financeiro.page.locator("[name=due_date]")).to_have_value("31/12/2026")


def test_a_person_of_two_branches_looks_at_one_of_them(gerencia: Desk, branch: Branch) -> None:
    other = make_branch(name="Filial do Porto")
    other.members.add(gerencia.user)
    here, there = issue(branch), issue(other)
    gerencia.open_list(Title)
    gerencia.page.locator("#branch-switch summary").click()
    gerencia.page.get_by_role("button", name="Filial do Porto").click()
    expect(gerencia.page.locator("#result_list tbody tr")).to_have_count(1)
    expect(gerencia.page.locator("#result_list")).to_contain_text(str(there))
    gerencia.open(here)
    gerencia.status_is("pending")
    expect(gerencia.page.locator("#branch-switch summary")).to_contain_text("Filial do Porto")
