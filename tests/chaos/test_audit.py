"""The proof can fail: what an audit of journals against the ledger must find, it finds by name and to the cent."""

import json
from typing import Any

import pytest

from pos_sync.simulator.journal import Json
from tests.chaos.real.audit import Findings, audit_people, audit_tills

RECEIPT = {
    "op_id": "a", "kind": "receipt", "v": 1, "occurred_at": "2026-11-23T10:00:00-03:00",
    "body": {"tenders": [{"amount_cents": 5_000}]},
}  # fmt: skip
OUTCOME = {"allocated_cents": 4_000, "credit_cents": 1_000, "suspense_cents": 0}
TOLD = {"state": "applied", "reason": None, "flags": [], "outcome": OUTCOME}
JOURNAL: list[Json] = [
    {"event": "operation", "operation": RECEIPT},
    {"event": "told", "results": {"a": TOLD}, "retries": {}},
    {"event": "compared", "report": {"problems": []}, "results": []},
]
LEDGER: dict[str, list[tuple[Any, ...]]] = {
    "SELECT op_id, raw": [("a", json.dumps(RECEIPT), "applied", "", OUTCOME)],
    "SELECT op_id FROM": [("a",)],
    "FROM receivables_receipt WHERE origin": [("a", 7, 5_000)],
    "SELECT receipt_id, (sum(amount)": [(7, 5_000)],
    "receivables_receiptallocation": [(7, 4_000)],
    "receivables_customercredit": [(7, True, 1_000)],
}


def audit(**instead: list[tuple[Any, ...]]) -> Findings:
    """Audit the one receipt, some of the ledger being otherwise."""
    ledger = LEDGER | {_NAMES[name]: rows for name, rows in instead.items()}
    return audit_tills({"till": JOURNAL}, lambda statement: _rows(ledger, statement))


_NAMES = {
    "inbox": "SELECT op_id, raw", "copies": "SELECT op_id FROM", "receipts": "FROM receivables_receipt WHERE origin",
    "cash": "SELECT receipt_id, (sum(amount)", "allocated": "receivables_receiptallocation",
}  # fmt: skip


def _rows(ledger: dict[str, list[tuple[Any, ...]]], statement: str) -> list[tuple[Any, ...]]:
    return next((rows for words, rows in ledger.items() if words in statement), [])


def test_what_agrees_is_clean() -> None:
    assert audit().is_clean


def test_an_operation_that_is_nowhere_is_lost_with_its_money() -> None:
    found = audit(inbox=[], copies=[], receipts=[])
    assert found.lost == ["operation a", "receipt a"]
    assert found.lost_cents == 2 * 5_000  # from the receipts, and from the cash


def test_a_receipt_that_is_there_twice_is_doubled_with_its_money() -> None:
    found = audit(receipts=[("a", 7, 5_000), ("a", 8, 5_000)])
    assert (found.doubled, found.doubled_cents) == (["receipt a"], 5_000)


def test_a_receipt_that_nobody_printed_is_doubled() -> None:
    assert audit(receipts=[("a", 7, 5_000), ("b", 8, 5_000)]).doubled == [
        "receipt b came from a till and nobody printed it"
    ]


@pytest.mark.parametrize(("cents", "lost", "doubled"), [(4_999, 1, 0), (5_001, 0, 1)])
def test_a_cent_less_or_more_in_the_cash_is_found(cents: int, lost: int, doubled: int) -> None:
    found = audit(cash=[(7, cents)])
    assert (found.lost_cents, found.doubled_cents) == (lost, doubled)


@pytest.mark.parametrize(
    "other",
    [
        {"inbox": [("a", json.dumps(RECEIPT), "review", "already_settled", OUTCOME)]},
        {"inbox": [("a", json.dumps(RECEIPT | {"v": 2}), "applied", "", OUTCOME)]},
        {"inbox": [("a", json.dumps(RECEIPT), "pending", "", None)]},
        {"allocated": [(7, 3_999)]},
    ],
)
def test_what_was_told_and_what_is_there_must_be_the_same(other: dict[str, Any]) -> None:
    assert audit(**other).wrong


@pytest.mark.parametrize(
    ("how", "times", "named"),
    [("done", 0, "lost"), ("done", 2, "doubled"), ("unknown", 2, "doubled"), ("refused", 1, "wrong")],
)
def test_what_people_saw_done_is_there_once_and_what_they_saw_refused_is_not(how: str, times: int, named: str) -> None:
    journal = [
        {"event": "intent", "mark": "chaos-1-1", "verb": "settle_part"},
        {"event": "end", "mark": "chaos-1-1", "how": how},
    ]
    found = audit_people(journal, lambda statement: [("chaos-1-1",)] * times)
    assert getattr(found, named) == [f"settle_part chaos-1-1 is {how} and is there {times} times"]
