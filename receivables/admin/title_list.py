"""How the list of titles is filtered and annotated: due date, balance, branch, customer, amount, Nosso Número."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import DateField, Exists, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.admin.base import branches_of
from receivables.admin.filters import TypedDay, TypedFilter, TypedFilterForm, TypedMoney, branch_filter
from receivables.domain.documents import bare_document
from receivables.domain.due_dates import HORIZON_DAYS
from receivables.domain.money import ZERO
from receivables.models import BankSlip, Customer, Installment, TitleStatus
from receivables.models.installment import OPEN, in_time_since
from receivables.models.plain_text import LEAST_LETTERS

_OPEN = (TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED)

SHORT_STATUS: dict[str, Any] = {
    TitleStatus.PENDING: pgettext_lazy("title", "Pending"),
    TitleStatus.PARTIALLY_SETTLED: pgettext_lazy("title", "Partial"),
    TitleStatus.SETTLED: pgettext_lazy("title", "Settled"),
    TitleStatus.CANCELLED: pgettext_lazy("title", "Cancelled"),
}
"""Situação in one word, for lists."""


def with_columns(titles: Any) -> Any:
    """Annotate titles with what their list shows beside their own columns."""
    in_time = Value(in_time_since(timezone.localdate()), output_field=DateField())
    return titles.annotate(next_due=next_due_date(), open_balance=balance(), in_time_since=in_time)


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


def days_overdue(title: Any, *, on: date) -> int:
    """Count the days since the due date of an open title; 0 while it is payable without charges (G.17)."""
    is_overdue = title.status in _OPEN and title.next_due < title.in_time_since
    return (on - title.next_due).days if is_overdue else 0


def due(titles: Any, span: Q) -> Any:
    """Give the open titles that have an open installment due in a span."""
    return titles.open().filter(Exists(Installment.objects.filter(span, title=OuterRef("pk"), status__in=OPEN)))


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
    """Overdue, payable today, due in 7 and in 30 days: of the open installments."""

    title = _("due date")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("overdue", pgettext_lazy("due", "Overdue")),
            ("today", _("Today")),
            ("7", _("7 days")),
            ("30", _("30 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        today, in_time = timezone.localdate(), in_time_since(timezone.localdate())
        spans = {
            "overdue": Q(due_date__lt=in_time),
            "today": Q(due_date__gte=in_time, due_date__lte=today),
            "7": Q(due_date__gte=today, due_date__lte=today + timedelta(days=7)),
            "30": Q(due_date__gte=today, due_date__lte=today + timedelta(days=HORIZON_DAYS)),
        }
        span = spans.get(self.value() or "")
        return queryset if span is None else due(queryset, span)


CollectingBranchFilter = branch_filter("collecting_branch", title=_("collecting branch"))


class TitleFilterForm(TypedFilterForm):
    """What a treasurer types to find titles."""

    due_from = TypedDay(label=_("Due from"))
    due_to = TypedDay(label=_("Due until"))
    amount_from = TypedMoney(label=_("Amount from"))
    amount_to = TypedMoney(label=_("Amount up to"))
    customer = forms.CharField(label=_("Customer"), required=False, max_length=120)
    document = forms.CharField(label=_("Document"), required=False, max_length=30)
    our_number = forms.CharField(label=_("our number"), required=False, max_length=25)
    issuing = forms.ChoiceField(label=_("issuing branch"), required=False)
    ranges = (("due_from", "due_to"), ("amount_from", "amount_to"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        mine = ((str(branch.pk), str(branch)) for branch in branches_of(self.user))
        self.fields["issuing"].choices = [("", _("All")), *mine]  # type: ignore[attr-defined]
        self.fields["customer"].widget.attrs["placeholder"] = _("Name or CPF/CNPJ")
        self.fields["document"].widget.attrs["placeholder"] = _("Its beginning")
        self.fields["our_number"].widget.attrs["placeholder"] = _("Present or former")

    def clean_customer(self) -> str:
        text: str = self.cleaned_data["customer"]
        if text and len(bare_document(text)) < LEAST_LETTERS:
            raise forms.ValidationError(_("Type at least three letters or digits."), code="too_short")
        return text


class TitleFilter(TypedFilter):
    """Due dates of open installments, amounts, customer, document, Nosso Número and issuing branch, as typed."""

    form_class = TitleFilterForm

    def narrow(self, rows: Any, asked: Mapping[str, Any]) -> Any:
        rows = _narrow_due(rows, first=asked["due_from"], last=asked["due_to"])
        given = {
            "amount__gte": asked["amount_from"],
            "amount__lte": asked["amount_to"],
            "issuing_branch": asked["issuing"] or None,
            "document_number__istartswith": asked["document"] or None,
            "bill_to__in": Customer.objects.matching(asked["customer"]) if asked["customer"] else None,
            "pk__in": _titles_with(asked["our_number"]) if bare_document(asked["our_number"]) else None,
        }
        return rows.filter(**{lookup: value for lookup, value in given.items() if value is not None})


def _narrow_due(titles: Any, *, first: date | None, last: date | None) -> Any:
    ends = {"due_date__gte": first, "due_date__lte": last}
    asked = {lookup: day for lookup, day in ends.items() if day is not None}
    return due(titles, Q(**asked)) if asked else titles


def _titles_with(our_number: str) -> QuerySet:
    return BankSlip.objects.filter(our_number__startswith=bare_document(our_number)).values("installment__title")
