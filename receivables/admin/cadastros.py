"""Cadastros: branches, cities, products, holidays, accounts and codes. What postings rest on is fixed once made.

Each is found by typing where another form asks for it; only what is active and fits is offered there.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import AuditedAdmin, branches_of
from receivables.admin.forms import DocumentField, RuleForm
from receivables.admin.people_forms import groups_told
from receivables.admin.tables import Table, link
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
    ParameterSet,
    PaymentMethod,
    Product,
)
from receivables.services.parameters import save_branch
from receivables.services.people import MANAGE_PEOPLE, add_to_branch


class RegisterAdmin(AuditedAdmin):
    """A register that other forms choose from by typing."""

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Offer only what may be chosen, where another form asks."""
        if is_choosing(request):
            queryset = self.offered(request, queryset)
        return super().get_search_results(request, queryset, search_term)

    def offered(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        """Give the rows that a form may choose: the active ones."""
        return rows.filter(is_active=True) if hasattr(self.model, "is_active") else rows


def is_choosing(request: HttpRequest) -> bool:
    """Say whether a form asks for the rows that a field offers."""
    return request.resolver_match is not None and request.resolver_match.url_name == "autocomplete"


class BranchForm(RuleForm):
    document = DocumentField(label=_("CNPJ"), required=False)

    class Meta:
        model = Branch
        fields: ClassVar = ["code", "name", "document", "city", "parameter_set", "is_active"]
        help_texts: ClassVar = {
            "parameter_set": _("Its rates and its control of closed cash hold for this branch."),
        }


@admin.register(Branch)
class BranchAdmin(RegisterAdmin):
    form = BranchForm
    list_display = ("code", "name", "city", "parameter_set", "is_active")
    list_filter = ("is_active", "parameter_set")
    list_select_related = ("city", "parameter_set")
    search_fields = ("code", "name")
    autocomplete_fields = ("city", "parameter_set")

    def offered(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        """Give one's own branches; any active branch may collect a title."""
        if request.GET.get("field_name") == "collecting_branch":
            return super().offered(request, rows)
        return rows.filter(pk__in=branches_of(request.user).values("pk"))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        default = ParameterSet.objects.filter(is_default=True).first()
        return {"parameter_set": default and default.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Branch, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save it; who makes a branch works in it, or he would not see what happens there."""
        by = Actor.person(request.user)
        save_branch(branch=obj, by=by)
        if not change:
            add_to_branch(user=request.user, branch=obj, by=by)

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        people = Table(
            _("People"), [_("user"), _("name"), _("groups"), _("active")],
            _("Nobody works in this branch. Tick it on a person’s own page, in Cadastros, Users."),
        )  # fmt: skip
        members = row.members.prefetch_related("groups").order_by("username")
        may_open = request.user.has_perm(MANAGE_PEOPLE)
        people.fill(
            [link(each) if may_open else each.username, each.get_full_name(), groups_told(each), each.is_active]
            for each in members
        )
        accounts = Table(
            _("Accounts"), [_("short account"), _("kind"), _("active")],
            _("This branch has no account. Add one in Cadastros, Accounts."),
        )  # fmt: skip
        rows = row.ledgeraccount_set.order_by("short_code")
        return [people, accounts.fill([link(each), each.get_kind_display(), each.is_active] for each in rows)]


@admin.register(City)
class CityAdmin(RegisterAdmin):
    list_display = ("code", "name", "state")
    list_filter = ("state",)
    search_fields = ("name", "code")


@admin.register(Product)
class ProductAdmin(RegisterAdmin):
    list_display = ("code", "name", "is_active")
    list_filter = ("is_active",)
    search_fields = ("code", "name")
    fixed_once_made = ("code",)


@admin.register(Holiday)
class HolidayAdmin(AuditedAdmin):
    list_display = ("day", "name")
    search_fields = ("name",)


@admin.register(LedgerAccount)
class LedgerAccountAdmin(RegisterAdmin):
    branch_lookups = ("branch",)
    autocomplete_fields = ("branch",)
    list_display = ("short_code", "name", "branch", "kind", "bank_code", "is_active")
    list_filter = ("kind", "branch", "is_active")
    list_select_related = ("branch",)
    search_fields = ("short_code", "name")
    fixed_once_made = ("short_code", "branch")


class HistoryCodeForm(RuleForm):
    class Meta:
        model = HistoryCode
        fields: ClassVar = ["code", "name", "direction", "is_active"]
        help_texts: ClassVar = {
            "name": _("What the statement says of a movement with this code."),
            "direction": _("Credit enters the account, debit leaves it; a posting may not contradict it."),
        }


DIRECTIONS = {
    "credit_history": Direction.CREDIT,
    "debit_history": Direction.DEBIT,
    "title.history_code": Direction.CREDIT,
}
"""Which codes fit a field that is chosen by typing: by its name, or by the noun's and its name."""


@admin.register(HistoryCode)
class HistoryCodeAdmin(RegisterAdmin):
    form = HistoryCodeForm
    list_display = ("code", "name", "direction", "is_active")
    list_filter = ("direction", "is_active")
    search_fields = ("code", "name")
    fixed_once_made = ("code", "direction")

    def offered(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        """Give the active codes of the direction that the field takes."""
        noun, name = request.GET.get("model_name", ""), request.GET.get("field_name", "")
        direction = DIRECTIONS.get(f"{noun}.{name}") or DIRECTIONS.get(name)
        active = super().offered(request, rows)
        return active.filter(direction=direction) if direction else active


@admin.register(DocumentType)
class DocumentTypeAdmin(RegisterAdmin):
    list_display = ("code", "name", "is_active")
    search_fields = ("code", "name")
    fixed_once_made = ("code",)


@admin.register(PaymentMethod)
class PaymentMethodAdmin(RegisterAdmin):
    list_display = ("code", "name", "gives_change", "needs_reference", "is_active")
    search_fields = ("code", "name")
    fixed_once_made = ("code",)


@admin.register(BranchPaymentMethod)
class BranchPaymentMethodAdmin(AuditedAdmin):
    branch_lookups = ("branch",)
    list_display = ("branch", "method", "account", "credit_history", "debit_history", "document_type")
    list_filter = ("branch", "method")
    list_select_related = ("branch", "method", "account", "credit_history", "debit_history", "document_type")
    search_fields = ("branch__code", "branch__name", "method__name", "account__short_code")
    ordering = ("branch__code", "method__code")
    autocomplete_fields = ("branch", "account", "credit_history", "debit_history", "document_type")
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
