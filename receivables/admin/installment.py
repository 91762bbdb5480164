"""Parcelas: read-only rows; their due dates, receipts and reversals are on the title's page (G.21)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.branch_switch import onlooker
from receivables.admin.explain import written
from receivables.admin.filters import branch_filter
from receivables.admin.finding import find_installments
from receivables.admin.tables import Table, chip, link
from receivables.admin.title_list import SHORT_STATUS
from receivables.models import Installment, Title, TitleStatus
from receivables.reports import BANDS, of_titles, total_of


class BandFilter(admin.SimpleListFilter):
    """Open installments by the bands of the start page, whose numbers are the totals of these lists."""

    title = _("due date")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("open", _("All open")),
            ("overdue", pgettext_lazy("due", "Overdue")),
            *((band.code, band.label) for band in BANDS),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        today, asked = timezone.localdate(), self.value()
        if asked == "overdue":
            return queryset.overdue(on=today)
        band = next((band for band in BANDS if band.code == asked), None)
        if band is not None:
            return queryset.open().filter(band.span("due_date", on=today))
        return queryset.open() if asked == "open" else queryset


@admin.register(Installment)
class InstallmentAdmin(ReadOnlyAdmin):
    list_display = ("status_chip", "title_link", "told_number", "customer", "due_date", "amount", "open_balance")
    list_display_links = ("told_number",)
    list_filter = ("status", BandFilter, branch_filter("title__collecting_branch", title=_("collecting branch")))
    list_select_related = ("title__bill_to",)
    ordering = ("due_date", "pk")
    search_fields = ("title__document_number",)
    search_help_text = _("Document, name, CPF/CNPJ, Nosso Número: 3 letters or more")
    find = staticmethod(find_installments)
    fields = (
        "title", "number", "status_chip", "due_date", "amount", "original_amount", "open_balance", "terms",
        "interest_from", "fine_charged", "carried_charges",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return of_titles(super().get_queryset(request), Title.objects.visible_to(onlooker(request)))

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, row: Installment) -> SafeString:
        """A cancelled title's installments are as they were when it was cancelled (G.14), and owe nothing."""
        if row.title.status == TitleStatus.CANCELLED:
            return chip(TitleStatus.CANCELLED, SHORT_STATUS[TitleStatus.CANCELLED])
        return chip(row.status, row.get_status_display())

    @admin.display(description=_("balance"), ordering="balance")
    def open_balance(self, row: Installment) -> str:
        return written(None if row.title.status == TitleStatus.CANCELLED else row.balance)

    @admin.display(description=_("title"), ordering="title__document_number")
    def title_link(self, row: Installment) -> Any:
        return link(row.title)

    @admin.display(description=_("number"), ordering="number")
    def told_number(self, row: Installment) -> str:
        return row.label

    @admin.display(description=_("customer"), ordering="title__bill_to__name")
    def customer(self, row: Installment) -> str:
        return row.title.bill_to.name

    def list_totals(self, rows: Any) -> Sequence[tuple[Any, Decimal]]:
        return [(_("balance"), total_of(rows.open(), "balance"))]

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
