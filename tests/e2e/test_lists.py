"""The list of titles in use: a foot that stands still, sums that come when asked, filters typed and taken off."""

from datetime import date

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from receivables.admin import listing
from receivables.models import Actor, Branch, CashMovement, Customer, Installment, Receipt, Title
from receivables.services.settlement import settle_title
from tests.e2e.conftest import SCREEN
from tests.e2e.desk import Desk, today
from tests.make import deposit, make_customer, make_title

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def issue(branch: Branch, count: int) -> list[Title]:
    return [
        make_title(branch=branch, amounts=(f"{number}.10",), due_dates=(today(),)) for number in range(1, count + 1)
    ]


def test_the_foot_stands_still_while_rows_are_chosen_and_adds_them_up(financeiro: Desk, branch: Branch) -> None:
    issue(branch, 30)
    financeiro.open_list(Title)
    foot, totals = financeiro.page.locator(".list-foot"), financeiro.page.locator(".list-foot .totals")
    before = foot.bounding_box(), totals.bounding_box()
    financeiro.page.locator("#action-toggle").click()
    expect(financeiro.page.locator(".chosen-sum")).to_contain_text("25 · R$ 452,50")
    assert (foot.bounding_box(), totals.bounding_box()) == before


def test_a_long_list_is_added_up_in_its_place(
    financeiro: Desk, branch: Branch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", 3)
    issue(branch, 5)
    financeiro.open_list(Title)
    financeiro.page.locator("#result_list .action-select").first.check()
    financeiro.page.locator("a.ask").click()
    expect(financeiro.page.locator("#totals dd")).to_have_text(["5", "15,50", "15,50", "0,00"])
    expect(financeiro.page.locator("#result_list .action-select").first).to_be_checked()


@pytest.mark.parametrize("model", [Title, Installment, Receipt, CashMovement, Customer])
def test_25_rows_their_filters_and_their_foot_fit_a_screen(gerencia: Desk, branch: Branch, model: type) -> None:
    for title in issue(branch, 25):
        settle_title(
            title_id=title.pk, received=title.amount, received_on=today(), deposit=deposit(on=today()),
            by=Actor.person(gerencia.user), now=timezone.now(), on=today(),
        )  # fmt: skip
    gerencia.open_list(model)
    rows = gerencia.page.locator("#result_list tbody tr")
    expect(rows).to_have_count(25)
    for shown in (gerencia.page.locator("#searchbar"), rows.first, rows.last, gerencia.page.locator(".list-foot")):
        expect(shown).to_be_in_viewport(ratio=1)
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert gerencia.page.evaluate(size) == list(SCREEN.values())


def test_the_bar_that_saves_stays_in_sight(gerencia: Desk, branch: Branch) -> None:
    gerencia.open(issue(branch, 1)[0])
    save = gerencia.page.locator(".submit-row [name=_save]")
    for place in (0, 10_000):
        gerencia.page.locator("main").evaluate("(main, place) => main.scrollTo(0, place)", place)
        expect(save).to_be_in_viewport(ratio=1)


def test_what_is_typed_narrows_the_list_and_is_taken_off_again(financeiro: Desk, branch: Branch) -> None:
    customer = make_customer(name="Cerâmica Conceição")
    make_title(branch=branch, bill_to=customer, due_dates=(date(2027, 3, 15),))
    issue(branch, 2)
    financeiro.open_list(Title)
    rows = financeiro.page.locator("#result_list tbody tr")
    financeiro.page.locator(".typed summary").click()
    financeiro.page.get_by_label("Cliente", exact=True).fill("ceramica conceicao")
    financeiro.page.get_by_label("Vencimento de").fill("15/03/2027")
    financeiro.page.get_by_label("Vencimento de").press("Enter")
    expect(rows).to_have_count(1)
    for left in (1, 0):
        financeiro.page.locator("a.asked").first.click()
        expect(financeiro.page.locator("a.asked")).to_have_count(left)
    expect(rows).to_have_count(3)
