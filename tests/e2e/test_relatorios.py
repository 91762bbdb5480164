"""Relatórios in a browser: reached, asked and answered by keyboard; what is downloaded is a PDF."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from receivables.models import Actor, Branch, Receipt
from receivables.services.reversal import reverse_title
from receivables.services.settlement import settle_title
from tests.e2e.desk import Desk, address, today, typed
from tests.make import REASON, deposit, make_title

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def tab_to(page: Page, name: str, *, most: int = 80) -> None:
    """Press Tab until the control of that name has the focus."""
    wanted = page.locator(":focus").and_(page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)))
    for _press in range(most):
        page.keyboard.press("Tab")
        if wanted.count():
            return
    pytest.fail(f"the keyboard does not reach {name!r}")


def downloaded(page: Page, address: str) -> bytes:
    """Fetch a paper as the browser does, with its session."""
    return page.request.get(address).body()


@pytest.fixture
def receipt(branch: Branch, gerencia: Desk) -> Receipt:
    """A receipt of today that was reversed, beside a title that is overdue."""
    make_title(branch=branch, due_dates=(today() - timedelta(40),), issued_on=today() - timedelta(60))
    by, now = Actor.person(gerencia.user), timezone.now()
    title = make_title(branch=branch, due_dates=(today(),), issued_on=today() - timedelta(30))
    paid = settle_title(
        title_id=title.pk, received=Decimal("1000.00"), received_on=today(), deposit=deposit(on=today()), by=by,
        now=now, on=today(),
    )  # fmt: skip
    reverse_title(title_id=title.pk, reason=REASON, by=by, now=now, on=today())
    return paid


def test_aging_is_reached_asked_and_printed_by_keyboard(gerencia: Desk, receipt: Receipt, tmp_path: Path) -> None:
    page = gerencia.page
    page.goto(f"{gerencia.server}/admin/")
    tab_to(page, "Relatórios")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Relatórios")).to_be_visible()
    tab_to(page, "Aging")
    page.keyboard.press("Enter")
    expect(page.locator("tfoot")).to_contain_text("2.000,00")
    page.locator("[name=on]").fill(typed(today() + timedelta(1)))
    page.keyboard.press("Enter")
    expect(page.locator(".report-note").first).to_be_visible()
    expect(page.locator("[name=on]")).to_have_value(typed(today() + timedelta(1)))
    address = page.locator(".act-pdf").get_attribute("href") or ""
    paper = downloaded(page, gerencia.server + address)
    assert paper.startswith(b"%PDF")
    assert len(paper) > 1000


def test_reversals_are_run_and_lead_to_the_receipt_and_its_paper(gerencia: Desk, receipt: Receipt) -> None:
    page = gerencia.page
    page.goto(f"{gerencia.server}/admin/reports/")
    tab_to(page, "Estornos do período")
    page.keyboard.press("Enter")
    page.locator(f"a[href='{address(receipt)}']").click()
    link = page.get_by_role("link", name="Recibo PDF")
    expect(link).to_be_visible()
    assert downloaded(page, gerencia.server + (link.get_attribute("href") or "")).startswith(b"%PDF")


def test_a_table_is_saved_as_a_spreadsheet(gerencia: Desk, receipt: Receipt, tmp_path: Path) -> None:
    page = gerencia.page
    page.goto(f"{gerencia.server}/admin/reports/aging/")
    with page.expect_download() as download:
        page.get_by_role("button", name="XLSX").click()
    file = tmp_path / "aging.xlsx"
    download.value.save_as(file)
    assert file.read_bytes().startswith(b"PK")
