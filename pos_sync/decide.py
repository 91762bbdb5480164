"""What a till's operation does, given what is there: state, reason, flags, where each cent goes, which time counts.

Pure, integer cents outside, no clock: the rules of the contract's "States, reasons, flags", "Time" and "Voids".
What is written is in `services`; charges and standings are computed by `receivables.domain`.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pos_sync.protocol import (
    CashInSaid,
    CashOutSaid,
    LineSaid,
    ReceiptSaid,
    SessionCloseSaid,
    SessionOpenSaid,
    VoidSaid,
)
from receivables.domain.allocation import Allocation, carried_after, standing_after
from receivables.domain.charges import Charges, Standing, Terms, discount_limit, is_late, late_charges
from receivables.domain.fold import SETTLED, installment_status
from receivables.domain.money import from_cents, to_cents

CLOCK_TOLERANCE = timedelta(minutes=5)
CLOSE_PATIENCE = timedelta(hours=24)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")

State = Literal["applied", "review", "held", "waiting"]

# Worst first: held before review, and within review the order of the contract's table.
REASONS = (
    "unknown_installment",
    "already_settled",
    "partly_settled",
    "over_balance",
    "cancelled",
    "reissued",
    "discount_above_limit",
    "sum_mismatch",
    "credit_used",
    "already_reversed",
    "void_late",
)
FLAGS = (
    "charges_differ",
    "operator_unknown",
    "session_unknown",
    "unknown_method",
    "clock_suspect",
    "cash_day_closed",
    "sequence_fork",
    "receipt_no_reused",
)


def worst(reasons: Iterable[str]) -> str | None:
    """Give the reason that a result shows on top, None for none (contract: held > review > applied)."""
    return min(reasons, key=REASONS.index, default=None)


def state_of(reason: str | None) -> State:
    """Give the state that a posted operation with this worst reason has."""
    if reason is None:
        return "applied"
    return "held" if reason == "unknown_installment" else "review"


# What is there


class InstallmentThen(NamedTuple):
    """An installment as it was at the `version` that the till had; `amount` in cents."""

    standing: Standing
    terms: Terms
    amount: int


class InstallmentNow(NamedTuple):
    """An installment as the books have it; `id` and `customer_id` are our keys, `amount` is in cents."""

    id: int
    customer_id: int
    status: str
    cancelled: bool
    other_branch_forbidden: bool
    standing: Standing
    terms: Terms
    amount: int

    @property
    def balance(self) -> int:
        """Give the balance in cents."""
        return to_cents(self.standing.balance)


@dataclass(frozen=True)
class Scene:
    """What the books hold of all that a batch names, by the ids as sent; what is absent is unknown.

    A version that is not in `then` is the one that the batch found: `began` keeps it once receipts have touched it.
    """

    installments: dict[str, InstallmentNow]
    then: Mapping[tuple[str, int], InstallmentThen]
    customers: Mapping[str, int]
    extra_holidays: frozenset[date] = frozenset()
    began: dict[str, InstallmentNow] = field(default_factory=dict)


class Circumstances(NamedTuple):
    """What surrounds one operation; `received_on` is the São Paulo day of its effective time."""

    received_on: date
    operator_known: bool = True
    session_known: bool = True
    known_methods: AbstractSet[str] = frozenset()
    receipt_no_seen: bool = False
    clock_suspect: bool = False
    cash_day_closed: bool = False
    sequence_fork: bool = False


# What follows


class LineOutcome(NamedTuple):
    """Where a line's money went, in cents: principal + interest + fine + credit + suspense is what it brought.

    `installment` and `customer` are our keys, None for an unknown installment; `other_branch` is not for the till.
    `carried` are the charges left unpaid by this receipt, on the last line of an installment.
    """

    installment_id: str | None
    reasons: tuple[str, ...] = ()
    principal: int = 0
    interest: int = 0
    fine: int = 0
    discount: int = 0
    credit: int = 0
    suspense: int = 0
    installment: int | None = None
    customer: int | None = None
    other_branch: bool = False
    carried: int = 0
    late: bool = False

    @property
    def reason(self) -> str | None:
        """Give the worst of the line's reasons."""
        return worst(self.reasons)

    @property
    def allocated(self) -> int:
        """Give the money that pays the installment."""
        return self.principal + self.interest + self.fine

    @property
    def is_allocation(self) -> bool:
        """Say whether the installment gets anything, a discount included."""
        return self.allocated + self.discount > 0

    def as_json(self) -> dict[str, object]:
        """Build the line of `outcome.lines[]`."""
        return {
            "installment_id": self.installment_id,
            "reason": self.reason,
            "reasons": list(self.reasons),
            "principal_cents": self.principal,
            "interest_cents": self.interest,
            "fine_cents": self.fine,
            "discount_cents": self.discount,
            "credit_cents": self.credit,
            "suspense_cents": self.suspense,
        }


class Decision(NamedTuple):
    """What a receipt does, in cents; allocated + credit + suspense is the sum of its tenders.

    The surplus is what the lines did not name: credit of `surplus_customer`, or suspense where there is none.
    `touched` are the installments as they stand afterwards and `paid` what each got, both by the ids as sent.
    """

    state: State
    reason: str | None
    flags: tuple[str, ...]
    lines: tuple[LineOutcome, ...]
    surplus_credit: int
    surplus_suspense: int
    surplus_customer: int | None
    touched: Mapping[str, InstallmentNow]
    paid: Mapping[str, Allocation]

    @property
    def allocated(self) -> int:
        """Sum the money that pays installments."""
        return sum(line.allocated for line in self.lines)

    @property
    def credit(self) -> int:
        """Sum the credit of all customers."""
        return self.surplus_credit + sum(line.credit for line in self.lines)

    @property
    def suspense(self) -> int:
        """Sum the money that a person must identify."""
        return self.surplus_suspense + sum(line.suspense for line in self.lines)

    def outcome_json(self, *, receipt: str | None) -> dict[str, object]:
        """Build the `outcome` that the till is told; `receipt` is the number that the receipt has here."""
        return {
            "receipt": receipt,
            **_sums(allocated=self.allocated, credit=self.credit, suspense=self.suspense),
            "lines": [line.as_json() for line in self.lines],
        }


def _sums(*, allocated: int, credit: int, suspense: int) -> dict[str, object]:
    return {"allocated_cents": allocated, "credit_cents": credit, "suspense_cents": suspense}


def no_money_json() -> dict[str, object]:
    """Build the outcome of a posted operation that is no receipt, a void above all: three zeros."""
    return _sums(allocated=0, credit=0, suspense=0)


# A receipt


def decide_receipt(said: ReceiptSaid, *, scene: Scene, around: Circumstances) -> Decision:
    """Decide where the tenders of a receipt go (contract, "How decide() judges a receipt"; G.5, G.15, G.16).

    Tenders are the fact: lines that say more are cut from the last, what they do not name is the customer's credit.
    """
    lines = _judge_lines(said, scene)
    lines, touched, paid, charges_differ = _settle_charges(lines, said, scene, around)
    surplus = max(0, said.received - sum(map(_money, said.lines)))
    owner = _owner_of_surplus(said, lines, scene) if surplus else None
    unidentified = surplus if owner is None else 0
    reasons = [reason for line in lines for reason in line.reasons]
    reason = worst([*reasons, "unknown_installment"] if unidentified else reasons)
    return Decision(
        state=state_of(reason),
        reason=reason,
        flags=flags_of(said, around=around, charges_differ=charges_differ),
        lines=lines,
        surplus_credit=surplus - unidentified,
        surplus_suspense=unidentified,
        surplus_customer=owner,
        touched=touched,
        paid=paid,
    )


def follow(scene: Scene, decision: Decision) -> None:
    """Bring the scene to what the next receipt of the same batch finds."""
    for key, left in decision.touched.items():
        scene.began.setdefault(key, scene.installments[key])
        scene.installments[key] = left


def hold_everything(said: ReceiptSaid, *, around: Circumstances) -> Decision:
    """Put all of a receipt into suspense, for one that could not be applied five times (contract, Ingestion)."""
    return Decision(
        state="held", reason="unknown_installment", flags=flags_of(said, around=around), lines=(),
        surplus_credit=0, surplus_suspense=said.received, surplus_customer=None, touched={}, paid={},
    )  # fmt: skip


def _money(line: LineSaid) -> int:
    return line.principal + line.interest + line.fine


def _owner_of_surplus(said: ReceiptSaid, lines: Iterable[LineOutcome], scene: Scene) -> int | None:
    named = next((line.customer for line in lines if line.customer is not None), None)
    return named if named is not None else scene.customers.get(said.customer_id or "")


@dataclass
class _Room:
    """What one installment still takes from this receipt, in cents."""

    balance: int
    discount: int


def _judge_lines(said: ReceiptSaid, scene: Scene) -> tuple[LineOutcome, ...]:
    rooms: dict[str, _Room] = {}
    outcomes = []
    for line, cut in zip(said.lines, _cut_to(said.received, said.lines), strict=True):
        outcome = _judge_line(cut, scene, rooms)
        if cut != line:
            outcome = outcome._replace(reasons=(*outcome.reasons, "sum_mismatch"))
        outcomes.append(outcome)
    return tuple(outcomes)


def _cut_to(received: int, lines: tuple[LineSaid, ...]) -> Sequence[LineSaid]:
    """Cut what the lines say to the money there is: from the last line, principal, then interest, then fine."""
    short = sum(map(_money, lines)) - received
    if short <= 0:
        return lines
    kept: list[LineSaid] = []
    for line in reversed(lines):
        principal = max(0, line.principal - short)
        short -= line.principal - principal
        interest = max(0, line.interest - short)
        short -= line.interest - interest
        fine = max(0, line.fine - short)
        short -= line.fine - fine
        kept.append(line._replace(principal=principal, interest=interest, fine=fine))
    return kept[::-1]


def _judge_line(line: LineSaid, scene: Scene, rooms: dict[str, _Room]) -> LineOutcome:
    found = scene.installments.get(line.installment_id or "")
    if found is None or found.other_branch_forbidden:
        return _to_suspense(line, other_branch=found is not None)
    blank = LineOutcome(installment_id=line.installment_id, installment=found.id, customer=found.customer_id)
    if _money(line) + line.discount == 0:
        return blank
    if found.cancelled or found.status == SETTLED:
        why = "cancelled" if found.cancelled else "already_settled"
        return blank._replace(reasons=(why,), credit=_money(line))
    then = _then(line, found, scene)
    room = rooms.setdefault(line.installment_id or "", _room_of(found, then))
    return _to_installment(line, blank, room, found, then)


def _to_suspense(line: LineSaid, *, other_branch: bool) -> LineOutcome:
    """Suspend a line whose installment is unknown, or is to seem so; without money only its discount is refused."""
    why = "unknown_installment" if _money(line) else "discount_above_limit"
    return LineOutcome(
        installment_id=line.installment_id,
        reasons=(why,) if _money(line) + line.discount else (),
        suspense=_money(line),
        other_branch=other_branch,
    )


def _to_installment(
    line: LineSaid, blank: LineOutcome, room: _Room, now: InstallmentNow, then: InstallmentThen
) -> LineOutcome:
    principal = min(line.principal, room.balance)
    allowed = min(line.discount, room.discount)
    discount = min(allowed, room.balance - principal)
    short = principal < line.principal or discount < allowed
    reasons = _why(short=short, now=now, then=then)
    if line.discount > room.discount:
        reasons += ("discount_above_limit",)
    room.balance -= principal + discount
    room.discount -= discount
    return blank._replace(
        reasons=reasons, principal=principal, interest=line.interest, fine=line.fine,
        discount=discount, credit=line.principal - principal,
    )  # fmt: skip


def _why(*, short: bool, now: InstallmentNow, then: InstallmentThen) -> tuple[str, ...]:
    if now.standing.due_date != then.standing.due_date or now.amount != then.amount:
        return ("reissued",)
    if not short:
        return ()
    return ("partly_settled",) if now.standing.balance < then.standing.balance else ("over_balance",)


def _then(line: LineSaid, now: InstallmentNow, scene: Scene) -> InstallmentThen:
    """Find what the till had; a version that is not known is taken for the one that the batch found."""
    began = scene.began.get(line.installment_id or "", now)
    found = InstallmentThen(standing=began.standing, terms=began.terms, amount=began.amount)
    if line.installment_id is None or line.version is None:
        return found
    return scene.then.get((line.installment_id, line.version), found)


def _room_of(now: InstallmentNow, then: InstallmentThen) -> _Room:
    limit = discount_limit(balance=then.standing.balance, terms=then.terms)
    return _Room(balance=now.balance, discount=to_cents(limit))


# Charges: what was due and what is left of them


def _settle_charges(
    lines: tuple[LineOutcome, ...], said: ReceiptSaid, scene: Scene, around: Circumstances
) -> tuple[tuple[LineOutcome, ...], dict[str, InstallmentNow], dict[str, Allocation], bool]:
    """Complete the lines with what they carry; give the installments afterwards, what each got, if charges differ."""
    completed = list(lines)
    touched: dict[str, InstallmentNow] = {}
    all_paid: dict[str, Allocation] = {}
    differ = False
    for key, places in _by_installment(lines).items():
        now = scene.installments[key]
        paid = all_paid[key] = _paid_by([lines[place] for place in places])
        due, honoured = _charges_due(now, _then(said.lines[places[0]], now, scene), paid, scene, around)
        late = is_late(standing=now.standing, on=around.received_on, extra_holidays=scene.extra_holidays)
        standing = standing_after(standing=now.standing, charges=due, paid=paid, on=around.received_on, late=late)
        for place in places:
            carried = to_cents(standing.carried_charges) if place == places[-1] else 0
            completed[place] = lines[place]._replace(late=late, carried=carried)
        status = installment_status(balance=standing.balance, has_live_allocation=True)
        touched[key] = now._replace(standing=standing, status=status)
        differ = differ or not honoured
    return tuple(completed), touched, all_paid, differ


def _by_installment(lines: Iterable[LineOutcome]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        if line.is_allocation and line.installment_id is not None:
            places.setdefault(line.installment_id, []).append(place)
    return places


def _paid_by(lines: Sequence[LineOutcome]) -> Allocation:
    """Add up what lines give one installment, in reais."""
    return Allocation(
        principal=from_cents(sum(line.principal for line in lines)),
        interest=from_cents(sum(line.interest for line in lines)),
        fine=from_cents(sum(line.fine for line in lines)),
        discount=from_cents(sum(line.discount for line in lines)),
    )


def _charges_due(
    now: InstallmentNow, then: InstallmentThen, paid: Allocation, scene: Scene, around: Circumstances
) -> tuple[Charges, bool]:
    """Give the charges to reckon with, and whether what was paid follows from the till's version or from the books.

    Where the two differ, the lower one is reckoned with: doubt never costs the customer.
    """
    versions = [(then.standing, then.terms), (now.standing, now.terms)]  # mostly the same one
    both = [
        late_charges(standing=standing, terms=terms, on=around.received_on, extra_holidays=scene.extra_holidays)
        for standing, terms in (versions if versions[0] != versions[1] else versions[:1])
    ]
    return min(both, key=lambda due: due.total), any(_follows(paid, due) for due in both)


def _follows(paid: Allocation, due: Charges) -> bool:
    """Say whether charges paid + carried are the charges due; the split between them is the till's (G.16)."""
    return paid.interest + paid.fine + carried_after(charges=due, paid=paid) == due.total


# Flags


def flags_of(
    said: ReceiptSaid | VoidSaid | SessionOpenSaid | SessionCloseSaid | CashInSaid | CashOutSaid,
    *,
    around: Circumstances,
    charges_differ: bool = False,
) -> tuple[str, ...]:
    """Give the flags of an operation in the contract's order; what a till does not say is unknown."""
    raised = {
        "charges_differ": charges_differ,
        "operator_unknown": _operator_unknown(said, around),
        "session_unknown": _session_unknown(said, around),
        "unknown_method": not _methods(said) <= around.known_methods,
        "clock_suspect": around.clock_suspect,
        "cash_day_closed": around.cash_day_closed,
        "sequence_fork": around.sequence_fork,
        "receipt_no_reused": isinstance(said, ReceiptSaid) and said.receipt_no is not None and around.receipt_no_seen,
    }
    return tuple(flag for flag in FLAGS if raised[flag])


def _operator_unknown(said: object, around: Circumstances) -> bool:
    return isinstance(said, ReceiptSaid | SessionOpenSaid) and (said.operator is None or not around.operator_known)


def _session_unknown(said: object, around: Circumstances) -> bool:
    if isinstance(said, SessionOpenSaid):
        return said.session_id is None
    if isinstance(said, CashInSaid | CashOutSaid):
        return said.session_id is not None and not around.session_known
    return isinstance(said, ReceiptSaid | SessionCloseSaid) and (said.session_id is None or not around.session_known)


def _methods(said: object) -> set[str]:
    if isinstance(said, ReceiptSaid):
        return {tender.method or "" for tender in said.tenders}
    return {count.method or "" for count in said.counted} if isinstance(said, SessionCloseSaid) else set()


# Voids, sessions and cash


@dataclass(frozen=True)
class ReceiptNow:
    """The receipt that a void names, as the books have it; `shortfall` is how much of its credit was used, in cents."""

    posted: bool
    same_branch: bool
    reversed: bool
    earlier_session: bool
    shortfall: int


@dataclass(frozen=True)
class PlainDecision:
    """What an operation other than a receipt does; `posts` says whether anything enters the books."""

    state: State
    reason: str | None
    flags: tuple[str, ...]
    posts: bool
    reasons: tuple[str, ...] = ()


WAITS = PlainDecision(state="waiting", reason=None, flags=(), posts=False)


def decide_void(said: VoidSaid, *, receipt: ReceiptNow | None, around: Circumstances) -> PlainDecision:
    """Decide a void (contract, "Voids are facts"): it waits for its receipt, else it is posted whatever came later.

    A receipt of another branch is as good as not there; one already reversed or voided leaves nothing to post.
    """
    if receipt is None or not receipt.posted or not receipt.same_branch:
        return WAITS
    if receipt.reversed:
        return _posted(said, around, reasons=("already_reversed",), posts=False)
    found = {"credit_used": receipt.shortfall > 0, "void_late": receipt.earlier_session}
    return _posted(said, around, reasons=tuple(reason for reason, is_so in found.items() if is_so))


def decide_cash(said: SessionOpenSaid | CashInSaid | CashOutSaid, *, around: Circumstances) -> PlainDecision:
    """Decide a session's opening or cash put in or taken out: always a fact; an amount of 0 posts nothing."""
    return _posted(said, around, posts=isinstance(said, SessionOpenSaid) or said.amount > 0)


def decide_close(
    said: SessionCloseSaid, *, sequence_complete: bool, waited: timedelta, around: Circumstances
) -> PlainDecision:
    """Decide a session's closing: it waits for the sequence before it, 24 hours at most (contract, `waiting`)."""
    if not sequence_complete and waited < CLOSE_PATIENCE:
        return WAITS
    return _posted(said, around)


def _posted(
    said: VoidSaid | SessionOpenSaid | SessionCloseSaid | CashInSaid | CashOutSaid,
    around: Circumstances,
    *,
    reasons: tuple[str, ...] = (),
    posts: bool = True,
) -> PlainDecision:
    reason = worst(reasons)
    seen = around if posts else around._replace(cash_day_closed=False)
    return PlainDecision(
        state=state_of(reason), reason=reason, flags=flags_of(said, around=seen), posts=posts, reasons=reasons
    )


# Devices and time


def quarantine_reason(*, device_state: str, taken_at: datetime, replaced_at: datetime | None) -> str | None:
    """Give why a device's operation is not applied by itself, or None (contract, "Device states").

    A replaced device's operation is good when taken, by its effective time, before the replacement.
    """
    if device_state == "active":
        return None
    if device_state == "replaced" and replaced_at is not None and taken_at < replaced_at:
        return None
    return f"device_{device_state}"


def effective_time(
    *, occurred_at: datetime, arrived_at: datetime, first_paired_at: datetime, previous: datetime | None
) -> tuple[datetime, bool]:
    """Give the time that counts for an operation and whether the till's clock is suspect (contract, "Time").

    `previous` is the effective time of the previous seq. Only a suspect time is moved, into [previous or pairing,
    arrival].
    """
    earliest = [first_paired_at] if previous is None else [first_paired_at, previous]
    suspect = occurred_at > arrived_at + CLOCK_TOLERANCE or any(
        occurred_at < bound - CLOCK_TOLERANCE for bound in earliest
    )
    if not suspect:
        return occurred_at, False
    return min(max(occurred_at, earliest[-1]), arrived_at), True


def till_day(instant: datetime) -> date:
    """Give the São Paulo date of an aware instant: a till's receipt and cash date (contract, "Time"; G.8)."""
    return instant.astimezone(SAO_PAULO).date()
