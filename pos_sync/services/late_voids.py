"""Voids whose receipt does not come: a manager closes them after a day; should it come after all, he is asked again."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from pos_sync.models import Operation, OperationState
from pos_sync.protocol import VoidSaid
from pos_sync.services.disputes import said_in
from pos_sync.services.divergences import ask, move_operation, ring_after_commit
from receivables.domain.errors import RuleBroken, gettext_noop
from receivables.domain.reversal import checked_reason
from receivables.models import Divergence, DivergenceStatus, Outcome, Receipt
from receivables.models.audited import SYSTEM, Actor
from receivables.services.divergence import lock_divergence, resolve
from receivables.services.reversal import void_receipt

PATIENCE = timedelta(hours=24)
MISSING = "void_without_receipt"
CAME = "receipt_after_void"


class WaitsNoMore(RuleBroken):
    message = gettext_noop("Operation {operation} does not wait any more. Look at what became of it.")


def report_late_voids(*, now: datetime) -> int:
    """Ask about voids that have waited a day, and about receipts that came after their void was closed."""
    _close_answered(now)
    return _report_missing(now) + _report_came(now)


@transaction.atomic
def _close_answered(now: datetime) -> None:
    """Nobody is asked any more about a void whose receipt came while the question was open."""
    waiting = Operation.objects.filter(op_id=OuterRef("source"), state=OperationState.WAITING)
    rows = Divergence.objects.filter(reason=MISSING, status=DivergenceStatus.OPEN).exclude(Exists(waiting))
    for row in rows.locked():
        resolve(row, Outcome.ACCEPTED, _("The receipt came and was voided."), by=SYSTEM, now=now)


def _report_missing(now: datetime) -> int:
    asked = Divergence.objects.filter(source=OuterRef("op_id"), reason=MISSING)
    waiting = Operation.objects.filter(
        state=OperationState.WAITING, kind="receipt_void", received_at__lt=now - PATIENCE
    ).exclude(Exists(asked))
    found = list(waiting.select_related("device__branch").order_by("pk"))
    for row in found:
        ask(row.device, row.op_id, MISSING, now=now, details={"receipt_op_id": voided_by(row)})
    return len(found)


def _report_came(now: datetime) -> int:
    closed = Divergence.objects.filter(reason=MISSING, status=DivergenceStatus.RESOLVED)
    again = Divergence.objects.filter(source=OuterRef("source"), reason=CAME)
    keys = {row.details["receipt_op_id"]: row for row in closed.exclude(Exists(again))}
    rows = Receipt.objects.filter(idempotency_key__in=keys, reversals=None).order_by("pk") if keys else ()
    found = [(keys[row.idempotency_key or ""], row) for row in rows]
    for question, receipt in found:
        operation = Operation.objects.select_related("device__branch").get(op_id=question.source)
        if operation.state == OperationState.RESOLVED and receipt.branch_id == operation.device.branch_id:
            ask(operation.device, question.source, CAME, now=now, receipt=receipt, amount=receipt.amount,
                customer_id=receipt.customer_id)  # fmt: skip
    return len(found)


def voided_by(operation: Operation) -> str:
    """Give the op_id of the receipt that a void names, '' where it names none."""
    said = said_in(operation.raw)
    return said.receipt_op_id if isinstance(said, VoidSaid) else ""


@transaction.atomic
def close_late_void(*, divergence_id: int, reason: str, by: Actor, now: datetime) -> Divergence:
    """Close a void whose receipt did not come in a day: nothing is posted.

    Raises DivergenceResolved, WaitsNoMore, ReasonTooShort.
    """
    reason = checked_reason(reason)
    row = lock_divergence(divergence_id)
    if not Operation.objects.filter(op_id=row.source, state=OperationState.WAITING).exists():
        raise WaitsNoMore(operation=row.source)
    return resolve(row, Outcome.REJECTED, reason, by=by, now=now)


@transaction.atomic
def void_after_all(*, divergence_id: int, reason: str, by: Actor, now: datetime, on: date) -> Divergence:
    """Void a receipt that came after its void had been closed, as the till asked. Raises DivergenceResolved."""
    reason = checked_reason(reason)
    row = lock_divergence(divergence_id)
    void_receipt(receipt_id=row.receipt_id or 0, reason=reason, idempotency_key=row.source, by=by, now=now, on=on)
    return resolve(row, Outcome.VOIDED, reason, by=by, now=now)


@transaction.atomic
def close_session_now(*, operation_id: int, by: Actor, now: datetime) -> Operation:
    """Let a closing that waits for its sequence close with what is here, count and sum still pending (contract).

    Raises WaitsNoMore where it was decided meanwhile.
    """
    row = Operation.objects.select_for_update(no_key=True).get(pk=operation_id)
    if row.state != OperationState.WAITING:
        raise WaitsNoMore(operation=row.op_id)
    row.approved_at = now
    move_operation(row.wait, now=now)
    ring_after_commit(row, now=now)
    return row
