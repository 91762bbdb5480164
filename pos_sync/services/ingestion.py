"""Applying what waits in the inbox: effect and state in one transaction, batch first, one by one after a failure.

What an operation does is decided in `decide`; here rows are locked, read and written (protocol, "Ingestion").
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby, takewhile

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from pos_sync.models import UNDECIDED, Device, Operation, OperationState
from pos_sync.services.effects import MOST_ATTEMPTS, Desk, Judged
from receivables.services.moves import run, update_rows

log = structlog.get_logger(__name__)

BATCH = 200


def apply_pending(device_id: int | None = None, *, now: datetime) -> int:
    """Apply all that waits, of one device or of all; give how many operations were decided. May run twice at once."""
    devices = Operation.objects.filter(state__in=UNDECIDED)
    if device_id is not None:
        devices = devices.filter(device=device_id)
    decided = sum(ingest_device(pk, now=now) for pk in sorted(set(devices.values_list("device", flat=True))))
    return decided + _look_again(device_id, now=now)


def ingest_device(device_id: int, *, now: datetime) -> int:
    """Apply a device's pending operations in order of their sequence; failures stay pending for the next round."""
    decided, failed = 0, set[int]()
    while batch := _next_batch(device_id, without=failed):
        _count_attempt(batch)
        try:
            decided += _apply([row.pk for row in batch], now=now)
        except (OperationalError, InterfaceError):
            _uncount_attempt(batch)
            raise
        except Exception:
            log.exception("batch_not_applied", device=device_id, operations=len(batch))
            if len(batch) == 1:
                failed.add(batch[0].pk)
    return decided


def _next_batch(device_id: int, *, without: set[int]) -> list[Operation]:
    """Give the first operations never tried, together; or the first one that was, alone: poison stops nobody."""
    rows = Operation.objects.filter(device=device_id, state=OperationState.PENDING).exclude(pk__in=without)
    first = list(rows.order_by("epoch", F("seq").asc(nulls_last=True), "pk").only("pk", "attempts")[:BATCH])
    return list(takewhile(lambda row: row.attempts == 0, first)) or first[:1]


def _count_attempt(batch: Sequence[Operation]) -> None:
    """Count before trying, in a commit of its own: a process that dies has tried too."""
    Operation.objects.filter(pk__in=[row.pk for row in batch]).update(attempts=F("attempts") + 1)


def _uncount_attempt(batch: Sequence[Operation]) -> None:
    """A database that was away or a deadlock says nothing about the operation."""
    try:
        Operation.objects.filter(pk__in=[row.pk for row in batch], attempts__gt=0).update(attempts=F("attempts") - 1)
    except (OperationalError, InterfaceError):
        log.warning("attempts_not_uncounted", operations=len(batch))


def _look_again(device_id: int | None, *, now: datetime) -> int:
    """Look at what waits for another operation: of the device's whole branch, since that one may come from any till."""
    waiting = Operation.objects.filter(state=OperationState.WAITING)
    if device_id is not None:
        waiting = waiting.filter(device__branch__devices=device_id)
    decided = 0
    for pk in list(waiting.order_by("pk").values_list("pk", flat=True)):
        try:
            decided += _apply([pk], now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("waiting_operation_not_applied", operation=pk)
    return decided


@transaction.atomic
def _apply(ids: Sequence[int], *, now: datetime) -> int:
    """Decide and write the operations that are still undecided and that nobody else holds; count them."""
    locked = (
        Operation.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .filter(pk__in=ids, state__in=UNDECIDED)
        .select_related("judged_as")
        .order_by("epoch", F("seq").asc(nulls_last=True), "pk")
    )
    operations = list(locked)
    if not operations:
        return 0
    device = Device.objects.select_related("branch__parameter_set__till_policy").get(pk=operations[0].device_id)
    desk = Desk.open(device=device, operations=operations, now=now)
    for is_receipt, group in groupby(operations, key=desk.is_receipt):
        run_of = list(group)
        if is_receipt:
            desk.apply_receipts([row for row in run_of if row.attempts <= MOST_ATTEMPTS])
            desk.hold([row for row in run_of if row.attempts > MOST_ATTEMPTS])
        else:
            for row in run_of:
                desk.apply_other(row)
    return _write(operations, desk.judged, now=now)


def _write(operations: Sequence[Operation], judged: dict[int, Judged], *, now: datetime) -> int:
    """Move the operations through their own table of transitions and write what was decided."""
    changed = []
    for row in operations:
        verdict = judged[row.pk]
        if row.state == verdict.state:
            continue
        run(_VERBS[verdict.state](row))
        row.reason, row.flags, row.outcome = verdict.reason or "", list(verdict.flags), verdict.outcome
        row.effective_at, row.changed_at = verdict.effective_at, now
        changed.append(row)
    fields = [field for field in Operation._meta.concrete_fields if field.name in _WRITTEN]
    if changed:
        update_rows(Operation, fields, changed)
    return sum(row.state not in UNDECIDED for row in changed)


_WRITTEN = ("state", "reason", "flags", "outcome", "effective_at", "changed_at")
_VERBS: dict[str, Callable[[Operation], Callable[[], None]]] = {
    OperationState.WAITING: lambda row: row.wait,
    OperationState.APPLIED: lambda row: row.apply,
    OperationState.REVIEW: lambda row: row.review,
    OperationState.HELD: lambda row: row.hold,
    OperationState.QUARANTINED: lambda row: row.quarantine,
}
