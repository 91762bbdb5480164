"""Parcelas: read-only rows; their due dates, receipts and reversals are on the title's page (G.21)."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.tables import Table, chip, link
from receivables.models import Installment, Title


@admin.register(Installment)
class InstallmentAdmin(ReadOnlyAdmin):
    list_display = ("status_chip", "title", "number", "customer", "due_date", "amount", "balance")
    list_display_links = ("title",)
    list_filter = ("status", "due_date")
    list_select_related = ("title__bill_to",)
    search_fields = ("title__document_number__istartswith", "title__bill_to__name")
    fields = (
        "title", "number", "status_chip", "due_date", "amount", "original_amount", "balance", "terms",
        "interest_from", "fine_charged", "carried_charges",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(title__in=Title.objects.visible_to(request.user))

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, row: Installment) -> SafeString:
        return chip(row.status, row.get_status_display())

    @admin.display(description=_("customer"))
    def customer(self, row: Installment) -> str:
        return str(row.title.bill_to)

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        table = Table(
            _("Bank slips"), [_("our number"), _("status"), _("due date"), _("amount")],
            _("No bank collection was made of this installment."),
        )  # fmt: skip
        return [
            table.fill(
                [link(slip), chip(slip.status, slip.get_status_display()), slip.due_date, slip.amount]
                for slip in row.bank_slips.order_by("-pk")
            )
        ]
