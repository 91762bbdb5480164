"""The frozen pages of snapshots: kept in the database for all, in each process for the next who reads them.

Pages never change. Of a thousand tills that wake at once, the first few read the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import caches
from django.db import connection

from pos_sync.models import Snapshot, SnapshotPage

KEPT = caches["pages"]
_FETCHED_TOGETHER = 32  # what is read one after the other; 26 KB each


@dataclass(frozen=True, slots=True)
class Kept:
    """A page as it was frozen, without what the device that reads it adds."""

    body: bytes
    as_of: datetime
    expires_at: datetime
    """Not before this: serving the snapshot again prolongs its life."""


def write(snapshot: Snapshot, bodies: Sequence[bytes]) -> None:
    """Write the pages of a new snapshot, in their order; whoever asked for it reads them here next."""
    numbered = dict(enumerate(bodies, start=1))
    if connection.vendor == "postgresql":
        _copy(snapshot.pk, numbered)
    else:
        rows = [SnapshotPage(snapshot=snapshot, number=number, body=body) for number, body in numbered.items()]
        SnapshotPage.objects.bulk_create(rows)
    kept = {number: Kept(body, snapshot.as_of, snapshot.expires_at) for number, body in numbered.items()}
    _keep(snapshot.snapshot_id, kept)


def _copy(snapshot: int, bodies: dict[int, bytes]) -> None:
    """Write pages as the bytes that they are: as text they would be twice as long, and so would the time."""
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy("COPY pos_sync_snapshotpage (snapshot_id, number, body) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(["int8", "int4", "bytea"])
        for number, body in bodies.items():
            copy.write_row((snapshot, number, body))


def read(snapshot_id: str, number: int, *, now: datetime) -> Kept | None:
    """Give a page as this process has it, or as the database has it when its time seems to be over."""
    kept: Kept | None = KEPT.get(_key(snapshot_id, number))
    if kept is not None and now < kept.expires_at:
        return kept
    return _fetch(snapshot_id, number).get(number)


def _fetch(snapshot_id: str, number: int) -> dict[int, Kept]:
    """Read a page and those that are read with it, by number."""
    first = number - (number - 1) % _FETCHED_TOGETHER
    rows = SnapshotPage.objects.filter(
        snapshot__snapshot_id=snapshot_id, number__range=(first, first + _FETCHED_TOGETHER - 1)
    )
    columns = rows.values_list("number", "body", "snapshot__as_of", "snapshot__expires_at")
    found = {number: Kept(bytes(body), as_of, expires_at) for number, body, as_of, expires_at in columns}
    _keep(snapshot_id, found)
    return found


def _keep(snapshot_id: str, pages: dict[int, Kept]) -> None:
    KEPT.set_many({_key(snapshot_id, number): page for number, page in pages.items()})


def _key(snapshot_id: str, number: int) -> str:
    return f"{snapshot_id}.{number}"
