"""The whole work without a mouse: lists, menu, forms; nothing typed is lost, and fields keep their own keys."""

import re
from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from receivables.models import Branch, Customer, Receipt, Title, TitleStatus
from tests.e2e.desk import Desk, address, said
from tests.make import REASON, make_branch, make_customer, make_title

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def keys(desk: Desk, *pressed: str) -> None:
    desk.page.wait_for_load_state()
    for key in pressed:
        desk.page.keyboard.press(key)


def write(desk: Desk, text: str) -> None:
    desk.page.keyboard.type(text)


def at(desk: Desk, path: str) -> None:
    expect(desk.page).to_have_url(re.compile(re.escape(path)))


def focused(desk: Desk, selector: str) -> None:
    expect(desk.page.locator(f"{selector}:focus")).to_have_count(1)


def test_a_title_is_found_settled_and_reversed_by_keys_alone(financeiro: Desk, branch: Branch) -> None:
    title = make_title(branch=branch, document_number="TECLADO-1")
    financeiro.page.goto(financeiro.server + "/admin/")
    keys(financeiro, "/")
    write(financeiro, "teclado-1")
    keys(financeiro, "Enter")
    at(financeiro, address(title))
    keys(financeiro, "F4")
    at(financeiro, address(title, "settle"))
    keys(financeiro, "F2")
    financeiro.status_is("settled")
    reverse = financeiro.button("reverse").get_attribute("aria-keyshortcuts")
    assert reverse is not None
    keys(financeiro, reverse)
    at(financeiro, address(title, "reverse"))
    financeiro.page.locator("[name=reason]").focus()
    write(financeiro, REASON)
    keys(financeiro, "F2")
    financeiro.status_is("pending")
    assert Receipt.objects.filter(branch=branch).count() == 1


def test_enter_after_the_password_comes_in(financeiro: Desk) -> None:
    financeiro.context.clear_cookies()
    financeiro.page.goto(financeiro.server + reverse("admin:login"))
    financeiro.page.locator("[name=username]").fill(financeiro.user.username)
    financeiro.page.locator("[name=password]").focus()
    write(financeiro, "secret")
    keys(financeiro, "Enter")
    expect(financeiro.page.locator("#user-tools")).to_contain_text(financeiro.user.username)


def test_a_row_of_a_list_is_reached_with_arrows_chosen_with_space_and_opened_with_enter(
    financeiro: Desk, branch: Branch
) -> None:
    older, newer = (make_title(branch=branch) for _each in range(2))
    financeiro.open_list(Title)
    keys(financeiro, "ArrowDown", "ArrowDown", "ArrowUp", "ArrowDown", "Space")
    expect(financeiro.page.locator(".action-select:checked")).to_have_count(1)
    expect(financeiro.page.locator("tr:has(a:focus) .action-select")).to_be_checked()
    number = financeiro.page.locator("a:focus").inner_text()
    keys(financeiro, "Enter")
    at(financeiro, address(next(title for title in (older, newer) if title.document_number == number)))


def test_the_search_of_a_list_leads_down_to_its_rows(financeiro: Desk, branch: Branch) -> None:
    title = make_title(branch=branch, document_number="ABAIXO-1")
    financeiro.open_list(Title)
    financeiro.page.locator("#searchbar").focus()
    write(financeiro, "abaixo-1")
    keys(financeiro, "Enter")
    expect(financeiro.page.locator("#result_list tbody tr")).to_have_count(1)
    financeiro.page.locator("#searchbar").focus()
    keys(financeiro, "ArrowDown", "Enter")
    at(financeiro, address(title))


def test_g_and_a_letter_goes_to_a_section_of_the_menu(gerencia: Desk) -> None:
    gerencia.page.goto(gerencia.server + "/admin/")
    keys(gerencia, "g", "c")
    at(gerencia, "/receivables/customer/")
    keys(gerencia, "g", "t")
    at(gerencia, "/receivables/title/")
    keys(gerencia, "g", "p")
    expect(gerencia.page.locator("body.panel")).to_be_visible()


def test_g_twice_enters_the_menu_and_arrows_walk_it(gerencia: Desk) -> None:
    gerencia.page.goto(gerencia.server + "/admin/")
    keys(gerencia, "g", "g")
    focused(gerencia, "#menu a")
    keys(gerencia, "ArrowDown")
    focused(gerencia, "#menu summary")


def test_every_section_of_the_menu_has_a_letter_of_its_own(gerencia: Desk) -> None:
    gerencia.page.goto(gerencia.server + "/admin/")
    letters = gerencia.page.locator("#menu [data-key]").evaluate_all("all => all.map((each) => each.dataset.key)")
    assert len(letters) == len(set(letters)) >= 12
    assert "" not in letters


def test_a_question_mark_tells_the_shortcuts_over_the_page(gerencia: Desk, branch: Branch) -> None:
    gerencia.open(make_title(branch=branch), "cancel")
    gerencia.page.locator("[name=reason]").fill("Motivo?")
    gerencia.page.locator("main").click(position={"x": 5, "y": 5})
    keys(gerencia, "?")
    dialog = gerencia.page.locator("#shortcuts-dialog")
    expect(dialog).to_contain_text("F2")
    keys(gerencia, "Escape")
    expect(dialog).to_be_hidden()
    expect(gerencia.page.locator("[name=reason]")).to_have_value("Motivo?")


def test_the_shortcuts_have_a_page_of_their_own(gerencia: Desk) -> None:
    gerencia.page.goto(gerencia.server + "/admin/shortcuts/")
    expect(gerencia.page.locator("#shortcuts-list dt")).not_to_have_count(0)


def test_letters_typed_into_a_field_are_letters(gerencia: Desk) -> None:
    gerencia.page.goto(gerencia.server + "/admin/receivables/customer/add/")
    gerencia.page.locator("[name=name]").focus()
    write(gerencia, "g t / ? n")
    expect(gerencia.page.locator("[name=name]")).to_have_value("g t / ? n")


def test_enter_moves_through_a_form_and_after_the_last_field_to_the_button(gerencia: Desk) -> None:
    gerencia.page.goto(gerencia.server + "/admin/receivables/customer/add/")
    focused(gerencia, "[name=document]")
    write(gerencia, "529.982.247-25")
    keys(gerencia, "Enter")
    focused(gerencia, "[name=name]")
    write(gerencia, "Ana do Teclado")
    for _field in range(12):
        if gerencia.page.locator("[name=_save]:focus").count():
            break
        keys(gerencia, "Enter")
    focused(gerencia, "[name=_save]")
    assert not Customer.objects.filter(name="Ana do Teclado").exists()
    keys(gerencia, "Enter")
    gerencia.told("Ana do Teclado")
    assert Customer.objects.filter(name="Ana do Teclado").exists()


def test_enter_stays_in_a_text_of_several_lines(gerencia: Desk, branch: Branch) -> None:
    gerencia.open(make_title(branch=branch), "cancel")
    focused(gerencia, "[name=reason]")
    write(gerencia, "uma")
    keys(gerencia, "Enter")
    write(gerencia, "duas")
    expect(gerencia.page.locator("[name=reason]")).to_have_value("uma\nduas")


def test_ctrl_enter_saves_from_a_text_of_several_lines(gerencia: Desk, branch: Branch) -> None:
    title = make_title(branch=branch)
    gerencia.open(title, "cancel")
    write(gerencia, REASON)
    keys(gerencia, "Control+Enter")
    gerencia.told(title.document_number)
    assert Title.objects.get(pk=title.pk).status == TitleStatus.CANCELLED


def test_a_customer_is_chosen_by_typing(gerencia: Desk, branch: Branch) -> None:
    customer = make_customer(name="Zenaide Quintela")
    gerencia.page.goto(gerencia.server + "/admin/receivables/title/add/")
    box = gerencia.page.locator(".field-bill_to .select2-selection")
    box.focus()
    write(gerencia, "zenaide")
    expect(gerencia.page.locator(".select2-results__option--highlighted")).to_contain_text("Zenaide")
    keys(gerencia, "Enter")
    expect(box).to_contain_text("Zenaide Quintela")
    expect(gerencia.page.locator("[name=bill_to]")).to_have_value(str(customer.pk))
    keys(gerencia, "Enter")
    expect(gerencia.page.locator(".field-bill_to .select2-selection:focus")).to_have_count(0)


def test_a_customer_is_added_beside_the_title_and_chosen(gerencia: Desk, branch: Branch) -> None:
    gerencia.page.goto(gerencia.server + "/admin/receivables/title/add/")
    with gerencia.page.expect_popup() as opened:
        gerencia.page.locator("#add_id_bill_to").click()
    window = opened.value
    window.locator("[name=document]").fill("123.456.789-09")
    window.locator("[name=name]").fill("Cliente Novo")
    window.locator("[name=_save]").click()
    expect(gerencia.page.locator(".field-bill_to .select2-selection")).to_contain_text("Cliente Novo")
    customer = Customer.objects.get(name="Cliente Novo")
    expect(gerencia.page.locator("[name=bill_to]")).to_have_value(str(customer.pk))


def test_escape_goes_back_and_only_the_second_one_where_something_was_typed(gerencia: Desk, branch: Branch) -> None:
    title = make_title(branch=branch)
    gerencia.open(title, "cancel")
    keys(gerencia, "Escape")
    at(gerencia, address(title))
    gerencia.open(title, "cancel")
    write(gerencia, "Um motivo")
    keys(gerencia, "Escape")
    expect(gerencia.page.locator(".keys-hint")).to_contain_text(
        said("Nothing was saved. Esc once more goes back without saving.")
    )
    at(gerencia, address(title, "cancel"))
    keys(gerencia, "Escape")
    at(gerencia, address(title))


def test_escape_closes_what_is_open_before_anything_else(gerencia: Desk, branch: Branch) -> None:
    gerencia.page.goto(gerencia.server + "/admin/receivables/title/add/")
    gerencia.page.locator(".field-bill_to .select2-selection").focus()
    keys(gerencia, "ArrowDown")
    expect(gerencia.page.locator(".select2-container--open")).not_to_have_count(0)
    keys(gerencia, "Escape")
    expect(gerencia.page.locator(".select2-container--open")).to_have_count(0)
    at(gerencia, "/title/add/")
    gerencia.page.locator("#user-menu summary").click()
    keys(gerencia, "Escape")
    expect(gerencia.page.locator("#user-menu[open]")).to_have_count(0)
    at(gerencia, "/title/add/")


def test_n_begins_a_new_row(gerencia: Desk) -> None:
    gerencia.open_list(Customer)
    keys(gerencia, "n")
    at(gerencia, "/customer/add/")


def test_the_first_wrong_field_has_the_focus(gerencia: Desk, branch: Branch) -> None:
    gerencia.open(make_title(branch=branch), "cancel")
    write(gerencia, "curto")
    keys(gerencia, "F2")
    gerencia.refused("reason")
    focused(gerencia, "[name=reason]")


def test_the_password_is_typed_once_more_and_enter_leads_to_the_button(
    gerencia: Desk, branch: Branch, a_closed_day: Callable[[], object]
) -> None:
    gerencia.page.goto(gerencia.server + address(a_closed_day(), "reopen"))  # type: ignore[arg-type]
    write(gerencia, REASON)
    keys(gerencia, "Tab")
    focused(gerencia, "[name=step_up]")
    write(gerencia, "secret")
    keys(gerencia, "Enter", "Enter")
    gerencia.status_is("open")


@pytest.fixture
def a_closed_day(branch: Branch) -> Callable[[], object]:
    from django.utils import timezone

    from receivables.models import SYSTEM, CashDay
    from receivables.services.cash_day import close_day
    from tests.e2e.desk import today
    from tests.make import cash_account

    def close() -> object:
        account = cash_account(branch)
        close_day(account_id=account.pk, day=today(), by=SYSTEM, now=timezone.now(), on=today())
        return CashDay.objects.get(account=account)

    return close


def test_a_page_of_another_branch_is_told_in_words(gerencia: Desk) -> None:
    gerencia.page.goto(gerencia.server + "/admin/shortcuts/")
    foreign = make_title(branch=make_branch())
    with gerencia.page.expect_response(lambda response: response.status == 404):
        gerencia.page.goto(gerencia.server + address(foreign))
    gerencia.complaints.clear()
    expect(gerencia.page.locator("main")).to_contain_text(said("Page not found"))
