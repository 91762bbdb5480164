"""Cadastros: branches, cities, products, holidays, accounts and codes. What postings rest on is fixed once made."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import AuditedAdmin
from receivables.admin.forms import DocumentField, RuleForm
from receivables.models import (
    Actor,
    Branch,
    BranchPaymentMethod,
    City,
    Direction,
    DocumentType,
    HistoryCode,
    Holiday,
    LedgerAccount,
    PaymentMethod,
    Product,
)
from receivables.services.parameters import save_branch


class BranchForm(RuleForm):
    document = DocumentField(label=_("CNPJ"), required=False)

    class Meta:
        model = Branch
        fields: ClassVar = ["code", "name", "document", "city", "parameter_set", "is_active", "members"]


@admin.register(Branch)
class BranchAdmin(AuditedAdmin):
    form = BranchForm
    list_display = ("code", "name", "city", "parameter_set", "is_active")
    list_select_related = ("city", "parameter_set")
    search_fields = ("code", "name")
    autocomplete_fields = ("city",)
    filter_horizontal = ("members",)

    def save_model(self, request: HttpRequest, obj: Branch, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        save_branch(branch=obj, by=Actor.person(request.user))


@admin.register(City)
class CityAdmin(AuditedAdmin):
    list_display = ("code", "name", "state")
    search_fields = ("name", "code")


@admin.register(Product)
class ProductAdmin(AuditedAdmin):
    list_display = ("code", "name", "is_active")
    list_filter = ("is_active",)
    search_fields = ("code", "name")
    fixed_once_made = ("code",)


@admin.register(Holiday)
class HolidayAdmin(AuditedAdmin):
    list_display = ("day", "name")


@admin.register(LedgerAccount)
class LedgerAccountAdmin(AuditedAdmin):
    branch_lookups = ("branch",)
    list_display = ("short_code", "name", "branch", "kind", "bank_code", "is_active")
    list_filter = ("kind", "branch", "is_active")
    list_select_related = ("branch",)
    search_fields = ("short_code", "name")
    fixed_once_made = ("short_code", "branch")


@admin.register(HistoryCode)
class HistoryCodeAdmin(AuditedAdmin):
    list_display = ("code", "name", "direction", "is_active")
    list_filter = ("direction", "is_active")
    search_fields = ("code", "name")
    fixed_once_made = ("code", "direction")


@admin.register(DocumentType)
class DocumentTypeAdmin(AuditedAdmin):
    list_display = ("code", "name", "is_active")
    search_fields = ("code", "name")
    fixed_once_made = ("code",)


@admin.register(PaymentMethod)
class PaymentMethodAdmin(AuditedAdmin):
    list_display = ("code", "name", "gives_change", "needs_reference", "is_active")
    search_fields = ("code", "name")
    fixed_once_made = ("code",)


@admin.register(BranchPaymentMethod)
class BranchPaymentMethodAdmin(AuditedAdmin):
    branch_lookups = ("branch",)
    list_display = ("branch", "method", "account", "credit_history", "debit_history", "document_type")
    list_filter = ("branch", "method")
    list_select_related = ("branch", "method", "account", "credit_history", "debit_history", "document_type")
    fixed_once_made = ("branch", "method")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer history codes of the right direction, and only active codes."""
        choices: dict[str, QuerySet] = {
            "account": LedgerAccount.objects.filter(is_active=True),
            "method": PaymentMethod.objects.filter(is_active=True),
            "document_type": DocumentType.objects.filter(is_active=True),
            "credit_history": HistoryCode.objects.filter(is_active=True, direction=Direction.CREDIT),
            "debit_history": HistoryCode.objects.filter(is_active=True, direction=Direction.DEBIT),
        }
        if db_field.name in choices:
            options["queryset"] = choices[db_field.name]
        return super().formfield_for_foreignkey(db_field, request, **options)
