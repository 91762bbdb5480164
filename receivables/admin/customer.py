"""Clientes: CPF/CNPJ typed with or without the mask; what a customer owes and what credit he has; refunds (G.5)."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import AuditedAdmin, branches_of
from receivables.admin.explain import reais
from receivables.admin.forms import DayField, DocumentField, MoneyField, ReasonField, RuleForm
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.domain.documents import format_document
from receivables.domain.errors import (
    AmountNotPositive,
    CashDayClosed,
    ChangedMeanwhile,
    CreditNotEnough,
    InvalidDocument,
    PaymentMethodNotSetUp,
    ReasonTooLong,
    ReasonTooShort,
)
from receivables.domain.money import CENT
from receivables.models import Branch, BranchPaymentMethod, Customer, CustomerCredit, PaymentMethod, Title
from receivables.services import access
from receivables.services.credit import refund_credit

_MASK = re.compile(r"[.\-/\s]")


class CustomerForm(RuleForm):
    document = DocumentField(label=_("CNPJ/CPF"))

    class Meta:
        model = Customer
        fields: ClassVar = ["document", "name", "email", "phone", "address", "city", "is_active"]


class RefundForm(TransitionForm):
    """Giving a customer's credit back in money."""

    confirm = _("Refund the credit")
    error_fields: ClassVar = {
        AmountNotPositive.code: "amount",
        CreditNotEnough.code: "amount",
        CashDayClosed.code: "cash_date",
        PaymentMethodNotSetUp.code: "method",
        ReasonTooShort.code: "reason",
        ReasonTooLong.code: "reason",
    }

    branch = forms.ModelChoiceField(Branch.objects.none(), label=_("branch"))
    amount = MoneyField(label=_("amount"), least=CENT)
    method = forms.ChoiceField(label=_("payment method"))
    cash_date = DayField(label=_("cash/bank date"))
    reason = ReasonField()
    seen_credit = MoneyField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.available = _available(self.row)
        branches = branches_of(self.user)
        self.fields["branch"].queryset = branches
        self.fields["method"].choices = _methods(branches)
        self.fields["amount"].initial = self.fields["seen_credit"].initial = self.available
        self.fields["cash_date"].initial = self.today

    def what_is(self) -> Sequence[Line]:
        return [(_("Customer"), self.row), (_("Credit available"), reais(self.available))]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Cash and banks"), _("One debit in the account of the payment method."))]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        day = cleaned.get("cash_date")
        if day and day > self.today:
            self.add_error("cash_date", _("The day is in the future. Enter today's date or an earlier one."))
        return cleaned

    def values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "customer_id": self.row.pk,
            "branch_id": cleaned["branch"].pk,
            "amount": cleaned["amount"],
            "method_code": cleaned["method"],
            "cash_date": cleaned["cash_date"],
            "reason": cleaned["reason"],
        }

    def verify(self, result: CustomerCredit) -> None:
        """A second click is a second refund: the credit must be what was seen less this one."""
        seen = self.cleaned_data.get("seen_credit")
        if seen is not None and _available(self.row) != seen - result.amount:
            raise ChangedMeanwhile(what=str(self.row))

    def done(self, result: CustomerCredit) -> str:
        return _("%(amount)s of credit refunded to %(customer)s.") % {
            "amount": reais(result.amount),
            "customer": self.row.name,
        }


def _available(customer: Customer) -> Any:
    return CustomerCredit.objects.filter(customer=customer).available()


def _methods(branches: QuerySet) -> list[tuple[str, str]]:
    rows = BranchPaymentMethod.objects.filter(branch__in=branches, method__is_active=True).select_related("method")
    return sorted({row.method.code: row.method.name for row in rows if row.method.code != PaymentMethod.CREDIT}.items())


def _may_refund(user: Any, _customer: Customer) -> None:
    access.require(user, "receivables.use_credit")


@admin.register(Customer)
class CustomerAdmin(TransitionAdmin, AuditedAdmin):
    form = CustomerForm
    list_display = ("name", "masked", "city", "phone", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("city",)
    search_fields = ("name", "document")
    search_help_text = _("Name or CPF/CNPJ")
    autocomplete_fields = ("city",)
    transitions: ClassVar = {
        "refund": Transition(
            label=_("Refund credit"), form=RefundForm, service=refund_credit, require=_may_refund,
            applies=lambda customer: _available(customer) > 0,
        ),
    }  # fmt: skip

    @admin.display(description=_("CNPJ/CPF"), ordering="document")
    def masked(self, customer: Customer) -> str:
        try:
            return format_document(customer.document)
        except InvalidDocument:
            return customer.document

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Search by name or by document, with or without its mask."""
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        found = Q(name__icontains=term)
        bare = _MASK.sub("", term).upper()
        if bare:
            found |= Q(document__startswith=bare)
        return queryset.filter(found), False

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        return [_titles(row, request.user), _credits(row)]


def _titles(customer: Customer, user: Any) -> Table:
    table = Table(
        _("Open titles"), [_("document number"), _("status"), _("issue date"), _("amount")],
        _("Nothing is open. Titles issued to this customer appear here."),
    )  # fmt: skip
    rows = Title.objects.visible_to(user).open().filter(bill_to=customer).order_by("-pk")[:100]
    return table.fill([link(row), chip(row.status, row.get_status_display()), row.issued_on, row.amount] for row in rows)


def _credits(customer: Customer) -> Table:
    table = Table(
        _("Credits"), [_("posted at"), _("kind"), _("amount"), _("receipt"), _("reason")],
        _("No credit. What is received above the amount due becomes one."),
    )  # fmt: skip
    rows = customer.credits.select_related("receipt").order_by("pk")[:100]
    return table.fill(
        [link(row, row.posted_at.strftime("%d/%m/%Y")), row.get_kind_display(), row.amount, link(row.receipt), row.reason]
        for row in rows
    )
