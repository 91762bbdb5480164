"""Relatórios: a page that lists them with what each asks, each on screen, as PDF and its tables as spreadsheets.

The figures are those of `receivables.figures`; the papers are drawn by `receivables.printing`, which is imported late.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.branch_switch import chosen_branch
from receivables.admin.explain import written
from receivables.admin.export import MOST_LINES, file_of, is_asked
from receivables.admin.export_columns import Column
from receivables.admin.menu import MENU, Entry, Section
from receivables.admin.pages import Page, add_page
from receivables.admin.report_forms import AgingForm, BranchPeriodForm, CashDayForm, CustomerStatementForm, ReportForm
from receivables.admin.tables import Cell
from receivables.figures.aging import aging_sheet
from receivables.figures.cash_day import cash_day_sheet
from receivables.figures.customer_statement import customer_statement
from receivables.figures.received import received_sheet
from receivables.figures.reversals import reversals_sheet
from receivables.figures.sheet import Named, Part, Sheet
from receivables.models import Actor, FileFormat
from receivables.services.exported_list import record_export

MOST_SHOWN = 1_000
"""Lines of a table on screen and on paper; a spreadsheet takes more."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report: what it tells, what it asks, who may see it (all of the permissions), and what makes its figures."""

    code: str
    label: Any
    tells: Any
    form: type[ReportForm]
    permissions: Sequence[str]
    make: Callable[..., Sheet]

    def is_open_to(self, user: Any) -> bool:
        return all(user.has_perm(each) for each in self.permissions)

    def ask(self, request: HttpRequest) -> ReportForm:
        known: dict[str, Any] = {"user": request.user, "today": timezone.localdate()}
        return self.form(request.GET, code=self.code, branch=chosen_branch(request), **known)

    def sheet(self, form: ReportForm, *, most: int) -> Sheet:
        """Give the figures of a question that is valid."""
        return self.make(form.user, form.cleaned_data, today=form.today, most=most)


def _statement(user: Any, given: dict[str, Any], **options: Any) -> Sheet:
    return customer_statement(user, **given, **options)


def _aging(user: Any, given: dict[str, Any], **options: Any) -> Sheet:
    return aging_sheet(user, **given, **options)


def _cash_day(_user: Any, given: dict[str, Any], *, most: int, **_options: Any) -> Sheet:
    return cash_day_sheet(**given, most=most)


def _reversals(user: Any, given: dict[str, Any], *, most: int, **_options: Any) -> Sheet:
    return reversals_sheet(user, **given, most=most)


def _received(user: Any, given: dict[str, Any], **_options: Any) -> Sheet:
    return received_sheet(user, **given)


REPORTS = {
    report.code: report
    for report in (
        Report(
            "customer-statement", _("Customer statement"),
            _("What is open with its charges of today, what was received, what credit is left."),
            CustomerStatementForm,
            ("receivables.view_customer", "receivables.view_installment", "receivables.view_receipt"), _statement,
        ),
        Report(
            "aging", _("Aging"), _("What is open on a day, by customer, branch and age."), AgingForm,
            ("receivables.view_installment",), _aging,
        ),
        Report(
            "received", _("Receipts of the period"), _("By branch and means of payment, by what they paid, by day."),
            BranchPeriodForm, ("receivables.view_receipt",), _received,
        ),
        Report(
            "reversals", _("Reversals of the period"),
            _("What was undone, when, by whom and why, with debit or without, with the cash open or closed."),
            BranchPeriodForm, ("receivables.view_reversal",), _reversals,
        ),
        Report(
            "cash-day", _("Cash of the day"),
            _("Opening, postings, means of payment, closings, supplements and differences of an account."),
            CashDayForm, ("receivables.view_cashmovement", "receivables.view_cashday"), _cash_day,
        ),
    )
}  # fmt: skip
"""Every report, in the order of the page that lists them."""

SEES_REPORTS = tuple(dict.fromkeys(each for report in REPORTS.values() for each in report.permissions))


# The pages


def index(request: HttpRequest) -> dict[str, Any]:
    """List the reports that the person may see, each with its form."""
    reports = [(report, report.ask(request)) for report in REPORTS.values() if report.is_open_to(request.user)]
    return {
        "title": gettext("Reports"), "reports": [(report, form, address_of(report)) for report, form in reports],
        "media": sum((form.media for _report, form in reports[1:]), reports[0][1].media) if reports else "",
    }  # fmt: skip


def show(request: HttpRequest, code: str) -> HttpResponse | dict[str, Any]:
    """Show a report, or give one of its tables as a spreadsheet."""
    report, form = _asked(request, code)
    context = {"title": str(report.label), "report": report, "form": form, "media": form.media}
    if not form.is_valid():
        return context
    if is_asked(request):
        return _spreadsheet(request, report, form)
    sheet = report.sheet(form, most=MOST_SHOWN)
    return context | {
        "sheet": sheet, "about": [(label, shown(value)) for label, value in sheet.about],
        "parts": [(part, _cells(part.rows, part), _cells([part.total], part) if part.total else [],
                   f"?{form.query}&part={place}") for place, part in enumerate(sheet.parts)],
        "pdf": f"{reverse('admin:reports_pdf', args=[code])}?{form.query}", "limit": MOST_LINES,
    }  # fmt: skip


def give_pdf(request: HttpRequest, code: str) -> HttpResponse:
    """Give a report as PDF; a question that is not valid is asked again on its page."""
    report, form = _asked(request, code)
    if not form.is_valid():
        return HttpResponseRedirect(f"{address_of(report)}?{form.query}")
    from receivables.printing.sheet import draw_sheet

    sheet = report.sheet(form, most=MOST_SHOWN)
    lines = [len(part.rows) for part in sheet.parts]
    return pdf(
        request, draw_sheet(sheet, printed=printed_by(request), write=shown), noun=f"reports.{report.code}",
        name=f"{slugify(sheet.title)}-{timezone.localdate().isoformat()}", query=form.query, row_count=sum(lines),
        is_cut=MOST_SHOWN in lines,
    )  # fmt: skip


def _asked(request: HttpRequest, code: str) -> tuple[Report, ReportForm]:
    report = REPORTS.get(code)
    if report is None:
        raise Http404
    if not report.is_open_to(request.user):
        raise PermissionDenied
    form = report.ask(request)
    if form.names_strangers:
        raise Http404(gettext("There is no such row, or it belongs to another branch."))
    return report, form


def _spreadsheet(request: HttpRequest, report: Report, form: ReportForm) -> Any:
    parts = report.sheet(form, most=MOST_LINES + 1).parts
    place = request.GET.get("part", "0")
    if not (place.isdecimal() and int(place) < len(parts)):
        raise Http404
    part = parts[int(place)]
    return file_of(
        request, noun=f"reports.{report.code}", title=f"{report.label} {part.title}",
        columns=[Column(column.label) for column in part.columns], most=MOST_LINES,
        rows=([str(value) if isinstance(value, Named) else value for value in row] for row in part.rows),
    )  # fmt: skip


def address_of(report: Report) -> str:
    return reverse("admin:reports_one", args=[report.code])


# What both a screen and a paper need


def shown(value: Any) -> str:
    """Write a value of a table; a text is what it is, and nothing stays empty."""
    if value is None or isinstance(value, str | Named):
        return str(value or "")
    return written(value)


def _cells(rows: Sequence[Sequence[Any]], part: Part) -> Iterator[list[Cell]]:
    for row in rows:
        yield [
            Cell(_linked(value), is_number=column.is_number) for value, column in zip(row, part.columns, strict=True)
        ]


def _linked(value: Any) -> Any:
    if not isinstance(value, Named):
        return shown(value)
    return format_html('<a href="{}">{}</a>', reverse(f"admin:receivables_{value.noun}_change", args=[value.pk]), value)


def printed_by(request: HttpRequest) -> Any:
    """Sign a paper with the person at the desk and the moment."""
    from receivables.printing.page import Printed

    user: Any = request.user
    return Printed(by=user.get_full_name() or user.get_username(), at=timezone.now())


def pdf(
    request: HttpRequest, content: bytes, *, noun: str, name: str, query: str, row_count: int = 1, is_cut: bool = False
) -> HttpResponse:
    """Answer with a PDF that a browser shows and saves under its name, and write down who took it."""
    record_export(
        noun=noun, file_format=FileFormat.PDF, query=query, row_count=row_count, is_cut=is_cut,
        by=Actor.person(request.user),
    )  # fmt: skip
    disposition = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return HttpResponse(content, content_type="application/pdf", headers=disposition)


add_page(Page("reports", "reports/", index, SEES_REPORTS, "admin/quita/reports.html"))
add_page(Page("reports_one", "reports/<slug:code>/", show, SEES_REPORTS, "admin/quita/report.html"))
add_page(Page("reports_pdf", "reports/<slug:code>.pdf", give_pdf, SEES_REPORTS))

MENU.append(Section(80, _("Reports"), [Entry(_("Reports"), page="reports")]))
