"""Tills: the devices and their states, when each was last heard of, and what it sent."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from pos_sync import words
from pos_sync.admin.pairing import PairForm
from pos_sync.models import Device, DeviceState
from pos_sync.reports import silent_on
from pos_sync.services.devices import DeviceReasonMissing, TillInUse, change_device_state
from pos_sync.services.pairing import make_pairing_code
from pos_sync.words import in_words
from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.explain import reais, written
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.domain.money import from_cents
from receivables.services import access


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
                [link(each, written(each.seq)), in_words(words.KINDS, each.kind),
                 chip(each.state, each.get_state_display()), in_words(words.REASONS, each.reason), each.received_at]
                for each in operations
            )
        ]  # fmt: skip
