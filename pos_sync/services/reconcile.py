"""POST /reconcile: do a till's figures agree with the server's, and is what it delivered there (contract)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import BigIntegerField, Count, F, Sum
from django.db.models.functions import Cast, Round
from django.utils import timezone

from pos_sync import protocol
from pos_sync.models import Device, Operation, OperationArrival
from pos_sync.protocol import BadField
from pos_sync.services import feed
from pos_sync.services.changes import View
from pos_sync.services.epochs import in_its_epoch, look
from pos_sync.services.feed import BadCursor, CursorReset
from pos_sync.services.sequence import one_view

# Of each amount by itself: SQLite keeps decimals as floats.
_CENTS = Cast(Round(F("balance") * 100), BigIntegerField())


@dataclass(frozen=True, slots=True)
class Figures:
    """What a till holds without its own payments, in cents, and the operations that it delivered, by op_id."""

    cursor: str
    installments: int
    balance_cents: int
    operations: Mapping[str, int]


def read_figures(sent: Mapping[str, object]) -> Figures:
    """Read the body of POST /reconcile; raises BadCursor where there is none, BadField."""
    cursor = sent.get("cursor")
    if not isinstance(cursor, str):
        raise BadCursor
    return Figures(
        cursor=cursor,
        installments=_count(sent, "installments"),
        balance_cents=_count(sent, "balance_cents"),
        operations=_operations(sent.get("operations")),
    )


def _count(sent: Mapping[str, object], field: str) -> int:
    value = sent.get(field)
    if type(value) is not int:
        raise BadField(field=field)
    return value


def _operations(sent: object) -> dict[str, int]:
    if sent is None:
        return {}
    if not isinstance(sent, list):
        raise BadField(field="operations")
    return dict(map(_operation, sent))


def _operation(sent: object) -> tuple[str, int]:
    op_id, seq = (sent.get("op_id"), sent.get("seq")) if isinstance(sent, Mapping) else (None, None)
    if not protocol.is_op_id(op_id) or type(seq) is not int or not 1 <= seq <= protocol.MAX_SEQ:
        raise BadField(field="operations")
    return str(op_id), seq


def reconcile(*, device: Device, figures: Figures, now: datetime) -> dict[str, object]:
    """Compare a till's figures with its branch's window; `resend` before `snapshot` (contract, POST /reconcile).

    Operations that the server does not know are asked for by seq. A cursor that is not the newest asks for a snapshot.
    Raises BadCursor.
    """
    missing, agrees = in_its_epoch(lambda: _compare(device, figures, timezone.localdate(now)), now=now)
    if agrees and not missing:
        return {"match": True}
    return {"match": False, "action": "resend" if missing else "snapshot", "missing": missing}


def _compare(device: Device, figures: Figures, today: date) -> tuple[list[int], bool]:
    with one_view():
        return _missing(device, figures.operations), _agrees(device, figures, today=today)


def _agrees(device: Device, figures: Figures, *, today: date) -> bool:
    view = View.of(device.branch_id, today=today)
    try:
        cursor = feed.read_cursor(figures.cursor, branch=view.branch, policy=view.policy, standing=look())
    except CursorReset:
        return False
    if not feed.is_newest(cursor, window=view.window, horizon=view.horizon):
        return False
    held = view.window.aggregate(count=Count("pk"), cents=Sum(_CENTS))
    return (figures.installments, figures.balance_cents) == (held["count"], held["cents"] or 0)


def _missing(device: Device, operations: Mapping[str, int]) -> list[int]:
    """List the seqs of operations that are not in custody; one that was refused is known by its seq alone."""
    if not operations:
        return []
    known = set(Operation.objects.filter(op_id__among=operations).values_list("op_id", flat=True))
    missing = {seq for op_id, seq in operations.items() if op_id not in known}
    if missing:
        refused = OperationArrival.objects.filter(device=device, operation=None, seq__among=missing)
        missing -= set(refused.values_list("seq", flat=True))
    return sorted(missing)
