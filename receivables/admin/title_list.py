"""How the list of titles is found, filtered and annotated: due date, balance, branch, customer, Nosso Número."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import DateField, Exists, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.admin.base import branches_of
from receivables.domain.due_dates import HORIZON_DAYS
from receivables.domain.money import ZERO
from receivables.models import (
    BankSlip,
    Installment,
    TitleStatus,
)

_MASK = re.compile(r"[.\-/\s]")
_OPEN = (TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED)

SHORT_STATUS: dict[str, Any] = {
    TitleStatus.PENDING: pgettext_lazy("title", "Pending"),
    TitleStatus.PARTIALLY_SETTLED: pgettext_lazy("title", "Partial"),
    TitleStatus.SETTLED: pgettext_lazy("title", "Settled"),
    TitleStatus.CANCELLED: pgettext_lazy("title", "Cancelled"),
}
"""Situação in one word, for lists."""


def next_due_date() -> Coalesce:
    """Annotate a title with the due date of its first open installment, else of its last one."""
    rows = Installment.objects.filter(title=OuterRef("pk"))
    nearest = rows.filter(balance__gt=0).order_by("due_date").values("due_date")[:1]
    last = rows.order_by("-due_date").values("due_date")[:1]
    return Coalesce(Subquery(nearest), Subquery(last), output_field=DateField())


def balance() -> Coalesce:
    """Annotate a title with what is open of it, in reais."""
    rows = Installment.objects.filter(title=OuterRef("pk")).order_by().values("title").annotate(open=Sum("balance"))
    return Coalesce(Subquery(rows.values("open")), Value(ZERO))


class SituationFilter(admin.ChoicesFieldListFilter):
    """Situação in one word each, and what is open: pending or partially settled."""

    def expected_parameters(self) -> list[str | None]:
        return [*super().expected_parameters(), "status__in"]

    def choices(self, changelist: Any) -> Iterator[Any]:
        chosen, is_open = (self.lookup_val or [None])[0], "status__in" in self.used_parameters

        def link(value: str | None, *, to: Any = None, is_chosen: bool) -> dict[str, Any]:
            query = {name: asked for name, asked in (("status__exact", value), ("status__in", to)) if asked}
            address = changelist.get_query_string(query, ["status__exact", "status__in"])
            word = SHORT_STATUS[value] if value else _("All")
            return {"selected": is_chosen, "query_string": address, "display": word}

        yield link(None, is_chosen=not chosen and not is_open)
        yield link(None, to=",".join(_OPEN), is_chosen=is_open) | {"display": pgettext_lazy("titles", "Open")}
        for status in TitleStatus.values:
            yield link(status, is_chosen=chosen == status)


class DueFilter(admin.SimpleListFilter):
    """Overdue, due today, in 7 and in 30 days: of the open installments."""

    title = _("due date")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("overdue", _("Overdue")), ("today", _("Today")), ("7", _("7 days")), ("30", _("30 days"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        today = timezone.localdate()
        spans = {
            "overdue": Q(due_date__lt=today),
            "today": Q(due_date=today),
            "7": Q(due_date__gte=today, due_date__lte=today + timedelta(days=7)),
            "30": Q(due_date__gte=today, due_date__lte=today + timedelta(days=HORIZON_DAYS)),
        }
        span = spans.get(self.value() or "")
        if span is None:
            return queryset
        return queryset.open().filter(Exists(Installment.objects.filter(span, title=OuterRef("pk"), balance__gt=0)))


class BranchFilter(admin.SimpleListFilter):
    """The collecting branch, among the user's."""

    title = _("collecting branch")
    parameter_name = "branch"
    is_picked = True

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(branch.pk), str(branch)) for branch in branches_of(request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value() or ""
        return queryset.filter(collecting_branch=int(value)) if value.isascii() and value.isdigit() else queryset


def search_titles(titles: Any, text: str) -> Any:
    """Find titles by document, customer's name or CPF/CNPJ with or without the mask, and Nosso Número."""
    term = text.strip().replace("\x00", "")
    bare = _MASK.sub("", term).upper()
    if not bare:
        return titles
    slips = BankSlip.objects.filter(our_number__startswith=bare)
    return titles.filter(
        Q(document_number__istartswith=term)
        | Q(bill_to__name__icontains=term)
        | Q(bill_to__document__startswith=bare)
        | Q(pk__in=slips.values("installment__title"))
    )
