"""The snapshot of a till: frozen in one transaction, so that counts and sums always match (H5-H11, G.9).

One is built for a branch and served to all its tills while the branch's feed has nothing newer than its cursor.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain, repeat
from time import perf_counter
from typing import cast

from django.core import signing
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from pos_sync.frozen import extend, freeze
from pos_sync.models import Device, Snapshot, SnapshotPage, SyncRun, TillPolicy
from pos_sync.services import feed, pages, window
from pos_sync.services.devices import limits_of, policy_of
from pos_sync.services.epochs import in_its_epoch, look
from pos_sync.services.sequence import one_view, read_progress, remember_through
from pos_sync.services.window import Json
from receivables.domain.due_dates import till_window
from receivables.domain.errors import RuleBroken, gettext_noop
from receivables.models import Branch, Customer

logger = logging.getLogger(__name__)

LIFE = timedelta(hours=24)
# Kept a little longer than is promised, so that serving one again and again writes nothing.
KEPT = LIFE + timedelta(hours=1)
# An expired snapshot is known this long, so that a till is told "expired" and not "unknown".
REMEMBERED = timedelta(days=30)
_PAGE_SALT = "pos.page"
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
    kept = pages.read(snapshot.snapshot_id, 1, now=asked.now)
    return _page(cast("pages.Kept", kept).body, said, as_of=asked.now, members=members)


def read_page(*, device: Device, page_token: str, now: datetime) -> Page:
    """Give a page of a snapshot that this device began; raises UnknownPageToken and SnapshotExpired."""
    try:
        said = signing.loads(page_token, salt=_PAGE_SALT)
    except signing.BadSignature as unknown:
        raise UnknownPageToken from unknown
    if said["device"] != device.pk:
        raise UnknownPageToken
    kept = pages.read(said["snapshot"], said["page"], now=now)
    if kept is None:
        raise UnknownPageToken
    if now >= datetime.fromisoformat(said["until"]) or now >= kept.expires_at:
        raise SnapshotExpired
    return _page(kept.body, said, as_of=kept.as_of)


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
        policy = policy_of(branch)
        cursor = feed.newest_cursor(branch=branch, policy=policy, standing=standing, today=run.business_date)
        snapshot = Snapshot.objects.create(
            snapshot_id=secrets.token_hex(16), branch=branch, epoch=standing.number, business_date=run.business_date,
            page_size=page_size, cursor=cursor, as_of=run.began_at, expires_at=run.began_at + KEPT,
        )  # fmt: skip
        told = _Told.read(snapshot, policy)
        bodies = told.pages({"epoch": standing.number, "cursor": cursor})
        pages.write(snapshot, bodies)
        run.snapshot, run.rows, run.size = snapshot, told.installments, sum(map(len, bodies))
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


# What a till needs, and nothing else


@dataclass(slots=True)
class _Told:
    """A branch's window as one state of the database shows it: frozen page by page, as the installments come."""

    snapshot: Snapshot
    policy: TillPolicy
    frozen: list[bytes] = field(default_factory=list)
    newcomers: list[list[int]] = field(default_factory=list)
    """The customers of each page that were on none before."""
    terms: set[int] = field(default_factory=set)
    installments: int = 0
    balance_cents: int = 0

    @classmethod
    def read(cls, snapshot: Snapshot, policy: TillPolicy) -> "_Told":
        told, sent = cls(snapshot, policy), set[int]()
        rows = window.window_of(snapshot.branch, policy, today=snapshot.business_date).order_by("pk")
        with closing(window.installment_lines(rows, at_once=snapshot.page_size)) as coming:
            for lines in coming:
                told._freeze(lines.written)
                told.newcomers.append([pk for pk in dict.fromkeys(lines.customers) if pk not in sent])
                sent.update(told.newcomers[-1])
                told.terms.update(lines.terms)
                told.installments += len(lines.written)
                told.balance_cents += sum(lines.balances)
        if not told.frozen:
            told._freeze([])
            told.newcomers.append([])
        return told

    def _freeze(self, written: Sequence[str]) -> None:
        self.frozen.append(freeze({"snapshot_id": self.snapshot.snapshot_id}, lists={"installments": written}))

    def pages(self, first: Json) -> list[bytes]:
        """Complete the pages with their customers, the first one with `first` and all that a till needs besides."""
        ids = {pk for some in self.newcomers for pk in some}
        customers = window.customer_rows(Customer.objects.filter(pk__among=ids))
        heads: Iterator[Json] = chain([first | self._head(len(ids))], repeat({}))
        return [
            extend(frozen, {**head, "customers": [customers[str(pk)] for pk in some]})
            for frozen, some, head in zip(self.frozen, self.newcomers, heads, strict=False)
        ]

    def _head(self, customers: int) -> Json:
        """Give everything but customers and installments."""
        branch, today = self.snapshot.branch, self.snapshot.business_date
        _, horizon = till_window(today)
        return {
            "business_date": today.isoformat(),
            "horizon": horizon.isoformat(),
            "branch": window.branch_row(branch),
            "terms": window.terms_rows(self.terms | {branch.parameter_set.terms_id}),
            "holidays": window.holidays(today),
            "payment_methods": window.payment_methods(branch, self.policy),
            "operators": window.operators(branch),
            "limits": limits_of(self.policy),
            "expected": {
                "installments": self.installments,
                "customers": customers,
                "balance_cents": self.balance_cents,
            },
        }
