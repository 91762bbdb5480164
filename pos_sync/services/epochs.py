"""Epochs: a life of the database. A restored one knows less than its tills, so a new epoch begins (contract, changes).

Asked at each pull, at each sweep and as a server starts, in one statement: does the database still say of itself what
it said when the epoch began?
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from pos_sync.models import Change, Device, Epoch
from receivables.models import SYSTEM, Customer, Installment
from receivables.models.audited import Actor
from receivables.services.moves import write_many

logger = logging.getLogger(__name__)

T = TypeVar("T")
LAST_ID = 2**63 - 1
_EPOCHS, _FEED = Epoch._meta.db_table, Change._meta.db_table
# Which cluster, which of its timelines, which table: a dump restored beside the old one, or over it, is another.
_DATABASE = (
    "(SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) "
    f"|| '/' || CAST('{_FEED}'::regclass AS oid)"
)
_LOOK = {
    "sqlite": f"""
        SELECT number, key, purged_txid, purged_id, database, '' AS seen, 0 AS highest_txid, 1 AS next_txid,
               0 AS settled_txid, MAX(purged_id, COALESCE((SELECT MAX(id) FROM {_FEED}), 0)) AS settled_id,
               '' AS snapshot, NULL AS own_txid
        FROM {_EPOCHS} ORDER BY number DESC LIMIT 1
    """,
    "postgresql": f"""
        SELECT number, key, purged_txid, purged_id, database, {_DATABASE} AS seen,
               GREATEST(purged_txid, (SELECT MAX(txid) FROM {_FEED} WHERE device_id IS NULL)) AS highest_txid,
               GREATEST(CAST(pg_snapshot_xmax(pg_current_snapshot())::text AS bigint),
                        CAST(pg_current_xact_id_if_assigned()::text AS bigint) + 1) AS next_txid,
               CAST(pg_snapshot_xmin(pg_current_snapshot())::text AS bigint) - 1 AS settled_txid,
               {LAST_ID} AS settled_id, pg_current_snapshot()::text AS snapshot,
               CAST(pg_current_xact_id_if_assigned()::text AS bigint) AS own_txid
        FROM {_EPOCHS} ORDER BY number DESC LIMIT 1
    """,
}


# A till names installments, customers and devices, lost ones too. What is made after a restore keeps so far away from
# their ids; beyond what the clock says, because another life may have made its own after a restore of the same backup.
NAMED_BY_TILLS = (Installment, Customer, Device)
SKIPPED_IDS = 1_000_000
_IDS_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)
_SKIP = {
    "sqlite": (
        "INSERT INTO sqlite_sequence (name, seq) SELECT '{table}', 0 "
        "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}')",
        "UPDATE sqlite_sequence SET seq = MAX(seq + {skipped}, {clock}) WHERE name = '{table}'",
    ),
    "postgresql": (
        "SELECT setval(ids, GREATEST(nextval(ids) + {skipped}, {clock})) "
        "FROM CAST(pg_get_serial_sequence('{table}', 'id') AS regclass) AS ids",
    ),
}


class DatabaseRestored(Exception):
    """The database is not the one in which epoch `number` began; a till may know of a later one (`known`)."""

    def __init__(self, *, number: int, known: int = 0) -> None:
        super().__init__("the database was restored")
        self.number, self.known = number, known


@dataclass(frozen=True, slots=True)
class Standing:
    """The current epoch and where its feed stands, as one state of the database shows it.

    Up to the position `settled` nothing new can appear; no change that is visible has reached `next_txid`. `snapshot`
    tells PostgreSQL which transactions beyond were visible, empty where none goes on; it `has_written` when what is
    looked at from within a transaction is its own.
    """

    number: int
    key: str
    purged: tuple[int, int]
    settled: tuple[int, int]
    next_txid: int
    snapshot: str
    has_written: bool


def look() -> Standing:
    """Read where the feed stands; raises DatabaseRestored, also where no epoch has begun yet."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK[connection.vendor])
        row = cursor.fetchone()
    if row is None:
        raise DatabaseRestored(number=0)
    number, key, purged_txid, purged_id, database, seen, highest_txid, next_txid, *ends, snapshot, own_txid = row
    if database != seen or highest_txid >= next_txid:
        raise DatabaseRestored(number=number)
    return Standing(
        number=number,
        key=key,
        purged=(purged_txid, purged_id),
        settled=(ends[0], ends[1]),
        next_txid=next_txid,
        snapshot=_unfinished(snapshot, own_txid),
        has_written=own_txid is not None,
    )


def _unfinished(snapshot: str, own_txid: int | None) -> str:
    """Give a snapshot, `xmin:xmax:going,on`, in which the own transaction goes on too; empty where none does."""
    if not snapshot:
        return ""
    first, last, listed = snapshot.split(":")
    going_on = {int(txid) for txid in (*filter(None, listed.split(",")), own_txid) if txid is not None}
    if not going_on:
        return ""
    ends = min(int(first), *going_on), max(int(last), *(txid + 1 for txid in going_on))
    return f"{ends[0]}:{ends[1]}:{','.join(map(str, sorted(going_on)))}"


def in_its_epoch(read: Callable[[], T], *, now: datetime) -> T:
    """Give what a reading gives; where the database turns out to be restored, in the epoch that begins then."""
    try:
        return read()
    except DatabaseRestored as restored:
        because = _("The database was restored.") if restored.number else _("The first one.")
        begin(because=because, by=SYSTEM, now=now, after=restored.number, known=restored.known)
        return read()


def begin_if_restored(*, now: datetime) -> None:
    """Begin the epoch that a restore calls for before a till asks: people may issue titles meanwhile.

    Whoever looks looks again soon, so a database that is away, or not migrated yet, stops nobody.
    """
    try:
        in_its_epoch(look, now=now)
    except DatabaseError as error:
        logger.warning("not looked whether the database was restored: %s", error)


@transaction.atomic
def begin(*, because: str, by: Actor, now: datetime, after: int | None = None, known: int = 0) -> int:
    """Begin a new epoch and give its number: the feed is emptied, every cursor is reset (contract, changes).

    With `after`, only while that epoch is the current one; after 0 the first begins, in which every till already is.
    `known` is the highest number that a till speaks of.
    """
    list(Epoch.objects.select_for_update(no_key=True).order_by("-number")[:1])
    current = current_epoch()
    if after is not None and current != after:
        return current
    number = max(current, known, 0 if after == 0 else 1) + 1
    Epoch.objects.bulk_create([_epoch(number, because, now)], ignore_conflicts=True)
    if number > 1:
        _empty_feed()
        _skip_ids(now)
        _move_devices(number, because=because, by=by)
        logger.warning("epoch %s begins: all tills take a new snapshot", number)
    return number


def current_epoch() -> int:
    """Give the number of the current epoch, 0 before the first."""
    return Epoch.objects.order_by("-number").values_list("number", flat=True).first() or 0


def epoch_for_pairing() -> int:
    """Give the epoch in which a device is paired; no other begins before it is there."""
    held = Epoch.objects.select_for_update(no_key=True).order_by("-number").values_list("number", flat=True)
    return max(held.first() or 1, current_epoch())


def is_known(*, number: int, key: str) -> bool:
    """Say whether an epoch of ours had this number and this key."""
    return Epoch.objects.filter(number=number, key=key).exists()


def _epoch(number: int, because: str, now: datetime) -> Epoch:
    seen = ""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {_DATABASE}")
            (seen,) = cursor.fetchone()
    return Epoch(number=number, key=secrets.token_hex(8), database=seen, began_at=now, reason=because[:200])


def _empty_feed() -> None:
    """A reader of the state before keeps a cursor of the epoch before, which no longer counts."""
    with connection.cursor() as cursor:
        cursor.execute(f"{'TRUNCATE' if connection.vendor == 'postgresql' else 'DELETE FROM'} {_FEED}")


def _skip_ids(now: datetime) -> None:
    """Money for what was lost is held as unknown; under an id that is given again it would pay a stranger's debt.

    No life makes a row each microsecond: one that begins later begins beyond all that an earlier one made.
    """
    clock = (now - _IDS_BEGAN) // timedelta(microseconds=1)
    with connection.cursor() as cursor:
        for model in NAMED_BY_TILLS:
            for statement in _SKIP[connection.vendor]:
                cursor.execute(statement.format(table=model._meta.db_table, skipped=SKIPPED_IDS, clock=clock))


def _move_devices(number: int, *, because: str, by: Actor) -> None:
    devices = list(Device.objects.locked())
    for device in devices:
        device.epoch = number
    write_many(devices, reasons=dict.fromkeys((device.pk for device in devices), because), by=by)
