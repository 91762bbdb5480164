"""Import of titles from spreadsheets: `services.spreadsheet`, `services.title_import` and the command (G.25)."""

import io
import json
from datetime import date
from decimal import Decimal

import pytest
import time_machine
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from receivables.domain.errors import InactiveCode
from receivables.domain.spreadsheet import (
    DamagedFile,
    DiffersFromKnown,
    EmptySpreadsheet,
    FileNotReadable,
    InstallmentMissing,
    InstallmentTotalDiffers,
    LinesDisagree,
    MissingColumn,
    MoreValuesThanColumns,
    NotABankAccount,
    OurNumberTaken,
    RepeatedColumn,
    RepeatedInstallment,
    UnknownCode,
    UnknownEncoding,
    UnknownFileFormat,
    UnknownInstallment,
)
from receivables.domain.title_import import OPTIONAL, REQUIRED
from receivables.models import SYSTEM, BankSlip, Customer, Installment, LedgerAccount, Product, Title
from receivables.models.audited import Actor
from receivables.services import spreadsheet, title_import
from receivables.services.spreadsheet import read_spreadsheet
from receivables.services.title import cancel_title, change_title, issue_title
from receivables.services.title_import import import_titles
from tests.make import REASON, TODAY, make_branch

pytestmark = pytest.mark.django_db

COLUMNS = (*REQUIRED, *OPTIONAL)
BY = Actor(name="import_titles", channel="import")
CNPJ, OTHER_CNPJ, CPF = "34.665.388/0001-61", "12.ABC.345/01DE-35", "529.982.247-25"


@pytest.fixture
def branch():
    return make_branch(code="001")


@pytest.fixture
def bank(branch):
    return branch.ledgeraccount_set.get(kind=LedgerAccount.Kind.BANK)


def line(**cells):
    usual = {
        "documento": "NF-1", "parcela": "1", "filial_fatura": "001", "filial_emitente": "001",
        "filial_cobradora": "001", "cliente_documento": CNPJ, "cliente_nome": "Padaria São José",
        "emissao": "01/11/2026", "vencimento": "01/12/2026", "valor": "1.234,56", "tipo_cobranca": "Fatura",
    }  # fmt: skip
    return usual | cells


def csv_bytes(*lines, columns=COLUMNS, encoding="utf-8"):
    rows = [columns, *([cells.get(column, "") for column in columns] for cells in lines)]
    return "\r\n".join(";".join(row) for row in rows).encode(encoding)


def xlsx_bytes(*lines, columns=COLUMNS):
    book = Workbook()
    book.active.append(list(columns))
    for cells in lines:
        book.active.append([cells.get(column) for column in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def bring(tmp_path):
    def bring(content, *, apply=False):
        path = tmp_path / "titulos"
        path.write_bytes(content)
        return import_titles(spreadsheet=read_spreadsheet(path), by=BY, on=TODAY, apply=apply, because="titulos.csv")

    return bring


@pytest.fixture
def apply(bring):
    def apply(*lines):
        report = bring(csv_bytes(*lines), apply=True)
        assert report.problems == []
        assert report.applied
        return report

    return apply


def told(report):
    return [(problem.line, problem.field, type(problem.rule), problem.rule.code) for problem in report.problems]


# What is written


def test_without_apply_nothing_is_written(branch, bring):
    report = bring(csv_bytes(line()))
    assert (report.rows, report.new, report.known, report.problems, report.applied) == (1, 1, 0, [], False)
    assert not Title.objects.exists()
    assert not Customer.objects.exists()


def test_a_row_becomes_a_title_with_its_installment_and_customer(branch, apply):
    Product(code="FRAC", name="Fracionada").save_as(SYSTEM)
    apply(line(tipo_cobranca="Fatura/Duplicata", produto="FRAC", observacao="Ligar antes"))
    title = Title.objects.get()
    assert (title.document_number, title.amount, title.issued_on) == ("NF-1", Decimal("1234.56"), date(2026, 11, 1))
    assert (title.billing_type, title.product.code, title.notes) == ("invoice_trade_bill", "FRAC", "Ligar antes")
    assert (title.bill_to.document, title.bill_to.name) == ("34665388000161", "Padaria São José")
    assert [(row.number, row.due_date, row.balance) for row in title.installments.all()] == [
        (1, date(2026, 12, 1), Decimal("1234.56"))
    ]


def test_the_history_says_that_an_import_made_it(branch, apply):
    apply(line())
    row = Title.history.get()
    assert (row.actor, row.channel, row.history_change_reason) == ("import_titles", "import", "titulos.csv")
    assert Customer.history.get().channel == Installment.history.get().channel == "import"


def test_the_rows_of_a_document_become_one_title_in_the_order_of_their_numbers(branch, apply):
    report = apply(
        line(parcela="2/3", vencimento="31/12/2026", valor="20,00"),
        line(documento="NF-2", cliente_documento=CPF),
        line(parcela="1/3", valor="10,00"),
        line(parcela="3/3", vencimento="31/01/2027", valor="30,00"),
    )
    assert (report.rows, report.new) == (4, 4)
    title = Title.objects.get(document_number="NF-1")
    assert (title.amount, title.installment_count) == (Decimal("60.00"), 3)
    assert [row.amount for row in title.installments.order_by("number")] == [Decimal(10), Decimal(20), Decimal(30)]


def test_a_document_number_is_unique_in_its_issuing_branch_only(branch, apply):
    make_branch(code="002")
    assert apply(line(), line(filial_emitente="002")).new == 2


def test_a_nosso_numero_makes_a_slip_on_its_account(branch, bank, apply):
    apply(line(nosso_numero="00000123", conta_reduzida=bank.short_code))
    slip = BankSlip.objects.get()
    assert (slip.our_number, slip.account, slip.amount) == ("00000123", bank, Decimal("1234.56"))
    assert slip.installment.title.account == bank


def test_a_customer_who_is_known_keeps_the_name_and_a_note_tells_it(branch, bring):
    Customer(document="34665388000161", name="Padaria Central Ltda.").save_as(SYSTEM)
    report = bring(csv_bytes(line()), apply=True)
    assert report.applied
    assert [(note.line, note.field, note.rule.code) for note in report.notes] == [
        (2, "cliente_nome", "customer_named_otherwise")
    ]
    assert Customer.objects.get().name == "Padaria Central Ltda."


def test_a_new_customer_takes_the_first_name(branch, apply):
    apply(line(cliente_nome="Primeiro"), line(documento="NF-2", cliente_nome="Segundo"))
    assert Customer.objects.get().name == "Primeiro"


def test_codes_that_lost_their_left_zeros_are_found_when_only_one_fits(branch, apply):
    apply(line(filial_fatura="1", filial_emitente="1", filial_cobradora="01"))
    assert Title.objects.get().collecting_branch == branch


# Once only


def test_the_same_file_again_is_known(branch, bank, apply):
    lines = [
        line(parcela="1/2", nosso_numero="77", conta_reduzida=bank.short_code),
        line(parcela="2/2", vencimento="31/12/2026", conta_reduzida=bank.short_code),
    ]
    apply(*lines)
    again = apply(*lines)
    assert (again.rows, again.new, again.known) == (2, 0, 2)
    assert (Title.objects.count(), Installment.objects.count(), BankSlip.objects.count()) == (1, 2, 1)


def test_a_file_with_one_of_the_known_rows_is_known(branch, apply):
    apply(line(parcela="1/2"), line(parcela="2/2"))
    assert apply(line(parcela="2/2")).known == 1


@pytest.mark.parametrize(
    ("column", "cell", "was"),
    [
        ("valor", "1.234,57", Decimal("1234.56")),
        ("vencimento", "02/12/2026", date(2026, 12, 1)),
        ("emissao", "02/11/2026", date(2026, 11, 1)),
        ("tipo_cobranca", "Duplicata", Title.BillingType.INVOICE.label),
        ("cliente_documento", CPF, "34665388000161"),
        ("observacao", "outra", ""),
        ("filial_cobradora", "002", "001"),
    ],
)
def test_other_content_under_a_known_number_names_what_differs(branch, bring, apply, column, cell, was):
    make_branch(code="002")
    apply(line())
    report = bring(csv_bytes(line(**{column: cell}), line(documento="NF-2")), apply=True)
    assert told(report) == [(2, column, DiffersFromKnown, "differs_from_known")]
    assert report.problems[0].rule.facts["known"] == was
    assert (report.new, report.known, report.applied) == (1, 0, False)
    assert Title.objects.count() == 1


def test_another_nosso_numero_under_a_known_number_is_refused(branch, bank, bring, apply):
    account = {"conta_reduzida": bank.short_code}
    apply(line(nosso_numero="0077", **account))
    assert bring(csv_bytes(line(nosso_numero="77", **account))).known == 1
    assert told(bring(csv_bytes(line(nosso_numero="78", **account)))) == [
        (2, "nosso_numero", DiffersFromKnown, "differs_from_known")
    ]


def test_a_title_that_was_changed_since_is_still_the_one_that_was_imported(branch, apply):
    apply(line())
    title = Title.objects.get()
    changes = {"notes": "Estornado sem débito", "due_date": date(2026, 12, 15), "amount": Decimal("900.00")}
    change_title(title_id=title.pk, changes=changes, version=title.version, by=SYSTEM)
    cancel_title(title_id=title.pk, reason=REASON, by=SYSTEM)
    assert apply(line()).known == 1
    assert apply(line(observacao="Estornado sem débito", vencimento="15/12/2026", valor="900,00")).known == 1


def test_a_known_title_takes_no_more_installments(branch, bring, apply):
    apply(line())
    report = bring(csv_bytes(line(), line(parcela="2")))
    assert told(report) == [(3, "parcela", UnknownInstallment, "unknown_installment")]


def test_a_title_made_by_another_meanwhile_undoes_the_whole_import(branch, bring, monkeypatch):
    def late(titles, **values):
        fields, parts = titles[0]
        issue_title(fields=fields, parts=parts, by=SYSTEM)
        return issue(titles, **values)

    issue = title_import.issue_titles
    monkeypatch.setattr(title_import, "issue_titles", late)
    report = bring(csv_bytes(line()), apply=True)
    assert [problem.rule.code for problem in report.problems] == ["changed_meanwhile"]
    assert not report.applied
    assert not Title.objects.exists()


# What rows must agree on


def test_one_problem_keeps_everything_out(branch, bring):
    report = bring(csv_bytes(line(), line(documento="NF-2", valor="0,00")), apply=True)
    assert [problem.line for problem in report.problems] == [3]
    assert (report.rows, report.new, report.applied) == (2, 1, False)
    assert not Title.objects.exists()
    assert not Customer.objects.exists()


def test_an_installment_twice_in_the_file_is_refused_naming_the_first(branch, bring):
    report = bring(csv_bytes(line(), line(parcela="1/1")))
    assert told(report) == [(3, "parcela", RepeatedInstallment, "repeated_installment")]
    assert report.problems[0].rule.facts["line"] == 2


@pytest.mark.parametrize(
    ("numbers", "missing"), [(("1", "3"), [2]), (("2",), [1]), (("1/3", "2/3"), [3]), (("1", "2/4"), [3, 4])]
)
def test_the_numbers_of_a_document_have_no_gaps(branch, bring, numbers, missing):
    report = bring(csv_bytes(*(line(parcela=number) for number in numbers)))
    assert told(report) == [(len(numbers) + 1, "parcela", InstallmentMissing, "installment_missing")]
    assert report.problems[0].rule.facts["missing"] == missing


def test_the_numbers_of_a_document_say_the_same_total(branch, bring):
    report = bring(csv_bytes(line(parcela="1/2"), line(parcela="2/3"), line(parcela="3/3")))
    assert told(report) == [(2, "parcela", InstallmentTotalDiffers, "installment_total_differs")]


def test_a_row_that_cannot_be_read_leaves_no_gap_behind(branch, bring):
    report = bring(csv_bytes(line(parcela="1/2", valor="zero"), line(parcela="2/2")))
    assert [(problem.line, problem.field) for problem in report.problems] == [(2, "valor")]


@pytest.mark.parametrize(
    ("column", "cell"),
    [("emissao", "02/11/2026"), ("cliente_documento", CPF), ("tipo_cobranca", "Duplicata"), ("observacao", "outra")],
)
def test_the_rows_of_a_document_agree_on_the_title(branch, bring, column, cell):
    report = bring(csv_bytes(line(parcela="1"), line(parcela="2", **{column: cell})))
    assert told(report) == [(3, column, LinesDisagree, "lines_disagree")]


def test_a_nosso_numero_serves_one_installment(branch, bank, bring, apply):
    slip = {"nosso_numero": "0042", "conta_reduzida": bank.short_code}
    report = bring(csv_bytes(line(**slip), line(documento="NF-2", **slip | {"nosso_numero": "42"})))
    assert told(report) == [(3, "nosso_numero", OurNumberTaken, "our_number_taken")]
    apply(line(**slip))
    report = bring(csv_bytes(line(documento="NF-3", **slip)))
    assert told(report) == [(2, "nosso_numero", OurNumberTaken, "our_number_taken")]


def test_a_slip_needs_a_bank_account(branch, bring):
    cash = branch.ledgeraccount_set.get(kind=LedgerAccount.Kind.CASH)
    report = bring(csv_bytes(line(nosso_numero="42", conta_reduzida=cash.short_code)))
    assert told(report) == [(2, "conta_reduzida", NotABankAccount, "not_a_bank_account")]


@pytest.mark.parametrize(
    "column", ["filial_fatura", "filial_emitente", "filial_cobradora", "conta_reduzida", "produto"]
)
def test_a_code_must_be_registered(branch, bring, column):
    report = bring(csv_bytes(line(**{column: "XYZ"})))
    assert told(report) == [(2, column, UnknownCode, "unknown_code")]


def test_a_code_must_be_active(branch, bring):
    Product(code="FRAC", name="Fracionada", is_active=False).save_as(SYSTEM)
    assert told(bring(csv_bytes(line(produto="FRAC")))) == [(2, "produto", InactiveCode, "inactive_code")]


# Files


def test_a_missing_column_is_named(branch, bring):
    columns = [column for column in COLUMNS if column not in ("valor", "parcela")]
    assert told(bring(csv_bytes(line(), columns=columns))) == [
        (1, "parcela", MissingColumn, "missing_column"),
        (1, "valor", MissingColumn, "missing_column"),
    ]


def test_the_optional_columns_may_be_absent_and_the_order_is_free(branch, bring):
    assert bring(csv_bytes(line(), columns=tuple(reversed(REQUIRED)))).new == 1


def test_an_unknown_column_is_a_note(branch, bring):
    report = bring(csv_bytes(line(vendedor="Ana"), columns=(*COLUMNS, "vendedor")))
    assert report.problems == []
    assert [(note.line, note.field, note.rule.code) for note in report.notes] == [(1, "vendedor", "unknown_column")]


def test_a_column_may_not_appear_twice(branch, bring):
    report = bring(csv_bytes(line(), columns=(*COLUMNS, "valor")))
    assert told(report) == [(1, "valor", RepeatedColumn, "repeated_column")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_is_read_in_the_encodings_of_brazilian_desktops(branch, bring, encoding):
    assert bring(csv_bytes(line(), encoding=encoding), apply=True).applied
    assert Customer.objects.get().name == "Padaria São José"


def test_a_quoted_cell_may_hold_semicolons_and_line_breaks(branch, bring):
    content = csv_bytes(line(observacao='"um; dois\r\ntrês"'), line(documento="NF-2", valor="x"))
    report = bring(content)
    assert [(problem.line, problem.field) for problem in report.problems] == [(4, "valor")]


def test_blank_lines_are_passed_over(branch, bring):
    report = bring(csv_bytes(line(), {}, line(documento="NF-2", valor="x"), {}))
    assert report.rows == 2
    assert [problem.line for problem in report.problems] == [4]


@pytest.mark.parametrize(
    ("content", "line_number", "rule", "code"),
    [
        (b"", 0, EmptySpreadsheet, "empty_spreadsheet"),
        (csv_bytes(), 0, EmptySpreadsheet, "empty_spreadsheet"),
        (b"\xd0\xcf\x11\xe0\x00\x00", 0, UnknownFileFormat, "unknown_file_format"),
        ("documento;valor".encode("utf-16"), 0, UnknownFileFormat, "unknown_file_format"),
        (b"PK\x03\x04 cut short", 0, DamagedFile, "damaged_file"),
        (csv_bytes(line()) + b"\r\n\x81\x8d", 3, UnknownEncoding, "unknown_encoding"),
        (csv_bytes(line(), line(documento='"never closed')), 3, DamagedFile, "damaged_file"),
        (csv_bytes(line()) + b";;Ana", 2, MoreValuesThanColumns, "more_values_than_columns"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(branch, bring, content, line_number, rule, code):
    assert told(bring(content)) == [(line_number, "", rule, code)]


def test_a_file_that_is_not_there_is_told(tmp_path):
    [problem] = read_spreadsheet(tmp_path / "nowhere.csv").problems
    assert (type(problem.rule), problem.rule.code) == (FileNotReadable, "file_not_readable")


def test_a_file_too_large_to_be_one_is_told(branch, bring, monkeypatch):
    monkeypatch.setattr(spreadsheet, "LARGEST_MEGABYTES", 0)
    assert [problem.rule.code for problem in bring(csv_bytes(line())).problems] == ["file_too_large"]


def test_xlsx_is_read_with_native_numbers_and_dates_or_text(branch, apply, bring):
    native = line(
        documento=1042,
        parcela=1,
        filial_fatura=1,
        emissao=date(2026, 11, 1),
        vencimento=date(2026, 12, 1),
        valor=1234.5,
    )
    report = bring(xlsx_bytes(native, line(documento="NF-2", cliente_documento=OTHER_CNPJ)), apply=True)
    assert report.problems == []
    assert report.new == 2
    assert Title.objects.get(document_number="1042").amount == Decimal("1234.50")
    assert Title.objects.get(document_number="NF-2").bill_to.document == "12ABC34501DE35"
    assert apply(line(documento="1042", valor="1.234,50")).known == 1


def test_a_formula_in_xlsx_is_refused(branch, bring):
    report = bring(xlsx_bytes(line(valor="=10*2")))
    assert [(problem.line, problem.field, problem.rule.code) for problem in report.problems] == [
        (2, "valor", "formula_not_allowed")
    ]


def test_a_parcel_that_a_spreadsheet_took_for_a_date_is_refused(branch, bring):
    report = bring(xlsx_bytes(line(parcela=date(2026, 3, 1))))
    assert [(problem.line, problem.field, problem.rule.code) for problem in report.problems] == [
        (2, "parcela", "invalid_installment_number")
    ]


# Size


def test_500_titles_do_not_take_a_statement_each(branch, bring, django_assert_max_num_queries):
    lines = [line(documento=f"NF-{number}") for number in range(500)]
    with django_assert_max_num_queries(50):
        assert bring(csv_bytes(*lines), apply=True).new == 500
    with django_assert_max_num_queries(15):
        assert bring(csv_bytes(*lines), apply=True).known == 500


# The command


@pytest.fixture
def run(tmp_path, branch, capsys):
    def run(content, *options):
        path = tmp_path / "titulos.csv"
        path.write_bytes(content)
        out = io.StringIO()
        with time_machine.travel("2026-11-23 12:00:00-03:00"):
            try:
                call_command("import_titles", str(path), *options, stdout=out)
            except CommandError as refusal:
                return refusal.returncode, out.getvalue()
        return 0, out.getvalue()

    return run


def test_the_command_rehearses_then_imports(run):
    code, out = run(csv_bytes(line()), "--json")
    assert (code, json.loads(out)) == (
        0, {"rows": 1, "new": 1, "known": 0, "problems": [], "notes": [], "applied": False},
    )  # fmt: skip
    code, out = run(csv_bytes(line()), "--json", "--apply")
    assert (code, json.loads(out)["applied"]) == (0, True)
    assert Title.objects.count() == 1


def test_the_command_lists_the_problems_and_exits_1(run):
    code, out = run(csv_bytes(line(valor="0,00", vencimento="31/10/2026")), "--apply", "--json")
    report = json.loads(out)
    assert code == 1
    assert [(problem["line"], problem["field"], problem["code"]) for problem in report["problems"]] == [
        (2, "valor", "amount_not_positive"), (2, "vencimento", "due_before_issue"),
    ]  # fmt: skip
    assert "31/10/2026" in report["problems"][1]["message"]
    assert report["applied"] is False
    assert not Title.objects.exists()


def test_the_command_speaks_to_people_too(run):
    code, out = run(csv_bytes(line(valor="0,00")))
    assert code == 1
    assert "2, valor: " in out
