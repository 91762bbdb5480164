"""The change feed: cursors, and what is new after one, for the tills of a branch (contract, GET /changes).

Entries are written by triggers (`pos_sync.triggers`). What they become for a till is in `changes`.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.core import signing
from django.db import connection, transaction
from django.utils import timezone

from pos_sync.models import Change, ChangeNoun, Epoch, TillPolicy
from pos_sync.protocol import RequestRefused
from pos_sync.services.devices import policy_of
from pos_sync.services.epochs import LAST_ID, DatabaseRestored, Standing, is_known, look
from pos_sync.services.sequence import one_view
from pos_sync.services.window import window_of
from receivables.domain.due_dates import till_window
from receivables.models import Branch
from receivables.models.installment import InstallmentQuerySet

logger = logging.getLogger(__name__)

TOMBSTONES_LIVE = timedelta(days=90)
PURGED_AT_ONCE = 10_000
MOST_AHEAD = 150  # a cursor travels in an address
_SALT = "pos.cursor"
_FEED = Change._meta.db_table


class BadCursor(RequestRefused):
    """It was never a cursor of this branch."""

    code = "bad_cursor"


class CursorReset(RequestRefused):
    """It was one, and what happened since is not known: a snapshot is needed."""

    code = "cursor_reset"


# Cursors


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a till has: every change up to a position of the feed, every due date up to a horizon.

    Of the horizon's day only ids up to `day_id`, while that day is being read. While older transactions went on, the
    till was told what was committed after the position as well: the transactions that `seen` shows as done, and the
    entries `ahead` of the transaction that read them itself.
    """

    branch: int
    epoch: int
    key: str
    scope: str
    txid: int
    id: int
    horizon: str
    day_id: int = LAST_ID
    seen: str = ""
    ahead: Sequence[int] = ()

    @property
    def position(self) -> tuple[int, int]:
        return self.txid, self.id

    @property
    def horizon_day(self) -> date:
        return date.fromisoformat(self.horizon)

    def written(self) -> str:
        """Give the opaque text, signed."""
        return signing.dumps(asdict(self), salt=_SALT)


def newest_cursor(*, branch: Branch, policy: TillPolicy, standing: Standing, today: date) -> str:
    """Write the cursor of one who has the branch's whole window as the same state of the database shows it."""
    txid, last_id = standing.settled
    cursor = Cursor(
        branch=branch.pk, epoch=standing.number, key=standing.key, scope=policy.scope, txid=txid, id=last_id,
        horizon=till_window(today)[1].isoformat(),
    )  # fmt: skip
    return after_all(cursor, standing=standing).written()


def after_all(cursor: Cursor, *, standing: Standing) -> Cursor:
    """Give the cursor of one who has all that the same state of the database shows."""
    txid, last_id = standing.settled
    reached = replace(cursor, txid=txid, id=last_id, seen=standing.snapshot, ahead=())
    return replace(reached, ahead=_ids_after(reached, most=MOST_AHEAD)) if standing.has_written else reached


def read_cursor(text: str, *, branch: Branch, policy: TillPolicy, standing: Standing) -> Cursor:
    """Read a cursor; raises BadCursor, CursorReset, and DatabaseRestored where it tells of a life that is lost."""
    cursor = _signed(text)
    if cursor is None or cursor.get("branch") != branch.pk:
        raise BadCursor
    try:
        read = Cursor(**cursor)
    except TypeError as older_form:
        raise CursorReset from older_form
    if (read.epoch, read.key) != (standing.number, standing.key):
        if read.epoch >= standing.number and not is_known(number=read.epoch, key=read.key):
            raise DatabaseRestored(number=standing.number, known=read.epoch)
        raise CursorReset
    if read.txid >= standing.next_txid or (connection.vendor == "sqlite" and read.position > standing.settled):
        raise DatabaseRestored(number=standing.number)
    if read.position < standing.purged or read.scope != policy.scope:
        raise CursorReset
    return read


def _signed(text: str) -> dict[str, Any] | None:
    try:
        said = signing.loads(text, salt=_SALT)
    except signing.BadSignature:
        return None
    return said if isinstance(said, dict) else None


# Reading


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the feed; `is_settled` when no earlier one can appear any more."""

    txid: int
    id: int
    noun: str
    row_id: int
    was_due: date | None
    is_settled: bool


def read_after(cursor: Cursor, *, standing: Standing, device_id: int, limit: int) -> list[Entry]:
    """Read what is visible after a cursor, in the order of (txid, id): settled first, then what is ahead.

    At most `limit` settled entries and one that says there are more; what is ahead comes whole, after the last settled.
    """
    rows = _entries(cursor, device_id=device_id, standing=standing, limit=limit + 1)
    if len(rows) > limit and not rows[limit].is_settled:
        return _entries(cursor, device_id=device_id, standing=standing, limit=None)
    return rows


def _entries(cursor: Cursor, *, device_id: int, standing: Standing, limit: int | None) -> list[Entry]:
    """Each stream is read from its own index, in order, and no further than needed."""
    wheres, values = _streams(cursor)
    wheres, values = [*wheres, "device_id = %s"], [*values, [device_id]]
    end = "" if limit is None else f"ORDER BY txid, id LIMIT {limit}"
    sql, given = _union("txid, id, noun, row_id, was_due", wheres, values, cursor, end)
    with connection.cursor() as database:
        database.execute(f"{sql} ORDER BY 1, 2 {'' if limit is None else f'LIMIT {limit}'}", given)
        return [
            Entry(txid, pk, noun, row_id, _day(was_due), is_settled=(txid, pk) <= standing.settled)
            for txid, pk, noun, row_id, was_due in database.fetchall()
        ]


def _union(
    columns: str, wheres: Sequence[str], values: Sequence[Sequence[int]], cursor: Cursor, end: str
) -> tuple[str, list[Any]]:
    """Write the reading of several streams after a cursor: what it has not seen."""
    news, seen = "(txid, id) > (%s, %s)", list[Any]()
    if cursor.seen:
        news, seen = f"{news} AND NOT pg_visible_in_snapshot(CAST(txid::text AS xid8), %s::pg_snapshot)", [cursor.seen]
    streams = [f"SELECT * FROM (SELECT {columns} FROM {_FEED} WHERE {where} AND {news} {end}) s" for where in wheres]
    given = [value for of_stream in values for value in (*of_stream, *cursor.position, *seen)]
    return " UNION ALL ".join(streams), given


def _streams(cursor: Cursor) -> tuple[list[str], list[list[int]]]:
    """Give the conditions under which entries concern the rows that a cursor's till carries."""
    if cursor.scope == TillPolicy.Scope.COMPANY:
        return ["device_id IS NULL"], [[]]
    return ["branch_id = %s", "branch_id IS NULL AND device_id IS NULL"], [[cursor.branch], []]


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value  # type: ignore[return-value]


def _ids_after(cursor: Cursor, *, most: int) -> list[int]:
    """List the visible entries after a cursor that concern rows, at most so many of each stream."""
    sql, given = _union("id", *_streams(cursor), cursor, f"LIMIT {most}")
    with connection.cursor() as database:
        database.execute(sql, given)
        return [pk for (pk,) in database.fetchall()]


def falling_into(window: InstallmentQuerySet, cursor: Cursor, *, horizon: date) -> InstallmentQuerySet:
    """Select what the window, which ends at `horizon`, holds beyond a cursor's, day by day, in the order of ids."""
    if cursor.horizon_day >= horizon and cursor.day_id == LAST_ID:
        return window.none()
    beyond = window.filter(due_date__gte=cursor.horizon_day).exclude(due_date=cursor.horizon_day, pk__lte=cursor.day_id)
    return beyond.order_by("due_date", "pk")


def is_newest(cursor: Cursor, *, window: InstallmentQuerySet, horizon: date) -> bool:
    """Say whether a pull would bring no row to one who has this cursor."""
    news = set(_ids_after(cursor, most=len(cursor.ahead) + 1)) - set(cursor.ahead)
    return not news and not falling_into(window, cursor, horizon=horizon).exists()


def has_news(*, branch: Branch, cursor: str, today: date) -> bool:
    """Say whether the feed of a branch has anything newer than a cursor, or the cursor counts no longer."""
    with one_view():
        policy = policy_of(branch)
        try:
            read = read_cursor(cursor, branch=branch, policy=policy, standing=look())
        except (RequestRefused, DatabaseRestored):
            return True
        _, horizon = till_window(today)
        return not is_newest(read, window=window_of(branch, policy, today=today), horizon=horizon)


# Purging


def purge(*, now: datetime) -> int:
    """Forget changes older than 90 days and give how many; cursors from before them are reset (contract, changes)."""
    old = Change.objects.filter(changed_at__lt=now - TOMBSTONES_LIVE)
    newest = old.order_by("-txid", "-id").values_list("txid", "id").first()
    if newest is None:
        return 0
    _raise_mark(newest)
    purged = 0
    while ids := list(old.order_by("id").values_list("pk", flat=True)[:PURGED_AT_ONCE]):
        purged += old.filter(pk__gte=ids[0], pk__lte=ids[-1]).delete()[0]
    logger.info("%s changes were purged", purged)
    return purged


def forget_what_was_not_written(*, plan: Sequence[object] = (), **_signal: object) -> None:
    """After migrations on SQLite, reset every cursor: the triggers were lifted, what changed meanwhile is not known."""
    if connection.vendor != "sqlite" or not plan:
        return
    if {_FEED, Epoch._meta.db_table} <= set(connection.introspection.table_names()) and Epoch.objects.exists():
        mark = Change.objects.create(txid=0, noun=ChangeNoun.PARAMETERS, row_id=0, changed_at=timezone.now())
        _raise_mark((0, mark.pk))


@transaction.atomic
def _raise_mark(mark: Sequence[int]) -> None:
    epoch = Epoch.objects.select_for_update(no_key=True).order_by("-number").first()
    if epoch is not None and (epoch.purged_txid, epoch.purged_id) < tuple(mark):
        epoch.purged_txid, epoch.purged_id = mark
        epoch.save(update_fields=["purged_txid", "purged_id"])
