"""A till that raises the questions which people answer in Divergências: one of each kind of outcome. As of today."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from pos_sync.models import Device, DeviceState
from pos_sync.services.devices import change_device_state
from pos_sync.services.ingestion import apply_pending
from pos_sync.services.late_voids import close_late_void
from receivables.models import SYSTEM, Actor, Branch, Divergence, Installment
from tests.e2e.desk import today
from tests.make import REASON, make_branch, make_customer, make_title
from tests.pos_sync.test_ingestion import Till, line, make_device

LATE = timedelta(hours=26)
"""How long ago the voids came: more than the day for which nobody is asked about them."""


def raise_questions(*, by: Actor) -> None:
    """Let a till deliver, in a branch of its own, what the ledger cannot place alone."""
    branch, now = make_branch(name="Perguntada"), timezone.now()
    branch.members.add(by.user_id)
    till = Till(make_device(branch, till="09", paired_at=now - 2 * LATE))
    _voids_without_receipt(till, now=now, by=by)
    _a_copy_with_money(till, now=now)
    _money_of_nobody_known(till, now=now)
    _money_paid_twice(till, now=now)
    _a_closing_out_of_turn(till, now=now)
    _a_till_that_lacks_money_and_is_suspended(branch, now=now, by=by)


def _voids_without_receipt(till: Till, *, now: datetime, by: Actor) -> None:
    """One whose receipt never comes, and one whose receipt comes after a person had closed it."""
    voids = [
        till.operation("receipt_void", {"receipt_op_id": receipt, "reason": ""}, seq=seq, at=now - LATE)
        for seq, receipt in ((2, "came-after-all"), (3, "never-came"))
    ]
    till.push(*voids, now=now - LATE)
    apply_pending(now=now)
    closed = Divergence.objects.get(details__receipt_op_id="came-after-all")
    close_late_void(divergence_id=closed.pk, reason=REASON, by=by, now=now)
    till.push(till.receipt(line(_parcel(till.device.branch), 100_000), op_id="came-after-all", seq=1, at=now), now=now)
    apply_pending(now=now)
    till.seq = len(voids) + 1


def _a_copy_with_money(till: Till, *, now: datetime) -> None:
    first = till.receipt(line(_parcel(till.device.branch), 100_000), at=now)
    other = till.receipt(line(_parcel(till.device.branch), 100_000), op_id=first["op_id"], at=now)
    till.push(first, other, now=now)


def _money_of_nobody_known(till: Till, *, now: datetime) -> None:
    unknown = {"installment_id": "999999999", "version": 1, "principal_cents": 15_000}
    till.push(till.receipt({"interest_cents": 0, "fine_cents": 0, "discount_cents": 0} | unknown, at=now), now=now)


def _money_paid_twice(till: Till, *, now: datetime) -> None:
    """What became credit of a customer who owes something else."""
    customer = make_customer()
    twice, _other = (_parcel(till.device.branch, bill_to=customer) for _each in range(2))
    till.push(*(till.receipt(line(twice, 100_000), at=now) for _each in range(2)), now=now)


def _a_till_that_lacks_money_and_is_suspended(branch: Branch, *, now: datetime, by: Actor) -> None:
    """A session whose count differs, then a receipt that waits in quarantine."""
    device = Device(branch=branch, till="08", install_id="questioned", paired_at=now - 2 * LATE)
    device.save_as(SYSTEM)
    till, session = Till(device), {"session_id": "faltou"}
    till.push(
        till.operation("session_open", session | {"operator": "01", "float_cents": 5_000}, at=now),
        till.operation("session_close", session | {"counted": [{"method": "cash", "amount_cents": 4_900}]}, at=now),
        now=now,
    )
    change_device_state(device_id=str(device.pk), state=DeviceState.SUSPENDED, reason=REASON, by=by)
    till.push(till.receipt(line(_parcel(branch), 100_000), at=now), now=now)


def _a_closing_out_of_turn(till: Till, *, now: datetime) -> None:
    """A session that waits for what its till has not yet sent."""
    session = {"session_id": "perguntada"}
    till.push(till.operation("session_open", session | {"operator": "01", "float_cents": 0}, at=now), now=now)
    till.push(till.operation("session_close", session | {"counted": []}, seq=till.seq + 2, at=now), now=now)


def _parcel(branch: Branch, **values: Any) -> Installment:
    title = make_title(branch=branch, due_dates=(today(),), issued_on=today() - timedelta(days=30), **values)
    return title.installments.get()
