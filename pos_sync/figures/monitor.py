"""Monitor de sincronização: every till of the branches at a glance, in a number of statements that does not grow.

Money here is in integer cents, as tills speak. What each figure means is in docs/protocol.md, “The monitor”.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from pos_sync.figures.exposure import Exposure, exposure_of
from pos_sync.figures.numbers import Numbers, read_numbers, sequence_of
from pos_sync.models import NOT_APPLIED, UNDECIDED, Device, DeviceState, Operation, OperationState, SyncRun, TillPolicy
from pos_sync.protocol import CashInSaid, CashOutSaid, ReceiptSaid, WellFormed, judge_form
from receivables.domain.money import round_half_up, to_cents
from receivables.models import Branch, CashSession, CashSessionClosing, Receipt, SessionStatus
from receivables.reports import of_branches, summed

RECENT = timedelta(days=30)
"""How long a closing with something pending, or a device that is not in use any more, is told."""
MOST_READ = 5_000
"""So many operations outside the ledger are read for amounts and numbers; of more the page says “at least”."""
MOST_CLOSINGS = 50
IN_USE = (DeviceState.ACTIVE, DeviceState.SUSPENDED)


@dataclass(slots=True)
class Heap:
    """Operations in one state: how many, and what they amount to."""

    count: int = 0
    cents: int = 0

    def put(self, cents: int) -> None:
        self.count += 1
        self.cents += cents

    def __add__(self, other: "Heap") -> "Heap":
        return Heap(self.count + other.count, self.cents + other.cents)


STATES = (OperationState.PENDING, OperationState.WAITING, OperationState.REVIEW, OperationState.HELD,
          OperationState.QUARANTINED)  # fmt: skip
"""What a person may have to look at, in the order of the monitor."""


@dataclass(slots=True)
class TillLine:
    """A device and all that is to be known of it."""

    device: Device
    exposure: Exposure
    numbers: Numbers = field(default_factory=Numbers)
    heaps: dict[str, Heap] = field(default_factory=dict)
    session: CashSession | None = None

    @property
    def begins(self) -> str:
        """What its receipt numbers begin with."""
        return f"{self.device.till}{self.device.receipt_series}"

    @property
    def waiting(self) -> Heap:
        """What is stored and not decided yet."""
        return self.heap(OperationState.PENDING) + self.heap(OperationState.WAITING)

    def heap(self, state: str) -> Heap:
        return self.heaps.get(state, Heap())

    def is_silent_on(self, on: date) -> bool:
        """Say whether it is in use and was not heard of on a day."""
        last = self.exposure.last_contact_at
        return self.device.state == DeviceState.ACTIVE and (last is None or timezone.localdate(last) < on)

    @property
    def needs_a_look(self) -> bool:
        """Say whether something is open about it, besides being silent."""
        trouble = self.exposure.holds_too_much or self.exposure.must_stop
        return trouble or bool(self.numbers.gaps or self.numbers.repeated or any(self.heaps.values()))


@dataclass(frozen=True, slots=True)
class LateClosing:
    """A closing that left something at its till, or after which something came."""

    closing: CashSessionClosing
    late: Heap
    """What came after it: receipts, and cash in and out."""

    @property
    def still_pending(self) -> int:
        """How many of the operations that were pending at the closing have not come since."""
        return max(0, self.closing.pending_count - self.late.count)


@dataclass(slots=True)
class BranchPart:
    """A branch, the last daily synchronisation that it had, and its tills."""

    branch: Branch
    daily: SyncRun | None
    newest: SyncRun | None
    tills: list[TillLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Monitor:
    """The whole page's figures."""

    parts: Sequence[BranchPart]
    closings: Sequence[LateClosing]
    is_cut: bool

    @property
    def tills(self) -> list[TillLine]:
        return [till for part in self.parts for till in part.tills]

    @property
    def in_use(self) -> list[TillLine]:
        return [till for till in self.tills if till.device.state in IN_USE]

    def total(self, state: str) -> Heap:
        return _added(till.heap(state) for till in self.tills)

    @property
    def waiting(self) -> Heap:
        return _added(till.waiting for till in self.tills)

    @property
    def pending(self) -> Heap:
        """What the tills said that they hold."""
        return _added(Heap(till.exposure.pending_count, till.exposure.pending_cents) for till in self.tills)

    @property
    def issued(self) -> int:
        return sum(till.numbers.issued for till in self.tills)

    @property
    def arrived(self) -> int:
        return sum(till.numbers.arrived for till in self.tills)

    @property
    def missing(self) -> int:
        return sum(till.numbers.missing for till in self.tills)

    @property
    def repeated(self) -> int:
        return sum(till.numbers.repeated for till in self.tills)

    @property
    def sessions(self) -> int:
        return sum(till.session is not None for till in self.tills)


def _added(heaps: Iterable[Heap]) -> Heap:
    return sum(heaps, Heap())


def monitor_of(user: Any, *, now: datetime) -> Monitor:
    """Tell of every till in use of a user's branches, and of the former ones about which something is open."""
    branches = _branches(user)
    lines = {line.device.pk: line for line in _lines(branches, now=now)}
    is_cut = _put_operations(lines, Operation.objects.filter(device__branch__in=[branch.pk for branch in branches]))
    _put_sessions(lines, branches)
    parts = {branch.pk: BranchPart(branch, branch.daily, branch.newest) for branch in branches}
    for line in lines.values():
        if _is_told(line, now=now):
            parts[line.device.branch_id].tills.append(line)
    shown = [part for part in parts.values() if part.tills]
    return Monitor(parts=shown, closings=list(_late_closings(branches, now=now)), is_cut=is_cut)


def line_of(device: Device, *, now: datetime) -> TillLine:
    """Tell of one device what the monitor tells of all."""
    (line,) = _lines([device.branch], now=now, only=device)
    _put_operations({device.pk: line}, Operation.objects.filter(device=device))
    _put_sessions({device.pk: line}, [device.branch])
    return line


def _is_told(line: TillLine, *, now: datetime) -> bool:
    """Say whether a device has a line: those in use always, the former ones while something is open about them."""
    silence = line.exposure.silence
    heard = silence is not None and silence < RECENT and line.exposure.pending_count
    return line.device.state in IN_USE or line.needs_a_look or bool(heard)


def _branches(user: Any) -> list[Any]:
    """Give the branches that have tills, each with its newest synchronisations."""
    rows = of_branches(Branch.objects.all(), user, "pk").filter(Exists(Device.objects.filter(branch=OuterRef("pk"))))
    runs = SyncRun.objects.filter(branch=OuterRef("pk")).order_by("-began_at", "-pk")
    newest = {"daily_pk": runs.filter(why=SyncRun.Why.DAILY)[:1], "newest_pk": runs[:1]}
    branches = list(
        rows.annotate(**{name: Subquery(each.values("pk")) for name, each in newest.items()}).order_by("code")
    )
    wanted = {pk for branch in branches for pk in (branch.daily_pk, branch.newest_pk) if pk}
    found = SyncRun.objects.in_bulk(wanted)
    for branch in branches:
        branch.daily, branch.newest = found.get(branch.daily_pk), found.get(branch.newest_pk)
    return branches


def _lines(branches: Sequence[Any], *, now: datetime, only: Device | None = None) -> Iterator[TillLine]:
    by_pk = {branch.pk: branch for branch in branches}
    sets = {branch.parameter_set_id for branch in branches}
    policies = {policy.parameter_set_id: policy for policy in TillPolicy.objects.filter(parameter_set__in=sets)}
    numbers = read_numbers(by_pk)
    devices = Device.objects.filter(branch__in=by_pk).select_related("contact").order_by("till", "-paired_at", "-pk")
    for device in devices.filter(pk=only.pk) if only else devices:
        device.branch = by_pk[device.branch_id]
        policy = policies.get(device.branch.parameter_set_id, TillPolicy())
        line = TillLine(device, exposure_of(device, policy=policy, now=now))
        line.numbers = numbers.get((device.branch_id, line.begins), line.numbers)
        yield line


# Operations


def _put_operations(lines: dict[int, TillLine], rows: QuerySet) -> bool:
    """Count what is not simply applied, and what it amounts to; say whether more was there than is read."""
    rows = rows.filter(state__in=NOT_APPLIED)
    _put_judged(lines, rows.filter(state__in=[OperationState.REVIEW, OperationState.HELD]))
    return _put_outside(lines, rows)


def _put_judged(lines: dict[int, TillLine], rows: QuerySet) -> None:
    """In review or held: what did not go where the till said."""
    for device, state, outcome in rows.values_list("device", "state", "outcome"):
        lines[device].heaps.setdefault(state, Heap()).put(_in_question(outcome))


def _in_question(outcome: Any) -> int:
    told = outcome if isinstance(outcome, dict) else {}
    return int(told.get("credit_cents") or 0) + int(told.get("suspense_cents") or 0)


def _put_outside(lines: dict[int, TillLine], rows: QuerySet) -> bool:
    """Outside the ledger: what the till said of it, and the receipt numbers that arrived with it."""
    resolved = Q(state=OperationState.RESOLVED, kind="receipt")
    posted = Receipt.objects.filter(idempotency_key=OuterRef("op_id"))
    outside = rows.filter(Q(state__in=[*UNDECIDED, OperationState.QUARANTINED]) | resolved & ~Exists(posted))
    read = list(outside.order_by("pk").values_list("device", "state", "raw")[: MOST_READ + 1])
    arrived: dict[int, list[int]] = {}
    for device, state, raw in read[:MOST_READ]:
        cents, number = _said(raw)
        if state != OperationState.RESOLVED:
            lines[device].heaps.setdefault(state, Heap()).put(cents)
        if (sequence := sequence_of(number, begins=lines[device].begins)) is not None:
            arrived.setdefault(device, []).append(sequence)
    for device, sequences in arrived.items():
        lines[device].numbers.add(sequences)
    return len(read) > MOST_READ


def _said(raw: str) -> tuple[int, str]:
    """Give the money that an operation brings, in cents, and its receipt number; nothing where it cannot be read."""
    form = judge_form(raw)
    said = form.said if isinstance(form, WellFormed) else None
    if isinstance(said, ReceiptSaid):
        return said.received, said.receipt_no or ""
    if isinstance(said, CashInSaid | CashOutSaid):
        return said.amount, ""
    return 0, ""


# Sessions


def _put_sessions(lines: dict[int, TillLine], branches: Sequence[Any]) -> None:
    """Give each till in use its newest session that is open."""
    at = {(line.device.branch_id, line.device.till): line for line in lines.values() if line.device.state in IN_USE}
    rows = CashSession.objects.filter(status=SessionStatus.OPEN, branch__in=[branch.pk for branch in branches])
    for session in rows.order_by("opened_at"):
        if line := at.get((session.branch_id, session.station)):
            line.session = session


def _late_closings(branches: Sequence[Any], *, now: datetime) -> Iterator[LateClosing]:
    """Give the newest closings of the last days that left something pending, or after which something came."""
    rows = CashSessionClosing.objects.filter(
        session__branch__in=[branch.pk for branch in branches], posted_at__gte=now - RECENT
    )
    told = rows.annotate(
        receipts=Count("supplements__receipt", distinct=True),
        others=Count("supplements", filter=Q(supplements__receipt=None)), amount=summed("supplements__amount"),
    ).filter(Q(pending_count__gt=0) | Q(receipts__gt=0) | Q(others__gt=0))  # fmt: skip
    for each in told.select_related("session__branch").order_by("-posted_at", "-pk")[:MOST_CLOSINGS]:
        yield LateClosing(each, Heap(each.receipts + each.others, to_cents(round_half_up(each.amount))))
