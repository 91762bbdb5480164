"""Clientes: CPF/CNPJ typed with or without the mask; what a customer owes and what credit he has; refunds (G.5)."""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import AuditedAdmin
from receivables.admin.credit import RefundForm, credit_of
from receivables.admin.explain import written
from receivables.admin.finding import find_customers
from receivables.admin.forms import DocumentField, RuleForm
from receivables.admin.report_pages import REPORTS, address_of
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Transition, TransitionAdmin
from receivables.domain.documents import format_document
from receivables.domain.errors import (
    InvalidDocument,
)
from receivables.models import Customer, Title
from receivables.services import access
from receivables.services.credit import refund_credit


class CustomerForm(RuleForm):
    document = DocumentField(label=_("CNPJ/CPF"))

    class Meta:
        model = Customer
        fields: ClassVar = ["document", "name", "email", "phone", "address", "city", "is_active"]


def _may_refund(user: Any, _customer: Customer) -> None:
    access.require(user, "receivables.use_credit")


@admin.register(Customer)
class CustomerAdmin(TransitionAdmin, AuditedAdmin):
    form = CustomerForm
    list_display = ("name", "masked", "city", "phone", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("city",)
    search_fields = ("name", "document")
    search_help_text = _("Name or CPF/CNPJ: 3 letters or more")
    find = staticmethod(find_customers)
    autocomplete_fields = ("city",)
    transitions: ClassVar = {
        "refund": Transition(
            label=_("Refund credit"), form=RefundForm, service=refund_credit, require=_may_refund,
            applies=lambda customer: credit_of(customer) > 0,
        ),
    }  # fmt: skip

    @admin.display(description=_("CNPJ/CPF"), ordering="document")
    def masked(self, customer: Customer) -> str:
        try:
            return format_document(customer.document)
        except InvalidDocument:
            return customer.document

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a customer with the way to his statement, where it may be seen."""
        statement = REPORTS["customer-statement"]
        if object_id is not None and statement.is_open_to(request.user):
            address = f"{address_of(statement)}?{urlencode({'customer': object_id})}"
            link = {"name": "statement", "label": statement.label, "url": address}
            extra_context = {"links": [link], **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        return [_titles(row, request.user), _credits(row)]


def _titles(customer: Customer, user: Any) -> Table:
    table = Table(
        _("Open titles"), [_("document number"), _("status"), _("issue date"), _("amount")],
        _("Nothing is open. Titles issued to this customer appear here."),
    )  # fmt: skip
    rows = Title.objects.visible_to(user).open().filter(bill_to=customer).order_by("-pk")[:100]
    return table.fill(
        [link(row), chip(row.status, row.get_status_display()), row.issued_on, row.amount] for row in rows
    )


def _credits(customer: Customer) -> Table:
    table = Table(
        _("Credits"), [_("posted at"), _("kind"), _("amount"), _("receipt"), _("reason")],
        _("No credit. What is received above the amount due becomes one."),
    )  # fmt: skip
    rows = customer.credits.select_related("receipt").order_by("pk")[:100]
    return table.fill(
        [link(row, written(row.posted_at)), row.get_kind_display(), row.amount, link(row.receipt), row.reason]
        for row in rows
    )
