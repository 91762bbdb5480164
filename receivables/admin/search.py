"""One search over titles, customers, receipts and nosso número, present and former, as each list finds them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from receivables.admin.tables import change_url
from receivables.models import BankSlip, Customer, Receipt, Title

MOST = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found, and what tells it apart."""

    name: Any
    details: Sequence[Any]
    address: str


@dataclass(frozen=True, slots=True)
class Found:
    """The first hits of one noun; `more` is the address of the whole list when there are others."""

    label: Any
    hits: Sequence[Hit]
    more: str = ""


def search(request: HttpRequest, asked: str) -> list[Found]:
    """Give what each noun has for the words, among the rows that the person may see."""
    return list(_found(request, asked)) if asked else []


def only_one(found: Sequence[Found]) -> Hit | None:
    """Give the hit when there is exactly one in all."""
    hits = [hit for each in found for hit in each.hits]
    return hits[0] if len(hits) == 1 else None


def _found(request: HttpRequest, asked: str) -> Iterator[Found]:
    for model, label, tell in _NOUNS:
        page = admin.site._registry[model]
        if not page.has_view_permission(request):
            continue
        rows, _duplicates = page.get_search_results(request, page.get_queryset(request), asked)
        first = list(rows.select_related(*page.list_select_related)[: MOST + 1])  # type: ignore[misc]
        if first:
            hits = [Hit(row, tell(row), change_url(row)) for row in first[:MOST]]
            yield Found(label, hits, more=_list_of(model, asked) if len(first) > MOST else "")


def _list_of(model: Any, asked: str) -> str:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode({'q': asked})}"


def _of_title(title: Any) -> list[Any]:
    return [title.bill_to, title.get_status_display(), title.next_due, title.amount]


def _of_slip(slip: BankSlip) -> list[Any]:
    return [slip.installment.title, slip.get_status_display(), slip.due_date, slip.amount]


def _of_receipt(receipt: Receipt) -> list[Any]:
    return [receipt.customer, receipt.branch, receipt.received_on, receipt.amount]


_NOUNS: tuple[tuple[Any, Any, Any], ...] = (
    (Title, _("Titles"), _of_title),
    (Customer, _("Customers"), lambda customer: [customer.city, customer.phone, None, None]),
    (Receipt, _("Receipts"), _of_receipt),
    (BankSlip, _("Nosso Número, present and former"), _of_slip),
)
