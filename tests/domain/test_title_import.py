"""What a cell of a spreadsheet of titles may hold (G.25)."""

from datetime import date, datetime
from decimal import Decimal
from string import Formatter

import pytest

from receivables.domain import spreadsheet
from receivables.domain.errors import (
    AmountNotPositive,
    AmountTooLarge,
    InexactAmount,
    InvalidAmount,
    InvalidDocument,
    RuleBroken,
)
from receivables.domain.spreadsheet import (
    AccountRequired,
    DateOutOfRange,
    DueBeforeIssue,
    FormulaNotAllowed,
    InvalidDate,
    InvalidInstallmentNumber,
    InvalidOurNumber,
    InvalidText,
    TextTooLong,
    UnknownBillingType,
    UnprintableText,
    ValueRequired,
)
from receivables.domain.title_import import OPTIONAL, REQUIRED, read_row

TODAY = date(2026, 11, 23)
CELLS = {
    "documento": "NF-1",
    "parcela": "1/3",
    "filial_fatura": "001",
    "filial_emitente": "002",
    "filial_cobradora": "003",
    "cliente_documento": "12.ABC.345/01DE-35",
    "cliente_nome": " Padaria São José ",
    "emissao": "21/11/2026",
    "vencimento": "5/12/2026",
    "valor": "1.234,56",
    "tipo_cobranca": "fatura / DUPLICATA",
    "produto": "FRAC",
    "nosso_numero": "00000123-4",
    "conta_reduzida": "1201",
    "observacao": "primeira\r\nsegunda",
}
RULES = [rule for rule in vars(spreadsheet).values() if isinstance(rule, type) and issubclass(rule, RuleBroken)]


def read(**cells):
    return read_row(7, CELLS | cells, on=TODAY)


def problems(**cells):
    row, found = read(**cells)
    assert row is None
    assert {problem.line for problem in found} == {7}
    return [(problem.field, type(problem.rule), problem.rule.code) for problem in found]


def test_a_row_is_read_as_brazilians_write_it():
    row, found = read()
    assert found == []
    assert (row.line, row.document, row.number, row.total) == (7, "NF-1", 1, 3)
    assert (row.entry_branch, row.issuing_branch, row.collecting_branch) == ("001", "002", "003")
    assert (row.customer_document, row.customer_name) == ("12ABC34501DE35", "Padaria São José")
    assert (row.issued_on, row.due_date, row.amount) == (date(2026, 11, 21), date(2026, 12, 5), Decimal("1234.56"))
    assert (row.billing_type, row.product, row.our_number, row.account) == (
        "invoice_trade_bill", "FRAC", "00000123-4", "1201",
    )  # fmt: skip
    assert row.notes == "primeira\nsegunda"


def test_a_row_is_read_as_a_spreadsheet_holds_it():
    row, found = read(
        documento=1042.0, parcela=2, filial_fatura=1, cliente_documento=529_982_247_25, valor=1234.56,
        emissao=datetime(2026, 11, 21, 0, 0), vencimento=date(2026, 12, 5),
    )  # fmt: skip
    assert found == []
    assert (row.document, row.number, row.total, row.entry_branch) == ("1042", 2, None, "1")
    assert (row.customer_document, row.amount) == ("52998224725", Decimal("1234.56"))
    assert (row.issued_on, row.due_date) == (date(2026, 11, 21), date(2026, 12, 5))


@pytest.mark.parametrize(
    ("number", "document"), [(1_838_723_000_127, "01838723000127"), (1_234_567_890, "01234567890")]
)
def test_a_document_typed_as_a_number_gets_its_left_zeros_back(number, document):
    assert read(cliente_documento=number)[0].customer_document == document


@pytest.mark.parametrize("column", OPTIONAL)
def test_an_optional_cell_may_be_empty(column):
    row, found = read(**{"nosso_numero": None, column: " "})
    assert found == []
    assert row is not None


@pytest.mark.parametrize("column", REQUIRED)
def test_a_required_cell_may_not(column):
    assert problems(**{column: "  "}) == [(column, ValueRequired, "value_required")]


@pytest.mark.parametrize(
    ("column", "cell", "rule", "code"),
    [
        ("valor", "0,00", AmountNotPositive, "amount_not_positive"),
        ("valor", "-10,00", AmountNotPositive, "amount_not_positive"),
        ("valor", -10, AmountNotPositive, "amount_not_positive"),
        ("valor", "1,234.56", InvalidAmount, "invalid_amount"),
        ("valor", "100.00", InvalidAmount, "invalid_amount"),
        ("valor", True, InvalidText, "invalid_text"),
        ("valor", 33.333, InexactAmount, "inexact_amount"),
        ("valor", 1e12, AmountTooLarge, "amount_too_large"),
        ("valor", "=SOMA(A1:A9)", FormulaNotAllowed, "formula_not_allowed"),
        ("cliente_nome", "#REF!", FormulaNotAllowed, "formula_not_allowed"),
        ("cliente_nome", "A" * 121, TextTooLong, "text_too_long"),
        ("cliente_nome", "Zé\x00", UnprintableText, "unprintable_text"),
        ("documento", datetime(2026, 3, 1), InvalidText, "invalid_text"),
        ("documento", "9" * 31, TextTooLong, "text_too_long"),
        ("vencimento", "31/02/2027", InvalidDate, "invalid_date"),
        ("vencimento", "2026-12-05", InvalidDate, "invalid_date"),
        ("vencimento", "05/12/26", InvalidDate, "invalid_date"),
        ("vencimento", 46_361, InvalidDate, "invalid_date"),
        ("vencimento", "20/11/2026", DueBeforeIssue, "due_before_issue"),
        ("vencimento", "01/01/2062", DateOutOfRange, "date_out_of_range"),
        ("emissao", "31/12/1999", DateOutOfRange, "date_out_of_range"),
        ("parcela", "0", InvalidInstallmentNumber, "invalid_installment_number"),
        ("parcela", "3/2", InvalidInstallmentNumber, "invalid_installment_number"),
        ("parcela", "única", InvalidInstallmentNumber, "invalid_installment_number"),
        ("parcela", datetime(2026, 3, 1), InvalidInstallmentNumber, "invalid_installment_number"),
        ("parcela", 1.5, InvalidInstallmentNumber, "invalid_installment_number"),
        ("cliente_documento", "123.456.789-00", InvalidDocument, "invalid_document"),
        ("cliente_documento", "111.111.111-11", InvalidDocument, "invalid_document"),
        ("cliente_documento", 12_345, InvalidDocument, "invalid_document"),
        ("cliente_documento", 191, InvalidText, "invalid_text"),  # a CPF and a CNPJ, without their left zeros
        ("tipo_cobranca", "boleto", UnknownBillingType, "unknown_billing_type"),
        ("nosso_numero", "12 34", InvalidOurNumber, "invalid_our_number"),
        ("conta_reduzida", "", AccountRequired, "account_required"),
    ],
)
def test_a_wrong_cell_is_told_by_its_column_and_rule(column, cell, rule, code):
    assert problems(**{column: cell}) == [(column, rule, code)]


def test_every_problem_of_a_row_is_told():
    told = {field for field, _, _ in problems(valor="0", vencimento="ontem", cliente_documento="1")}
    assert told == {"valor", "vencimento", "cliente_documento"}


def test_the_last_due_date_is_the_last_that_a_slip_can_carry():
    assert read(vencimento="14/12/2041")[0].due_date == date(2041, 12, 14)
    assert problems(vencimento="15/12/2041") == [("vencimento", DateOutOfRange, "date_out_of_range")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_happened_and_what_to_do_next(rule):
    facts = {place for _, place, _, _ in Formatter().parse(rule.message) if place}
    told = str(rule(**dict.fromkeys(facts, "X"))) if rule is not RuleBroken else rule.message
    assert told.endswith(".")
    assert len(told.rstrip(".").split(". ")) >= 2
