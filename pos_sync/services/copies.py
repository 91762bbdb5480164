"""Copies: another content under a known op_id is a question of its own, answered by the first or as money apart.

The first stands whatever is answered. A copy that is recorded becomes an operation of its own, outside the till's
sequence, under an op_id that no till can have sent.
"""

from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat

from pos_sync.models import Operation, OperationConflict
from pos_sync.protocol import CashInSaid, CashOutSaid, ReceiptSaid
from pos_sync.services.disputes import disputed_cents, disputed_facts, said_in
from pos_sync.services.divergences import ask, ring_after_commit
from receivables.domain.errors import RuleBroken, gettext_noop
from receivables.domain.reversal import checked_reason
from receivables.models import Divergence, Outcome
from receivables.models.audited import Actor
from receivables.services.divergence import agree, lock_divergence, resolve

REASON = "op_id_reused"
BETWEEN = " · "
"""Between op_id and content in the source of a copy's divergence: no op_id, being ASCII, can look like one."""


class CopyWithoutMoney(RuleBroken):
    message = gettext_noop("This copy brings no money that could be recorded. Keep the first and say why.")


_ASKED = Divergence.objects.filter(
    source=Concat(OuterRef("operation__op_id"), Value(BETWEEN), OuterRef("content_hash")), reason=REASON
)
_UNASKED = OperationConflict.objects.exclude(Exists(_ASKED)).order_by("pk").values_list("pk", flat=True)


def report_copies(*, now: datetime) -> int:
    """Put each copy that nobody was asked about into the queue of the branch that sent it; give how many."""
    ids = list(_UNASKED.all())
    if not ids:
        return 0
    found = OperationConflict.objects.filter(pk__in=ids).select_related("operation", "device__branch").order_by("pk")
    with transaction.atomic():
        for copy in found:
            (facts,) = disputed_facts([as_operation(copy)])
            facts["details"] |= {"copy": copy.pk}
            ask(copy.device, f"{copy.operation.op_id}{BETWEEN}{copy.content_hash}", REASON, now=now, **facts)
    return len(ids)


def copy_of(row: Divergence) -> OperationConflict | None:
    """Give the copy that a divergence is about, None for every other divergence."""
    if row.reason != REASON:
        return None
    copies = OperationConflict.objects.select_related("operation__device", "device__branch")
    return copies.filter(pk=row.details.get("copy")).first()


def brings_money(copy: OperationConflict) -> bool:
    """Say whether a copy could be recorded: a receipt, or cash put in or taken out."""
    return isinstance(said_in(copy.raw), ReceiptSaid | CashInSaid | CashOutSaid) and bool(disputed_cents(copy.raw))


@transaction.atomic
def keep_first(*, divergence_id: int, reason: str, by: Actor, now: datetime) -> Divergence:
    """Let the first stand alone: the copy told the same money in other words, or nothing was received for it.

    Raises DivergenceResolved, ReasonTooShort.
    """
    reason = checked_reason(reason)
    return resolve(lock_divergence(divergence_id), Outcome.REJECTED, reason, by=by, now=now)


@transaction.atomic
def record_copy(*, divergence_id: int, reason: str, by: Actor, now: datetime) -> Divergence:
    """Record a copy's money beside the first's: always two persons, whatever the amount.

    The first only proposes. Raises DivergenceResolved, CopyWithoutMoney, SecondPersonRequired, ReasonTooShort.
    """
    reason = checked_reason(reason)
    row = lock_divergence(divergence_id)
    copy = OperationConflict.objects.select_related("device").get(pk=row.details["copy"])
    if not brings_money(copy):
        raise CopyWithoutMoney
    if not agree(row, Outcome.RECORDED, takes_two=True, because=reason, by=by):
        return row
    operation = as_operation(copy)
    operation.received_at, operation.approved_at, operation.changed_at = copy.posted_at, now, now
    operation.save()
    ring_after_commit(operation, now=now)
    return resolve(row, Outcome.RECORDED, f"{operation.op_id}: {reason}", by=by, now=now)


def as_operation(copy: OperationConflict) -> Operation:
    """Make, unsaved, the operation that a copy would be: of its device, in no sequence."""
    return Operation(
        pk=None, op_id=f"copy-{uuid4().hex}", device=copy.device, judged_as=copy.device, epoch=copy.device.epoch,
        seq=None, kind=_KINDS.get(type(said_in(copy.raw)), ""), content_hash=copy.content_hash, raw=copy.raw,
    )  # fmt: skip


_KINDS: dict[type, str] = {ReceiptSaid: "receipt", CashInSaid: "cash_in", CashOutSaid: "cash_out"}
