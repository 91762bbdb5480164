"""Tills, people and faults in any order, against the model: after each step every cent is where it must be (B1-B11)."""

from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any

import time_machine
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pos_sync import rate_limits
from pos_sync.models import Operation, TillPolicy
from receivables.books import ordered_checks
from receivables.domain.money import to_cents
from receivables.models import SYSTEM, Installment, Origin, ReceiptAllocation, ReversalLine, TitleStatus
from tests.chaos.model import Debt, Model, money_of
from tests.chaos.people import BackOffice
from tests.make import NOW, make_branch, make_customer
from tests.pos_sync.door import Till, body_of
from tests.pos_sync.shadow import Shadow

FAULTS = ("none", "none", "answer_lost", "sent_twice", "reordered", "cut", "gap", "conflict", "old_epoch")
OUTSIDE = ("pending", "waiting", "quarantined")
lots = st.randoms(use_true_random=False)


class Counter:
    """A till with its queue, its copy of the books, and what it was when it looked at each row."""

    def __init__(self, device: Till) -> None:
        self.device, self.shadow = device, Shadow(device, limit=3)
        self.epoch, self.first_seq, self.next_seq = device.paired["epoch"], 1, 1
        self.queue: list[dict[str, Any]] = []
        self.state = "active"
        self.skew = timedelta(0)


class BooksAndTills(RuleBasedStateMachine):
    """One branch, one counter whose device may change, one office; all of it is rolled back at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(NOW, tick=False)
        self.traveller = self.clock.start()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        rate_limits.cache.clear()
        self.model, self.through, self.number, self.epoch = Model(), {}, 0, 1
        self.seen: dict[str, tuple[dict[str, Debt], dict[str, int]]] = {}
        self.last = {"allocation": 0, "undone": 0}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.whole.__exit__(None, None, None)
        self.clock.stop()

    @initialize(lot=lots)
    def found(self, lot: Random) -> None:
        self.branch = make_branch()
        TillPolicy(parameter_set=self.branch.parameter_set).save_as(SYSTEM)
        self.customers = [make_customer() for _ in range(2)]
        self.office = BackOffice([self.branch], customers=self.customers, lot=lot)
        for _ in range(3):
            self.office.issue()
        self._hear_of_the_office()
        self.counters = [Counter(Till(branch=self.branch))]

    @property
    def counter(self) -> Counter:
        return self.counters[-1]

    # At the till

    @rule(lot=lots, offset=st.sampled_from([0, 0, 0, -600, 200, 7_200]))
    def receive(self, lot: Random, offset: int) -> None:
        """Take money for up to three installments, for one that nobody knows, or for nothing in particular."""
        rows = list(self.counter.shadow.installments.values())
        lines = [self._line(row, lot) for row in lot.sample(rows, min(len(rows), lot.randint(0, 3)))]
        if lot.random() < 0.1:
            lines.append({"installment_id": "999999999", "version": 1, **_parts(lot.randint(1, 500))})
        said = sum(line[part] for line in lines for part in ("principal_cents", "interest_cents", "fine_cents"))
        total = max(1, said + lot.choice([0, 0, 0, 0, 37, -1, -250]))
        self.number += 1
        body = {
            "operator": "01", "session_id": None, "receipt_no": f"03-{self.number:06d}", "lines": lines,
            "customer_id": lot.choice([None, str(self.customers[0].pk)]), "tenders": _tenders(total, lot),
        }  # fmt: skip
        operation = self._print("receipt", body, offset=offset)
        shown = {row["id"]: Debt(row["amount_cents"], row["balance_cents"], row["due_date"], "") for row in rows}
        self.seen[operation["op_id"]] = shown, {row["id"]: self._discount_limit(row) for row in rows}

    @rule(lot=lots)
    def void(self, lot: Random) -> None:
        receipts = [each["op_id"] for each in self.model.printed.values() if each["kind"] == "receipt"]
        if receipts:
            self._print("receipt_void", {"receipt_op_id": lot.choice(receipts), "reason": "desistiu"})

    @rule(kind=st.sampled_from(["cash_in", "cash_out", "session_open", "session_close"]), cents=st.integers(0, 9_999))
    def work_the_drawer(self, kind: str, cents: int) -> None:
        session = {"session_id": f"s{self.number}", "operator": "01", "float_cents": cents}
        closing = {"session_id": session["session_id"], "counted": [{"method": "cash", "amount_cents": cents}]}
        moved = {"amount_cents": cents, "reason": "troco", "session_id": session["session_id"]}
        self._print(kind, {"session_open": session, "session_close": closing}.get(kind, moved))

    def _print(self, kind: str, body: dict[str, Any], *, offset: int = 0) -> dict[str, Any]:
        counter = self.counter
        at = timezone.now() + counter.skew + timedelta(seconds=offset)
        operation = {"op_id": f"op-{len(self.model.printed)}", "seq": counter.next_seq, "kind": kind, "v": 1,
                     "occurred_at": at.isoformat(), "body": body}  # fmt: skip
        counter.next_seq += 1
        counter.queue.append(operation)
        self.model.printed[operation["op_id"]] = operation
        return operation

    def _line(self, row: dict[str, Any], lot: Random) -> dict[str, Any]:
        balance = row["balance_cents"]
        discount = lot.choice([0, 0, 0, min(balance - 1, balance * 4 // 100), balance // 10])
        principal = lot.choice([balance - discount, max(1, balance // 3), balance + 50])
        charges = {"interest_cents": lot.choice([0, 0, 11]), "fine_cents": lot.choice([0, 0, 7])}
        return {"installment_id": row["id"], "version": row["version"],
                **_parts(principal, discount), **charges}  # fmt: skip

    def _discount_limit(self, row: dict[str, Any]) -> int:
        percent = float(self.counter.shadow.terms[row["terms_id"]]["max_discount_percent"])
        return int(row["balance_cents"] * percent / 100 + 0.5)

    # On the line

    @rule(fault=st.sampled_from(FAULTS), lot=lots)
    def push(self, fault: str, lot: Random) -> None:
        """Deliver the queue of the newest device, or of a former one, with something going wrong."""
        counter = lot.choice(self.counters)
        batch, answered = list(counter.queue), fault not in ("answer_lost",)
        if fault == "cut":
            batch = batch[: len(batch) // 2]
        if fault == "gap" and batch:
            batch.pop(lot.randrange(len(batch)))
        if fault == "reordered":
            lot.shuffle(batch)
        epoch = 1 if fault == "old_epoch" else counter.epoch
        event(f"push: {fault}")
        for _ in range(2 if fault == "sent_twice" else 1):
            self._send(counter, batch, epoch=epoch, answered=answered)
        if fault == "conflict" and batch:
            forged = {**lot.choice(batch), "body": {"amount_cents": 1, "reason": "outro"}}
            (result,) = body_of(counter.device.push(forged, epoch=epoch))["results"]
            assert (result["custody"], result["reason"]) == ("conflict", "op_id_reused")

    def _send(self, counter: Counter, batch: list[dict[str, Any]], *, epoch: int, answered: bool) -> None:
        response = counter.device.push(*batch, epoch=epoch, first_seq=counter.first_seq)
        answer = body_of(response)
        assert response.status_code == 200, answer
        fresh = [each for each in batch if each["op_id"] not in self.model.in_custody]
        told = {each["op_id"]: each for each in answer["results"]}
        for operation, result in zip(batch, answer["results"], strict=True):
            word = "stored" if operation in fresh else "duplicate"
            assert (result["op_id"], result["custody"]) == (operation["op_id"], word)
        self.model.in_custody |= told.keys()
        for operation in sorted(fresh, key=lambda each: each["seq"]):
            self._foresee(counter, operation, told[operation["op_id"]])
        self._void_what_waited()
        self._note_through(counter, epoch, answer)
        if answered:
            counter.queue = [each for each in counter.queue if each["op_id"] not in told]

    def _foresee(self, counter: Counter, operation: dict[str, Any], told: dict[str, Any]) -> None:
        """Compare what a fresh operation is told with what the model foretells."""
        if counter.state in ("suspended", "revoked"):
            assert (told["state"], told["reason"]) == ("quarantined", f"device_{counter.state}")
        if told["state"] == "quarantined":
            assert counter.state != "active", told
            return
        if operation["kind"] == "receipt":
            expected = self.model.foresee(operation["body"], *self.seen[operation["op_id"]])
            assert _summary(told) == (expected.state, expected.allocated, expected.credit, expected.suspense), told
            event(f"receipt: {told['state']} {told['reason'] or ''}")
            self.model.post(operation["op_id"], expected)
        elif operation["kind"] == "receipt_void":
            self._void(operation)

    def _void(self, operation: dict[str, Any]) -> None:
        receipt = operation["body"]["receipt_op_id"]
        if receipt in self.model.posted:
            for key in list(self.model.posted[receipt].settled):
                self.model.undo(receipt, key)

    def _void_what_waited(self) -> None:
        """A void that came before its receipt was applied in the same turn as the receipt."""
        waited = Operation.objects.filter(kind="receipt_void").exclude(state__in=OUTSIDE)
        for op_id in waited.order_by("pk").values_list("op_id", flat=True):
            self._void(self.model.printed[op_id])

    def _note_through(self, counter: Counter, epoch: int, answer: dict[str, Any]) -> None:
        key = counter.device.device_id, epoch
        assert answer["through_seq"] >= self.through.get(key, 0)
        self.through[key] = answer["through_seq"]

    @precondition(lambda self: self.counter.state == "active")
    @rule()
    def pull(self) -> None:
        """Bring the copy up to date; it is the server's window then."""
        counter = self.counter
        if counter.device.get("changes", cursor=counter.shadow.cursor).status_code == 410:
            counter.shadow.take_snapshot()
            counter.epoch = self.epoch
            counter.first_seq = counter.queue[0]["seq"] if counter.queue else counter.next_seq
        counter.shadow.pull()
        assert counter.shadow.disagreements() == []

    # In the office

    @rule(lot=lots, verb=st.sampled_from([
        "settle_part", "settle_several", "reverse", "cancel", "reissue", "redate", "issue", "use_credit", "refund",
        "close_days", "reopen", "change_rates",
    ]))  # fmt: skip
    def work_in_the_office(self, lot: Random, verb: str) -> None:
        self.office.lot = lot
        event(self.office.try_to(verb))
        self._hear_of_the_office()

    def _hear_of_the_office(self) -> None:
        """Tell the model what people did: debts made, restated, cancelled, paid, and payments undone."""
        for row in Installment.objects.select_related("title"):
            debt = self.model.debts.setdefault(str(row.pk), Debt(0, 0, "", str(row.title.bill_to_id)))
            debt.balance += to_cents(row.amount) - debt.amount
            debt.amount, debt.due = to_cents(row.amount), row.due_date.isoformat()
            debt.is_cancelled = row.title.status == TitleStatus.CANCELLED
        for paid in ReceiptAllocation.objects.filter(pk__gt=self.last["allocation"]).select_related("receipt"):
            if paid.receipt.origin != Origin.TILL:
                self.model.settle(str(paid.installment_id), to_cents(paid.settles))
        for undone in ReversalLine.objects.filter(pk__gt=self.last["undone"]).select_related("allocation__receipt"):
            self._hear_of_undone(undone.allocation)
        self._look_away()

    def _hear_of_undone(self, paid: ReceiptAllocation) -> None:
        if paid.receipt.origin == Origin.TILL:
            self.model.undo(paid.receipt.idempotency_key, str(paid.installment_id))
        else:
            self.model.settle(str(paid.installment_id), -to_cents(paid.settles))

    def _look_away(self) -> None:
        """What tills do from here on is foretold, not heard of."""
        newest = ReceiptAllocation.objects.order_by("-pk").values_list("pk", flat=True).first()
        undone = ReversalLine.objects.order_by("-pk").values_list("pk", flat=True).first()
        self.last = {"allocation": newest or 0, "undone": undone or 0}

    # Around them

    @rule(state=st.sampled_from(["suspended", "revoked", "active"]))
    def change_the_device(self, state: str) -> None:
        counter = self.counter
        if counter.state in ("active", "suspended") and state != counter.state:
            counter.device.become(state)
            counter.state = state

    @rule()
    def pair_again(self) -> None:
        """Another installation takes the counter over; the former one keeps its token and its queue."""
        if len(self.counters) < 3:
            former = self.counter
            self.counters.append(Counter(Till(branch=self.branch, install_id=f"install-{len(self.counters)}")))
            former.state = "revoked" if former.state == "revoked" else "replaced"
            self.counter.next_seq = 1

    @rule(hours=st.sampled_from([1, 5, 24, 72]))
    def let_time_pass(self, hours: int) -> None:
        self.traveller.shift(timedelta(hours=hours))

    @rule(minutes=st.sampled_from([-2_880, -30, 0, 4, 600]))
    def set_the_tills_clock_wrong(self, minutes: int) -> None:
        self.counter.skew = timedelta(minutes=minutes)

    @precondition(lambda self: self.epoch < 3)
    @rule()
    def begin_an_epoch(self) -> None:
        call_command("new_epoch", reason="cópia de segurança", stdout=StringIO())
        self.epoch += 1

    # What always holds

    @invariant()
    def books_are_clean(self) -> None:
        assert [str(violation) for check in ordered_checks() for violation in check.find()] == []

    @invariant()
    def every_cent_is_in_one_place(self) -> None:
        """Taken = allocated + credit + suspense + quarantined, pending or waiting + not yet delivered."""
        inbox = {row.op_id: row for row in Operation.objects.all()}
        assert inbox.keys() == self.model.in_custody
        ledger = outside = 0
        for op_id, row in inbox.items():
            money = money_of(self.model.printed[op_id])
            if row.state in OUTSIDE:
                outside += money
            elif row.kind == "receipt":
                ledger += sum(row.outcome[f"{part}_cents"] for part in ("allocated", "credit", "suspense"))
        queued = sum(money_of(each) for op_id, each in self.model.printed.items() if op_id not in inbox)
        assert self.model.taken_cents == ledger + outside + queued

    @invariant()
    def balances_are_as_foretold(self) -> None:
        books = {str(pk): to_cents(balance) for pk, balance in Installment.objects.values_list("pk", "balance")}
        assert books == {key: debt.balance for key, debt in self.model.debts.items()}


def _parts(principal: int, discount: int = 0) -> dict[str, int]:
    return {"principal_cents": principal, "interest_cents": 0, "fine_cents": 0, "discount_cents": discount}


def _tenders(total: int, lot: Random) -> list[dict[str, Any]]:
    share = lot.choice([total, total, max(1, total // 2)])
    parts = [("cash", share), ("pix", total - share)]
    return [{"method": method, "amount_cents": cents} for method, cents in parts if cents]


def _summary(told: dict[str, Any]) -> tuple[str, int, int, int]:
    outcome = told["outcome"]
    return told["state"], *(outcome[f"{part}_cents"] for part in ("allocated", "credit", "suspense"))
