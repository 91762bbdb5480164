"""What a till carries of the books, and how each row is told: its window (G.9) and nothing a till does not need."""

import json
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F

from pos_sync.models import TillOperator, TillPolicy
from pos_sync.services.json_text import Shape, read_as_json
from receivables.domain.documents import mask_document
from receivables.domain.due_dates import national_bank_holidays
from receivables.domain.errors import InvalidDocument
from receivables.figures.receipt import issuer_of
from receivables.models import Branch, BranchPaymentMethod, Customer, Holiday, Installment, PaymentMethod, Terms
from receivables.models.installment import InstallmentQuerySet

CALENDAR = timedelta(days=366)

Json = dict[str, object]


def window_of(branch: Branch, policy: TillPolicy, *, today: date) -> InstallmentQuerySet:
    """Select what the tills of a branch carry: overdue or due within 30 days, in the policy's scope (G.9)."""
    window: InstallmentQuerySet = Installment.objects.in_window(today=today)
    return window if policy.sees_company else window.filter(title__collecting_branch=branch)


_INSTALLMENT: Shape = {
    "id": ("plain", "pk"), "version": ("number", "version"), "title_id": ("plain", "title_id"),
    "customer_id": ("plain", "title__bill_to_id"), "number": ("pair", "number", "title__installment_count"),
    "document": ("text", "title__document_number"), "due_date": ("plain", "due_date"),
    "amount_cents": ("cents", "amount"), "balance_cents": ("cents", "balance"), "terms_id": ("plain", "terms_id"),
    "interest_from": ("plain", "interest_from"), "fine_charged": ("flag", "fine_charged"),
    "carried_charges_cents": ("cents", "carried_charges"), "status": ("plain", "status"),
}  # fmt: skip
_BESIDE = (("number", "title__bill_to_id"), ("number", "terms_id"), ("cents", "balance"))


class Lines(NamedTuple):
    """Installments as JSON text, and of each what else depends on it, column by column; balances in cents."""

    written: tuple[str, ...]
    customers: tuple[int, ...]
    terms: tuple[int, ...]
    balances: tuple[int, ...]


def installment_lines(rows: InstallmentQuerySet, *, at_once: int) -> Generator[Lines]:
    """Tell installments as JSON text, in their order, so many at once (see `read_as_json`)."""
    with closing(read_as_json(rows, _INSTALLMENT, beside=_BESIDE, at_once=at_once)) as lines:
        for some in lines:
            yield Lines(*zip(*some, strict=True))


def installment_rows(rows: InstallmentQuerySet) -> list[Json]:
    """Tell installments, in their order."""
    return [json.loads(written) for some in read_as_json(rows, _INSTALLMENT, at_once=1000) for (written,) in some]


def customer_rows(customers: Collection[Customer]) -> dict[str, Json]:
    """Tell customers, by id; `customers` is a query."""
    columns = customers.values_list("pk", "version", "name", "document")  # type: ignore[attr-defined]
    return {
        str(pk): {"id": str(pk), "version": version, "name": name, "document_masked": _masked(document)}
        for pk, version, name, document in columns
    }


def _masked(document: str) -> str:
    try:
        return mask_document(document)
    except InvalidDocument:
        return "*" * len(document)


def terms_rows(ids: Collection[int]) -> list[Json]:
    """Tell terms, in the order of their ids."""
    return [
        {
            "id": str(terms.pk),
            "interest_percent": percent(terms.interest_percent),
            "interest_per": terms.interest_per,
            "fine_percent": percent(terms.fine_percent),
            "max_discount_percent": percent(terms.max_discount_percent),
            "allow_partial": terms.allow_partial,
        }
        for terms in Terms.objects.filter(pk__in=ids).order_by("pk")
    ]


def percent(value: Decimal) -> str:
    """Write a percentage with two places or as many as it needs: `1.00`, `0.0334`."""
    whole, _, places = f"{value:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def holidays(today: date) -> list[str]:
    """List bank holidays, national and local, from a year back to a year ahead (G.17)."""
    first, last = today - CALENDAR, today + CALENDAR
    national = {day for year in range(first.year, last.year + 1) for day in national_bank_holidays(year)}
    local = Holiday.objects.filter(day__range=(first, last)).values_list("day", flat=True)
    return [day.isoformat() for day in sorted({day for day in national if first <= day <= last} | set(local))]


def payment_methods(branch: Branch, policy: TillPolicy) -> list[Json]:
    """List what a branch can post; credit of a customer is used in the back office only."""
    return list(_payment_methods(branch, policy))


def _payment_methods(branch: Branch, policy: TillPolicy) -> Iterator[Json]:
    offline = set(policy.offline_methods.values_list("pk", flat=True)) if policy.pk else set()
    rows = BranchPaymentMethod.objects.filter(branch=branch, method__is_active=True).select_related("method")
    for method in (row.method for row in rows.exclude(method__code=PaymentMethod.CREDIT).order_by("method__code")):
        yield {
            "code": method.code,
            "name": method.name,
            "offline": method.pk in offline if policy.pk else method.code == PaymentMethod.CASH,
            "gives_change": method.gives_change,
            "needs_reference": method.needs_reference,
        }


def branch_row(branch: Branch) -> Json:
    """Tell a branch as its tills' receipts name it (G.22)."""
    issuer = issuer_of(branch)
    return {"code": branch.code, "name": issuer.name, "document": issuer.document, "city": issuer.place}


def operators(branch: Branch) -> list[Json]:
    """List who may work at a branch's tills, with the hash of each PIN."""
    rows = TillOperator.objects.filter(branch=branch, is_active=True).order_by("code")
    return [dict(row) for row in rows.values("code", "name", "pin_hash", supervisor=F("is_supervisor"))]
