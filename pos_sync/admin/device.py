"""Tills: the devices and their states, when each was last heard of, and what it sent."""

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from pos_sync.admin.device_tables import (
    exposure_table,
    former_table,
    numbers_table,
    operations_table,
    states_table,
    tokens_table,
)
from pos_sync.admin.pairing import PairForm, show_code
from pos_sync.figures.monitor import TillLine, line_of
from pos_sync.models import Device, DeviceState
from pos_sync.reports import silent_on
from pos_sync.services.devices import DeviceReasonMissing, TillInUse, change_device_state
from pos_sync.services.pairing import make_pairing_code
from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.explain import reais, written
from receivables.admin.tables import Table, chip
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


def _line(device: Any) -> TillLine:
    """Give the figures of a device's page, asked for once."""
    if not hasattr(device, "told_line"):
        device.told_line = line_of(device, now=timezone.now())
    line: TillLine = device.told_line
    return line


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
              ("state_reason", "data_as_of"))  # fmt: skip
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
        "pair": Transition(label=_("Pair a till"), form=PairForm, service=make_pairing_code, require=_may_manage,
                           answers=show_code),
    }  # fmt: skip

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

    def head(self, row: Any) -> dict[str, Any]:
        """Give what is at stake at the till now."""
        line = _line(row)
        exposure, numbers = line.exposure, line.numbers
        return {
            **super().head(row),
            "subtitle": row.state_reason,
            "numbers": [
                (_("last contact"), written(exposure.last_contact_at)),
                (_("pending at the till"), f"{exposure.pending_count} · {reais(from_cents(exposure.pending_cents))}"),
                (_("receipts that arrived"), f"{numbers.arrived} / {numbers.issued}"),
                (_("numbers missing"), written(numbers.missing)),
            ],
        }

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        links = self._links(request, object_id) if object_id else []
        return super().changeform_view(request, object_id, form_url, {"links": links, **(extra_context or {})})

    def _links(self, request: HttpRequest, object_id: str) -> list[dict[str, Any]]:
        """Lead to the pairing of a new device for the same till, which replaces this one."""
        if not request.user.has_perm("pos_sync.manage_devices"):
            return []
        device = self.get_row(request, object_id)
        query = urlencode({"branch": device.branch_id, "till": device.till})
        address = f"{reverse('admin:pos_sync_device_pair')}?{query}"
        return [{"name": "pair", "label": _("Pair again"), "url": address}]

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        line = _line(row)
        return [exposure_table(line), numbers_table(line), operations_table(row), tokens_table(row), states_table(row),
                former_table(row)]  # fmt: skip
