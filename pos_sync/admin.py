"""Caixas (PDV): devices and their states, pairing codes, operators, policies; and the inbox, shown as it arrived."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from pos_sync import import_page, trail, words  # noqa: F401 - what tills add to the trail and the pages
from pos_sync.models import (
    Device,
    DeviceState,
    Operation,
    OperationConflict,
    OperationState,
    PairingCode,
    RawBatch,
    Snapshot,
    SyncRun,
    TillOperator,
    TillPolicy,
)
from pos_sync.reports import silent_on
from pos_sync.services.devices import DeviceReasonMissing, TillInUse, change_device_state
from pos_sync.services.pairing import FreshCode, InvalidTill, PaymentMethodsMissing, UnknownBranch, make_pairing_code
from receivables.admin.base import AuditedAdmin, ReadOnlyAdmin, branches_of
from receivables.admin.divergence import pretty
from receivables.admin.explain import MOVES, WORDS, reais, written
from receivables.admin.filters import filter_in_words
from receivables.admin.forms import MoneyField, RuleForm
from receivables.admin.menu import MENU, PARAMETERS, Entry, Section
from receivables.admin.parameters import ParameterSetAdmin
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.domain.money import format_brl, from_cents, to_cents
from receivables.models import Branch, PaymentMethod
from receivables.services import access

MENU.append(Section(70, _("Tills (POS)"), [
    Entry(_("Tills"), "pos_sync_device"),
    Entry(_("Operators"), "pos_sync_tilloperator"),
    Entry(_("Pairing codes"), "pos_sync_pairingcode"),
    Entry(_("Operations received"), "pos_sync_operation"),
    Entry(_("Import operations"), page="import_operations"),
    Entry(_("Copies with other content"), "pos_sync_operationconflict"),
    Entry(_("Batches kept raw"), "pos_sync_rawbatch"),
    Entry(_("Synchronisations"), "pos_sync_syncrun"),
    Entry(_("Snapshots"), "pos_sync_snapshot"),
], key="v"))  # fmt: skip
PARAMETERS.entries.append(Entry(_("Till policies"), "pos_sync_tillpolicy"))

WORDS.update({choice.value: choice.label for states in (DeviceState, OperationState) for choice in states})
MOVES.update(words.MOVES)

_PIN = re.compile(r"[0-9]{4,8}")


class CentsField(MoneyField):
    """Reais on the screen, integer cents in the column."""

    def prepare_value(self, value: Any) -> Any:
        return format_brl(from_cents(value)) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        amount = super().clean(value)
        return None if amount is None else to_cents(amount)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial) != data


# Policies and operators


class TillPolicyForm(RuleForm):
    """Where tills may receive without the server, and how much."""

    max_receipt_cents = CentsField(
        label=_("offline ceiling per receipt"), initial=TillPolicy._meta.get_field("max_receipt_cents").default,
        help_text=_("The most that one receipt takes without the server."),
    )  # fmt: skip
    max_pending_cents = CentsField(
        label=_("offline ceiling pending"), initial=TillPolicy._meta.get_field("max_pending_cents").default,
        help_text=_("The most that a till holds before it must reach the server."),
    )  # fmt: skip
    offline_methods = forms.ModelMultipleChoiceField(
        PaymentMethod.objects.filter(is_active=True), label=_("means of payment allowed offline"), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    class Meta:
        model = TillPolicy
        fields: ClassVar = ["parameter_set", "scope", "max_receipt_cents", "max_pending_cents", "warn_age_hours",
                            "stop_age_hours", "offline_methods"]  # fmt: skip
        help_texts: ClassVar = {
            "scope": _("Which titles a till takes with it: those of its own branch, or of the whole company."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        warn, stop = cleaned.get("warn_age_hours"), cleaned.get("stop_age_hours")
        if warn is not None and stop is not None and stop < warn:
            self.add_error("stop_age_hours", _("A till warns before it stops: enter at least the warning’s hours."))
        return cleaned


class TillPolicyInline(admin.StackedInline):
    """The tills' part of a parameter set, on the set's own page (G.13)."""

    model = TillPolicy
    form = TillPolicyForm
    template = "admin/quita/part.html"
    max_num = extra = 1
    can_delete = False
    fieldsets = (
        (_("Tills (POS)"), {"fields": (
            ("scope", "max_receipt_cents", "max_pending_cents"), ("warn_age_hours", "stop_age_hours"),
            "offline_methods",
        )}),
    )  # fmt: skip


ParameterSetAdmin.inlines = [*ParameterSetAdmin.inlines, TillPolicyInline]


@admin.register(TillPolicy)
class TillPolicyAdmin(AuditedAdmin):
    form = TillPolicyForm
    list_display = ("parameter_set", "scope", "receipt_ceiling", "pending_ceiling", "warn_age_hours", "stop_age_hours")
    list_select_related = ("parameter_set",)
    fixed_once_made = ("parameter_set",)

    @admin.display(description=_("offline ceiling per receipt"))
    def receipt_ceiling(self, policy: TillPolicy) -> str:
        return reais(from_cents(policy.max_receipt_cents))

    @admin.display(description=_("offline ceiling pending"))
    def pending_ceiling(self, policy: TillPolicy) -> str:
        return reais(from_cents(policy.max_pending_cents))


class TillOperatorForm(RuleForm):
    """The PIN is typed twice, kept as a slow hash that tills can check offline, and never shown."""

    pin = forms.CharField(
        label=_("PIN"), required=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Four to eight digits. Left blank, the PIN stays as it is."),
    )  # fmt: skip
    pin_again = forms.CharField(
        label=_("PIN again"), required=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = TillOperator
        fields: ClassVar = ["branch", "code", "name", "is_active", "is_supervisor"]

    def clean_pin(self) -> str:
        pin = self.cleaned_data["pin"]
        if not pin and not self.instance.pk:
            raise forms.ValidationError(_("Enter the PIN that the operator will type at the till."))
        if pin and not _PIN.fullmatch(pin):
            raise forms.ValidationError(_("A PIN has four to eight digits and nothing else."))
        return pin

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("pin", "") != cleaned.get("pin_again", "") and "pin" not in self.errors:
            self.add_error("pin_again", _("The two PINs are not the same. Type them again."))
        return cleaned


def pin_hash(pin: str) -> str:
    """Hash a PIN in Django's PBKDF2 format, whatever the server's own passwords use: tills know no other."""
    hasher = PBKDF2PasswordHasher()
    return hasher.encode(pin, hasher.salt())


@admin.register(TillOperator)
class TillOperatorAdmin(AuditedAdmin):
    form = TillOperatorForm
    branch_lookups = ("branch",)
    list_display = ("code", "name", "branch", "is_supervisor", "is_active")
    list_filter = ("branch", "is_active", "is_supervisor")
    list_select_related = ("branch",)
    search_fields = ("code", "name")
    fixed_once_made = ("branch", "code")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        typed = obj is None or self.has_change_permission(request, obj)
        return ["branch", "code", "name", "is_active", "is_supervisor", *(("pin", "pin_again") if typed else ())]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        if form.cleaned_data["pin"]:
            obj.pin_hash = pin_hash(form.cleaned_data["pin"])
        super().save_model(request, obj, form, change)


# Devices


class DeviceForm(TransitionForm):
    """Why the state of a device changes."""

    state: ClassVar[str]
    error_fields: ClassVar = {DeviceReasonMissing.code: "reason", TillInUse.code: "reason"}

    reason = forms.CharField(label=_("reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def what_is(self) -> Sequence[Line]:
        contact = getattr(self.row, "contact", None)
        return [
            (_("Till"), self.row),
            (_("State"), self.row.get_state_display()),
            (_("Last contact"), written(contact.last_contact_at if contact else None)),
            (_("Amount pending at the till"), reais(from_cents(contact.pending_sum_cents)) if contact else "—"),
        ]

    def values(self) -> dict[str, Any]:
        return {"device_id": str(self.row.pk), "state": self.state, "reason": self.cleaned_data["reason"]}

    def done(self, result: Device) -> str:
        return _("Till %(till)s is now %(state)s.") % {"till": result, "state": result.get_state_display()}


class SuspendForm(DeviceForm):
    state = DeviceState.SUSPENDED
    confirm = _("Suspend")

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Till"), _("It downloads nothing; what it sends is kept in quarantine until somebody approves it."))]


class RevokeForm(DeviceForm):
    state = DeviceState.REVOKED
    confirm = _("Revoke")

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Till"), _("Lost or stolen: it is told to erase its data; what it sends is kept in quarantine."))]


class ActivateForm(DeviceForm):
    state = DeviceState.ACTIVE
    confirm = _("Activate")

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Till"), _("It works again; what is in quarantine waits for an approval."))]


class PairForm(TransitionForm):
    """The code that pairs a till: shown once, valid for ten minutes."""

    confirm = _("Make the code")
    error_fields: ClassVar = {
        InvalidTill.code: "till",
        UnknownBranch.code: "branch",
        PaymentMethodsMissing.code: "branch",
    }

    branch = forms.ModelChoiceField(Branch.objects.none(), label=_("branch"))
    till = forms.CharField(label=_("till"), max_length=10, help_text=_("Like 03."))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["branch"].queryset = branches_of(self.user)

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Till"), _("The former device of this till is replaced when the code is used, not before."))]

    def values(self) -> dict[str, Any]:
        return {"branch_code": self.cleaned_data["branch"].code, "till": self.cleaned_data["till"]}

    def done(self, result: FreshCode) -> str:
        message = _(
            "Code of till %(till)s of %(branch)s: %(code)s. Type it at the till until %(until)s; it is not shown again."
        )
        return message % {
            "till": result.till,
            "branch": result.branch,
            "code": result.code,
            "until": written(result.expires_at),
        }


class ContactFilter(admin.SimpleListFilter):
    """Tills in use that have not synchronised today."""

    title = _("contact")
    parameter_name = "contact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("silent", _("Without contact today"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return silent_on(queryset, on=timezone.localdate()) if self.value() == "silent" else queryset


def _may_manage(user: Any, device: Device | None) -> None:
    access.require(user, "pos_sync.manage_devices")
    if device is not None:
        access.require_branch(user, device.branch)


@admin.register(Device)
class DeviceAdmin(TransitionAdmin, ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("branch", "till", "receipt_series", "state_chip", "last_contact", "pending", "paired_at",
                    "software")  # fmt: skip
    list_display_links = ("till",)
    list_filter = ("state", ContactFilter, "branch")
    list_select_related = ("branch", "contact")
    search_fields = ("till", "software")
    fields = (("branch", "till", "receipt_series", "state_chip"), ("software", "epoch", "paired_at", "replaced_at"),
              "state_reason", ("last_contact", "data_as_of", "pending"))  # fmt: skip
    transitions: ClassVar = {
        "suspend": Transition(
            label=_("Suspend"), form=SuspendForm, service=change_device_state, verb="suspend", require=_may_manage
        ),
        "revoke": Transition(
            label=_("Revoke"), form=RevokeForm, service=change_device_state, verb="revoke", require=_may_manage
        ),
        "activate": Transition(
            label=_("Activate"), form=ActivateForm, service=change_device_state, verb="activate", require=_may_manage
        ),
    }
    desk_transitions: ClassVar = {
        "pair": Transition(label=_("Pair a till"), form=PairForm, service=make_pairing_code, require=_may_manage),
    }

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, device: Device) -> SafeString:
        return chip(device.state, device.get_state_display())

    @admin.display(description=_("last contact"))
    def last_contact(self, device: Device) -> str:
        contact = getattr(device, "contact", None)
        return written(contact.last_contact_at if contact else None)

    @admin.display(description=_("data as of"))
    def data_as_of(self, device: Device) -> str:
        contact = getattr(device, "contact", None)
        return written(contact.snapshot_as_of if contact else None)

    @admin.display(description=_("pending"))
    def pending(self, device: Device) -> str:
        contact = getattr(device, "contact", None)
        return f"{contact.pending_count} · {reais(from_cents(contact.pending_sum_cents))}" if contact else "—"

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        table = Table(
            _("Operations, newest first"), [_("sequence"), _("kind"), _("state"), _("reason"), _("received at")],
            _("This till has sent nothing yet."),
        )  # fmt: skip
        operations = row.operations.order_by("-pk")[:50]
        return [
            table.fill(
                [link(each, written(each.seq)), _in_words(words.KINDS, each.kind),
                 chip(each.state, each.get_state_display()), _in_words(words.REASONS, each.reason), each.received_at]
                for each in operations
            )
        ]  # fmt: skip


@admin.register(PairingCode)
class PairingCodeAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("branch", "till", "created_at", "created_by", "expires_at", "device")
    list_select_related = ("branch", "device__branch")
    fields = (("branch", "till"), ("created_at", "created_by", "expires_at"), "device")


# The inbox


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    branch_lookups = ("device__branch",)
    list_display = ("op_id", "device", "seq", "told_kind", "state_chip", "told_reason", "told_flags", "received_at")
    list_filter = ("state", ("kind", filter_in_words(words.KINDS)), ("reason", filter_in_words(words.REASONS)),
                   "received_at", "device__branch")  # fmt: skip
    list_select_related = ("device__branch",)
    search_fields = ("op_id__startswith",)
    fields = (("op_id", "device", "epoch", "seq"), ("told_kind", "state_chip", "told_reason", "told_flags"),
              ("received_at", "effective_at", "attempts"), "told_outcome", "told_raw")  # fmt: skip

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, operation: Operation) -> SafeString:
        return chip(operation.state, operation.get_state_display())

    @admin.display(description=_("kind"), ordering="kind")
    def told_kind(self, operation: Operation) -> str:
        return _in_words(words.KINDS, operation.kind)

    @admin.display(description=_("reason"), ordering="reason")
    def told_reason(self, operation: Operation) -> str:
        return _in_words(words.REASONS, operation.reason)

    @admin.display(description=_("flags"))
    def told_flags(self, operation: Operation) -> str:
        return written([_in_words(words.FLAGS, flag) for flag in operation.flags])

    @admin.display(description=_("outcome"))
    def told_outcome(self, operation: Operation) -> SafeString:
        return pretty(operation.outcome)

    @admin.display(description=_("raw operation"))
    def told_raw(self, operation: Operation) -> SafeString:
        return _as_it_came(operation.raw)

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        table = Table(
            _("Copies with other content"), [_("posted at"), _("device"), _("sequence")],
            _("No copy with other content arrived."),
        )  # fmt: skip
        rows = row.conflicts.select_related("device__branch").order_by("pk")
        return [table.fill([link(each, written(each.posted_at)), each.device, each.seq] for each in rows)]


def _in_words(table: Mapping[str, Any], code: str) -> str:
    """Give the words for a code; one that has none is shown as it came."""
    return str(table.get(code, code)) or "—"


def _as_it_came(raw: str) -> SafeString:
    """Show a raw operation character by character: it is evidence."""
    return format_html("<pre>{}</pre>", raw)


@admin.register(OperationConflict)
class OperationConflictAdmin(ReadOnlyAdmin):
    branch_lookups = ("device__branch",)
    list_display = ("operation", "device", "seq", "posted_at")
    list_select_related = ("operation", "device__branch")
    fields = (("operation", "device", "seq", "posted_at"), "told_raw")

    @admin.display(description=_("raw operation"))
    def told_raw(self, conflict: OperationConflict) -> SafeString:
        return _as_it_came(conflict.raw)


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("as_of", "branch", "business_date", "page_size", "expires_at", "snapshot_id")
    list_filter = ("branch",)
    list_select_related = ("branch",)
    fields = (("snapshot_id", "branch", "epoch"), ("business_date", "page_size"), ("as_of", "expires_at"))


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("began_at", "branch", "why", "told_result", "rows", "size", "duration_ms", "error")
    list_filter = ("result", "why", "branch")
    list_select_related = ("branch",)
    fields = (("began_at", "branch", "business_date"), ("why", "told_result", "error"), ("rows", "size", "duration_ms"),
              "snapshot")  # fmt: skip

    @admin.display(description=_("result"), ordering="result")
    def told_result(self, run: SyncRun) -> SafeString:
        tone = "applied" if run.result == SyncRun.Result.BUILT else "quarantined"
        return chip(tone, run.get_result_display())


@admin.register(RawBatch)
class RawBatchAdmin(ReadOnlyAdmin):
    branch_lookups = ("device__branch",)
    list_display = ("device", "posted_at", "size")
    list_select_related = ("device__branch",)
    fields = ("device", "posted_at", "size")

    @admin.display(description=_("bytes"))
    def size(self, batch: RawBatch) -> int:
        return len(bytes(batch.body))
