"""The till without a network: operations, numbers, session, drawer, own payments over the shadow copy (H12-H22)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from pos_sync.simulator.charges import Charges, Standing, Terms, charges_due
from pos_sync.simulator.clock import SAO_PAULO, TillClock, uuid7
from pos_sync.simulator.journal import Journal, Json
from pos_sync.simulator.snapshot import Snapshot

IN_CUSTODY = frozenset({"stored", "duplicate", "conflict"})
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Identity:
    device_id: str
    till: str
    receipt_series: str
    epoch: int
    branch: str

    def receipt_no(self, sequence: int) -> str:
        """Return till + series - sequence, as printed (G.22)."""
        return f"{self.till}{self.receipt_series}-{sequence:06d}"


@dataclass(frozen=True, slots=True)
class PaymentLine:
    installment_id: str
    version: int
    principal_cents: int
    interest_cents: int = 0
    fine_cents: int = 0
    discount_cents: int = 0

    @property
    def money_cents(self) -> int:
        return self.principal_cents + self.interest_cents + self.fine_cents


@dataclass(frozen=True, slots=True)
class Tender:
    method: str
    amount_cents: int
    tendered_cents: int
    change_cents: int = 0
    reference: str | None = None


@dataclass(slots=True)
class Session:
    """An open cash session: loose cash (float, in, out), what was taken by method, receipts that may be voided."""

    session_id: str
    operator: str
    loose_cash_cents: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    receipts: list[str] = field(default_factory=list)


class OfflineTill:
    """Numbers, journals and prints operations in this order, and keeps each until the server has custody of it."""

    def __init__(
        self,
        *,
        identity: Identity,
        journal: Journal,
        clock: TillClock,
        rng: Random,
        printer: Callable[[Json], None] = lambda operation: None,
    ) -> None:
        self.identity = identity
        self.operations: dict[str, Json] = {}
        self.custody: dict[str, str] = {}
        self.voided: set[str] = set()
        self.session: Session | None = None
        self.open_balances: dict[str, int] = {}
        self.receipts_made = 0
        self.epoch, self.first_seq = identity.epoch, 1
        self._journal, self._clock, self._rng, self._printer = journal, clock, rng, printer
        self._queue: dict[str, Json] = {}
        self._queued_cents = 0
        self._paid_by: defaultdict[str, list[Json]] = defaultdict(list)
        self._standings: dict[str, Standing] = {}
        self._snapshot: Snapshot | None = None
        for entry in journal.entries:
            self._replay(entry)

    @property
    def snapshot(self) -> Snapshot:
        assert self._snapshot is not None, "load() a snapshot before receiving"
        return self._snapshot

    @property
    def is_loaded(self) -> bool:
        return self._snapshot is not None

    @property
    def today(self) -> date:
        return self._clock.now().date()

    @property
    def drawer_cash_cents(self) -> int:
        session = self._open_session()
        return session.loose_cash_cents + session.taken[self.snapshot.cash_method]

    def load(self, snapshot: Snapshot) -> None:
        """Swap the shadow copy; own payments that it does not contain yet stay on top of it."""
        self._snapshot = snapshot
        self._standings = {row.id: row.standing for row in snapshot.installments.values()}
        self.open_balances = {row.id: row.balance_cents for row in snapshot.installments.values() if row.balance_cents}
        self._restate(set(self._paid_by))

    def terms_of(self, installment_id: str) -> Terms:
        return self.snapshot.terms[self.snapshot.installments[installment_id].terms_id]

    def charges(self, installment_id: str, *, on: date) -> Charges:
        return self._charges(self._standings[installment_id], installment_id, on=on)

    # What a person does at the till

    def open_session(self, *, operator: str, float_cents: int) -> Json:
        session_id = uuid7(at=self._clock.now(), rng=self._rng)
        return self._do("session_open", {"session_id": session_id, "operator": operator, "float_cents": float_cents})

    def receive(self, *, customer_id: str | None, lines: Iterable[PaymentLine], tenders: Iterable[Tender]) -> Json:
        """Record one receipt under the next number of this till; what the tenders bring beyond the lines is credit."""
        session = self._open_session()
        body = {
            "session_id": session.session_id,
            "operator": session.operator,
            "customer_id": customer_id,
            "receipt_no": self.identity.receipt_no(self.receipts_made + 1),
            "mode": "offline",
            "snapshot_as_of": self.snapshot.as_of,
            "lines": [asdict(line) for line in lines],
            "tenders": [asdict(tender) for tender in tenders],
        }
        return self._do("receipt", body)

    def void(self, receipt_op_id: str, *, reason: str) -> Json:
        return self._do("receipt_void", {"receipt_op_id": receipt_op_id, "reason": reason})

    def cash_in(self, *, amount_cents: int, reason: str) -> Json:
        return self._move_cash("cash_in", amount_cents, reason)

    def cash_out(self, *, amount_cents: int, reason: str) -> Json:
        return self._move_cash("cash_out", amount_cents, reason)

    def close_session(self) -> Json:
        """Close the session with what was counted, and with what the server has not seen yet."""
        session = self._open_session()
        drawer = session.taken + Counter({self.snapshot.cash_method: session.loose_cash_cents})
        counted = [{"method": method, "amount_cents": cents} for method, cents in sorted(drawer.items())]
        body = {"session_id": session.session_id, "counted": counted, "pending": self.pending()}
        return self._do("session_close", body)

    # The queue

    def undelivered(self) -> list[Json]:
        return list(self._queue.values())

    @property
    def refused(self) -> list[str]:
        return [op_id for op_id, word in self.custody.items() if word == "refused"]

    def pending(self) -> Json:
        """Return how many operations wait for the server, and the money of the receipts among them in cents."""
        return {"count": len(self._queue), "sum_cents": self._queued_cents}

    def has_room_for(self, amount_cents: int) -> bool:
        """Say whether one more receipt stays within what the till may hold before it must upload."""
        limit = self.snapshot.offline.max_pending_cents
        return limit is None or self._queued_cents + amount_cents <= limit

    def record_answers(self, answers: dict[str, str]) -> None:
        """Journal what the server answered; the first word on an operation stands."""
        news = {op_id: word for op_id, word in answers.items() if op_id not in self.custody}
        if news:
            self._journal.write("answers", custody=news)
            self._release(news)

    def begin_epoch(self, epoch: int) -> None:
        """Offer again what was delivered in the last 30 days: a restored server may lack it (GET /changes)."""
        since = self._clock.now() - KEPT
        again = [
            op_id
            for op_id, operation in self.operations.items()
            if self.custody.get(op_id) in IN_CUSTODY and datetime.fromisoformat(operation["occurred_at"]) > since
        ]
        self._journal.write("epoch", epoch=epoch, again=again)
        self._offer_again(epoch, again)

    # Inside

    def _offer_again(self, epoch: int, again: list[str]) -> None:
        for op_id in again:
            del self.custody[op_id]
        waiting = [each for op_id, each in self.operations.items() if op_id not in self.custody]
        self._queue = {each["op_id"]: each for each in waiting}
        self._queued_cents = sum(map(tendered_cents, waiting))
        self.epoch, self.first_seq = epoch, waiting[0]["seq"] if waiting else len(self.operations) + 1

    def _open_session(self) -> Session:
        assert self.session is not None, "open a session first"
        return self.session

    def _move_cash(self, kind: str, amount_cents: int, reason: str) -> Json:
        body = {"amount_cents": amount_cents, "reason": reason, "session_id": self._open_session().session_id}
        return self._do(kind, body)

    def _do(self, kind: str, body: Json) -> Json:
        now = self._clock.now()
        operation = {
            "op_id": uuid7(at=now, rng=self._rng),
            "seq": len(self.operations) + 1,
            "kind": kind,
            "v": 1,
            "occurred_at": now.isoformat(),
            "body": body,
        }
        self._journal.write("operation", operation=operation)
        self._remember(operation)
        self._printer(operation)
        return operation

    def _replay(self, entry: Json) -> None:
        if entry["event"] == "operation":
            self._clock.not_before(datetime.fromisoformat(entry["operation"]["occurred_at"]))
            self._remember(entry["operation"])
        elif entry["event"] == "answers":
            self._release(entry["custody"])
        elif entry["event"] == "epoch":
            self._offer_again(entry["epoch"], entry["again"])

    def _release(self, answers: dict[str, str]) -> None:
        self.custody.update(answers)
        for op_id in answers:
            self._queued_cents -= tendered_cents(self._queue.pop(op_id))

    def _remember(self, operation: Json) -> None:
        self.operations[operation["op_id"]] = self._queue[operation["op_id"]] = operation
        self._queued_cents += tendered_cents(operation)
        getattr(self, f"_after_{operation['kind']}")(operation, operation["body"])

    def _after_session_open(self, operation: Json, body: Json) -> None:
        self.session = Session(body["session_id"], body["operator"], loose_cash_cents=body["float_cents"])

    def _after_session_close(self, operation: Json, body: Json) -> None:
        self.session = None

    def _after_cash_in(self, operation: Json, body: Json) -> None:
        self._open_session().loose_cash_cents += body["amount_cents"]

    def _after_cash_out(self, operation: Json, body: Json) -> None:
        self._open_session().loose_cash_cents -= body["amount_cents"]

    def _after_receipt(self, operation: Json, body: Json) -> None:
        self.receipts_made += 1
        session = self._open_session()
        session.receipts.append(operation["op_id"])
        for tender in body["tenders"]:
            session.taken[tender["method"]] += tender["amount_cents"]
        for line in body["lines"]:
            self._paid_by[line["installment_id"]].append(operation)
        self._restate({line["installment_id"] for line in body["lines"]})

    def _after_receipt_void(self, operation: Json, body: Json) -> None:
        receipt = self.operations[body["receipt_op_id"]]
        session = self._open_session()
        self.voided.add(receipt["op_id"])
        session.receipts.remove(receipt["op_id"])
        for tender in receipt["body"]["tenders"]:
            session.taken[tender["method"]] -= tender["amount_cents"]
        self._restate({line["installment_id"] for line in receipt["body"]["lines"]})

    def _restate(self, installment_ids: set[str]) -> None:
        if self._snapshot is None:
            return
        for installment_id in sorted(installment_ids & self._snapshot.installments.keys()):
            standing = self._fold(installment_id)
            self._standings[installment_id] = standing
            self.open_balances.pop(installment_id, None)
            if standing.balance_cents > 0:
                self.open_balances[installment_id] = standing.balance_cents

    def _fold(self, installment_id: str) -> Standing:
        """Add the own payments that the snapshot does not contain; a void of one that it does waits for the next."""
        standing = self.snapshot.installments[installment_id].standing
        for receipt in self._paid_by[installment_id]:
            if receipt["op_id"] in self.voided or self._is_covered(receipt["seq"]):
                continue
            on = datetime.fromisoformat(receipt["occurred_at"]).astimezone(SAO_PAULO).date()
            for line in receipt["body"]["lines"]:
                if line["installment_id"] == installment_id:
                    standing = standing.after(
                        settled_cents=line["principal_cents"] + line["discount_cents"],
                        charges_paid_cents=line["interest_cents"] + line["fine_cents"],
                        charges=self._charges(standing, installment_id, on=on),
                        on=on,
                    )
        return standing

    def _is_covered(self, seq: int) -> bool:
        """Say whether the rows contain an own operation; what this epoch does not count was decided long ago."""
        return seq < self.first_seq or self.snapshot.covers(seq)

    def _charges(self, standing: Standing, installment_id: str, *, on: date) -> Charges:
        terms = self.terms_of(installment_id)
        return charges_due(standing, terms=terms, holidays=self.snapshot.holidays, on=on)


def tendered_cents(operation: Json) -> int:
    """Return the money of a receipt in cents, 0 for any other operation."""
    if operation["kind"] != "receipt":
        return 0
    total: int = sum(tender["amount_cents"] for tender in operation["body"]["tenders"])
    return total
