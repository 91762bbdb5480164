"""The snapshot of a till: frozen in one transaction, so that counts and sums always match (H5-H11, G.9)."""

import gzip
import json
import logging
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.core import signing
from django.db import DatabaseError, transaction
from django.utils import timezone

from pos_sync.models import Device, Snapshot, SnapshotPage, TillOperator, TillPolicy
from pos_sync.services.devices import limits_of, policy_of
from pos_sync.services.sequence import one_view, read_progress, remember_through
from receivables.domain.documents import mask_document
from receivables.domain.due_dates import national_bank_holidays, till_window
from receivables.domain.errors import InvalidDocument, RuleBroken, gettext_noop
from receivables.domain.money import to_cents
from receivables.models import Branch, BranchPaymentMethod, Customer, Holiday, Installment, PaymentMethod, Terms
from receivables.models.installment import InstallmentQuerySet

logger = logging.getLogger(__name__)

LIFE = timedelta(hours=24)
# The tokens of an expired snapshot are known this long, so that a till is told "expired" and not "unknown".
REMEMBERED = timedelta(days=30)
CALENDAR = timedelta(days=366)
_PAGE_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_CURSOR_SALT = "pos.cursor"

Json = dict[str, object]


class UnknownPageToken(RuleBroken):
    message = gettext_noop("This page is not one of this device's snapshots. Take a new snapshot.")


class SnapshotExpired(RuleBroken):
    message = gettext_noop("This snapshot is older than 24 hours. Take a new one.")


@dataclass(frozen=True, slots=True)
class Page:
    """One page as JSON text; `is_last` when the till has the whole snapshot with it."""

    written: str
    as_of: datetime
    is_last: bool


def freeze_snapshot(*, device: Device, limit: int, now: datetime) -> Page:
    """Freeze a snapshot for a device, at most `limit` installments a page, and give its first page.

    Rows, sums, cursor and through_seq come from one state of the database; all pages can be read for 24 hours.
    """
    with one_view():
        progress = read_progress(device_id=device.pk, epoch=device.epoch)
        branch = Branch.objects.select_related("parameter_set").get(pk=device.branch_id)
        whole = _Whole.read(branch, today=timezone.localdate(now))
        snapshot = Snapshot.objects.create(
            snapshot_id=secrets.token_hex(16), device=device, as_of=now, expires_at=now + LIFE
        )
        first = {
            "epoch": device.epoch,
            "as_of": now.isoformat(timespec="milliseconds"),
            "through_seq": progress.through_seq,
            "applied_above": progress.applied_above,
            "cursor": _cursor(device, as_of=now, horizon=till_window(whole.today)[1]),
            **whole.head(),
        }
        pages = _write_pages(snapshot, first, whole, limit)
    remember_through(device_id=device.pk, epoch=device.epoch, through_seq=progress.through_seq)
    _prune(now)
    return _page(pages[0], is_last=len(pages) == 1)


def read_page(*, device: Device, page_token: str, now: datetime) -> Page:
    """Give a page that was frozen for this device; raises UnknownPageToken and SnapshotExpired."""
    if not _PAGE_TOKEN.fullmatch(page_token):
        raise UnknownPageToken
    page = SnapshotPage.objects.select_related("snapshot").filter(token=page_token, snapshot__device=device).first()
    if page is None:
        raise UnknownPageToken
    if now >= page.snapshot.expires_at:
        raise SnapshotExpired
    return _page(page, is_last=not page.snapshot.pages.filter(number__gt=page.number).exists())


def _page(page: SnapshotPage, *, is_last: bool) -> Page:
    return Page(written=gzip.decompress(page.body).decode(), as_of=page.snapshot.as_of, is_last=is_last)


def _prune(now: datetime) -> None:
    """Empty the pages of expired snapshots, and forget the oldest; whoever comes next does what fails here."""
    try:
        with transaction.atomic():
            SnapshotPage.objects.filter(snapshot__expires_at__lte=now).exclude(body=b"").update(body=b"")
            Snapshot.objects.filter(expires_at__lte=now - REMEMBERED).delete()
    except DatabaseError:
        logger.warning("expired snapshots could not be pruned", exc_info=True)


# Pages


def _write_pages(snapshot: Snapshot, first: Json, whole: "_Whole", limit: int) -> list[SnapshotPage]:
    slices = [whole.installments[start : start + limit] for start in range(0, len(whole.installments), limit)] or [[]]
    tokens = [secrets.token_urlsafe(32) for _ in slices]
    sent: set[object] = set()
    pages = []
    for number, rows in enumerate(slices, start=1):
        document = {
            "snapshot_id": snapshot.snapshot_id,
            **(first if number == 1 else {}),
            "customers": whole.customers_of(rows, besides=sent),
            "installments": rows,
            "page_token": tokens[number] if number < len(tokens) else None,
        }
        pages.append(SnapshotPage(snapshot=snapshot, number=number, token=tokens[number - 1], body=_frozen(document)))
    return SnapshotPage.objects.bulk_create(pages, batch_size=20)


def _frozen(document: Json) -> bytes:
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(written.encode(), 1, mtime=0)


# What a till needs, and nothing else


@dataclass(frozen=True, slots=True)
class _Whole:
    """A branch's window as one state of the database shows it."""

    branch: Branch
    policy: TillPolicy
    today: date
    installments: list[Json]
    customers: dict[str, Json]

    @classmethod
    def read(cls, branch: Branch, *, today: date) -> "_Whole":
        policy = policy_of(branch)
        rows = window_of(branch, policy, today=today)
        return cls(branch, policy, today, installments=_installments(rows), customers=_customers(rows))

    def customers_of(self, rows: Sequence[Json], *, besides: set[object]) -> list[Json]:
        """Give the customers of these installments that were not sent before, and count them as sent."""
        fresh = list(dict.fromkeys(str(row["customer_id"]) for row in rows if row["customer_id"] not in besides))
        besides.update(fresh)
        return [self.customers[customer] for customer in fresh]

    def head(self) -> Json:
        """Give everything but customers and installments."""
        _, horizon = till_window(self.today)
        return {
            "business_date": self.today.isoformat(),
            "horizon": horizon.isoformat(),
            "terms": list(_terms({int(str(row["terms_id"])) for row in self.installments} | {self._own_terms})),
            "holidays": [day.isoformat() for day in _holidays(self.today)],
            "payment_methods": list(_payment_methods(self.branch, self.policy)),
            "operators": list(
                TillOperator.objects.filter(branch=self.branch, is_active=True)
                .order_by("code")
                .values("code", "name", "pin_hash")
            ),
            "limits": limits_of(self.policy),
            "expected": {
                "installments": len(self.installments),
                "customers": len(self.customers),
                "balance_cents": sum(int(str(row["balance_cents"])) for row in self.installments),
            },
        }

    @property
    def _own_terms(self) -> int:
        return self.branch.parameter_set.terms_id


def window_of(branch: Branch, policy: TillPolicy, *, today: date) -> InstallmentQuerySet:
    """Select what the tills of a branch carry: overdue or due within 30 days, in the policy's scope (G.9)."""
    window: InstallmentQuerySet = Installment.objects.in_window(today=today)
    return window if policy.sees_company else window.filter(title__collecting_branch=branch)


def _installments(rows: InstallmentQuerySet) -> list[Json]:
    columns = rows.order_by("pk").values_list(
        "pk", "version", "title_id", "title__bill_to_id", "number", "title__installment_count",
        "title__document_number", "due_date", "amount", "balance", "terms_id", "interest_from", "fine_charged",
        "carried_charges", "status",
    )  # fmt: skip
    return [
        {
            "id": str(pk), "version": version, "title_id": str(title), "customer_id": str(customer),
            "number": f"{number}/{count}", "document": document, "due_date": due.isoformat(),
            "amount_cents": to_cents(amount), "balance_cents": to_cents(balance), "terms_id": str(terms),
            "interest_from": interest_from.isoformat(), "fine_charged": fine_charged,
            "carried_charges_cents": to_cents(carried), "status": status,
        }
        for pk, version, title, customer, number, count, document, due, amount, balance, terms, interest_from,
            fine_charged, carried, status in columns
    ]  # fmt: skip


def _customers(rows: InstallmentQuerySet) -> dict[str, Json]:
    columns = Customer.objects.filter(pk__in=rows.values("title__bill_to")).values_list(
        "pk", "version", "name", "document"
    )
    return {
        str(pk): {"id": str(pk), "version": version, "name": name, "document_masked": _masked(document)}
        for pk, version, name, document in columns
    }


def _masked(document: str) -> str:
    try:
        return mask_document(document)
    except InvalidDocument:
        return "*" * len(document)


def _terms(ids: Iterable[int]) -> Iterator[Json]:
    for terms in Terms.objects.filter(pk__in=ids).order_by("pk"):
        yield {
            "id": str(terms.pk),
            "interest_percent": percent(terms.interest_percent),
            "interest_per": terms.interest_per,
            "fine_percent": percent(terms.fine_percent),
            "max_discount_percent": percent(terms.max_discount_percent),
            "allow_partial": terms.allow_partial,
        }


def percent(value: Decimal) -> str:
    """Write a percentage with two places or as many as it needs: `1.00`, `0.0334`."""
    whole, _, places = f"{value:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def _holidays(today: date) -> list[date]:
    """List bank holidays, national and local, from a year back to a year ahead (G.17)."""
    first, last = today - CALENDAR, today + CALENDAR
    national = {day for year in range(first.year, last.year + 1) for day in national_bank_holidays(year)}
    local = Holiday.objects.filter(day__range=(first, last)).values_list("day", flat=True)
    return sorted({day for day in national if first <= day <= last} | set(local))


def _payment_methods(branch: Branch, policy: TillPolicy) -> Iterator[Json]:
    """List what a branch can post; credit of a customer is used in the back office only."""
    offline = set(policy.offline_methods.values_list("pk", flat=True)) if policy.pk else set()
    rows = BranchPaymentMethod.objects.filter(branch=branch, method__is_active=True).select_related("method")
    for method in (row.method for row in rows.exclude(method__code=PaymentMethod.CREDIT).order_by("method__code")):
        yield {
            "code": method.code,
            "name": method.name,
            "offline": method.pk in offline if policy.pk else method.code == PaymentMethod.CASH,
            "gives_change": method.gives_change,
            "needs_reference": method.needs_reference,
        }


def _cursor(device: Device, *, as_of: datetime, horizon: date) -> str:
    """Sign what the next pull of changes must know: whose window this was, when it was read, how far it reached."""
    seen = {"as_of": as_of.isoformat(), "horizon": horizon.isoformat()}
    return signing.dumps({"branch": device.branch_id, "epoch": device.epoch, **seen}, salt=_CURSOR_SALT)
