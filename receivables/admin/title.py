"""Títulos: the list, the form with the fields of Alteração de Títulos (S1-S39), its buttons and its related rows.

Data are changed only while the title is pending (S3, S4, G.7); what each button asks is in `settlement` and `reversal`.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import ValidationError
from django.db.models import DateField, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import AuditedAdmin, branches_of
from receivables.admin.explain import reais, written
from receivables.admin.forms import DayField, MoneyField, ReasonField, RuleForm
from receivables.admin.reversal import ReversalForm, ReversePartForm, movements_table
from receivables.admin.settlement import (
    MOST_AT_ONCE,
    SettleForm,
    SettleManyForm,
    SettlePartForm,
    UseCreditForm,
    available_credit,
)
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.domain.due_dates import HORIZON_DAYS
from receivables.domain.errors import AmountNotPositive, DuplicateTitle, PartBelowOneCent, ReasonTooLong, ReasonTooShort
from receivables.domain.money import CENT, ZERO
from receivables.domain.plan import installment_plan
from receivables.models import (
    Actor,
    BankSlip,
    Branch,
    Direction,
    HistoryCode,
    Installment,
    LedgerAccount,
    Product,
    ReceiptAllocation,
    SlipStatus,
    Title,
    TitleStatus,
)
from receivables.services import access
from receivables.services.credit import use_credit
from receivables.services.reversal import reverse_share, reverse_title
from receivables.services.settlement import settle_installment, settle_title, settle_titles
from receivables.services.title import Part, cancel_title, change_due_dates, change_title, issue_title

PRESENTATION_DAYS = 15  # S21, S22
MOST_PARTS = 120
_MASK = re.compile(r"[.\-/\s]")


def next_due_date() -> Subquery:
    """Annotate a title with the due date of its first open installment, else of its last one."""
    rows = Installment.objects.filter(title=OuterRef("pk"))
    nearest = rows.filter(balance__gt=0).order_by("due_date").values("due_date")[:1]
    last = rows.order_by("-due_date").values("due_date")[:1]
    return Coalesce(Subquery(nearest), Subquery(last), output_field=DateField())


def balance() -> Subquery:
    """Annotate a title with what is open of it, in reais."""
    rows = Installment.objects.filter(title=OuterRef("pk")).order_by().values("title").annotate(open=Sum("balance"))
    return Coalesce(Subquery(rows.values("open")), Value(ZERO))


class DueFilter(admin.SimpleListFilter):
    """Overdue, due today, in 7 and in 30 days: of the open installments."""

    title = _("due date")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("overdue", _("Overdue")), ("today", _("Due today")), ("7", _("Due in 7 days")),
                ("30", _("Due in 30 days"))]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localdate()
        spans = {
            "overdue": Q(due_date__lt=today),
            "today": Q(due_date=today),
            "7": Q(due_date__gte=today, due_date__lte=today + timedelta(days=7)),
            "30": Q(due_date__gte=today, due_date__lte=today + timedelta(days=HORIZON_DAYS)),
        }
        if self.value() not in spans:
            return queryset
        return queryset.open().filter(
            Exists(Installment.objects.filter(spans[self.value()], title=OuterRef("pk"), balance__gt=0))
        )


class BranchFilter(admin.SimpleListFilter):
    """The collecting branch, among the user's."""

    title = _("collecting branch")
    parameter_name = "branch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(branch.pk), str(branch)) for branch in branches_of(request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value() or ""
        return queryset.filter(collecting_branch=int(value)) if value.isascii() and value.isdigit() else queryset


class TitleForm(RuleForm):
    """S9-S39. Due date and amount stand here for a title of one installment (G.21); a new title may have a plan."""

    error_fields: ClassVar = {
        DuplicateTitle.code: "document_number",
        PartBelowOneCent.code: "parts",
        AmountNotPositive.code: "amount",
    }

    due_date = DayField(label=_("due date"))
    amount = MoneyField(label=_("invoice amount"), least=CENT, max_digits=15, decimal_places=2)
    parts = forms.IntegerField(
        label=_("number of installments"), initial=1, min_value=1, max_value=MOST_PARTS,
        help_text=_("Monthly, from the due date on; the cents that do not divide go into the first ones."),
    )  # fmt: skip
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Title
        fields: ClassVar = [
            "document_number", "entry_branch", "issuing_branch", "collecting_branch", "issued_on", "product",
            "origin_city", "destination_city", "sender", "recipient", "bill_to", "billing_type",
            "payable_on_presentation", "has_attached_report", "pre_invoice_number", "history_code", "payment_city",
            "account", "amount", "insurance_amount", "icms_amount", "freight_bill_count", "notes",
        ]  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limit_choices()
        if self.instance.pk:
            only = self.instance.installments.order_by("number").first()
            for name, value in (("version", self.instance.version), ("due_date", only and only.due_date)):
                if name in self.fields:
                    self.fields[name].initial = value

    def _limit_choices(self) -> None:
        """Offer active codes, and the one that the title has already."""
        active = {"product": Product, "account": LedgerAccount, "history_code": HistoryCode}
        for name, model in active.items():
            if name in self.fields:
                now = getattr(self.instance, f"{name}_id")
                self.fields[name].queryset = model.objects.filter(Q(is_active=True) | Q(pk=now))
        if "history_code" in self.fields:
            self.fields["history_code"].queryset = self.fields["history_code"].queryset.filter(
                direction=Direction.CREDIT
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        due, issued = cleaned.get("due_date"), cleaned.get("issued_on")
        if due and issued and due < issued:
            self.add_error("due_date", _("The due date is before the issue date. Enter that date or a later one."))
        if cleaned.get("payable_on_presentation"):
            self._check_presentation(due, issued, parts=cleaned.get("parts") or 1)
        return cleaned

    def _check_presentation(self, due: date | None, issued: date | None, *, parts: int) -> None:
        """A title payable on presentation falls due at most 15 days after its issue (S21, S22)."""
        if parts > 1:
            self.add_error("parts", _("A title payable on presentation has one installment."))
        if due and issued and due > issued + timedelta(days=PRESENTATION_DAYS):
            last = issued + timedelta(days=PRESENTATION_DAYS)
            message = gettext("A title payable on presentation falls due until %(last)s, 15 days after its issue.")
            self.add_error("due_date", ValidationError(message % {"last": written(last)}, code="presentation"))


class CancelForm(TransitionForm):
    """Cancelling a whole title before any receipt (G.14)."""

    confirm = _("Cancel the title")
    error_fields: ClassVar = {ReasonTooShort.code: "reason", ReasonTooLong.code: "reason"}

    reason = ReasonField()

    def what_is(self) -> Sequence[Line]:
        return [(_("Customer"), self.row.bill_to), (_("Amount"), reais(self.row.amount)),
                (_("Status"), self.row.get_status_display())]  # fmt: skip

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Status"), TitleStatus.CANCELLED.label), (_("Receipts"), _("None is accepted any more."))]

    def values(self) -> dict[str, Any]:
        return {"title_id": self.row.pk, "reason": self.cleaned_data["reason"]}

    def done(self, result: Title) -> str:
        return _("Title %(title)s cancelled. It is on no till any more.") % {"title": result}


class DueDatesForm(TransitionForm):
    """The due dates of a pending title's installments (S3, G.7)."""

    confirm = _("Save the due dates")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows = list(self.row.installments.order_by("number"))
        for row in self.rows:
            self.fields[f"due_{row.pk}"] = DayField(label=_("due date"), initial=row.due_date)
            self.fields[f"due_{row.pk}"].label = f"{row.label} · {reais(row.amount)}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for row in self.rows:
            day = cleaned.get(f"due_{row.pk}")
            if day and day < self.row.issued_on:
                self.add_error(
                    f"due_{row.pk}", _("The due date is before the issue date. Enter that date or a later one.")
                )
        return cleaned

    def values(self) -> dict[str, Any]:
        days = {row.pk: self.cleaned_data[f"due_{row.pk}"] for row in self.rows}
        return {
            "title_id": self.row.pk,
            "due_dates": {row.pk: days[row.pk] for row in self.rows if days[row.pk] != row.due_date},
        }

    def done(self, result: Title) -> str:
        return _("The due dates of title %(title)s were saved.") % {"title": result}


def _may_use_credit(user: Any, title: Title) -> None:
    access.require_settlement(user, title, "receivables.use_credit")


def _may_reverse(user: Any, title: Title) -> None:
    access.require_settlement(user, title, "receivables.reverse_receipt")


def _may_settle_many(user: Any, _title: None) -> None:
    access.require(user, "receivables.settle_title")


@admin.register(Title)
class TitleAdmin(TransitionAdmin, AuditedAdmin):
    form = TitleForm
    list_display = ("status_chip", "document_number", "bill_to", "branches", "next_due", "amount", "open_balance")
    list_display_links = ("document_number",)
    list_filter = ("status", DueFilter, BranchFilter)
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
        rows = super().get_queryset(request).visible_to(request.user)
        return rows.annotate(next_due=next_due_date(), open_balance=balance())

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
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        bare = _MASK.sub("", term).upper()
        found = Q(document_number__istartswith=term) | Q(bill_to__name__icontains=term)
        if bare:
            slips = BankSlip.objects.filter(our_number__startswith=bare)
            found |= Q(bill_to__document__startswith=bare) | Q(pk__in=slips.values("installment__title"))
        return queryset.filter(found), False

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, title: Title) -> SafeString:
        return chip(title.status, title.get_status_display())

    @admin.display(description=_("branches (entry/issuing/collecting)"))
    def branches(self, title: Title) -> str:
        codes = (title.entry_branch.code, title.issuing_branch.code, title.collecting_branch.code)
        return codes[0] if len(set(codes)) == 1 else " / ".join(codes)

    @admin.display(description=_("due date"))
    def next_due(self, title: Any) -> date:
        return title.next_due

    @admin.display(description=_("balance"))
    def open_balance(self, title: Any) -> str:
        return written(title.open_balance)

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
            (_("Notes"), {"fields": ["notes", *(("version",) if typed and not adding else ())]}),
        ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
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
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name != "version"}
        seen = form.cleaned_data.get("version")
        if changes:
            change_title(
                title_id=title.pk, changes=changes, version=title.version if seen is None else seen, by=by
            )

    @staticmethod
    def _issue(form: Any, *, by: Actor) -> Title:
        given = form.cleaned_data
        fields = {name: given[name] for name in TitleForm.Meta.fields if name != "amount"}
        plan = installment_plan(total=given["amount"], parts=given["parts"], first_due_date=given["due_date"])
        parts = [Part(due_date=parcel.due_date, amount=parcel.amount) for parcel in plan]
        return issue_title(fields=fields, parts=parts, by=by)

    # Related rows

    def related_tables(self, request: HttpRequest, row: Title) -> Sequence[Table]:
        return [installments_table(row), allocations_table(row), movements_table(row), slips_table(row)]


_OPEN = (TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED)


def installments_table(title: Title) -> Table:
    """Give the parcels of a title."""
    table = Table(
        _("Installments"), [_("number"), _("status"), _("due date"), _("amount"), _("balance"), _("our number")],
        _("Installments appear here when the title is issued."),
    )  # fmt: skip
    slips = dict(
        BankSlip.objects.filter(installment__title=title)
        .exclude(status=SlipStatus.SUPERSEDED)
        .values_list("installment_id", "our_number")
    )
    return table.fill(
        [link(row, row.label), chip(row.status, row.get_status_display()), row.due_date, row.amount, row.balance,
         slips.get(row.pk)]
        for row in title.installments.select_related("title").order_by("number")
    )  # fmt: skip


def allocations_table(title: Title) -> Table:
    """Give what each receipt paid of a title, and what was undone, when and why."""
    table = Table(
        _("Receipts"),
        [_("receipt"), _("receipt date"), _("installment"), _("principal"), _("interest"), _("fine"), _("discount"),
         _("origin"), _("reversal")],
        _("Nothing was received yet. Use Settle."),
    )  # fmt: skip
    rows = ReceiptAllocation.objects.filter(title=title).annotate(
        undone_on=F("reversal_line__reversal__reversed_on"), undone_because=F("reversal_line__reversal__reason")
    )
    return table.fill(
        [link(row.receipt, row.receipt.label), row.receipt.received_on, row.installment.label, row.principal,
         row.interest, row.fine, row.discount, row.receipt.get_origin_display(),
         f"{written(row.undone_on)} · {row.undone_because}" if row.undone_on else None]
        for row in rows.select_related("receipt", "installment__title").order_by("pk")
    )  # fmt: skip


def slips_table(title: Title) -> Table:
    """Give the bank slips of a title, superseded ones as well (G.12)."""
    table = Table(
        _("Bank slips"), [_("our number"), _("installment"), _("status"), _("due date"), _("amount"), _("short account")],
        _("No bank collection was made of this title."),
    )  # fmt: skip
    rows = BankSlip.objects.filter(installment__title=title).select_related("installment__title", "account")
    return table.fill(
        [link(row, row.our_number), row.installment.label, chip(row.status, row.get_status_display()), row.due_date,
         row.amount, row.account]
        for row in rows.order_by("-pk")
    )  # fmt: skip
