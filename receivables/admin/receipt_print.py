"""Recibo: the paper of a receipt as PDF, on A4 or on an 80 mm roll; whose receipt may be seen is asked of its page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import written
from receivables.admin.pages import Page, add_page
from receivables.admin.report_pages import pdf, printed_by
from receivables.figures.receipt import receipt_paper
from receivables.models import Receipt

SEES_RECEIPTS = ("receivables.view_receipt",)


def on_a4(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Give a receipt on A4."""
    from receivables.printing.receipt import draw_receipt

    return _drawn(request, receipt_id, draw_receipt, "receipt_a4", name="recibo")


def on_roll(request: HttpRequest, receipt_id: int) -> HttpResponse:
    """Give both copies of a receipt on an 80 mm roll."""
    from receivables.printing.roll import draw_roll

    return _drawn(request, receipt_id, draw_roll, "receipt_80mm", name="recibo-80mm")


def _drawn(request: HttpRequest, receipt_id: int, draw: Any, noun: str, *, name: str) -> HttpResponse:
    receipt = admin.site._registry[Receipt].get_row(request, str(receipt_id))  # type: ignore[attr-defined]
    paper = receipt_paper(receipt)
    return pdf(
        request, draw(paper, printed=printed_by(request), write=written), noun=noun,
        name=f"{name}-{slugify(paper.number)}", query=f"receipt={paper.number}",
    )  # fmt: skip


def papers_of(receipt: Receipt) -> list[dict[str, Any]]:
    """Give the papers of a receipt, as its page links to them."""
    papers = (("receipt_a4", _("Receipt as PDF")), ("receipt_80mm", _("Receipt 80 mm")))
    return [
        {"name": page, "label": label, "url": reverse(f"admin:{page}", args=[receipt.pk])} for page, label in papers
    ]


def print_links(receipt: Receipt) -> SafeString:
    """Give the same papers as links of a table."""
    a4, roll = papers_of(receipt)
    return format_html('<a href="{}">PDF</a> · <a href="{}">80 mm</a>', a4["url"], roll["url"])


add_page(Page("receipt_a4", "receipts/<int:receipt_id>/a4.pdf", on_a4, SEES_RECEIPTS))
add_page(Page("receipt_80mm", "receipts/<int:receipt_id>/80mm.pdf", on_roll, SEES_RECEIPTS))
