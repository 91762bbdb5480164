"""Nova Cobrança Bancária in a browser: the box wakes the percents, the total follows what is typed (S52-S57)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from receivables.admin.explain import reais
from receivables.models import BankCollectionReissue, Branch, Title
from receivables.services.reissue import preview_reissue
from tests.e2e.desk import Desk, today, typed
from tests.make import REASON, make_title

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def title(branch: Branch) -> Title:
    return make_title(
        branch=branch, due_dates=(today() - timedelta(days=47),), issued_on=today() - timedelta(days=90),
        our_numbers=("109000001",),
    )  # fmt: skip


def new_amount(title: Title) -> Decimal:
    return preview_reissue(
        installment_id=title.installments.get().pk, new_due_date=today(), on=today(), apply_charges=True,
        interest_percent=Decimal("0.033"), fine_percent=Decimal(2),
    ).total  # fmt: skip


def test_percents_are_enabled_while_the_box_is_ticked(financeiro: Desk, title: Title) -> None:
    financeiro.open(title, "reissue")
    for field in ("interest_percent", "fine_percent"):
        expect(financeiro.page.locator(f"[name={field}]")).to_be_disabled()
    financeiro.page.locator("[name=apply_charges]").check()
    for field in ("interest_percent", "fine_percent"):
        expect(financeiro.page.locator(f"[name={field}]")).to_be_enabled()


def test_the_total_follows_what_is_typed_and_is_confirmed_as_it_was_seen(financeiro: Desk, title: Title) -> None:
    expected = new_amount(title)
    financeiro.open(title)
    financeiro.press("reissue")
    financeiro.page.locator("[name=apply_charges]").check()
    financeiro.fill(new_due_date=typed(today()), interest_percent="0,033", fine_percent="2", reason=REASON)
    expect(financeiro.page.locator("#what-will-be")).to_contain_text(reais(expected))
    financeiro.page.locator("[name=write_off_requested]").check()
    financeiro.confirm()
    financeiro.told("109000001")
    assert BankCollectionReissue.objects.get(installment__title=title).new_amount == expected


def test_a_day_before_today_is_told_while_it_is_typed(financeiro: Desk, title: Title) -> None:
    financeiro.open(title, "reissue")
    financeiro.fill(new_due_date=typed(today() - timedelta(days=1)))
    expect(financeiro.page.locator("#preview-errors li")).to_have_count(1)
    assert not BankCollectionReissue.objects.filter(installment__title=title).exists()


def test_the_calendar_asks_for_the_total_as_well(financeiro: Desk, title: Title) -> None:
    financeiro.open(title, "reissue")
    financeiro.page.locator(".field-new_due_date .datetimeshortcuts a").first.click()
    expect(financeiro.page.locator("#what-will-be")).to_contain_text("47")
