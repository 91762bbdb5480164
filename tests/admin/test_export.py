"""Every list as a file: the rows as filtered, of one's branches; real numbers and dates; no text is a formula."""

import csv
import io
from datetime import date, datetime
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from receivables.admin import export
from receivables.admin.export import harmless
from receivables.admin.export_columns import columns_of
from receivables.models import Customer, ExportedList, Receipt, Title
from tests.admin.test_pages import lived_in  # noqa: F401 - a fixture
from tests.make import make_customer, make_title
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

EVERY_LIST = sorted(admin.site._registry, key=lambda model: model._meta.label)
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def exported(client, model, file="csv", **query):
    address = reverse("admin:export", args=[model._meta.app_label, model._meta.model_name])
    response = client.post(f"{address}?{'&'.join(f'{name}={value}' for name, value in query.items())}", {"file": file})
    assert response.status_code == 200, model
    return response


def read_csv(response):
    text = response.getvalue().decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:]), delimiter=";"))


def read_xlsx(response):
    sheet = load_workbook(io.BytesIO(response.getvalue())).active
    heads, *rows = sheet.iter_rows()
    return [dict(zip([head.value for head in heads], row, strict=True)) for row in rows]


# What the files hold


def test_a_csv_is_brazilian(gerencia, branch):
    title = make_title(branch=branch, amounts=("1234.56",))
    (row,) = read_csv(exported(gerencia, Title))
    assert (row["Documento"], row["Vlr da Fatura"], row["Saldo"]) == (str(title), "1234,56", "1234,56")
    assert (row["Data Vencto"], row["Data da Emissão"]) == ("23/11/2026", "01/09/2026")
    assert (row["Relatório Anexo"], row["Produto"]) == ("Não", "")


def test_a_workbook_holds_numbers_and_dates(gerencia, branch):
    make_title(branch=branch, amounts=("1234.56",))
    (row,) = read_xlsx(exported(gerencia, Title, "xlsx"))
    assert (row["Vlr da Fatura"].value, row["Vlr da Fatura"].number_format) == (1234.56, "#,##0.00")
    assert (row["Saldo"].value, row["Saldo"].data_type) == (1234.56, "n")
    assert (row["Data Vencto"].value, row["Data Vencto"].number_format) == (datetime(2026, 11, 23), "dd/mm/yyyy")


def test_instants_are_told_in_local_time(gerencia, branch):
    settle(make_title(branch=branch), "1000.00")
    (row,) = read_xlsx(exported(gerencia, Receipt, "xlsx"))
    assert row["Lançado em"].value == datetime(2026, 11, 23, 12, 0)
    (row,) = read_csv(exported(gerencia, Receipt))
    assert row["Lançado em"] == "23/11/2026 12:00:00"


def test_the_columns_of_the_list_come_first_then_the_plain_ones(gerencia, branch, rf):
    request = rf.get("/")
    request.user = gerencia.user
    labels = [str(column.label) for column in columns_of(admin.site._registry[Title], request)]
    assert labels[:3] == ["situação", "documento", "cliente"]
    assert "Observação" in labels
    assert len(labels) == len({label.casefold() for label in labels})


def test_the_file_is_named_after_noun_and_day(gerencia, branch):
    disposition = exported(gerencia, Title, "xlsx")["Content-Disposition"]
    assert 'filename="titulos-2026-11-23.xlsx"' in disposition


def test_the_rows_are_those_that_the_list_was_filtered_to(gerencia, branch):
    make_title(branch=branch)
    settled = make_title(branch=branch)
    settle(settled, "1000.00")
    assert [row["Documento"] for row in read_csv(exported(gerencia, Title, status__exact="settled"))] == [str(settled)]
    assert [row["Documento"] for row in read_csv(exported(gerencia, Title, q=settled))] == [str(settled)]


def test_a_page_of_the_list_is_the_whole_list_in_its_file(gerencia, branch):
    for _each in range(30):
        make_title(branch=branch)
    assert len(read_csv(exported(gerencia, Title, p=2))) == 30


def test_a_filter_that_is_none_is_not_found(gerencia, branch):
    address = reverse("admin:export", args=["receivables", "title"])
    assert gerencia.post(f"{address}?nothing=1", {"file": "csv"}).status_code == 404


def test_what_is_beyond_the_limit_is_said_and_not_lost_silently(gerencia, branch, monkeypatch):
    monkeypatch.setattr(export, "MOST_ROWS", dict.fromkeys(export.MOST_ROWS, 2))
    for _each in range(3):
        make_title(branch=branch)
    rows = read_csv(exported(gerencia, Title))
    assert len(rows) == 3
    assert rows[-1]["Situação"].startswith("Cortado em 2 linhas")
    assert (ExportedList.objects.get().row_count, ExportedList.objects.get().is_cut) == (2, True)


# Every list, and who may


@pytest.mark.parametrize("file", ["csv", "xlsx"])
def test_the_list_of_every_noun_goes_out(chief, lived_in, file):  # noqa: F811 - the fixture
    for model in EVERY_LIST:
        response = exported(chief, model, file)
        assert len(response.getvalue()) > 0
    assert ExportedList.objects.count() == len(EVERY_LIST)


def test_no_secret_goes_out(chief, lived_in, rf):  # noqa: F811 - the fixture
    request = rf.get("/")
    request.user = chief.user
    names = {
        str(column.label).casefold()
        for page in admin.site._registry.values()
        for column in columns_of(page, request)
    }  # fmt: skip
    assert {name for name in names if "hash" in name or "senha" in name or "chave" in name} == set()


def test_the_rows_of_another_branch_never_go_out(foreigner, gerencia, lived_in):  # noqa: F811 - the fixture
    branch = gerencia.user.branches.get()
    for model in EVERY_LIST:
        page = admin.site._registry[model]
        lookups = getattr(page, "branch_lookups", ()) or (("pk",) if model in (Title, Receipt) else ())
        if lookups and foreigner.get(_list(model)).status_code == 200:
            assert (
                read_csv(exported(foreigner, model)) == []
                or branch.code not in exported(foreigner, model).getvalue().decode()
            ), model


def _list(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_who_may_not_see_a_list_may_not_export_it(suporte):
    assert suporte.post(reverse("admin:export", args=["auth", "group"]), {"file": "csv"}).status_code == 403


def test_nothing_goes_out_without_a_click(gerencia, branch):
    assert gerencia.get(reverse("admin:export", args=["receivables", "title"])).status_code == 404
    assert gerencia.post(reverse("admin:export", args=["receivables", "title"]), {"file": "exe"}).status_code == 404
    assert gerencia.post(reverse("admin:export", args=["receivables", "nothing"]), {"file": "csv"}).status_code == 404
    assert not ExportedList.objects.exists()


def test_every_list_offers_its_file_as_it_is_filtered(gerencia, branch):
    html = gerencia.get(_list(Title), {"status__exact": "settled"}).content.decode()
    assert f'action="{reverse("admin:export", args=["receivables", "title"])}?status__exact=settled"' in html


def test_what_went_out_is_written_down(gerencia, branch):
    make_title(branch=branch)
    exported(gerencia, Title, "xlsx", status__exact="pending")
    row = ExportedList.objects.get()
    assert (row.noun, row.file_format, row.query, row.row_count, row.is_cut) == (
        "receivables.title", "xlsx", "status__exact=pending", 1, False
    )  # fmt: skip
    assert (row.actor, row.user, row.channel) == (gerencia.user.username, gerencia.user, "back_office")


def test_more_rows_do_not_ask_more_queries(gerencia, branch):
    settle(make_title(branch=branch), "1000.00")
    for model in (Title, Receipt, Customer):
        with CaptureQueriesContext(connection) as few:
            exported(gerencia, model).getvalue()
        for _each in range(5):
            settle(make_title(branch=branch, bill_to=make_customer()), "1000.00")
        with CaptureQueriesContext(connection) as many:
            exported(gerencia, model).getvalue()
        assert len(many) == len(few), model


# Formulas


@pytest.mark.parametrize("text", [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=cmd|' /C calc'!A0", "＝1+1", "\u00a0=1", "\ufeff=1",
    "\x01=1", "\x80=1", "\t1",
])  # fmt: skip
def test_a_text_that_begins_like_a_formula_is_made_a_text(text):
    assert harmless(text).startswith("'")


@pytest.mark.parametrize("text", ["", "Cliente", "1-2", "a=b", "—", "fulano@exemplo.com", "'quoted"])
def test_other_texts_stay_as_they_are(text):
    assert harmless(text) == text


@given(st.text())
def test_no_text_is_ever_taken_for_a_formula(text):
    safe = harmless(text)
    assert not safe.lstrip(" \u00a0\ufeff\u200b").startswith(FORMULAS)
    assert not safe.startswith(("\t", "\r", "\n"))


@given(st.sampled_from(FORMULAS), st.text(alphabet=st.characters(categories=["Zs", "Cc"]), max_size=3), st.text())
def test_a_formula_behind_spaces_is_none(first, spaces, rest):
    assert harmless(spaces + first + rest).startswith("'")


@pytest.mark.parametrize("file", ["csv", "xlsx"])
def test_a_customers_name_is_no_formula_in_the_file(gerencia, file):
    make_customer(name='=HYPERLINK("http://x";"y")')
    response = exported(gerencia, Customer, file)
    if file == "csv":
        assert [row["Nome"] for row in read_csv(response)] == ['\'=HYPERLINK("http://x";"y")']
    else:
        (cell,) = [row["Nome"] for row in read_xlsx(response)]
        assert (cell.value[:2], cell.data_type) == ("'=", "s")


def test_a_negative_amount_stays_a_number():
    assert export._as_text(Decimal("-1030.00")) == "-1030,00"
    assert export._as_text(date(2026, 11, 21)) == "21/11/2026"
