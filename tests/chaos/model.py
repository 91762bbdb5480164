"""What tills and books must come to, in plain dictionaries and integer cents; it knows nothing of the production code.

A till's receipt is a fact. Where its money goes is foretold here by the contract's few sentences; what people do in the
back office is told to the model, which foresees what is left to pay.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
PARTS = ("principal_cents", "interest_cents", "fine_cents")


@dataclass
class Debt:
    """One installment: what it is of, what is left, and whether anybody may still pay it."""

    amount: int
    balance: int
    due: str
    customer: str
    is_cancelled: bool = False

    @property
    def is_open(self) -> bool:
        return self.balance > 0 and not self.is_cancelled


@dataclass
class Expected:
    """Where the money of a receipt goes, in cents; `settled` is principal + discount by installment."""

    allocated: int = 0
    credit: int = 0
    suspense: int = 0
    settled: dict[str, int] = field(default_factory=dict)
    is_as_said: bool = True

    @property
    def state(self) -> str:
        if self.suspense:
            return "held"
        return "applied" if self.is_as_said else "review"


@dataclass
class Model:
    """All debts, and every operation that a till ever printed with what is known of it."""

    debts: dict[str, Debt] = field(default_factory=dict)
    printed: dict[str, Json] = field(default_factory=dict)
    in_custody: set[str] = field(default_factory=set)
    posted: dict[str, Expected] = field(default_factory=dict)
    voided: set[str] = field(default_factory=set)

    def foresee(self, body: Mapping[str, Any], seen: Mapping[str, Debt], limits: Mapping[str, int]) -> Expected:
        """Foretell what a receipt does now; `seen` is each debt as the till had it, `limits` its discount in cents."""
        left = sum(tender["amount_cents"] for tender in body["tenders"])
        said = sum(line[part] for line in body["lines"] for part in PARTS)
        found = Expected()
        short = max(0, said - left)
        for line in _cut(body["lines"], short):
            self._pay(found, line, seen.get(line["installment_id"]), limits)
        surplus = max(0, left - said)
        owner = any(line["installment_id"] in self.debts for line in body["lines"]) or body["customer_id"]
        if surplus and owner:
            found.credit += surplus
        elif surplus:
            found.suspense += surplus
        found.is_as_said = found.is_as_said and not short
        return found

    def _pay(self, found: Expected, line: Json, seen: Debt | None, limits: Mapping[str, int]) -> None:
        key, money = line["installment_id"], sum(line[part] for part in PARTS)
        debt = self.debts.get(key)
        if debt is None:
            found.suspense += money
            return
        if not debt.is_open:
            found.credit += money
            found.is_as_said = False
            return
        room = debt.balance - found.settled.get(key, 0)
        principal = min(line["principal_cents"], room)
        discount = min(line["discount_cents"], limits[key], room - principal)
        found.allocated += money - line["principal_cents"] + principal
        found.credit += line["principal_cents"] - principal
        found.settled[key] = found.settled.get(key, 0) + principal + discount
        changed = seen is not None and (seen.due, seen.amount) != (debt.due, debt.amount)
        if changed or principal < line["principal_cents"] or discount < line["discount_cents"]:
            found.is_as_said = False

    def post(self, op_id: str, expected: Expected) -> None:
        """A receipt entered the ledger."""
        self.posted[op_id] = expected
        for key, cents in expected.settled.items():
            self.debts[key].balance -= cents

    def undo(self, op_id: str, key: str) -> None:
        """What a receipt paid of a debt is owed again, once."""
        self.debts[key].balance += self.posted[op_id].settled.pop(key, 0)

    def settle(self, key: str, cents: int) -> None:
        """Somebody paid, or undid (negative), so much of a debt in the back office."""
        self.debts[key].balance -= cents

    @property
    def taken_cents(self) -> int:
        """What the tills took, whatever became of it."""
        return sum(money_of(operation) for operation in self.printed.values())


def money_of(operation: Mapping[str, Any]) -> int:
    """Return what an operation brings into a till from customers, in cents."""
    if operation["kind"] != "receipt":
        return 0
    return sum(tender["amount_cents"] for tender in operation["body"]["tenders"])


def _cut(lines: Iterable[Json], short: int) -> list[Json]:
    """Take what the tenders lack from the last line on: principal, then interest, then fine."""
    kept = []
    for line in reversed(list(lines)):
        copy = dict(line)
        for part in PARTS:
            taken = min(short, copy[part])
            copy[part] -= taken
            short -= taken
        kept.append(copy)
    return kept[::-1]
