"""Who comes to the till and what they pay: a lifelike mix drawn by lot, the same for the same seed and snapshot."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from pos_sync.simulator.charges import discount_limit, impute
from pos_sync.simulator.errors import NothingToReceive, OfflineLimitReached
from pos_sync.simulator.till import OfflineTill, PaymentLine, Tender

PLENTY = {"full": 40, "several": 15, "part": 25, "discounted": 10, "overpaid": 5, "advance": 5}
SCARCE = {"full": 4, "several": 1, "part": 75, "discounted": 2, "overpaid": 3, "advance": 15}
FLOATS = (5_000, 10_000, 20_000)
BANKNOTES = (500, 1_000, 2_000, 5_000, 10_000)
SANGRIA_FROM_CENTS = 50_000
VOID_CHANCE, SANGRIA_CHANCE, SUPRIMENTO_CHANCE, TWO_TENDERS_CHANCE = 0.04, 0.15, 0.4, 0.25


@dataclass(frozen=True, slots=True)
class Draft:
    """A receipt not yet made: what it pays, and the money that is handed over in cents."""

    customer_id: str
    lines: tuple[PaymentLine, ...]
    total_cents: int


class Scenario:
    """Plays cash sessions until the till has made `until` receipts."""

    def __init__(self, till: OfflineTill, *, rng: Random, until: int, repay_voided: bool = True) -> None:
        self._till, self._rng, self._until, self._repay_voided = till, rng, until, repay_voided
        self._resting: set[str] = set()
        self._session_ends_at = till.receipts_made + rng.randint(5, 40) if till.session else 0
        self._of_customer: defaultdict[str, list[str]] = defaultdict(list)
        for installment in till.snapshot.installments.values():
            self._of_customer[installment.customer_id].append(installment.id)
        self._methods = [method for method in till.snapshot.methods if method.offline]
        if not till.snapshot.customers or not self._methods:
            raise NothingToReceive("The snapshot brought no customer, or no payment method that works offline.")

    def play(self, *, make_room: Callable[[], None] = lambda: None) -> None:
        """Receive until the number is reached; `make_room` uploads when the till may hold no more money."""
        while self._till.receipts_made < self._until:
            self.serve(make_room=make_room)
        if self._till.session:
            self._till.close_session()

    def serve(self, *, make_room: Callable[[], None] = lambda: None) -> None:
        """Serve one customer, in an open session, with what else comes about; raises OfflineLimitReached."""
        self._be_open()
        self._take_money(make_room)
        self._perhaps_void()
        self._perhaps_sangria()
        if self._till.receipts_made >= self._session_ends_at:
            self._till.close_session()

    def _be_open(self) -> None:
        if self._till.session:
            return
        self._session_ends_at = self._till.receipts_made + self._rng.randint(15, 40)
        operator = self._rng.choice(self._till.snapshot.operators or ("000",))
        self._till.open_session(operator=operator, float_cents=self._rng.choice(FLOATS))
        if self._rng.random() < SUPRIMENTO_CHANCE:
            self._till.cash_in(amount_cents=self._rng.choice(FLOATS), reason="Suprimento de troco")

    def _take_money(self, make_room: Callable[[], None]) -> None:
        draft = self._draft()
        if not self._till.has_room_for(draft.total_cents):
            make_room()
        if not self._till.has_room_for(draft.total_cents):
            raise OfflineLimitReached(f"The till may not hold {draft.total_cents} cents more before it has uploaded.")
        self._till.receive(customer_id=draft.customer_id, lines=draft.lines, tenders=self._tenders(draft.total_cents))

    def _perhaps_void(self) -> None:
        session = self._till.session
        if session is None or not session.receipts or self._rng.random() >= VOID_CHANCE:
            return
        receipt = self._till.operations[self._rng.choice(session.receipts)]
        self._till.void(receipt["op_id"], reason="Cliente desistiu do pagamento")
        if not self._repay_voided:
            self._resting.update(line["installment_id"] for line in receipt["body"]["lines"])

    def _perhaps_sangria(self) -> None:
        cash = self._till.drawer_cash_cents
        if cash >= SANGRIA_FROM_CENTS and self._rng.random() < SANGRIA_CHANCE:
            amount = cash * self._rng.randint(50, 80) // 100 // 1000 * 1000
            self._till.cash_out(amount_cents=amount, reason="Sangria para o cofre")

    # What is paid

    def _draft(self) -> Draft:
        payable = [each for each in self._till.open_balances if each not in self._resting]
        mix = SCARCE if len(payable) < self._until - self._till.receipts_made else PLENTY
        for _ in range(8):
            kind = self._rng.choices(list(mix), weights=list(mix.values()))[0]
            if kind == "advance" or not payable:
                break
            draft = self._compose(kind, self._rng.choice(payable))
            if draft and self._within_limit(draft.total_cents):
                return draft
        return self._advance()

    def _compose(self, kind: str, installment_id: str) -> Draft | None:
        if kind == "several":
            return self._several(installment_id)
        if kind == "part":
            return self._part(installment_id)
        line = self._discounted_line(installment_id) if kind == "discounted" else self._full_line(installment_id)
        if not self._within_limit(line.money_cents):
            return self._part(installment_id)
        extra = self._rng.randint(1, 2_000) if kind == "overpaid" else 0
        return self._to_draft([line], extra_cents=extra)

    def _full_line(self, installment_id: str, *, discount_cents: int = 0) -> PaymentLine:
        charges = self._till.charges(installment_id, on=self._till.today)
        return PaymentLine(
            installment_id,
            self._till.snapshot.installments[installment_id].version,
            self._till.open_balances[installment_id] - discount_cents,
            charges.interest_cents,
            charges.fine_cents,
            discount_cents,
        )

    def _discounted_line(self, installment_id: str) -> PaymentLine:
        balance = self._till.open_balances[installment_id]
        limit = discount_limit(balance_cents=balance, terms=self._till.terms_of(installment_id))
        limit = min(limit, balance - 1)
        return self._full_line(installment_id, discount_cents=self._rng.randint(1, limit) if limit > 0 else 0)

    def _part(self, installment_id: str) -> Draft | None:
        charges = self._till.charges(installment_id, on=self._till.today)
        whole = self._full_line(installment_id)
        ceiling = min(whole.money_cents - 1, self._largest_cents(whole.money_cents))
        if ceiling < 1 or not self._till.terms_of(installment_id).allow_partial:
            return None
        amount = max(1, ceiling * self._rng.randint(2, 60) // 100)
        principal, interest, fine = impute(amount, charges=charges, balance_cents=whole.principal_cents)
        return self._to_draft([PaymentLine(installment_id, whole.version, principal, interest, fine)])

    def _several(self, installment_id: str) -> Draft | None:
        """Pay two to four installments of one customer in one receipt."""
        customer_id = self._till.snapshot.installments[installment_id].customer_id
        payable = [
            each
            for each in self._of_customer[customer_id]
            if each in self._till.open_balances and each not in self._resting
        ]
        if len(payable) < 2:
            return None
        count = min(len(payable), self._rng.randint(2, 4))
        return self._to_draft([self._full_line(each) for each in self._rng.sample(payable, count)])

    def _advance(self) -> Draft:
        """Take money that pays no installment yet: it becomes the customer's credit."""
        amount = self._largest_cents(self._rng.randint(500, 20_000))
        if amount < 1:
            raise OfflineLimitReached("The limits of this till allow no offline receipt.")
        return Draft(self._rng.choice(self._till.snapshot.customers), (), amount)

    def _to_draft(self, lines: list[PaymentLine], *, extra_cents: int = 0) -> Draft:
        total = sum(line.money_cents for line in lines) + extra_cents
        customer_id = self._till.snapshot.installments[lines[0].installment_id].customer_id
        return Draft(customer_id, tuple(lines), total)

    def _within_limit(self, cents: int) -> bool:
        return 0 < cents == self._largest_cents(cents)

    def _largest_cents(self, wished_cents: int) -> int:
        limit = self._till.snapshot.offline.largest_receipt_cents
        return wished_cents if limit is None else min(limit, wished_cents)

    # How it is paid

    def _tenders(self, total_cents: int) -> list[Tender]:
        if len(self._methods) < 2 or total_cents < 2 or self._rng.random() >= TWO_TENDERS_CHANCE:
            return [self._tender(total_cents, index=self._rng.randrange(len(self._methods)))]
        first, second = self._rng.sample(range(len(self._methods)), 2)
        share = self._rng.randint(1, total_cents - 1)
        return [self._tender(share, index=first), self._tender(total_cents - share, index=second)]

    def _tender(self, amount_cents: int, *, index: int) -> Tender:
        method = self._methods[index]
        note = self._rng.choice(BANKNOTES)
        tendered = -(-amount_cents // note) * note if method.gives_change else amount_cents
        reference = f"NSU{self._rng.randrange(10**9):09d}" if method.needs_reference else None
        return Tender(method.code, amount_cents, tendered, tendered - amount_cents, reference)
