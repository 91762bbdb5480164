"""What the tills add to the start page and to a receipt's paper: who is silent, how a receipt was taken. Read-only."""

from datetime import date, datetime, time
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from pos_sync.models import Device, DeviceState, Operation, TillOperator
from pos_sync.protocol import ReceiptSaid, WellFormed, judge_form
from receivables.figures.receipt import AtStation
from receivables.models import Receipt
from receivables.reports import Question, Waiting, of_branches

MOST_NAMED = 4


def silent_on(rows: QuerySet, *, on: date) -> QuerySet:
    """Limit devices to the active ones without a contact since the day began."""
    morning = timezone.make_aware(datetime.combine(on, time.min))
    silent = Q(contact__isnull=True) | Q(contact__last_contact_at__isnull=True)
    return rows.filter(silent | Q(contact__last_contact_at__lt=morning), state=DeviceState.ACTIVE)


def silent_tills(user: Any, *, on: date) -> Waiting:
    """Tell the tills that have not synchronised on a day, and since when."""
    rows = of_branches(silent_on(Device.objects.all(), on=on), user, "branch")
    devices = list(rows.select_related("branch", "contact").order_by("contact__last_contact_at", "pk"))
    return Waiting(len(devices), {"contact": "silent"}, examples=[_told(each) for each in devices[:MOST_NAMED]])


def _told(device: Device) -> str:
    contact = getattr(device, "contact", None)
    last = contact.last_contact_at if contact else None
    return f"{device} · " + (f"{timezone.localtime(last):%d/%m/%Y %H:%M}" if last else pgettext("contact", "never"))


QUESTIONS = [
    Question("pos_sync.device", _("Tills without contact today"), _("Every till has synchronised today."), silent_tills)
]


def at_till(receipt: Receipt) -> AtStation | None:
    """Tell of a till's receipt when it was taken there, by whom, and that the till was in contingency (H4, G.10)."""
    operation = Operation.objects.filter(op_id=receipt.idempotency_key).first()
    form = judge_form(operation.raw) if operation else None
    if operation is None or not (isinstance(form, WellFormed) and isinstance(form.said, ReceiptSaid)):
        return None
    name = TillOperator.objects.filter(branch=receipt.branch_id, code=receipt.operator).values_list("name", flat=True)
    return AtStation(
        taken_at=operation.effective_at or form.occurred_at,
        operator=" · ".join(filter(None, (receipt.operator, name.first()))),
        remark=_("Issued in contingency: the till had no connection.") if form.said.mode == "offline" else "",
    )
