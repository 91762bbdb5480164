"""Relatórios and receipts through the pages: on screen, as PDF, as spreadsheets, of one's own branches (G.22)."""

import csv
from io import BytesIO, StringIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from receivables.models import ExportedList
from receivables.services.cash_day import close_day
from receivables.services.reversal import reverse_title
from tests.admin.pages import page
from tests.make import CASHIER, NOW, REASON, TODAY, cash_account, make_customer, make_title, make_user
from tests.printing.paper import pages
from tests.services.test_settlement import settle

pytestmark = pytest.mark.django_db

CODES = ("customer-statement", "aging", "received", "reversals", "cash-day")


def report(code, name="one", **query):
    return reverse(f"admin:reports_{name}", args=[code], query=query or None)


def paper(receipt, size="a4"):
    return reverse(f"admin:receipt_{size}", args=[receipt.pk])


def said(response):
    assert response.headers["Content-Type"] == "application/pdf"
    return " ".join(pages(response.content))


@pytest.fixture
def title(branch):
    return make_title(branch=branch)


@pytest.fixture
def receipt(title):
    return settle(title, "1000.00")


def asked(code, branch, customer):
    """A question that each report answers."""
    return {
        "customer-statement": {"customer": customer.pk}, "cash-day": {"account": cash_account(branch).pk},
    }.get(code, {})  # fmt: skip


# The list of reports


def test_the_menu_leads_to_every_report(suporte):
    address = reverse("admin:reports")
    assert address in suporte.get(reverse("admin:index")).text
    listed = suporte.get(address).text
    assert all(report(code) in listed for code in CODES)


def test_the_menu_marks_where_a_report_is(suporte):
    menu = suporte.get(report("aging")).context["menu"]
    assert [str(section["label"]) for section in menu if section["is_here"]] == ["Relatórios"]


def test_a_report_needs_the_view_of_what_it_tells(client, branch):
    user = make_user(branches=(branch,))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("admin:reports")).status_code == 403
    assert client.get(report("aging")).status_code == 403


def test_a_report_that_nobody_makes_is_not_found(gerencia):
    assert gerencia.get(report("unknown")).status_code == 404


# Each on screen, on paper, as a file


@pytest.mark.parametrize("code", CODES)
def test_a_report_is_shown_and_printed(gerencia, branch, title, receipt, code):
    query = asked(code, branch, title.bill_to)
    shown = gerencia.get(report(code, **query))
    assert shown.context["sheet"].parts
    assert said(gerencia.get(report(code, "pdf", **query))).count("Impresso por") == 1


@pytest.mark.parametrize(("code", "part", "cell"), [("aging", 0, "1000,00"), ("received", 0, "1000,00")])
def test_a_table_is_given_as_csv(gerencia, branch, title, code, part, cell):
    settle(make_title(branch=branch), "1000.00")
    response = gerencia.post(report(code, part=part), {"file": "csv"})
    rows = list(csv.reader(StringIO(b"".join(response).decode("utf-8-sig")), delimiter=";"))
    assert rows[1][-1] == cell
    assert ExportedList.objects.get().noun == f"reports.{code}"


def test_a_table_is_given_as_xlsx_with_real_numbers(gerencia, title):
    response = gerencia.post(report("aging", part=0), {"file": "xlsx"})
    sheet = load_workbook(BytesIO(b"".join(response))).active
    assert sheet.cell(2, sheet.max_column).value == 1000


def test_a_name_that_looks_like_a_formula_is_a_text_in_the_file(gerencia, branch):
    make_title(branch=branch, bill_to=make_customer(name='=HYPERLINK("x")'))
    response = gerencia.post(report("aging", part=0), {"file": "csv"})
    assert b"'=HYPERLINK" in b"".join(response)


def test_a_table_that_is_not_there_is_not_found(gerencia):
    assert gerencia.post(report("aging", part=9), {"file": "csv"}).status_code == 404
    assert gerencia.post(report("aging", part="x"), {"file": "csv"}).status_code == 404


def test_the_lines_of_a_report_lead_to_their_rows(gerencia, receipt):
    assert page(receipt) in gerencia.get(report("customer-statement", customer=receipt.customer_id)).text


# What is asked


def test_a_report_without_its_question_asks_and_complains_of_nothing(gerencia):
    shown = gerencia.get(report("customer-statement"))
    assert "sheet" not in shown.context
    assert not shown.context["form"].errors


@pytest.mark.parametrize(("first", "code"), [("24/11/2026", "last"), ("22/11/2025", "last"), ("31/02/2026", "first")])
def test_a_period_that_is_none_or_too_long_is_told_beside_it(gerencia, first, code):
    query = {"first": first, "last": "23/11/2026"}
    shown = gerencia.get(report("received", **query))
    assert list(shown.context["form"].errors) == [code]
    assert gerencia.get(report("received", "pdf", **query)).status_code == 302


def test_a_year_is_not_too_long(gerencia):
    assert "sheet" in gerencia.get(report("received", first="23/11/2025", last="23/11/2026")).context


@pytest.mark.parametrize("name", ["one", "pdf"])
def test_what_is_of_another_branch_is_not_found(foreigner, branch, name):
    account = cash_account(branch)
    assert foreigner.get(report("cash-day", name, account=account.pk)).status_code == 404
    assert foreigner.get(report("aging", name, branch=branch.pk)).status_code == 404
    assert foreigner.post(report("aging", branch=branch.pk), {"file": "csv"}).status_code == 404


def test_a_customer_that_nobody_knows_is_not_found(gerencia):
    assert gerencia.get(report("customer-statement", customer=10**6)).status_code == 404
    assert gerencia.get(report("customer-statement", customer="x")).status_code == 404


def test_another_branch_sees_nothing_of_a_customers_titles(foreigner, receipt):
    shown = foreigner.get(report("customer-statement", customer=receipt.customer_id))
    assert [part.rows for part in shown.context["sheet"].parts] == [[], []]


def test_the_customers_page_leads_to_his_statement(gerencia, title):
    assert report("customer-statement", customer=title.bill_to_id) in gerencia.get(page(title.bill_to)).text


def test_the_cash_of_a_closed_day_says_so(gerencia, branch, receipt):
    account = cash_account(branch)
    close_day(account_id=account.pk, day=TODAY, by=CASHIER, now=NOW, on=TODAY)
    assert "Fechado" in said(gerencia.get(report("cash-day", "pdf", account=account.pk, day="23/11/2026")))


def test_a_report_page_takes_no_statement_more_for_more_rows(gerencia, branch, django_assert_max_num_queries):
    counts = []
    for more in (1, 6):
        for _each in range(more):
            settle(make_title(branch=branch), "1000.00")
            make_title(branch=branch)
        with django_assert_max_num_queries(60) as seen:
            gerencia.get(report("aging"))
            gerencia.get(report("received"))
        counts.append(len(seen.captured_queries))
    assert counts[0] == counts[1]


# Receipts


@pytest.mark.parametrize("size", ["a4", "80mm"])
def test_a_receipt_is_printed_from_its_page_and_from_its_title(gerencia, title, receipt, size):
    for place in (receipt, title):
        assert paper(receipt, size) in gerencia.get(page(place)).text
    assert receipt.label in said(gerencia.get(paper(receipt, size)))


@pytest.mark.parametrize("size", ["a4", "80mm"])
def test_a_receipt_of_another_branch_is_not_found(foreigner, receipt, size):
    assert foreigner.get(paper(receipt, size)).status_code == 404


@pytest.mark.parametrize("size", ["a4", "80mm"])
def test_a_reversed_receipt_is_marked(gerencia, title, receipt, size):
    reverse_title(title_id=title.pk, reason=REASON, by=CASHIER, now=NOW, on=TODAY)
    assert "ESTORNADO em 23/11/2026" in said(gerencia.get(paper(receipt, size)))


def test_a_receipt_is_printed_by_whom_and_when(gerencia, receipt):
    text = f"Impresso por {gerencia.user.username} em 23/11/2026 12:00"
    assert text in said(gerencia.get(paper(receipt)))


def test_a_receipt_needs_the_view_of_receipts(client, branch, receipt):
    client.force_login(make_user(branches=(branch,)), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(paper(receipt)).status_code == 403


def test_the_notes_of_a_title_are_on_no_paper(gerencia, branch):
    title = make_title(branch=branch, notes="Segredo da casa")
    receipt = settle(title, "1000.00")
    papers = [paper(receipt), paper(receipt, "80mm"), report("customer-statement", "pdf", customer=title.bill_to_id),
              report("received", "pdf"), report("aging", "pdf")]  # fmt: skip
    assert [each for each in papers if "Segredo" in said(gerencia.get(each))] == []
