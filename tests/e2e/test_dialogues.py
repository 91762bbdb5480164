"""The dialogues without a file of their own: two people at one title, credit used and refunded, cancelling, dates."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from receivables.admin.explain import reais
from receivables.models import Actor, Branch, Customer, CustomerCredit, Title
from receivables.services.groups import FINANCEIRO
from receivables.services.settlement import settle_title
from receivables.services.title import change_title
from tests.e2e.desk import Desk, address, today, typed
from tests.ledger import assert_books_are_clean
from tests.make import REASON, deposit, make_customer, make_title, make_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LONG_AGO = timedelta(days=60)


@pytest.fixture(autouse=True)
def clean_ledger(live_server: LiveServer) -> Iterator[None]:
    """After every journey the books are clean; the data of a title are changed without a reason."""
    yield
    assert_books_are_clean()


def issue(branch: Branch, **values: Any) -> Title:
    usual = {"due_dates": (today(),), "issued_on": today() - LONG_AGO}
    return make_title(branch=branch, **usual | values)


def read(title: Title) -> Title:
    return Title.objects.get(pk=title.pk)


@pytest.fixture
def rich(gerencia: Desk, branch: Branch) -> Customer:
    """A customer who paid R$ 100,00 too much."""
    customer = make_customer(name="Cerâmica Conceição")
    title = issue(branch, bill_to=customer)
    settle_title(
        title_id=title.pk, received=title.amount + 100, received_on=today(), deposit=deposit(on=today()),
        by=Actor.person(gerencia.user), now=timezone.now(), on=today(),
    )  # fmt: skip
    return customer


def credit_of(customer: Customer) -> Decimal:
    credit: Decimal = CustomerCredit.objects.filter(customer=customer).available()
    return credit


def test_of_two_people_who_change_one_title_the_later_is_told_what_changed(
    financeiro: Desk, sit_down: Callable[..., Desk], branch: Branch
) -> None:
    title = issue(branch)
    colleague = sit_down(make_user(group=FINANCEIRO, branches=(branch,)))
    financeiro.open(title)
    colleague.open(title)
    colleague.fill(notes="Cobrar na sexta", due_date=typed(today() + timedelta(5)))
    colleague.page.locator("[name=_save]").click()
    colleague.told(str(title))

    financeiro.fill(notes="Cobrar na segunda")
    financeiro.page.locator("[name=_save]").click()
    refusal = financeiro.page.locator(".errorlist.nonfield")
    expect(refusal).to_contain_text(colleague.user.username)
    expect(refusal).to_contain_text("Observação — → Cobrar na sexta")
    expect(refusal).to_contain_text(f"Data Vencto {typed(today())} → {typed(today() + timedelta(5))}")
    assert read(title).notes == "Cobrar na sexta"


def test_credit_pays_another_title_of_its_customer(gerencia: Desk, branch: Branch, rich: Customer) -> None:
    title = issue(branch, bill_to=rich, amounts=("100.00",))
    gerencia.open(title)
    gerencia.press("use-credit")
    expect(gerencia.page.locator("[name=amount]")).to_have_value("100,00")
    gerencia.confirm()
    gerencia.status_is("settled")
    assert credit_of(rich) == 0


def test_credit_is_refunded_once(gerencia: Desk, branch: Branch, rich: Customer) -> None:
    gerencia.open(rich)
    gerencia.press("refund")
    gerencia.fill(branch=str(branch.pk), amount="40,00", method="cash", reason=REASON)
    gerencia.page.locator("[name=_confirm]").dblclick()
    gerencia.told("R$ 40,00")
    assert credit_of(rich) == 60


def test_a_title_is_cancelled_for_a_reason_and_receives_nothing_more(gerencia: Desk, branch: Branch) -> None:
    title = issue(branch)
    gerencia.open(title)
    gerencia.press("cancel")
    gerencia.fill(reason="curto")
    gerencia.confirm()
    gerencia.refused("reason")
    gerencia.fill(reason=REASON)
    gerencia.confirm()
    gerencia.status_is("cancelled")
    expect(gerencia.button("settle")).to_have_count(0)
    gerencia.page.goto(gerencia.server + address(title, "settle"))
    expect(gerencia.page.locator(".messagelist .error")).to_be_visible()


def test_the_due_dates_of_a_plan_are_changed(gerencia: Desk, branch: Branch) -> None:
    title = issue(branch, amounts=("600.00", "400.00"), due_dates=(today(), today() + timedelta(30)))
    first, second = title.installments.order_by("number")
    gerencia.open(title)
    gerencia.press("due-dates")
    gerencia.fill(**{f"due_{first.pk}": "01/01/2020"})
    gerencia.confirm()
    gerencia.refused(f"due_{first.pk}")
    gerencia.fill(**{f"due_{first.pk}": typed(today() + timedelta(3))})
    gerencia.confirm()
    gerencia.told(str(title))
    days = [row.due_date for row in title.installments.order_by("number")]
    assert days == [today() + timedelta(3), second.due_date]


def test_a_new_collection_that_a_colleague_made_first_is_not_made_twice(
    financeiro: Desk, sit_down: Callable[..., Desk], branch: Branch
) -> None:
    title = issue(branch, our_numbers=("109000123",))
    colleague = sit_down(make_user(group=FINANCEIRO, branches=(branch,)))
    for desk in (financeiro, colleague):
        desk.open(title, "reissue")
        desk.fill(new_due_date=typed(today() + timedelta(9)), reason=REASON)
        expect(desk.page.locator("#what-will-be")).to_contain_text(reais(title.amount))  # unseen, it is not taken
        desk.page.locator("[name=write_off_requested]").check()
    colleague.confirm()
    colleague.status_is("pending")
    financeiro.confirm()
    expect(financeiro.page.locator(".messagelist .error, .errorlist.nonfield")).to_be_visible()
    assert title.installments.get().bank_slips.filter(status="superseded").count() == 1


def test_going_back_brings_no_old_values_beside_a_new_version(financeiro: Desk, branch: Branch) -> None:
    title = issue(branch)
    financeiro.open(title)
    financeiro.page.locator("[name=notes]").fill("minha nota")
    financeiro.page.locator("[name=_save]").click()
    financeiro.told(str(title))
    change_title(
        title_id=title.pk, changes={"notes": "nota da colega"}, version=read(title).version,
        by=Actor.person(make_user(group=FINANCEIRO)), because=REASON,
    )  # fmt: skip
    financeiro.page.go_back()
    seen = financeiro.page.locator("[name=seen_version]").input_value()
    note = financeiro.page.locator("[name=notes]").input_value()
    assert (note, seen) == ("nota da colega", str(read(title).version))
