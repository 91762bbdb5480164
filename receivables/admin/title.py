"""Títulos: the list, the form with the fields of Alteração de Títulos (S1-S39), its buttons and its related rows.

Data are changed only while the title is pending (S3, S4, G.7). What each button asks is in `settlement`, `reversal`
and `reissue`.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import AuditedAdmin, branches_of
from receivables.admin.credit import UseCreditForm, available_credit
from receivables.admin.explain import written
from receivables.admin.reissue import ReissueForm, nothing_to_reissue, reissues_table
from receivables.admin.reversal import ReversalForm, ReversePartForm
from receivables.admin.settlement import SettleForm, SettlePartForm
from receivables.admin.settlement_batch import MOST_AT_ONCE, SettleManyForm
from receivables.admin.tables import Table, chip
from receivables.admin.title_forms import CancelForm, DueDatesForm, TitleForm
from receivables.admin.title_list import (
    SHORT_STATUS,
    BranchFilter,
    DueFilter,
    SituationFilter,
    balance,
    next_due_date,
    search_titles,
)
from receivables.admin.title_tables import allocations_table, installments_table, movements_table, slips_table
from receivables.admin.transitions import Transition, TransitionAdmin
from receivables.domain.plan import installment_plan
from receivables.models import (
    Actor,
    BankSlip,
    Branch,
    SlipStatus,
    Title,
    TitleStatus,
)
from receivables.reports import totals_of_titles
from receivables.services import access
from receivables.services.credit import use_credit
from receivables.services.reissue import reissuable, reissue_bank_collection
from receivables.services.reversal import reverse_share, reverse_title
from receivables.services.settlement import settle_installment, settle_title, settle_titles
from receivables.services.title import Part, cancel_title, change_due_dates, change_title, issue_title

_OPEN = (TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED)


def _may_use_credit(user: Any, title: Title) -> None:
    access.require_settlement(user, title, "receivables.use_credit")


def _may_reverse(user: Any, title: Title) -> None:
    access.require_settlement(user, title, "receivables.reverse_receipt")


def _may_settle_many(user: Any, _title: None) -> None:
    access.require(user, "receivables.settle_title")


@admin.register(Title)
class TitleAdmin(TransitionAdmin, AuditedAdmin):
    form = TitleForm
    list_display = ("standing", "document_number", "customer", "branches", "next_due", "amount", "open_balance")
    list_display_links = ("document_number",)
    list_filter = (("status", SituationFilter), DueFilter, BranchFilter)
    list_select_related = ("bill_to", "entry_branch", "issuing_branch", "collecting_branch")
    search_fields = ("document_number",)
    search_help_text = _("Document, customer’s name or CPF/CNPJ, Nosso Número")
    autocomplete_fields = ("sender", "recipient", "bill_to", "origin_city", "destination_city", "payment_city")
    actions = ("settle_selected",)
    transitions: ClassVar = {
        "settle": Transition(
            label=_("Settle"), form=SettleForm, service=settle_title, verb="settle", require=access.require_settlement
        ),
        "settle-part": Transition(
            label=_("Settle in part"), form=SettlePartForm, service=settle_installment, verb="settle_part",
            require=access.require_settlement,
        ),
        "use-credit": Transition(
            label=_("Use customer credit"), form=UseCreditForm, service=use_credit, require=_may_use_credit,
            applies=lambda title: title.status in _OPEN and available_credit(title) > 0,
        ),
        "reverse": Transition(
            label=_("Reverse"), form=ReversalForm, service=reverse_title, verb="reopen", require=_may_reverse,
            applies=lambda title: title.status == TitleStatus.SETTLED,
        ),
        "reverse-part": Transition(
            label=_("Reverse a part"), form=ReversePartForm, service=reverse_share, verb="reopen_part",
            require=_may_reverse, applies=lambda title: title.status == TitleStatus.PARTIALLY_SETTLED,
        ),
        "reissue": Transition(
            label=_("New bank collection"), form=ReissueForm, service=reissue_bank_collection,
            require=access.require_reissue, applies=lambda title: reissuable(title.pk).exists(),
            why_not=nothing_to_reissue,
        ),
        "due-dates": Transition(
            label=_("Change due dates"), form=DueDatesForm, service=change_due_dates, require=access.require_change,
            applies=lambda title: title.status == TitleStatus.PENDING and title.installment_count > 1,
        ),
        "cancel": Transition(
            label=_("Cancel the title"), form=CancelForm, service=cancel_title, verb="cancel",
            require=access.require_change,
        ),
    }  # fmt: skip
    desk_transitions: ClassVar = {
        "settle-many": Transition(
            label=_("Settle several titles"), form=SettleManyForm, service=settle_titles, require=_may_settle_many,
            applies=lambda _title: False,  # its button is the action of the list
        ),
    }  # fmt: skip

    # Who sees and changes what (G.19)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows: Any = super().get_queryset(request)
        return rows.visible_to(request.user).annotate(next_due=next_due_date(), open_balance=balance())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a pending title is typed into (S3, S4), and through its issuing branch."""
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or (
            obj.status == TitleStatus.PENDING and access.has_branch(request.user, obj.issuing_branch)
        )

    # The list

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Search by document, customer's name or CPF/CNPJ with or without the mask, and Nosso Número."""
        return search_titles(queryset, search_term), False

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, title: Title) -> SafeString:
        """The situação in words (S10); how many days an open title is late has its own chip in the list."""
        return chip(title.status, title.get_status_display())

    @admin.display(description=_("status"), ordering="status")
    def standing(self, title: Any) -> SafeString:
        days = (timezone.localdate() - title.next_due).days
        if title.status not in _OPEN or days <= 0:
            return chip(title.status, SHORT_STATUS[title.status])
        late = _("Partial, overdue %(days)s d") if title.status == _OPEN[1] else _("Overdue %(days)s d")
        return chip(f"{title.status} chip-overdue", late % {"days": days})

    def head(self, row: Any) -> dict[str, Any]:
        """The four numbers that a treasurer asks for (S37, S31, S28)."""
        numbers = [(_("invoice amount"), row.amount), (_("received"), row.received_amount),
                   (_("balance"), self.open_balance(row)), (_("due date"), row.next_due)]  # fmt: skip
        numbers = [(label, written(value)) for label, value in numbers]
        return {"chip": self.standing(row), "subtitle": row.bill_to, "numbers": numbers}

    def list_totals(self, rows: QuerySet) -> Sequence[tuple[Any, Decimal]]:
        totals = totals_of_titles(rows, on=timezone.localdate())
        return [(_("invoice amount"), totals.amount), (_("balance"), totals.balance), (_("overdue"), totals.overdue)]

    @admin.display(description=_("customer"), ordering="bill_to__name")
    def customer(self, title: Title) -> str:
        return title.bill_to.name

    @admin.display(description=_("branches"))
    def branches(self, title: Title) -> str:
        codes = (title.entry_branch.code, title.issuing_branch.code, title.collecting_branch.code)
        return codes[0] if len(set(codes)) == 1 else " / ".join(codes)

    @admin.display(description=_("due date"))
    def next_due(self, title: Any) -> date:
        return title.next_due

    @admin.display(description=_("balance"))
    def open_balance(self, title: Any) -> str:
        return written(None if title.status == TitleStatus.CANCELLED else title.open_balance)

    @admin.action(description=_("Settle the chosen titles"), permissions=["settle"])
    def settle_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Liquidação múltipla: go to the page that shows count, totals and asks one date and account."""
        ids = list(queryset.values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(ids) > MOST_AT_ONCE:
            message = _("Choose at most %(most)s titles at once.") % {"most": MOST_AT_ONCE}
            self.message_user(request, message, messages.ERROR)
            return None
        asked = ",".join(str(pk) for pk in sorted(ids))
        return HttpResponseRedirect(f"{reverse('admin:receivables_title_settle-many')}?ids={asked}")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("receivables.settle_title")

    # The form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        adding = obj is None
        typed = adding or self.has_change_permission(request, obj)
        one = adding or obj.installment_count == 1
        due = "due_date" if typed and one else "due_shown"
        state = () if adding else ("status_chip",)
        return [
            (_("Identification"), {"fields": [
                *state, "document_number", ("entry_branch", "issuing_branch", "collecting_branch"),
                ("issued_on", "product"), ("origin_city", "destination_city")]}),
            (_("Parties"), {"fields": ["bill_to", "sender", "recipient"]}),
            (_("Collection"), {"fields": [
                ("billing_type", "pre_invoice_number"), ("payable_on_presentation", "has_attached_report"),
                *(() if adding else ("our_number",)), ("history_code", "account"), "payment_city"]}),
            (_("Amounts"), {"fields": [
                ("amount", "parts") if adding else ("amount", "received_amount", "difference"),
                ("insurance_amount", "icms_amount", "freight_bill_count")]}),
            (_("Dates"), {"fields": [due] if adding else [(due, "received_on", "cash_date")]}),
            (_("Notes"), {"fields": ["notes", *(("seen_version",) if typed and not adding else ())]}),
        ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return []
        shown = ["status_chip", "our_number", "received_amount", "difference", "received_on", "cash_date", "due_shown"]
        return shown if obj.installment_count == 1 else [*shown, "amount"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        """Leave out the fields of the form that this title's page does not show."""
        form = super().get_form(request, obj, change, **options)
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        form.base_fields = {name: field for name, field in form.base_fields.items() if name in shown}
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A user issues and keys in through his own branches; any active branch may collect."""
        if db_field.name in ("entry_branch", "issuing_branch"):
            options["queryset"] = branches_of(request.user)
        elif db_field.name == "collecting_branch":
            options["queryset"] = Branch.objects.filter(is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = {"issued_on": timezone.localdate(), **super().get_changeform_initial_data(request)}
        mine = list(branches_of(request.user)[:2])
        if len(mine) == 1:
            names = ("entry_branch", "issuing_branch", "collecting_branch")
            initial = {**dict.fromkeys(names, mine[0].pk), **initial}
        return initial

    @admin.display(description=_("our number"))
    def our_number(self, title: Title) -> str:
        """Never typed: it points at a collection already generated (S25)."""
        slips = BankSlip.objects.filter(installment__title=title).exclude(status=SlipStatus.SUPERSEDED)
        return ", ".join(slips.order_by("installment__number").values_list("our_number", flat=True)) or "—"

    @admin.display(description=_("difference"))
    def difference(self, title: Title) -> str:
        return written(title.difference_amount)

    @admin.display(description=_("due date"))
    def due_shown(self, title: Any) -> str:
        if title.installment_count > 1:
            return gettext("%(count)s installments, below") % {"count": title.installment_count}
        return written(title.next_due)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        by = Actor.person(request.user)
        if change:
            self._change(obj, form, by=by)
        else:
            obj.pk = self._issue(form, by=by).pk
            obj._state.adding = False

    @staticmethod
    def _change(title: Title, form: Any, *, by: Actor) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name != "seen_version"}
        seen = form.cleaned_data.get("seen_version")
        if changes:
            change_title(title_id=title.pk, changes=changes, version=title.version if seen is None else seen, by=by)

    @staticmethod
    def _issue(form: Any, *, by: Actor) -> Title:
        given = form.cleaned_data
        fields = {name: given[name] for name in TitleForm.Meta.fields if name != "amount"}
        plan = installment_plan(total=given["amount"], parts=given["parts"], first_due_date=given["due_date"])
        parts = [Part(due_date=parcel.due_date, amount=parcel.amount) for parcel in plan]
        return issue_title(fields=fields, parts=parts, by=by)

    # Related rows

    def related_tables(self, request: HttpRequest, row: Title) -> Sequence[Table]:
        offered = self.transitions["reissue"].is_offered(row, request.user)
        reissue_url = self._url("reissue", row.pk) if offered else ""
        return [installments_table(row, reissue_url=reissue_url), allocations_table(row), movements_table(row),
                slips_table(row), reissues_table(row)]  # fmt: skip
