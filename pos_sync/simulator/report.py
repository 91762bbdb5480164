"""What the till said against what the server told: custody, each operation known once, every cent (B1, B2, B8)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from pos_sync.simulator.journal import Json
from pos_sync.simulator.till import IN_CUSTODY, OfflineTill, tendered_cents

DECIDED = frozenset({"applied", "review", "held", "resolved"})
UNDECIDED = frozenset({"pending", "waiting"})
STATES = DECIDED | UNDECIDED | {"quarantined"}
OUTCOME = ("allocated_cents", "credit_cents", "suspense_cents")


@dataclass(slots=True)
class Report:
    """One run, money in cents; `ok` when every operation is in custody and known once, and the totals agree."""

    seed: str
    faults: bool
    till: str = ""
    branch: str = ""
    device_id: str = ""
    journal: str = ""
    snapshot: dict[str, int] = field(default_factory=dict)
    reconciled: str = ""
    tokens_rotated: int = 0
    operations: dict[str, int] = field(default_factory=dict)
    in_custody: int = 0
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    said_cents: int = 0
    allocated_cents: int = 0
    credit_cents: int = 0
    suspense_cents: int = 0
    quarantined_cents: int = 0
    undecided_cents: int = 0
    voided_cents: int = 0
    retries: dict[str, int] = field(default_factory=dict)
    faults_injected: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def told_cents(self) -> int:
        return self.allocated_cents + self.credit_cents + self.suspense_cents

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self), "told_cents": self.told_cents}

    def lines(self) -> list[str]:
        """Return the report for a person, one fact a line."""
        count = sum(self.operations.values())
        states = ", ".join(f"{state} {self.states.get(state, 0)}" for state in sorted(STATES))
        return [
            f"till {self.till} of branch {self.branch}, device {self.device_id}, seed {self.seed}",
            f"snapshot: {_listed(self.snapshot)}; reconciled: {self.reconciled or 'not asked'}; "
            f"tokens rotated: {self.tokens_rotated}",
            f"operations: {count} ({_listed(self.operations)})",
            f"custody: {self.in_custody} of {count}; answers: stored {self.stored}, duplicates {self.duplicates}, "
            f"conflicts {self.conflicts}, refused {len(self.refused)}",
            f"states: {states}",
            f"reasons: {_listed(self.reasons)}; flags: {_listed(self.flags)}",
            f"said {self.said_cents} = told {self.told_cents} (allocated {self.allocated_cents}, credit "
            f"{self.credit_cents}, suspense {self.suspense_cents}) + quarantined {self.quarantined_cents} "
            f"+ undecided {self.undecided_cents}; voided {self.voided_cents} (cents)",
            f"retries: {_listed(self.retries)}; faults: {_listed(self.faults_injected)}",
            f"journal: {self.journal}",
            *(f"PROBLEM {problem}" for problem in self.problems),
            "agreed" if self.ok else f"{len(self.problems)} problem(s)",
        ]

    def count_operations(self, till: OfflineTill) -> None:
        """Count what the till did and what the server took."""
        self.operations = dict(Counter(operation["kind"] for operation in till.operations.values()))
        self.in_custody = sum(word in IN_CUSTODY for word in till.custody.values())
        self.said_cents = sum(map(tendered_cents, till.operations.values()))
        self.voided_cents = sum(tendered_cents(till.operations[op_id]) for op_id in till.voided)
        without = [op_id for op_id in till.operations if till.custody.get(op_id) not in IN_CUSTODY]
        self._complain(without, "never reached custody")
        self._complain([op_id for op_id, word in till.custody.items() if word == "conflict"], "is in conflict")

    def compare(self, till: OfflineTill, results: list[Json]) -> None:
        """Hold what the server knows of this device against what the till did, operation by operation."""
        told = {str(result.get("op_id")): result for result in results}
        times = Counter(str(result.get("op_id")) for result in results)
        taken = [op_id for op_id, word in till.custody.items() if word in IN_CUSTODY]
        self._complain([op_id for op_id, count in times.items() if count > 1], "is told more than once")
        self._complain([op_id for op_id in told if op_id not in till.operations], "is unknown to the till")
        self._complain([op_id for op_id in taken if op_id not in told], "is in custody and unknown to the server")
        for op_id, operation in till.operations.items():
            if op_id in told:
                self._weigh(operation, told[op_id])
        self._name_the_undecided()
        accounted = self.told_cents + self.quarantined_cents + self.undecided_cents
        if self.said_cents != accounted:
            self.problems.append(f"totals differ: said {self.said_cents} cents, accounted for {accounted}")

    def _weigh(self, operation: Json, result: Json) -> None:
        name, said = f"{operation['op_id']} ({operation['kind']})", tendered_cents(operation)
        state = str(result.get("state"))
        _count(self.states, [state])
        _count(self.flags, result.get("flags") or ())
        _count(self.reasons, [result["reason"]] if result.get("reason") else ())
        if state == "quarantined":
            self.quarantined_cents += said
        elif state in UNDECIDED:
            self.undecided_cents += said
        elif state in DECIDED:
            self._add_outcome(name, result.get("outcome") or {}, said)
        else:
            self.problems.append(f"{name} has the unknown state {state!r}")

    def _add_outcome(self, name: str, outcome: Json, said: int) -> None:
        parts = {part: outcome.get(part, 0) for part in OUTCOME}
        if any(type(cents) is not int for cents in parts.values()) or sum(parts.values()) != said:
            self.problems.append(f"{name} said {said} cents and its outcome is {parts}")
            return
        self.allocated_cents += parts["allocated_cents"]
        self.credit_cents += parts["credit_cents"]
        self.suspense_cents += parts["suspense_cents"]

    def _name_the_undecided(self) -> None:
        if pending := self.states.get("pending"):
            self.problems.append(f"{pending} operation(s) still pending")
        if (waiting := self.states.get("waiting")) and not self.states.get("quarantined"):
            self.problems.append(f"{waiting} operation(s) still waiting for something that was delivered")

    def _complain(self, op_ids: list[str], what: str) -> None:
        shown = ", ".join(op_ids[:5]) + (f" and {len(op_ids) - 5} more" if len(op_ids) > 5 else "")
        if op_ids:
            self.problems.append(f"{len(op_ids)} operation(s): {shown} {what}")


def _count(counts: dict[str, int], names: Iterable[str]) -> None:
    for name in names:
        counts[name] = counts.get(name, 0) + 1


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
