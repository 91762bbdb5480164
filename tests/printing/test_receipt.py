"""The receipt on A4 and on the roll: what it says, that nothing is cut off, that a reversed one says so (G.22)."""

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from reportlab.lib.units import mm

from receivables.admin.explain import written
from receivables.figures.receipt import Means, Paid, Party, ReceiptPaper, Undone
from receivables.printing.page import Printed
from receivables.printing.receipt import draw_receipt
from receivables.printing.roll import draw_roll
from tests.printing.paper import pages, placed, sizes

AT = datetime(2026, 11, 23, 15, 0, tzinfo=ZoneInfo("UTC"))
PRINTED = Printed(by="Ana Paula", at=AT)
LONG_NAME = "Comércio e Transportes Irmãos Gonçalves da Conceição de São João del-Rei e Região Metropolitana Ltda. EPP"


def line(number=1, *, count=1, **values):
    usual = {
        "document": "FAT-0001", "installment": f"{number}/{count}", "due_date": date(2026, 10, 24),
        "principal": Decimal("1000.00"), "interest": Decimal("10.00"), "fine": Decimal("20.00"),
        "discount": Decimal("0.00"), "total": Decimal("1030.00"), "reversed_on": None,
    }  # fmt: skip
    return Paid(**usual | values)


def receipt(**values):
    usual = {
        "number": "03-000041", "standing": "live", "issuer": Party("Loja Centro", "12.ABC.345/01DE-35", "Curitiba/PR"),
        "customer": Party("João da Silva", "123.456.789-09", ""), "received_on": date(2026, 11, 23), "taken_at": AT,
        "operator": "1001 · Rosane", "station": "03", "remark": "", "lines": [line()],
        "means": [Means("Dinheiro", Decimal("1030.00"), Decimal("1100.00"), Decimal("70.00"), "")],
        "credit": Decimal("0.00"), "suspense": Decimal("0.00"), "amount": Decimal("1030.00"), "undone": [],
    }  # fmt: skip
    return ReceiptPaper(**usual | values)


def a4(paper):
    return draw_receipt(paper, printed=PRINTED, write=written)


def roll(paper):
    return draw_roll(paper, printed=PRINTED, write=written)


both = pytest.mark.parametrize("draw", [a4, roll], ids=["A4", "80 mm"])


def flat(pdf):
    return " ".join(" ".join(pages(pdf)).split())


@both
def test_a_receipt_says_all_that_was_paid_and_with_what(draw):
    said = flat(draw(receipt()))
    for fact in (
        "Loja Centro", "CNPJ 12.ABC.345/01DE-35", "03-000041", "João da Silva", "123.456.789-09", "FAT-0001", "1/1",
        "24/10/2026", "1.000,00", "10,00", "20,00", "R$ 1.030,00", "Dinheiro", "1.100,00", "70,00", "1001 · Rosane",
        "23/11/2026 12:00", "Impresso por Ana Paula em 23/11/2026 12:00",
    ):  # fmt: skip
        assert fact in said


@both
def test_the_amount_is_said_in_words_as_well(draw):
    assert "mil e trinta reais" in flat(draw(receipt()))


def test_what_nobody_noted_has_no_column():
    plain = receipt(means=[Means("Pix", Decimal("1030.00"), None, None, "")])
    assert "Valor entregue" in flat(a4(receipt()))
    assert "Valor entregue" not in flat(a4(plain))


@both
def test_what_paid_nothing_is_told_as_credit(draw):
    assert "50,00 ficaram como crédito do cliente" in flat(draw(receipt(credit=Decimal("50.00"))))


@both
def test_a_receipt_without_a_customer_is_still_a_receipt(draw):
    unknown = receipt(customer=None, lines=[], suspense=Decimal("1030.00"))
    assert "1.030,00 ainda a identificar" in flat(draw(unknown))


@both
def test_a_receipt_of_the_contingency_says_so(draw):
    assert "Emitido em contingência" in flat(draw(receipt(remark="Emitido em contingência: sem conexão.")))


@both
@pytest.mark.parametrize(("standing", "mark"), [("reversed", "ESTORNADO"), ("partly_reversed", "ESTORNADO EM PARTE")])
def test_a_reversed_receipt_says_so_with_day_and_number(draw, standing, mark):
    undone = Undone("000012", date(2026, 11, 24), Decimal("1030.00"), "FAT-0001")
    said = flat(draw(receipt(standing=standing, undone=[undone])))
    assert f"{mark} em 24/11/2026 pelo estorno nº 000012: R$ 1.030,00" in said
    assert said.count(mark) >= 2


@both
def test_a_receipt_that_stands_says_nothing_of_a_reversal(draw):
    assert "ESTORNADO" not in flat(draw(receipt()))


@both
def test_a_long_name_is_wrapped_and_said_whole(draw):
    assert LONG_NAME in flat(draw(receipt(customer=Party(LONG_NAME, "123.456.789-09", ""))))


@both
def test_what_looks_like_markup_is_said_as_it_is(draw):
    said = flat(draw(receipt(customer=Party("A <b>& B", "123.456.789-09", ""))))
    assert "A<b>&B" in "".join(said.split())


@both
def test_letters_that_no_portuguese_word_has_break_nothing(draw):
    assert draw(receipt(customer=Party("Łukasz 株式 \x07\U0001f600", "123.456.789-09", ""))).startswith(b"%PDF")


def sixty():
    lines = [line(number, count=60) for number in range(1, 61)]
    return receipt(lines=lines, amount=Decimal("61800.00"), means=[
        Means("Pix", Decimal("61800.00"), None, None, "E2E")
    ])  # fmt: skip


def test_sixty_installments_go_on_on_a_second_page_under_the_same_head():
    first, second = pages(a4(sixty()))
    for head in ("Principal", "Juros", "Multa", "Desconto"):
        assert head in first
        assert head in second
    assert "Página 1 de 2" in first
    assert "Página 2 de 2" in second
    assert "Recibo nº 03-000041" in second
    assert "61.800,00" in second


def test_amounts_stand_under_one_another():
    lines = [line(1, count=2), line(2, count=2, principal=Decimal("12345.00"), total=Decimal("12375.00"))]
    at = {each.text: each for each in placed(a4(receipt(lines=lines)))}
    width = 0.556 * 7.5  # of a figure of Helvetica
    assert at["1.000,00"].left - at["12.345,00"].left == pytest.approx(width, abs=0.2)
    assert at["1.000,00"].below > at["12.345,00"].below


def test_the_roll_has_a_copy_for_the_customer_and_one_for_the_till():
    customers, tills = pages(roll(receipt()))
    assert "VIA DO CLIENTE" in customers
    assert "VIA DO CAIXA" in tills
    assert customers.replace("VIA DO CLIENTE", "") == tills.replace("VIA DO CAIXA", "")


def test_the_roll_is_80_mm_wide_prints_72_and_is_as_long_as_it_needs_to_be():
    short, long = roll(receipt()), roll(sixty())
    assert {round(width / mm) for width, _height in [*sizes(short), *sizes(long)]} == {80}
    assert sizes(short)[0][1] < sizes(long)[0][1]
    assert all(4 * mm - 0.01 <= each.left <= 76 * mm for each in placed(short))
    assert min(each.below for each in placed(short)) > 0


def test_a_roll_that_no_reader_could_show_is_cut_into_pages():
    lines = [line(number, count=400) for number in range(1, 401)]
    pdf = roll(receipt(lines=lines))
    assert max(height for _width, height in sizes(pdf)) <= 14_400
    assert "400/400" in flat(pdf)


def test_the_back_office_starts_without_the_slow_library():
    code = "import django; django.setup(); import config.urls, sys; sys.exit('reportlab' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, check=False)
    assert done.returncode == 0
