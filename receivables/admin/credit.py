"""Créditos do cliente and money in suspense: append-only entries, shown; used on a title, refunded on a customer (G.5)."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.models import CustomerCredit


@admin.register(CustomerCredit)
class CustomerCreditAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("posted_at", "whose", "branch", "kind", "amount", "receipt", "actor")
    list_filter = ("kind", "branch", "posted_at")
    list_select_related = ("customer", "branch", "receipt")
    search_fields = ("customer__name", "customer__document__startswith")
    fields = (("customer", "branch"), ("kind", "amount"), ("receipt", "source", "movement"), "reason",
              ("posted_at", "actor", "channel"))  # fmt: skip

    @admin.display(description=_("customer"))
    def whose(self, credit: CustomerCredit) -> str:
        return str(credit.customer or _("Suspense"))
