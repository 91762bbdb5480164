"""Quarantine: a person approves an operation, which is then judged as any other, or rejects it: nothing is posted."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from pos_sync.models import Operation, OperationState
from pos_sync.protocol import WellFormed, judge_form
from pos_sync.services.disputes import disputed_cents
from pos_sync.services.divergences import move_operation, ring_after_commit, takes_two
from receivables.domain.errors import RuleBroken, gettext_noop
from receivables.domain.reversal import checked_reason
from receivables.models import Divergence, DivergenceStatus, Outcome
from receivables.models.audited import SYSTEM, Actor
from receivables.services.divergence import agree, lock_divergence, resolve

OF_DEVICES = ("device_suspended", "device_revoked", "device_replaced")
AFTER_UPGRADE = ("unknown_kind", "unknown_version")


class OperationNotReadable(RuleBroken):
    message = gettext_noop(
        "This operation cannot be read, so nothing can be posted from it. "
        "Record what was received by hand, then reject it and say where."
    )


@transaction.atomic
def approve_operation(*, divergence_id: int, reason: str, by: Actor, now: datetime) -> Divergence:
    """Have an operation in quarantine judged as if its device were active; above the policy's limit two persons do it.

    The first only proposes: the divergence stays open. Raises DivergenceResolved, OperationNotReadable,
    SecondPersonRequired, ReasonTooShort.
    """
    reason = checked_reason(reason)
    row = lock_divergence(divergence_id)
    operation = quarantined_of(row)
    if row.reason not in OF_DEVICES:
        raise OperationNotReadable
    if not agree(row, Outcome.APPROVED, takes_two=is_for_two(row, operation), because=reason, by=by):
        return row
    operation.approved_at = now
    move_operation(operation.retry, now=now)
    ring_after_commit(operation, now=now)
    return resolve(row, Outcome.APPROVED, reason, by=by, now=now)


@transaction.atomic
def reject_operation(*, divergence_id: int, reason: str, by: Actor, now: datetime) -> Divergence:
    """Close an operation in quarantine for good: nothing of it is ever posted; above the limit two persons do it.

    Raises DivergenceResolved, SecondPersonRequired, ReasonTooShort.
    """
    reason = checked_reason(reason)
    row = lock_divergence(divergence_id)
    operation = quarantined_of(row)
    if not agree(row, Outcome.REJECTED, takes_two=is_for_two(row, operation), because=reason, by=by):
        return row
    return resolve(row, Outcome.REJECTED, reason, by=by, now=now)


def quarantined_of(row: Divergence) -> Operation:
    """Give the operation in quarantine that a divergence is about; raises Operation.DoesNotExist for any other."""
    return Operation.objects.get(op_id=row.source, state=OperationState.QUARANTINED)


def is_for_two(row: Divergence, operation: Operation) -> bool:
    """Say whether what an operation is about is above what one person decides alone."""
    return takes_two(row, disputed_cents(operation.raw))


def retry_readable(*, now: datetime) -> int:
    """Take what an older version could not read out of quarantine, now that it can be read; give how many.

    Asked once by each process that sweeps: an upgrade starts new ones.
    """
    rows = Operation.objects.filter(state=OperationState.QUARANTINED, reason__in=AFTER_UPGRADE).order_by("pk")
    readable = [pk for pk, raw in rows.values_list("pk", "raw") if isinstance(judge_form(raw), WellFormed)]
    return sum(_retry(pk, now) for pk in readable)


@transaction.atomic
def _retry(pk: int, now: datetime) -> bool:
    locked = Operation.objects.select_for_update(no_key=True).filter(pk=pk, state=OperationState.QUARANTINED)
    operation = locked.first()
    if operation is None:
        return False
    move_operation(operation.retry, now=now)
    for row in Divergence.objects.locked().filter(source=operation.op_id, status=DivergenceStatus.OPEN):
        resolve(row, Outcome.APPROVED, _("Read after an upgrade."), by=SYSTEM, now=now)
    return True
