"""The journals of all tills against the ledger: each operation once, each cent once, and clean books (B1-B11)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pos_sync.models import Operation
from pos_sync.simulator import OfflineTill
from pos_sync.simulator.till import tendered_cents
from receivables.books import ordered_checks
from receivables.domain.money import to_cents
from receivables.models import CashMovement, Receipt, ReceiptAllocation, Title
from tests.chaos.simulator.chance import World

IN_LEDGER = frozenset({"applied", "review", "held", "resolved"})
CASH = frozenset({"cash_in", "cash_out"})


@dataclass(slots=True)
class Reckoning:
    """What the tills wrote down and what became of it, in cents."""

    taken_cents: int = 0
    posted_cents: int = 0
    outside_cents: int = 0
    states: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def books() -> Iterator[str]:
    """Give each violation of the books in a line."""
    for check in ordered_checks():
        for violation in check.find():
            yield f"{violation.number} {violation.message} {violation.ids}"


def reckon(tills: Sequence[tuple[OfflineTill, str]], world: World) -> Reckoning:
    """Hold every journal against inbox, receipts, cash and outcomes."""
    found = Reckoning()
    inbox = {row.op_id: row for row in Operation.objects.all()}
    amounts = _posted(Receipt.objects.filter(origin="till"))
    cash = _posted(CashMovement.objects.filter(origin="till", receipt=None, reverses=None))
    journaled: set[str] = set()
    for till, name in tills:
        for op_id, operation in till.operations.items():
            journaled.add(op_id)
            said, row = tendered_cents(operation), inbox.get(op_id)
            found.taken_cents += said
            if row is None:
                found.lost.append(f"{name} seq {operation['seq']} ({operation['kind']}): {op_id} is not in the inbox")
                continue
            found.states[row.state] += 1
            if row.kind in CASH:
                said = operation["body"]["amount_cents"]
            posted = (cash if row.kind in CASH else amounts).get(op_id, [])
            _weigh(found, f"{name} {op_id} ({row.kind}, {row.state})", row, said, posted)
            if row.kind == "receipt" and row.outcome is not None:
                _hear(world, row, said)
                _meet(world, row, operation["body"]["customer_id"])
    strangers = [op_id for op_id in (*inbox, *amounts, *cash) if op_id not in journaled]
    found.doubled += [f"{op_id} is in no journal" for op_id in strangers]
    return found


def _posted(rows: object) -> dict[str, list[int]]:
    posted: dict[str, list[int]] = {}
    for op_id, amount in rows.values_list("idempotency_key", "amount"):  # type: ignore[attr-defined]
        posted.setdefault(op_id, []).append(abs(to_cents(amount)))
    return posted


def _weigh(found: Reckoning, name: str, row: Operation, said: int, posted: list[int]) -> None:
    expected = said if row.state in IN_LEDGER else 0
    if row.kind == "receipt":
        found.posted_cents += sum(posted)
        found.outside_cents += said - expected
    if row.kind not in CASH | {"receipt"}:
        return
    if sum(posted) < expected:
        found.lost.append(f"{name}: {posted} of {said} cents")
    elif sum(posted) > expected or len(posted) > 1:
        found.doubled.append(f"{name}: {posted} for {said} cents")


def _hear(world: World, row: Operation, said: int) -> None:
    """What the till is told adds up, and is what the ledger has."""
    told = {name: row.outcome[f"{name}_cents"] for name in ("allocated", "credit", "suspense")}
    if sum(told.values()) != said:
        world.wrong(f"{row.op_id} said {said} cents and is told {told}")
    rows = ReceiptAllocation.objects.filter(receipt__idempotency_key=row.op_id)
    allocated = sum(to_cents(each.money) for each in rows)
    if told["allocated"] != allocated:
        world.wrong(f"{row.op_id} is told {told} and {allocated} cents are allocated")


def _meet(world: World, row: Operation, customer_id: str) -> None:
    """Nobody's money pays a stranger."""
    receipt = Receipt.objects.filter(idempotency_key=row.op_id).first()
    paid_for = {receipt.customer_id} if receipt else set()
    paid_for |= set(Title.objects.filter(allocations__receipt=receipt).values_list("bill_to", flat=True))
    if strangers := paid_for - {int(customer_id), None}:
        world.wrong(f"{row.op_id} is of customer {customer_id} and went to {strangers}")
