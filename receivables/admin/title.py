"""Títulos: the list, the form with the fields of Alteração de Títulos (S1-S39), its buttons and its related rows.

Data are changed only while the title is pending (S3, S4, G.7). What each button asks is in `settlement`, `reversal`
and `reissue`.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.branch_switch import onlooker
from receivables.admin.credit import UseCreditForm, available_credit
from receivables.admin.explain import written
from receivables.admin.finding import find_titles
from receivables.admin.reissue import ReissueForm, nothing_to_reissue, reissues_table
from receivables.admin.reversal import ReversalForm, asks_about_closed_cash
from receivables.admin.reversal_part import ReversePartForm
from receivables.admin.reversal_refusals import nothing_to_reverse
from receivables.admin.settlement import SettleForm
from receivables.admin.settlement_batch import MOST_AT_ONCE, SettleManyForm, to_settle_many
from receivables.admin.settlement_part import SettlePartForm
from receivables.admin.tables import Table, change_url, chip
from receivables.admin.title_forms import CancelForm, DueDatesForm
from receivables.admin.title_list import (
    SHORT_STATUS,
    CollectingBranchFilter,
    DueFilter,
    SituationFilter,
    TitleFilter,
    days_overdue,
    with_columns,
)
from receivables.admin.title_page import TitlePage
from receivables.admin.title_print import sheet_of
from receivables.admin.title_tables import allocations_table, installments_table, movements_table, slips_table
from receivables.admin.transitions import Transition, TransitionAdmin
from receivables.models import Title, TitleStatus
from receivables.reports import totals_of_titles
from receivables.services import access
from receivables.services.credit import use_credit
from receivables.services.reissue import reissuable, reissue_bank_collection
from receivables.services.reversal import reverse_share, reverse_title
from receivables.services.settlement import settle_installment, settle_title, settle_titles
from receivables.services.title import cancel_title, change_due_dates

_OPEN = (TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED)


def _may_use_credit(user: Any, title: Title) -> None:
    access.require_settlement(user, title, "receivables.use_credit")


def _may_reverse(user: Any, title: Title) -> None:
    access.require_settlement(user, title, "receivables.reverse_receipt")


def _may_settle_many(user: Any, _title: None) -> None:
    access.require(user, "receivables.settle_title")


@admin.register(Title)
class TitleAdmin(TransitionAdmin, TitlePage):
    list_display = ("standing", "document_number", "customer", "branches", "next_due", "amount", "open_balance")
    list_display_links = ("document_number",)
    list_filter = (("status", SituationFilter), DueFilter, CollectingBranchFilter, TitleFilter)
    list_select_related = ("bill_to", "entry_branch", "issuing_branch", "collecting_branch")
    search_fields = ("document_number",)
    search_help_text = _("Document, name, CPF/CNPJ, Nosso Número: 3 letters or more")
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
            applies=lambda title: title.status == TitleStatus.SETTLED, why_not=nothing_to_reverse,
            step_up=asks_about_closed_cash, template="admin/quita/reversal.html",
        ),
        "reverse-part": Transition(
            label=_("Reverse a part"), form=ReversePartForm, service=reverse_share, verb="reopen_part",
            require=_may_reverse, applies=lambda title: title.status == TitleStatus.PARTIALLY_SETTLED,
            why_not=nothing_to_reverse, step_up=asks_about_closed_cash, template="admin/quita/reversal.html",
        ),
        "reissue": Transition(
            label=_("New bank collection"), form=ReissueForm, service=reissue_bank_collection,
            require=access.require_reissue, applies=lambda title: reissuable(title.pk).exists(),
            why_not=nothing_to_reissue,
        ),
        "due-dates": Transition(
            label=_("Change due dates"), form=DueDatesForm, service=change_due_dates, require=access.require_change,
            applies=lambda title: title.status == TitleStatus.PENDING and title.installment_count > 1, is_rare=True,
        ),
        "cancel": Transition(
            label=_("Cancel the title"), form=CancelForm, service=cancel_title, verb="cancel",
            require=access.require_change, is_rare=True,
        ),
    }  # fmt: skip
    desk_transitions: ClassVar = {
        "settle-many": Transition(
            label=_("Several titles at once"), form=SettleManyForm, service=settle_titles, require=_may_settle_many,
            applies=lambda _title: False,  # its place is in the menu and in the action of the list
            goes_to=to_settle_many, template="admin/quita/settle_many.html",
        ),
    }  # fmt: skip

    # Who sees and changes what (G.19)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows: Any = super().get_queryset(request)
        return with_columns(rows.visible_to(onlooker(request)))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a pending title is typed into (S3, S4), and through its issuing branch."""
        if not super().has_change_permission(request, obj):
            return False
        return obj is None or (
            obj.status == TitleStatus.PENDING and access.has_branch(request.user, obj.issuing_branch)
        )

    # The list

    find = staticmethod(find_titles)

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, title: Title) -> SafeString:
        """The situação in words (S10); how many days an open title is late has its own chip in the list."""
        return chip(title.status, title.get_status_display())

    @admin.display(description=_("status"), ordering="status")
    def standing(self, title: Any) -> SafeString:
        """The situação, and for how many days an open title is overdue: none while it is still payable (G.17)."""
        days = days_overdue(title, on=timezone.localdate())
        if not days:
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
        return HttpResponseRedirect(f"{to_settle_many()}?ids={asked}")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("receivables.settle_title")

    # On paper

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.print_view)
        return [path("<int:object_id>/print/", view, name="receivables_title_print"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        has_page = object_id is not None and object_id.isdecimal()  # whatever else is typed there is not found
        printed = [{"name": "print", "label": _("Print"), "url": self._url("print", object_id)}] if has_page else []
        context = {"links": printed, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def print_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show a title as it goes to its customer (S39)."""
        title = self.get_row(request, str(object_id))
        context = {"title_row": title, "sheet": sheet_of(title), "printed_at": timezone.localtime(),
                   "back": change_url(title), "site_title": self.admin_site.site_title}  # fmt: skip
        return TemplateResponse(request, "print/title.html", context)

    # Related rows

    def related_tables(self, request: HttpRequest, row: Title) -> Sequence[Table]:
        offered = self.transitions["reissue"].is_offered(row, request.user)
        reissue_url = self._url("reissue", row.pk) if offered else ""
        return [installments_table(row, reissue_url=reissue_url), allocations_table(row), movements_table(row),
                slips_table(row), reissues_table(row)]  # fmt: skip
