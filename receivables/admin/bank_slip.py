"""Boletos: read-only; Nosso Número is never edited nor reused (S24, S25)."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.finding import find_by_our_number
from receivables.admin.tables import chip
from receivables.models import BankSlip, Title


@admin.register(BankSlip)
class BankSlipAdmin(ReadOnlyAdmin):
    list_display = ("status_chip", "our_number", "installment", "account", "due_date", "amount")
    list_display_links = ("our_number",)
    list_filter = ("status", "account")
    list_select_related = ("installment__title", "account")
    search_fields = ("our_number",)
    search_help_text = _("Nosso Número, present or former, or document")
    find = staticmethod(find_by_our_number)
    fields = ("status_chip", "our_number", "installment", "account", "due_date", "amount")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(installment__title__in=Title.objects.visible_to(request.user))

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, slip: BankSlip) -> SafeString:
        return chip(slip.status, slip.get_status_display())
