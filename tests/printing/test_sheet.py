"""Reports on paper: every number, heads again on each page, who printed and page x of y."""

from datetime import date
from decimal import Decimal

import pytest

from receivables.admin.report_pages import shown
from receivables.figures.sheet import Column, Named, Part, Sheet
from receivables.printing.sheet import draw_sheet
from tests.printing.paper import pages, placed, sizes
from tests.printing.test_receipt import LONG_NAME, PRINTED

COLUMNS = [Column("Cliente"), Column("Vencimento", "day", 20), Column("Valor", "amount", 30)]
ROW = [Named("João", "customer", 1), date(2026, 11, 23), Decimal("1234.56")]


def draw(*parts, **values):
    about = [("Filial", "001 · Matriz"), ("Período", "01/11/2026 a 23/11/2026")]
    sheet = Sheet(**{"code": "x", "title": "Aging", "about": about, "parts": parts} | values)
    return draw_sheet(sheet, printed=PRINTED, write=shown)


def part(count=1, **values):
    usual = {"title": "Por cliente", "columns": COLUMNS, "rows": [ROW] * count, "empty": "Nada em aberto."}
    return Part(**usual | values)


def test_a_report_says_what_it_is_about_its_numbers_rows_and_total():
    pdf = draw(
        part(total=["Total", "", Decimal("9999.99")]), numbers=[("Saldo", Decimal("-0.01"))], notes=["Sem juros."]
    )
    (said,) = pages(pdf)
    for fact in ("Aging", "001 · Matriz", "01/11/2026 a 23/11/2026", "R$ -0,01", "João", "23/11/2026", "1.234,56",
                 "9.999,99", "Sem juros.", "Impresso por Ana Paula em 23/11/2026 12:00", "Página 1 de 1"):  # fmt: skip
        assert fact in said


def test_a_long_table_goes_on_under_the_same_head_and_names_the_report():
    first, *others = pages(draw(part(120)))
    assert len(others) >= 1
    for page in others:
        assert "Aging · 001 · Matriz" in page
        assert "Vencimento" in page
    assert f"Página {len(others) + 1} de {len(others) + 1}" in others[-1]
    assert sum(page.count("1.234,56") for page in [first, *others]) == 120


def test_a_part_without_rows_says_what_would_be_there():
    assert "Nada em aberto." in pages(draw(part(0)))[0]


def test_a_long_name_is_wrapped_within_its_column():
    pdf = draw(part(rows=[[LONG_NAME * 2, None, Decimal("1.00")]]))
    assert " ".join(LONG_NAME.split()) in " ".join(pages(pdf)[0].split())
    lefts = {round(each.left) for each in placed(pdf) if each.text and each.text in LONG_NAME * 2}
    assert len(lefts) == 1


def test_a_wide_report_lies_on_its_side():
    (portrait,), (wide,) = sizes(draw(part())), sizes(draw(part(), is_wide=True))
    assert portrait == pytest.approx(wide[::-1])


def test_columns_that_ask_for_more_than_there_is_shrink_to_the_paper():
    columns = [Column("Nome"), *(Column(f"C{place}", "amount", 40) for place in range(8))]
    pdf = draw(part(columns=columns, rows=[["x", *[Decimal("1.00")] * 8]]))
    assert max(each.left for each in placed(pdf)) < sizes(pdf)[0][0]
