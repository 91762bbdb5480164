"""Alteração de Títulos as a form: its fields in SC's groups, what is shown and never typed, how it is saved (S1-S39).

What is not typed looks like text; due date, slip and balance stand in place where there is one installment (G.21).
"""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import AuditedAdmin, branches_of
from receivables.admin.explain import explain, written
from receivables.admin.history import told_since
from receivables.admin.title_forms import TitleForm
from receivables.domain.errors import ChangedMeanwhile, TitleNotPending
from receivables.domain.plan import installment_plan
from receivables.models import Actor, BankSlip, Branch, SlipStatus, Title, TitleStatus
from receivables.services.title import Part, change_title, issue_title


class TitlePage(AuditedAdmin):
    """The form of a title; its buttons, its list and its tables are in `title`."""

    form = TitleForm
    has_tabs = True
    autocomplete_fields = ("entry_branch", "issuing_branch", "collecting_branch", "sender", "recipient", "bill_to",
                           "origin_city", "destination_city", "payment_city", "product", "history_code",
                           "account")  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self._groups_to_issue()
        typed, one = self.has_change_permission(request, obj), obj.installment_count == 1
        due = "due_date" if typed and one else "due_shown"
        ticks = ("payable_on_presentation" if typed and one else "presentation_told",
                 "has_attached_report" if typed else "report_told")  # fmt: skip
        return [
            (_("Identification"), {"fields": [
                ("status_chip", "document_number", "issued_on", "product"),
                ("entry_branch", "issuing_branch", "collecting_branch"), ("origin_city", "destination_city")]}),
            (_("Parties"), {"fields": [("bill_to", "sender", "recipient")]}),
            (_("Collection"), {"fields": [
                ("billing_type", "pre_invoice_number", "our_number", "payment_city"),
                ("history_code", "account", ticks[1])]}),
            (_("Amounts"), {"fields": [
                ("amount", "received_amount", "open_balance", "difference"),
                ("insurance_amount", "icms_amount", "freight_bill_count")]}),
            (_("Dates"), {"fields": [(due, ticks[0], "received_on", "cash_date")]}),
            (_("Notes"), {"fields": ["notes", *(("seen_version",) if typed else ())]}),
        ]  # fmt: skip

    @staticmethod
    def _groups_to_issue() -> list[Any]:
        return [
            (_("Identification"), {"fields": [
                ("document_number", "issued_on", "product"), ("entry_branch", "issuing_branch", "collecting_branch"),
                ("origin_city", "destination_city")]}),
            (_("Parties"), {"fields": [("bill_to", "sender", "recipient")]}),
            (_("Collection"), {"fields": [
                ("billing_type", "pre_invoice_number", "history_code", "account"),
                ("payment_city", "has_attached_report")]}),
            (_("Amounts"), {"fields": [("amount", "insurance_amount", "icms_amount", "freight_bill_count")]}),
            (_("Dates"), {"fields": [("due_date", "payable_on_presentation", "parts")]}),
            (_("Notes"), {"fields": ["notes"]}),
        ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return []
        shown = ["status_chip", "our_number", "received_amount", "open_balance", "difference", "received_on",
                 "cash_date", "due_shown", "presentation_told", "report_told"]  # fmt: skip
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

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show or save a title; who saves after a colleague settled it is told so, not only that he may not."""
        if request.method == "POST" and object_id is not None:
            title, seen = self.get_row(request, object_id), request.POST.get("seen_version", "")
            if seen.isdecimal() and title.status != TitleStatus.PENDING:
                late = TitleNotPending(title=told_since(title, int(seen)), status=title.get_status_display())
                raise PermissionDenied(explain(late))
        return super().changeform_view(request, object_id, form_url, extra_context)

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
            text = gettext("%(count)s installments") % {"count": title.installment_count}
            return format_html('<a href="#tab-1">{}</a>', text)
        return written(title.next_due)

    @admin.display(description=_("payable on presentation"))
    def presentation_told(self, title: Title) -> str:
        return written(title.payable_on_presentation)

    @admin.display(description=_("attached report"))
    def report_told(self, title: Title) -> str:
        return written(title.has_attached_report)

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
        version = title.version if seen is None else seen
        if not changes:
            return
        try:
            change_title(title_id=title.pk, changes=changes, version=version, by=by)
        except ChangedMeanwhile as broken:
            raise ChangedMeanwhile(what=told_since(Title.objects.get(pk=title.pk), version)) from broken

    @staticmethod
    def _issue(form: Any, *, by: Actor) -> Title:
        given = form.cleaned_data
        fields = {name: given[name] for name in TitleForm.Meta.fields if name != "amount"}
        plan = installment_plan(total=given["amount"], parts=given["parts"], first_due_date=given["due_date"])
        parts = [Part(due_date=parcel.due_date, amount=parcel.amount) for parcel in plan]
        return issue_title(fields=fields, parts=parts, by=by)
