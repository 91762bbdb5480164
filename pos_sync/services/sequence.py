"""How far a device's sequence has come: first seq, through_seq, applied_above, missing (contract, GET /changes)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from pos_sync.models import UNDECIDED, DeviceEpoch, Operation, OperationArrival
from pos_sync.protocol import MAX_LISTED_SEQS

_ARRIVALS = OperationArrival._meta.db_table
_OPERATIONS = Operation._meta.db_table
_UNDECIDED = ", ".join(f"'{state}'" for state in UNDECIDED)

# Each statement walks the unique index of arrivals from the seq that it is given, in order, and stops early;
# none joins arrivals to arrivals, which a planner without statistics turns into a minute.
_END_OF_RUN = f"""
SELECT seq FROM (
    SELECT a.seq, LEAD(a.seq) OVER (ORDER BY a.seq) AS following
    FROM {_ARRIVALS} a WHERE a.device_id = %s AND a.epoch = %s AND a.seq > %s) steps
WHERE following IS NULL OR following > seq + 1 ORDER BY seq LIMIT 1
"""
_FIRST_UNDECIDED = f"""
SELECT MIN(a.seq) FROM {_ARRIVALS} a JOIN {_OPERATIONS} o ON o.id = a.operation_id
WHERE a.device_id = %s AND a.epoch = %s AND a.seq > %s AND o.state IN ({_UNDECIDED})
"""
_DECIDED_ABOVE = f"""
SELECT a.seq FROM {_ARRIVALS} a
LEFT JOIN {_OPERATIONS} o ON o.id = a.operation_id AND o.state IN ({_UNDECIDED})
WHERE a.device_id = %s AND a.epoch = %s AND a.seq > %s
GROUP BY a.seq HAVING COUNT(o.id) = 0 ORDER BY a.seq LIMIT {MAX_LISTED_SEQS}
"""
_GAPS = f"""
SELECT before, seq FROM (
    SELECT a.seq, COALESCE(LAG(a.seq) OVER (ORDER BY a.seq), %s) AS before
    FROM {_ARRIVALS} a WHERE a.device_id = %s AND a.epoch = %s AND a.seq > %s) steps
WHERE seq > before + 1 ORDER BY seq LIMIT {MAX_LISTED_SEQS}
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a device's sequence stands in one epoch."""

    through_seq: int
    applied_above: list[int]
    missing: list[int]


@contextmanager
def one_view() -> Iterator[None]:
    """Read several statements from one state of the database, as far as the surrounding transaction allows."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def first_seq(*, device_id: int, epoch: int) -> int:
    """Give the seq with which a device's epoch begins: 1 unless the till said otherwise."""
    known = DeviceEpoch.objects.filter(device=device_id, epoch=epoch).values_list("first_seq", flat=True)
    return known.first() or 1


def read_progress(*, device_id: int, epoch: int) -> Progress:
    """Read how far the sequence has come, from where it was last seen; at most 1,000 seqs in each list.

    through_seq: every seq from the first to it has arrived and is decided; 0 when there is none (contract).
    """
    known = DeviceEpoch.objects.filter(device=device_id, epoch=epoch).first() or DeviceEpoch()
    ground = max(known.through_seq, known.first_seq - 1)
    through = _through(device_id, epoch, ground)
    return Progress(
        through_seq=through if through >= known.first_seq else 0,
        applied_above=[seq for (seq,) in _rows(_DECIDED_ABOVE, device_id, epoch, through)],
        missing=list(_missing(device_id, epoch, through)),
    )


def remember_through(*, device_id: int, epoch: int, through_seq: int) -> None:
    """Keep through_seq, which never falls, for the next reading to start from."""
    DeviceEpoch.objects.filter(device=device_id, epoch=epoch, through_seq__lt=through_seq).update(
        through_seq=through_seq
    )


def _through(device_id: int, epoch: int, ground: int) -> int:
    arrived = OperationArrival.objects.filter(device=device_id, epoch=epoch)
    if not arrived.filter(seq=ground + 1).exists():
        return ground
    ((end,),) = _rows(_END_OF_RUN, device_id, epoch, ground)
    ((undecided,),) = _rows(_FIRST_UNDECIDED, device_id, epoch, ground)
    return end if undecided is None else min(end, undecided - 1)


def _missing(device_id: int, epoch: int, through: int) -> Iterator[int]:
    """Walk the gaps above `through`: below it everything has arrived."""
    listed = 0
    for before, seq in _rows(_GAPS, through, device_id, epoch, through):
        for missing in range(before + 1, min(seq, before + 1 + MAX_LISTED_SEQS - listed)):
            yield missing
            listed += 1
        if listed >= MAX_LISTED_SEQS:
            return


def _rows(sql: str, *values: int) -> Sequence[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
