"""Support reads the trail in a browser: a settlement and its reversal by person and by document, and as a workbook."""

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from openpyxl import load_workbook
from playwright.sync_api import Locator, expect

from receivables.models import Branch, Receipt, Title
from tests.admin.pages import settlement
from tests.e2e.desk import Desk, said, today
from tests.make import REASON, make_title

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def title(branch: Branch) -> Title:
    return make_title(branch=branch, due_dates=(today(),))


@pytest.fixture
def undone(tesouraria: Desk, title: Title) -> Receipt:
    """A receipt that was posted and reversed at a desk."""
    tesouraria.open(title)
    tesouraria.press("settle")
    asked = settlement(title, "1.000,00", on=today())
    tesouraria.fill(received=asked["received"])
    tesouraria.confirm()
    tesouraria.open(title)
    tesouraria.press("reverse")
    tesouraria.fill(reason=REASON)
    tesouraria.confirm()
    return Receipt.objects.get(allocations__title=title)


def read_trail(desk: Desk, **asked: str) -> Locator:
    """Ask the trail as a person does, and give its lines."""
    desk.page.goto(desk.server + reverse("admin:audit"))
    for name, text in asked.items():
        desk.page.locator(f".audit-filters [name={name}]").fill(text)
    desk.page.locator(".audit-filters [type=submit]").click()
    return desk.page.locator(".trail-day ol > li")


def downloaded(desk: Desk, file: str) -> Path:
    with desk.page.expect_download() as download:
        desk.page.locator(f".export button[value={file}]").click()
    return Path(download.value.path())


def rows_of(file: Path) -> list[dict[str, Any]]:
    heads, *rows = load_workbook(BytesIO(file.read_bytes())).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_a_settlement_and_its_reversal_are_found_by_person_and_by_document(
    suporte: Desk, tesouraria: Desk, title: Title, undone: Receipt
) -> None:
    for asked in ({"who": tesouraria.user.username}, {"document": str(title)}, {"document": undone.label}):
        lines = read_trail(suporte, **asked)
        reversal = lines.filter(has_text=said("reversed receipt %(row)s", row=undone))
        expect(reversal).to_contain_text(REASON)
        expect(reversal).to_contain_text(tesouraria.user.username)
        expect(lines.filter(has_text=said("received by receipt %(row)s", row=undone))).to_have_count(1)


def test_the_trail_goes_out_as_a_workbook(suporte: Desk, title: Title, undone: Receipt) -> None:
    lines = read_trail(suporte, document=str(title)).count()
    rows = rows_of(downloaded(suporte, "xlsx"))
    assert len(rows) == lines
    (reversal,) = [
        row for row in rows if str(row[said("what was done").capitalize()]).startswith("estornou o recebimento")
    ]
    assert REASON in reversal.values()


def test_a_list_goes_out_as_it_is_filtered(financeiro: Desk, branch: Branch, title: Title) -> None:
    other = make_title(branch=branch)
    financeiro.open_list(Title)
    financeiro.search(str(title))
    (row,) = rows_of(downloaded(financeiro, "xlsx"))
    assert str(title) in row.values()
    assert str(other) not in row.values()
    assert 1000 in row.values()


def test_the_complete_story_is_one_click_from_the_title(tesouraria: Desk, title: Title, undone: Receipt) -> None:
    tesouraria.open(undone)
    tesouraria.page.get_by_role("link", name=said("Complete story")).click()
    expect(tesouraria.page.locator("h1")).to_have_text(re.compile(re.escape(str(undone))))
    expect(tesouraria.page.locator(".trail-day li").first).to_contain_text(undone.label)
