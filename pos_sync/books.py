"""Do the tills and the ledger agree? B1, B8 and B10 of the contract's invariants, added to `receivables.books`.

The op_id of an operation is the `idempotency_key` of what it posted: a receipt, a void's reversal, a cash movement.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from itertools import groupby, islice

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from pos_sync.frozen import thaw
from pos_sync.models import Operation, OperationState, Snapshot
from pos_sync.protocol import CashInSaid, CashOutSaid, SessionCloseSaid, SessionOpenSaid, WellFormed, judge_form
from pos_sync.services import feed
from pos_sync.services.changes import View, read_page
from pos_sync.services.epochs import DatabaseRestored, Standing, look
from pos_sync.services.feed import Cursor, CursorReset
from pos_sync.services.sequence import one_view
from receivables.books import Check, Violation, ask
from receivables.models import CashMovement, CashSession, SessionStatus

CHUNK = 1000


# B1


def operations_post_once() -> Iterator[Violation]:
    """B1: an op_id has at most one receipt, a decided receipt operation exactly one, a till's receipt its operation."""
    yield from ask(
        "B1",
        _("%(receipts)s receipts bear the operation %(op_id)s."),
        """
        SELECT idempotency_key AS op_id, COUNT(*) AS receipts, MIN(id) AS receipt_id
        FROM receivables_receipt
        WHERE idempotency_key IS NOT NULL
        GROUP BY idempotency_key
        HAVING COUNT(*) > 1
        ORDER BY idempotency_key
        """,
    )
    yield from ask(
        "B1",
        _("Operation %(op_id)s is %(state)s and has no receipt."),
        """
        SELECT operation.id AS operation_id, operation.op_id, operation.state
        FROM pos_sync_operation operation
        LEFT JOIN receivables_receipt receipt ON receipt.idempotency_key = operation.op_id
        WHERE operation.kind = 'receipt' AND operation.state IN ('applied', 'review', 'held')
          AND receipt.idempotency_key IS NULL
        ORDER BY operation.id
        """,
    )
    yield from ask(
        "B1",
        _("Receipt %(receipt_id)s came from a till and no receipt operation of a till brought it."),
        """
        SELECT receipt.id AS receipt_id
        FROM receivables_receipt receipt
        LEFT JOIN pos_sync_operation operation
          ON operation.op_id = receipt.idempotency_key AND operation.kind = 'receipt'
        WHERE receipt.origin = 'till' AND operation.op_id IS NULL
        ORDER BY receipt.id
        """,
    )


# B8


def operations_are_in_one_place() -> Iterator[Violation]:
    """B8: a stored operation is in the queue (pending, waiting), in the ledger (applied, review, held) or quarantined.

    What waits or is quarantined has posted nothing. What is decided has its effect: a receipt (B1), a void its reversal
    unless it came too late (`already_reversed`), cash its movement unless it was of 0, a session's opening its session
    and its closing that session closed, where it knew one. A resolved operation may be either.
    Review, held and quarantined operations are open in Divergências, resolved ones were answered there.
    What a till posted has its operation. A seq that arrived names an operation that exists, and every seq up to
    `through_seq` has arrived.
    """
    yield from _posted_too_early()
    yield from _decided_without_effect()
    yield from _cash_without_movement()
    yield from _sessions_not_as_said()
    yield from _posted_without_operation()
    yield from _not_asked()
    yield from _lost_arrivals()


def _posted_too_early() -> Iterator[Violation]:
    yield from ask(
        "B8",
        _("Operation %(op_id)s is %(state)s, and yet something is in the ledger under its name."),
        """
        SELECT operation.id AS operation_id, operation.op_id, operation.state, receipt.id AS receipt_id,
               reversal.id AS reversal_id, movement.id AS cash_movement_id
        FROM pos_sync_operation operation
        LEFT JOIN receivables_receipt receipt ON receipt.idempotency_key = operation.op_id
        LEFT JOIN receivables_reversal reversal ON reversal.idempotency_key = operation.op_id
        LEFT JOIN receivables_cashmovement movement ON movement.idempotency_key = operation.op_id
        WHERE operation.state IN ('pending', 'waiting', 'quarantined')
          AND (receipt.id IS NOT NULL OR reversal.id IS NOT NULL OR movement.id IS NOT NULL)
        ORDER BY operation.id
        """,
    )


def _decided_without_effect() -> Iterator[Violation]:
    yield from ask(
        "B8",
        _("Operation %(op_id)s is %(state)s and has voided nothing."),
        """
        SELECT operation.id AS operation_id, operation.op_id, operation.state
        FROM pos_sync_operation operation
        LEFT JOIN receivables_reversal reversal ON reversal.idempotency_key = operation.op_id
        WHERE operation.kind = 'receipt_void' AND operation.state IN ('applied', 'review', 'held')
          AND operation.reason <> 'already_reversed' AND reversal.idempotency_key IS NULL
        ORDER BY operation.id
        """,
    )
    yield from ask(
        "B8",
        _("Operation %(op_id)s is %(state)s, of the unknown kind %(kind)s."),
        """
        SELECT id AS operation_id, op_id, state, kind FROM pos_sync_operation
        WHERE state IN ('applied', 'review', 'held')
          AND kind NOT IN ('receipt', 'receipt_void', 'cash_in', 'cash_out', 'session_open', 'session_close')
        ORDER BY id
        """,
    )


def _cash_without_movement() -> Iterator[Violation]:
    """Only what has no movement is read: cash of 0 posts none, all else has one."""
    moved = CashMovement.objects.filter(idempotency_key=OuterRef("op_id"))
    for row, said in _said(_decided("cash_in", "cash_out").exclude(Exists(moved))):
        if isinstance(said, CashInSaid | CashOutSaid) and said.amount == 0:
            continue
        yield _operation_violation(row, _("Operation %(op_id)s is %(state)s and has moved no cash."))


def _sessions_not_as_said() -> Iterator[Violation]:
    rows = _said(_decided("session_open", "session_close").select_related("device"))
    while chunk := list(islice(rows, CHUNK)):
        keys = {row.pk: _session_key(row, said) for row, said in chunk}
        statuses = dict(
            CashSession.objects.filter(idempotency_key__in=set(filter(None, keys.values()))).values_list(
                "idempotency_key", "status"
            )
        )
        for row, said in chunk:
            status = statuses.get(keys[row.pk] or "")
            if isinstance(said, SessionOpenSaid) and keys[row.pk] and status is None:
                yield _operation_violation(row, _("Operation %(op_id)s is %(state)s and its session was never opened."))
            if isinstance(said, SessionCloseSaid) and status == SessionStatus.OPEN and _knew_session(row):
                yield _operation_violation(row, _("Operation %(op_id)s is %(state)s and its session is still open."))


def _decided(*kinds: str) -> QuerySet[Operation]:
    decided = [OperationState.APPLIED, OperationState.REVIEW, OperationState.HELD]
    return Operation.objects.filter(kind__in=kinds, state__in=decided).order_by("pk")


def _said(operations: QuerySet[Operation]) -> Iterator[tuple[Operation, object]]:
    """Read again what the till said; None where the stored operation has no form."""
    for row in operations.iterator(chunk_size=CHUNK):
        form = judge_form(row.raw)
        yield row, form.said if isinstance(form, WellFormed) else None


def _session_key(row: Operation, said: object) -> str | None:
    """Give the key under which ingestion keeps the session that an operation names, None where it names none."""
    named = said.session_id if isinstance(said, SessionOpenSaid | SessionCloseSaid) else None
    return row.device.session_key(named) if named else None


def _knew_session(row: Operation) -> bool:
    """A closing whose session was not open, or came only later, closed nothing and says so in its flags."""
    return "session_unknown" not in row.flags


def _operation_violation(row: Operation, message: str) -> Violation:
    return Violation(
        "B8", message % {"op_id": row.op_id, "state": row.state}, {"operation_id": row.pk, "op_id": row.op_id}
    )


def _posted_without_operation() -> Iterator[Violation]:
    yield from ask(
        "B8",
        _("Reversal %(reversal_id)s is a void, and no void of a till brought it."),
        """
        SELECT reversal.id AS reversal_id
        FROM receivables_reversal reversal
        LEFT JOIN pos_sync_operation operation
          ON operation.op_id = reversal.idempotency_key AND operation.kind = 'receipt_void'
        WHERE reversal.kind = 'void' AND operation.op_id IS NULL
        ORDER BY reversal.id
        """,
    )
    yield from ask(
        "B8",
        _("Cash movement %(cash_movement_id)s came from a till, is no receipt's, and no cash operation brought it."),
        """
        SELECT movement.id AS cash_movement_id
        FROM receivables_cashmovement movement
        LEFT JOIN pos_sync_operation operation
          ON operation.op_id = movement.idempotency_key AND operation.kind IN ('cash_in', 'cash_out')
        WHERE movement.origin = 'till' AND movement.receipt_id IS NULL AND movement.reverses_id IS NULL
          AND operation.op_id IS NULL
        ORDER BY movement.id
        """,
    )


def _not_asked() -> Iterator[Violation]:
    yield from ask(
        "B8",
        _("Operation %(op_id)s is %(state)s (%(reason)s) and not among the open divergences."),
        """
        SELECT operation.id AS operation_id, operation.op_id, operation.state, operation.reason
        FROM pos_sync_operation operation
        LEFT JOIN receivables_divergence divergence
          ON divergence.source = operation.op_id AND divergence.status = 'open'
        WHERE operation.state IN ('review', 'held', 'quarantined') AND divergence.source IS NULL
        ORDER BY operation.id
        """,
    )
    yield from ask(
        "B8",
        _("Operation %(op_id)s is resolved, and no divergence tells who resolved it."),
        """
        SELECT operation.id AS operation_id, operation.op_id
        FROM pos_sync_operation operation
        LEFT JOIN receivables_divergence divergence
          ON divergence.source = operation.op_id AND divergence.status = 'resolved'
        WHERE operation.state = 'resolved' AND divergence.source IS NULL
        ORDER BY operation.id
        """,
    )


def _lost_arrivals() -> Iterator[Violation]:
    yield from ask(
        "B8",
        _("Seq %(seq)s of device %(device_id)s brought an operation that is not in the inbox."),
        """
        SELECT arrival.id AS operation_arrival_id, arrival.device_id, arrival.seq
        FROM pos_sync_operationarrival arrival
        LEFT JOIN pos_sync_operation operation ON operation.id = arrival.operation_id
        WHERE arrival.operation_id IS NOT NULL AND operation.id IS NULL
        ORDER BY arrival.id
        """,
    )
    yield from ask(
        "B8",
        _("Device %(device_id)s was told that all came up to seq %(through_seq)s; %(arrived)s of these seqs arrived."),
        """
        SELECT epoch.id AS device_epoch_id, epoch.device_id, epoch.through_seq,
               COUNT(DISTINCT arrival.seq) AS arrived
        FROM pos_sync_deviceepoch epoch
        LEFT JOIN pos_sync_operationarrival arrival
          ON arrival.device_id = epoch.device_id AND arrival.epoch = epoch.epoch
         AND arrival.seq BETWEEN epoch.first_seq AND epoch.through_seq
        WHERE epoch.through_seq > 0
        GROUP BY epoch.id, epoch.device_id, epoch.through_seq, epoch.first_seq
        HAVING COUNT(DISTINCT arrival.seq) <> epoch.through_seq - epoch.first_seq + 1
        ORDER BY epoch.id
        """,
    )


# B10


def tills_can_follow() -> Iterator[Violation]:
    """B10: the newest living snapshot of each branch and the changes since are its window, id by id and by version."""
    now = timezone.now()
    with one_view(), suppress(DatabaseRestored):
        standing = look()
        for snapshot in _newest_snapshots(now):
            yield from _compare(snapshot, standing, today=timezone.localdate(now))


def _newest_snapshots(now: datetime) -> Iterator[Snapshot]:
    living = Snapshot.objects.filter(expires_at__gt=now).order_by("branch", "-as_of")
    for _branch, snapshots in groupby(living, key=lambda snapshot: snapshot.branch_id):
        yield next(snapshots)


def _compare(snapshot: Snapshot, standing: Standing, *, today: date) -> Iterator[Violation]:
    pages = [thaw(bytes(page.body)) for page in snapshot.pages.order_by("number")]
    view = View.of(snapshot.branch_id, today=today)
    try:
        cursor = feed.read_cursor(snapshot.cursor, branch=view.branch, policy=view.policy, standing=standing)
    except CursorReset:
        return
    held = {row["id"]: row["version"] for page in pages for row in page["installments"]}
    _replay(held, view, cursor, standing)
    there = {str(pk): version for pk, version in view.window.values_list("pk", "version")}
    message = _("A till of branch %(branch)s would hold version %(held)s of installment %(id)s, not %(there)s.")
    for pk in sorted(held.keys() | there.keys(), key=int):
        if held.get(pk) != there.get(pk):
            versions = {"held": held.get(pk, "—"), "there": there.get(pk, "—")}
            ids: dict[str, int | str] = {"installment_id": int(pk), "branch_id": view.branch.pk}
            yield Violation("B10", message % {"branch": view.branch.code, "id": pk, **versions}, ids)


def _replay(held: dict[str, object], view: View, cursor: Cursor, standing: Standing) -> None:
    """Do to a snapshot's rows what a till does with the changes since."""
    more = True
    while more:
        page = read_page(view, cursor, standing=standing, limit=CHUNK)
        for row in page.rows["installments"]:  # type: ignore[attr-defined]
            held[row["id"]] = row["version"]
            if "gone" in row:
                del held[row["id"]]
        cursor, more = page.cursor, page.more


CHECKS: Iterable[Check] = (
    Check("B1", gettext_noop("Each operation of a till is one receipt at most"), operations_post_once),
    Check(
        "B8",
        gettext_noop("Each operation of a till is in the queue, the ledger or quarantine"),
        operations_are_in_one_place,
    ),
    Check("B10", gettext_noop("Snapshot and changes give a till the server's window"), tills_can_follow),
)
