"""Applying what waits in the inbox: effect and state in one transaction, a batch first, ever fewer after a failure.

What an operation does is decided in `decide`; here rows are locked, read and written (protocol, "Ingestion").
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby, takewhile

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from pos_sync.models import UNDECIDED, Operation, OperationState
from pos_sync.services.copies import report_copies
from pos_sync.services.effects import MOST_FAILURES, VERDICT, Desk, voided_receipt
from pos_sync.services.late_voids import report_late_voids
from receivables.models import Receipt

log = structlog.get_logger(__name__)

BATCH = 200
# How many are tried together that were tried so often: a backlog under which a process was killed is soon through,
# and a poison is soon alone.
TOGETHER = (BATCH, 25, 3, 1)
TRANSIENT = (OperationalError, InterfaceError)
DEADLOCK_TRIES = 3
DEADLOCKS = {"40P01", "40001"}  # PostgreSQL's deadlock_detected and serialization_failure
# A process may die of an operation, but far more often it is killed: so many deaths only send it behind the others.
DEATHS_BEFORE_LAST = 10
IN_SEQUENCE = ("epoch", F("seq").asc(nulls_last=True), "pk")


def apply_pending(device_id: int | None = None, *, now: datetime) -> int:
    """Apply all that waits, of one device or of all; give how many operations were decided. May run twice at once.

    Raises what the database raised last (a deadlock that repeats, a lost connection), after the other devices.
    """
    decided, trouble = _ingest_all(_with_pending() if device_id is None else [device_id], now=now)
    while True:
        looked_at, done = _look_again(device_id, now=now)
        more, again = _ingest_all(_refused_meanwhile(looked_at), now=now)
        decided, trouble = decided + done + more, trouble or again
        if not more:
            break
    report_copies(now=now)
    if device_id is None:
        report_late_voids(now=now)
    if trouble is not None:
        raise trouble
    return decided


def _with_pending() -> set[int]:
    return set(Operation.objects.filter(state=OperationState.PENDING).values_list("device", flat=True))


def _ingest_all(devices: Collection[int], *, now: datetime) -> tuple[int, Exception | None]:
    """Apply what is pending of several devices; give how many were decided and what the database raised last."""
    decided, trouble = 0, None
    for pk in sorted(devices):
        try:
            decided += ingest_device(pk, now=now)
        except TRANSIENT as error:
            if not connection.is_usable():
                raise
            trouble = error
            log.warning("device_left_for_later", device=pk, error=type(error.__cause__ or error).__name__)
    return decided, trouble


def _refused_meanwhile(devices: Collection[int]) -> set[int]:
    """Find the devices with new operations: while we looked at what waits, another process could not have them."""
    if not devices:
        return set()
    fresh = Operation.objects.filter(device__in=devices, state=OperationState.PENDING, attempts=0)
    return set(fresh.values_list("device", flat=True))


def ingest_device(device_id: int, *, now: datetime) -> int:
    """Apply a device's pending operations in order of their sequence; failures stay pending for the next round.

    Where another process is at this device nothing is done: it looks again when it is through.
    """
    decided, seen = 0, set[int]()
    while batch := _next_batch(device_id, without=seen):
        done = _try(device_id, batch, now=now)
        if done is None:
            break
        if not done and len(batch) == 1:
            seen.update(batch)
        decided += done
    return decided


_IN_TURN = (
    Operation.objects.filter(state=OperationState.PENDING)
    .annotate(is_last=Q(attempts__gt=F("failures") + DEATHS_BEFORE_LAST))
    .order_by("is_last", *IN_SEQUENCE)
    .values_list("pk", "attempts")
)


def _next_batch(device_id: int, *, without: set[int]) -> list[int]:
    """Give the first operations that were tried equally often, the fewer the oftener: a poison must stop nobody."""
    rows = _IN_TURN.filter(device=device_id)
    if without:
        rows = rows.exclude(pk__in=without)
    first = list(rows[:BATCH])
    tried = first[0][1] if first else 0
    together = first[: TOGETHER[min(tried, len(TOGETHER) - 1)]]
    return [pk for pk, _ in takewhile(lambda row: row[1] == tried, together)]


def _try(device_id: int, ids: Sequence[int], *, now: datetime) -> int | None:
    """Count an attempt and make it; give how many were decided, None where another process has the device."""
    if not _count_attempt(device_id, ids):
        return None
    try:
        return _apply_patiently(device_id, ids, now=now)
    except TRANSIENT:
        _uncount_attempt(ids)
        raise
    except Exception:
        log.exception("batch_not_applied", device=device_id, operations=len(ids))
        if len(ids) == 1:
            _count_failure(ids[0])
        return 0


@transaction.atomic
def _count_attempt(device_id: int, ids: Sequence[int]) -> bool:
    """Count before trying, in a commit of its own: a process that dies has tried too. False: it is another's turn."""
    if not _is_our_turn(device_id):
        return False
    Operation.objects.filter(pk__among=ids).update(attempts=F("attempts") + 1)
    return True


def _uncount_attempt(ids: Sequence[int]) -> None:
    """A database that was away or a deadlock says nothing about the operation."""
    try:
        Operation.objects.filter(pk__among=ids, attempts__gt=0).update(attempts=F("attempts") - 1)
    except TRANSIENT:
        log.warning("attempts_not_uncounted", operations=len(ids))


def _count_failure(pk: int) -> None:
    """Only what the operation itself makes fail counts against it, never that a process was killed."""
    Operation.objects.filter(pk=pk).update(failures=F("failures") + 1)


def _is_our_turn(device_id: int) -> bool:
    """Take the device until the transaction ends; False where another process has it. SQLite has one writer anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"pos_sync.device:{device_id}"])
        (is_ours,) = cursor.fetchone()
    return bool(is_ours)


_WAITING = (
    Operation.objects.filter(state=OperationState.WAITING)
    .order_by("pk")
    .values_list("pk", "device", "device__branch", "raw")
)


def _look_again(device_id: int | None, *, now: datetime) -> tuple[set[int], int]:
    """Look at what waits for another operation: of the device's whole branch, since that one may come from any till.

    Give the devices that were looked at and how many operations were decided.
    """
    waiting = _WAITING.all() if device_id is None else _WAITING.filter(device__branch__devices=device_id)
    decided, devices = 0, set()
    for pk, waits_at in _no_longer_orphans(list(waiting)):
        devices.add(waits_at)
        try:
            decided += _apply_patiently(waits_at, [pk], now=now) or 0
        except TRANSIENT:
            raise
        except Exception:
            log.exception("waiting_operation_not_applied", operation=pk)
            _count_failure(pk)
    return devices, decided


def _no_longer_orphans(waiting: Sequence[tuple[int, int, int, str]]) -> list[tuple[int, int]]:
    """Leave out, in one query, the voids whose receipt has not been posted: they may wait for ever."""
    voids = {pk: receipt for pk, _, _, raw in waiting if (receipt := voided_receipt(raw))}
    keys = Receipt.objects.filter(idempotency_key__in=set(voids.values())) if voids else Receipt.objects.none()
    posted = set(keys.values_list("idempotency_key", "branch"))
    return [(pk, device) for pk, device, branch, _ in waiting if pk not in voids or (voids[pk], branch) in posted]


def _apply_patiently(device_id: int, ids: Sequence[int], *, now: datetime) -> int | None:
    """Try again at once after a deadlock, which the other side has won."""
    for _ in range(DEADLOCK_TRIES - 1):
        try:
            return _apply(device_id, ids, now=now)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in DEADLOCKS:
                raise
    return _apply(device_id, ids, now=now)


@transaction.atomic
def _apply(device_id: int, ids: Sequence[int], *, now: datetime) -> int | None:
    """Decide and write the operations that are still undecided and that nobody else holds.

    Give how many were decided; None where another process has the device.
    """
    if not _is_our_turn(device_id):
        return None
    locked = Operation.objects.select_for_update(skip_locked=True, no_key=True)
    undecided = locked.filter(pk__among=ids, state__in=UNDECIDED).annotate(is_fork=Exists(_SAME_SEQ_BEFORE))
    operations = list(undecided.order_by(*IN_SEQUENCE).defer("kind", "content_hash", *VERDICT))
    if not operations:
        return 0
    desk = Desk.open(device_id=device_id, operations=operations, now=now)
    for is_receipt, group in groupby(operations, key=desk.is_receipt):
        run_of = list(group)
        if is_receipt:
            desk.apply_receipts([row for row in run_of if row.failures < MOST_FAILURES])
            desk.hold([row for row in run_of if row.failures >= MOST_FAILURES])
        else:
            for row in run_of:
                desk.apply_other(row)
    desk.write(operations)
    return sum(row.state not in UNDECIDED for row in operations)


_SAME_SEQ_BEFORE = Operation.objects.filter(
    device=OuterRef("device"), epoch=OuterRef("epoch"), seq=OuterRef("seq"), pk__lt=OuterRef("pk")
)
