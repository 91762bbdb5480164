"""Journals against ledger, when nothing moves any more: what was printed is there once, every cent, as it was told.

Reads the database by SQL of its own, so that a mistake of the services' code cannot hide itself.
"""

import json
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any

from pos_sync.simulator.journal import Json
from pos_sync.simulator.till import tendered_cents

Rows = Callable[..., list[tuple[Any, ...]]]
SAID = ("kind", "v", "occurred_at", "body")
PARTS = ("allocated_cents", "credit_cents", "suspense_cents")


@dataclass(slots=True)
class Findings:
    """What is wrong, each named; money in cents."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    lost_cents: int = 0
    doubled_cents: int = 0
    wrong: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong or self.lost_cents or self.doubled_cents)

    def once(self, name: str, times: int) -> None:
        """Note what should be there once and is not."""
        if times != 1:
            (self.doubled if times else self.lost).append(name)

    def same(self, name: str, *, said: object, found: object) -> None:
        if said != found:
            self.wrong.append(f"{name}: {said} was said, {found} is there")

    def money(self, name: str, *, said: int, found: int) -> None:
        """Note cents that should be there and are not, or are there beyond."""
        if said != found:
            self.wrong.append(f"{name}: {said} cents were taken, {found} are there")
            self.lost_cents += max(0, said - found)
            self.doubled_cents += max(0, found - said)


def audit_tills(journals: dict[str, list[Json]], rows: Rows, *, before: Set[str] = frozenset()) -> Findings:
    """Hold what every till printed and was told against inbox and ledger; `before` names what was there already."""
    found = Findings()
    ledger = Ledger(rows)
    printed = {
        entry["operation"]["op_id"]: entry["operation"]
        for journal in journals.values()
        for entry in journal
        if entry["event"] == "operation"
    }
    found.figures["operations"] = len(printed)
    for op_id, operation in printed.items():
        _audit_custody(found, ledger, op_id, operation)
        _AUDITS[operation["kind"]](found, ledger, op_id, operation)
    strangers = ledger.inbox.keys() - printed.keys() - before
    found.wrong += [f"{op_id} is in the inbox and nobody printed it" for op_id in sorted(strangers)]
    foreign = ledger.receipts.keys() - printed.keys() - before
    found.doubled += [f"receipt {key} came from a till and nobody printed it" for key in sorted(foreign)]
    for name, journal in journals.items():
        _audit_told(found, ledger, name, journal)
    return found


class Ledger:
    """What the database holds, read once."""

    def __init__(self, rows: Rows) -> None:
        self.inbox = {
            op_id: (json.loads(raw), state, reason, outcome)
            for op_id, raw, state, reason, outcome in rows(
                "SELECT op_id, raw, state, reason, outcome FROM pos_sync_operation"
            )
        }
        self.copies = Counter(op_id for (op_id,) in rows("SELECT op_id FROM pos_sync_operation"))
        self.receipts = _grouped(
            rows("SELECT idempotency_key, id, (amount * 100)::bigint FROM receivables_receipt WHERE origin = 'till'")
        )
        self.movements = dict(
            rows(
                "SELECT receipt_id, (sum(amount) * 100)::bigint FROM receivables_cashmovement "
                "WHERE receipt_id IS NOT NULL AND reverses_id IS NULL GROUP BY 1"
            )
        )
        self.allocated = dict(
            rows(
                "SELECT receipt_id, (sum(principal + interest + fine) * 100)::bigint "
                "FROM receivables_receiptallocation GROUP BY 1"
            )
        )
        self.granted = {
            (receipt, is_known): cents
            for receipt, is_known, cents in rows(
                "SELECT receipt_id, customer_id IS NOT NULL, (sum(amount) * 100)::bigint "
                "FROM receivables_customercredit WHERE kind = 'granted' AND source_id IS NULL GROUP BY 1, 2"
            )
        }
        self.cash = _grouped(
            rows(
                "SELECT idempotency_key, id, (amount * 100)::bigint FROM receivables_cashmovement "
                "WHERE idempotency_key IS NOT NULL AND reverses_id IS NULL"
            )
        )
        self.voids = _grouped(
            rows(
                "SELECT idempotency_key, id, (amount * 100)::bigint FROM receivables_reversal "
                "WHERE idempotency_key IS NOT NULL"
            )
        )
        self.sessions = {
            key.rpartition("/")[2]: status
            for key, status in rows("SELECT idempotency_key, status FROM receivables_cashsession")
        }


def _grouped(rows: list[tuple[Any, ...]]) -> dict[str, list[tuple[int, int]]]:
    groups: dict[str, list[tuple[int, int]]] = {}
    for key, pk, cents in rows:
        groups.setdefault(key, []).append((pk, cents))
    return groups


def _audit_custody(found: Findings, ledger: Ledger, op_id: str, operation: Json) -> None:
    found.once(f"operation {op_id}", ledger.copies[op_id])
    if op_id not in ledger.inbox:
        return
    raw, state, reason, _ = ledger.inbox[op_id]
    found.states[state] += 1
    if reason:
        found.reasons[reason] += 1
    found.same(f"content of {op_id}", said=[operation[name] for name in SAID], found=[raw.get(name) for name in SAID])
    if state not in ("applied", "review"):
        found.wrong.append(f"{op_id} ({operation['kind']}) is {state} ({reason})")


def _audit_receipt(found: Findings, ledger: Ledger, op_id: str, operation: Json) -> None:
    rows, said = ledger.receipts.get(op_id, []), tendered_cents(operation)
    found.figures["receipts"] += 1
    found.figures["cents"] += said
    found.once(f"receipt {op_id}", len(rows))
    found.money(f"receipt {op_id}", said=said, found=sum(cents for _, cents in rows))
    found.money(f"cash of receipt {op_id}", said=said, found=sum(ledger.movements.get(pk, 0) for pk, _ in rows))
    outcome = ledger.inbox.get(op_id, ({}, "", "", {}))[3] or {}
    for pk, _ in rows[:1]:
        posted = ledger.allocated.get(pk, 0), ledger.granted.get((pk, True), 0), ledger.granted.get((pk, False), 0)
        found.same(f"outcome of {op_id}", said=tuple(outcome.get(part) for part in PARTS), found=posted)


def _audit_cash(found: Findings, ledger: Ledger, op_id: str, operation: Json) -> None:
    rows = ledger.cash.get(op_id, [])
    found.once(f"{operation['kind']} {op_id}", len(rows))
    found.money(
        f"{operation['kind']} {op_id}",
        said=operation["body"]["amount_cents"], found=sum(abs(cents) for _, cents in rows),
    )  # fmt: skip


def _audit_void(found: Findings, ledger: Ledger, op_id: str, operation: Json) -> None:
    """A void that came after somebody reversed the receipt posts nothing, and says so."""
    rows = ledger.voids.get(op_id, [])
    too_late = ledger.inbox.get(op_id, ({}, "", "", {}))[2] == "already_reversed"
    found.same(f"reversals of void {op_id}", said=0 if too_late else 1, found=len(rows))


def _audit_session(found: Findings, ledger: Ledger, op_id: str, operation: Json) -> None:
    status = ledger.sessions.get(operation["body"]["session_id"])
    said = "closed" if operation["kind"] == "session_close" else status or "open"
    found.same(f"session of {op_id}", said=said, found=status)


_AUDITS: dict[str, Callable[[Findings, Ledger, str, Json], None]] = {
    "receipt": _audit_receipt,
    "receipt_void": _audit_void,
    "cash_in": _audit_cash,
    "cash_out": _audit_cash,
    "session_open": _audit_session,
    "session_close": _audit_session,
}


def _audit_told(found: Findings, ledger: Ledger, name: str, journal: list[Json]) -> None:
    """Every decision that a till was ever told is the one that stands; nothing was amiss in its own eyes."""
    for entry in journal:
        match entry["event"]:
            case "told":
                _audit_results(found, ledger, name, entry["results"])
                for cause, times in entry["retries"].items():
                    found.figures[f"asked again: {cause}"] += times
            case "compared":
                found.wrong += [f"{name}: {problem}" for problem in entry["report"]["problems"]]
                _audit_results(found, ledger, name, {result["op_id"]: result for result in entry["results"]})
            case "problem":
                found.wrong.append(f"{name}: {entry['what']}")
            case "reset":
                found.wrong.append(f"{name}: its cursor was reset, and no database was restored")
            case "delivered" if entry["missing"]:
                found.wrong.append(f"{name}: the server misses the seqs {entry['missing'][:10]}")
    if journal[-1]["event"] != "compared":
        found.wrong.append(f"{name} has not compared")


def _audit_results(found: Findings, ledger: Ledger, name: str, results: dict[str, Json]) -> None:
    for op_id, told in results.items():
        found.figures["told"] += 1
        _, state, reason, outcome = ledger.inbox.get(op_id, ({}, "absent", "", None))
        said, there = (told["state"], told["reason"] or "", told["outcome"]), (state, reason, outcome)
        found.same(f"{name} was told of {op_id}", said=said, found=there)


def audit_people(journal: list[Json], rows: Rows) -> Findings:
    """Hold what people in the back office meant and saw done against the ledger: never twice, and done is done."""
    found = Findings()
    ends = {entry["mark"]: entry["how"] for entry in journal if entry["event"] == "end"}
    posted = _marks(rows)
    for intent in (entry for entry in journal if entry["event"] == "intent"):
        mark, verb = intent["mark"], intent["verb"]
        how = ends.get(mark, "nobody knows")
        found.figures[f"{verb} {how}"] += 1
        if verb == "cancel":  # a title that is cancelled twice is cancelled: nothing to count
            continue
        times = posted[mark]
        told = f"{verb} {mark} is {how} and is there {times} times"
        if times > 1:
            found.doubled.append(told)
        elif how == "done" and not times:
            found.lost.append(told)
        elif how == "refused" and times:
            found.wrong.append(told)
    return found


def _marks(rows: Rows) -> Counter[str]:
    """Count the rows that bear each mark: receipts, reversals, titles."""
    texts = rows(
        "SELECT notes FROM receivables_receipt WHERE notes LIKE 'chaos-%%' UNION ALL "
        "SELECT reason FROM receivables_reversal WHERE reason LIKE '%% chaos-%%' UNION ALL "
        "SELECT document_number FROM receivables_title WHERE document_number LIKE 'CHAOS chaos-%%'"
    )
    return Counter(text.rpartition(" ")[2] for (text,) in texts)
