"""What becomes of an operation when its divergence is answered, and which questions time itself raises.

How money already posted comes to rest is in `receivables.services.divergence`; what quarantine keeps is in
`quarantine`, copies of a known operation in `copies`, voids without their receipt in `late_voids`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from pos_sync import doorbell
from pos_sync.models import Device, Operation, OperationState
from pos_sync.services.devices import policy_of
from receivables.domain.divergence import needs_second_person
from receivables.domain.money import from_cents
from receivables.models import Divergence, DivergenceStatus
from receivables.models.audited import Actor
from receivables.services.divergence import Follower
from receivables.services.moves import create_audited, run
from receivables.services.rows import update_rows

CLOSABLE = (OperationState.WAITING, OperationState.REVIEW, OperationState.HELD, OperationState.QUARANTINED)
_WRITTEN = ("state", "changed_at", "approved_at")


def lock_operation(source: str) -> None:
    """Lock the operation that opened a divergence: the inbox comes first in the global order (G.20)."""
    list(Operation.objects.select_for_update(no_key=True).filter(op_id=source).only("pk"))


def follow(divergence: Divergence, now: datetime) -> None:
    """Close the operation with its last question; the till is told at its next pull."""
    operation = Operation.objects.filter(op_id=divergence.source, state__in=CLOSABLE).first()
    others = Divergence.objects.filter(source=divergence.source, status=DivergenceStatus.OPEN)
    if operation is not None and not others.exists():
        move_operation(operation.resolve, now=now)


def move_operation(verb: Callable[[], None], *, now: datetime) -> None:
    """Move one locked operation through its own table of transitions; the feed tells its till.

    Raises MoveRefused.
    """
    row: Operation = verb.__self__  # type: ignore[attr-defined]
    run(verb)
    row.changed_at = now
    update_rows(Operation, [Operation._meta.get_field(name) for name in _WRITTEN], [row])  # type: ignore[misc]


def takes_two(divergence: Divergence, cents: int | None) -> bool:
    """Say whether two persons decide on so much money at the divergence's branch (its till policy)."""
    limit = from_cents(policy_of(divergence.branch).second_person_above_cents)
    return needs_second_person(amount=None if cents is None else from_cents(cents), limit=limit)


def ring_after_commit(operation: Operation, *, now: datetime) -> None:
    """Have what a person let pass applied as soon as that is committed."""
    device_id = operation.device_id
    transaction.on_commit(lambda: doorbell.ring(device_id=device_id, now=now))


def ask(device: Device, source: str, reason: str, *, now: datetime, **facts: Any) -> bool:
    """Open a divergence at a till's branch, signed by the till; False where another process just asked the same."""
    row = Divergence(
        branch=device.branch, station=device.till, source=source, reason=reason, opened_at=now, **facts
    )  # fmt: skip
    try:
        with transaction.atomic():
            create_audited([row], by=Actor(name=f"PDV {device.branch.code}/{device.till}", channel="till"))
    except IntegrityError:
        return False
    return True


FOLLOWER = Follower(lock=lock_operation, follow=follow)
