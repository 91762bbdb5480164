"""The snapshot of a till: frozen in one transaction, so that counts and sums always match (H5-H11, G.9).

One is built for a branch and served to all its tills while the branch's feed has nothing newer than its cursor.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from time import perf_counter

from django.core import signing
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from pos_sync.frozen import freeze
from pos_sync.models import Device, Snapshot, SnapshotPage, SyncRun, TillPolicy
from pos_sync.services import feed, window
from pos_sync.services.devices import limits_of, policy_of
from pos_sync.services.epochs import in_its_epoch, look
from pos_sync.services.sequence import one_view, read_progress, remember_through
from pos_sync.services.window import Json, Line
from receivables.domain.due_dates import till_window
from receivables.domain.errors import RuleBroken, gettext_noop
from receivables.domain.money import ZERO, to_cents
from receivables.models import Branch, Customer

logger = logging.getLogger(__name__)

LIFE = timedelta(hours=24)
# Kept a little longer than is promised, so that serving one again and again writes nothing.
KEPT = LIFE + timedelta(hours=1)
# An expired snapshot is known this long, so that a till is told "expired" and not "unknown".
REMEMBERED = timedelta(days=30)
_PAGE_SALT = "pos.page"
# Pages never change. Each process keeps some: those that are read together are fetched together, 26 KB each.
_FETCHED_TOGETHER = 8
_KEPT_GROUPS = 32
_BUILDERS = 0x51554954  # the first of the two keys of the advisory locks under which snapshots are built


class UnknownPageToken(RuleBroken):
    message = gettext_noop("This page is not one of this device's snapshots. Take a new snapshot.")


class SnapshotExpired(RuleBroken):
    message = gettext_noop("This snapshot is older than 24 hours. Take a new one.")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: what is `frozen` of it, and the members of the device's own that complete it.

    `is_last` when the till has the whole snapshot with it.
    """

    frozen: bytes
    own: Json
    snapshot_id: str
    as_of: datetime
    is_last: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A till's wish: at most `limit` installments a page, unless it has one of the snapshots `known` already."""

    device: Device
    limit: int
    now: datetime
    known: Sequence[str] = ()

    @property
    def today(self) -> date:
        return timezone.localdate(self.now)


def first_page(asked: Asked) -> Page | None:
    """Give the first page of the snapshot of the device's branch, built anew where the feed has news.

    None says that what the till has is still the one to serve (ETag, 304). Rows, sums, cursor and through_seq are of
    one state of the database. Of several who find news one builds, the others wait for it.
    """
    is_there, page = _find(asked)
    if not is_there:
        with one_builder(asked.device.branch_id):
            is_there, page = _find(asked)
            if not is_there:
                why = SyncRun.Why.ASKED
                page = build(asked.device.branch, page_size=asked.limit, why=why, now=asked.now, asked=asked)
    return page


def _find(asked: Asked) -> tuple[bool, Page | None]:
    """Say whether there is one to serve, and give its first page unless the till has it."""
    return in_its_epoch(lambda: _find_in_view(asked), now=asked.now)


def _find_in_view(asked: Asked) -> tuple[bool, Page | None]:
    with one_view():
        epoch = look().number
        living = Snapshot.objects.filter(
            branch=asked.device.branch_id, epoch=epoch, business_date=asked.today, expires_at__gt=asked.now
        )
        held = living.filter(snapshot_id__in=asked.known).first() if asked.known else None
        newest = living.filter(page_size=asked.limit).order_by("-as_of", "-pk").first()
        for snapshot in filter(None, (held, newest)):
            if not feed.has_news(branch=asked.device.branch, cursor=snapshot.cursor, today=asked.today):
                return True, None if snapshot is held else _first(snapshot, asked)
    return False, None


def _first(snapshot: Snapshot, asked: Asked) -> Page:
    """Fit the first page to the device: as long as the feed has no news, the rows are those of now."""
    progress = read_progress(device_id=asked.device.pk, epoch=snapshot.epoch)
    remember_through(device_id=asked.device.pk, epoch=snapshot.epoch, through_seq=progress.through_seq)
    if snapshot.expires_at < asked.now + LIFE:
        Snapshot.objects.filter(pk=snapshot.pk).update(expires_at=asked.now + KEPT)
    members = {
        "as_of": asked.now.isoformat(timespec="milliseconds"),
        "through_seq": progress.through_seq,
        "applied_above": progress.applied_above,
    }
    said = {
        "snapshot": snapshot.snapshot_id, "page": 1, "pages": snapshot.pages.count(), "device": asked.device.pk,
        "until": (asked.now + LIFE).isoformat(),
    }  # fmt: skip
    body = _fetched(snapshot.snapshot_id, 0)[1].body
    return _page(body, said, as_of=asked.now, members=members)


def read_page(*, device: Device, page_token: str, now: datetime) -> Page:
    """Give a page of a snapshot that this device began; raises UnknownPageToken and SnapshotExpired."""
    try:
        said = signing.loads(page_token, salt=_PAGE_SALT)
    except signing.BadSignature as unknown:
        raise UnknownPageToken from unknown
    if said["device"] != device.pk:
        raise UnknownPageToken
    kept = _kept(said["snapshot"], said["page"], now=now)
    if now >= datetime.fromisoformat(said["until"]) or now >= kept.expires_at:
        raise SnapshotExpired
    return _page(kept.body, said, as_of=kept.as_of)


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    as_of: datetime
    expires_at: datetime
    """Not before this: serving the snapshot again prolongs its life."""


def _kept(snapshot_id: str, number: int, *, now: datetime) -> _Kept:
    """Give a page as this process has it, or as the database has it when its time seems to be over."""
    group = (number - 1) // _FETCHED_TOGETHER
    row = _fetched(snapshot_id, group).get(number)
    if row is None or now >= row.expires_at:
        row = _fetched.__wrapped__(snapshot_id, group).get(number)
    if row is None:
        raise UnknownPageToken
    return row


@lru_cache(maxsize=_KEPT_GROUPS)
def _fetched(snapshot_id: str, group: int) -> dict[int, _Kept]:
    """Read pages that are read one after the other, by number; raises UnknownPageToken where there is none."""
    first = group * _FETCHED_TOGETHER + 1
    rows = SnapshotPage.objects.filter(
        snapshot__snapshot_id=snapshot_id, number__range=(first, first + _FETCHED_TOGETHER - 1)
    )
    columns = rows.values_list("number", "body", "snapshot__as_of", "snapshot__expires_at")
    found = {number: _Kept(bytes(body), as_of, expires_at) for number, body, as_of, expires_at in columns}
    if not found:
        raise UnknownPageToken
    return found


def forget_pages() -> None:
    """Forget the pages that this process keeps."""
    _fetched.cache_clear()


def _page(body: bytes, said: Json, *, as_of: datetime, members: Json | None = None) -> Page:
    """Put what depends on the device beside a page's frozen text: the token of the next page, its own progress.

    `said` is what this page's own token says.
    """
    number = int(str(said["page"]))
    is_last = number == said["pages"]
    token = None if is_last else signing.dumps({**said, "page": number + 1}, salt=_PAGE_SALT)
    own = {"page_token": token, **(members or {})}
    return Page(body, own, snapshot_id=str(said["snapshot"]), as_of=as_of, is_last=is_last)


# Building


def build(
    branch: Branch, *, page_size: int, why: str, now: datetime, asked: Asked | None = None, asked_by: str = ""
) -> Page | None:
    """Freeze what the tills of a branch need, and keep a record of it; give the asking till's first page."""
    run = SyncRun(branch=branch, why=why, business_date=timezone.localdate(now), began_at=now, asked_by=asked_by)
    began = perf_counter()
    try:
        page = in_its_epoch(lambda: _build(run, page_size, asked), now=now)
    except Exception as failure:
        run.snapshot, run.rows, run.size = None, 0, 0
        _record(run, began, SyncRun.Result.FAILED, error=f"{type(failure).__name__}: {failure}"[:500])
        raise
    _record(run, began, SyncRun.Result.BUILT)
    _prune(now)
    return page


def _build(run: SyncRun, page_size: int, asked: Asked | None) -> Page | None:
    with one_view():
        standing = look()
        branch = Branch.objects.select_related("parameter_set", "city").get(pk=run.branch_id)
        whole = _Whole.read(branch, today=run.business_date)
        cursor = feed.newest_cursor(branch=branch, policy=whole.policy, standing=standing, today=whole.today)
        snapshot = Snapshot.objects.create(
            snapshot_id=secrets.token_hex(16), branch=branch, epoch=standing.number, business_date=whole.today,
            page_size=page_size, cursor=cursor, as_of=run.began_at, expires_at=run.began_at + KEPT,
        )  # fmt: skip
        first = {"epoch": standing.number, "cursor": cursor, **whole.head()}
        run.snapshot, run.rows, run.size = snapshot, len(whole.installments), _write_pages(snapshot, first, whole)
        return _first(snapshot, asked) if asked else None


def _record(run: SyncRun, began: float, result: str, *, error: str = "") -> None:
    run.duration_ms, run.result, run.error = round((perf_counter() - began) * 1000), result, error
    try:
        with transaction.atomic():
            run.save()
    except DatabaseError:
        logger.warning("a synchronisation of branch %s could not be recorded", run.branch_id, exc_info=True)


@contextmanager
def one_builder(branch_id: int) -> Iterator[None]:
    """Let one process at a time build a branch's snapshot; SQLite has one writer anyway."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_BUILDERS, branch_id])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_BUILDERS, branch_id])


def _prune(now: datetime) -> None:
    """Empty the pages of expired snapshots, and forget the oldest; whoever comes next does what fails here."""
    try:
        with transaction.atomic():
            SnapshotPage.objects.filter(snapshot__expires_at__lte=now).exclude(body=b"").update(body=b"")
            Snapshot.objects.filter(expires_at__lte=now - REMEMBERED).delete()
    except DatabaseError:
        logger.warning("expired snapshots could not be pruned", exc_info=True)


# Pages


def _write_pages(snapshot: Snapshot, first: Json, whole: "_Whole") -> int:
    """Write a snapshot's pages and give their size in bytes."""
    size, rows = snapshot.page_size, whole.installments
    slices = [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]
    sent: set[int] = set()
    pages = []
    for number, lines in enumerate(slices, start=1):
        document = {
            "snapshot_id": snapshot.snapshot_id,
            **(first if number == 1 else {}),
            "customers": whole.customers_of(lines, besides=sent),
        }
        body = freeze(document, lists={"installments": [line.written for line in lines]})
        pages.append(SnapshotPage(snapshot=snapshot, number=number, body=body))
    SnapshotPage.objects.bulk_create(pages, batch_size=20)
    return sum(len(page.body) for page in pages)


# What a till needs, and nothing else


@dataclass(frozen=True, slots=True)
class _Whole:
    """A branch's window as one state of the database shows it."""

    branch: Branch
    policy: TillPolicy
    today: date
    installments: list[Line]
    customers: dict[str, Json]

    @classmethod
    def read(cls, branch: Branch, *, today: date) -> "_Whole":
        policy = policy_of(branch)
        rows = window.window_of(branch, policy, today=today)
        installments = window.installment_lines(rows.order_by("pk"))
        named = Customer.objects.filter(pk__among={line.customer_id for line in installments})
        return cls(branch, policy, today, installments=installments, customers=window.customer_rows(named))

    def customers_of(self, lines: Sequence[Line], *, besides: set[int]) -> list[Json]:
        """Give the customers of these installments that were not sent before, and count them as sent."""
        fresh = dict.fromkeys(line.customer_id for line in lines if line.customer_id not in besides)
        besides.update(fresh)
        return [self.customers[str(customer)] for customer in fresh]

    def head(self) -> Json:
        """Give everything but customers and installments."""
        _, horizon = till_window(self.today)
        return {
            "business_date": self.today.isoformat(),
            "horizon": horizon.isoformat(),
            "branch": window.branch_row(self.branch),
            "terms": window.terms_rows({line.terms_id for line in self.installments} | {self._own_terms}),
            "holidays": window.holidays(self.today),
            "payment_methods": window.payment_methods(self.branch, self.policy),
            "operators": window.operators(self.branch),
            "limits": limits_of(self.policy),
            "expected": {
                "installments": len(self.installments),
                "customers": len(self.customers),
                "balance_cents": to_cents(sum((line.balance for line in self.installments), ZERO)),
            },
        }

    @property
    def _own_terms(self) -> int:
        return self.branch.parameter_set.terms_id
