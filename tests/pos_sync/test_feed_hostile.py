"""Eight writers that dawdle, roll back and commit out of order, and a till that polls: it loses nothing.

The same load is read with a cursor over the sequence as well, which does lose rows: so the first test can fail.
Each row is changed once, so that a change that was skipped is never made good by a later one.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import SimpleNamespace

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from pos_sync import rate_limits
from pos_sync.models import Change
from receivables.models import Installment
from receivables.services.title import Part, issue_titles
from tests.make import SYSTEM, make_branch, make_customer
from tests.pos_sync.door import Till, operation
from tests.pos_sync.shadow import Shadow

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time"),
]

WRITERS, ROWS_EACH = 8, 60
LONGEST_PAUSE = 0.03
CHANGE = "UPDATE receivables_installment SET interest_from = interest_from - 1 WHERE id = %s"


@pytest.fixture(autouse=True)
def no_allowance(monkeypatch):
    """How often a till may poll is not what is tried here: a resting cache lets everything pass."""
    monkeypatch.setattr(rate_limits, "cache_breaker", SimpleNamespace(is_resting=True))


@pytest.fixture
def till():
    return Till(branch=make_branch())


@pytest.fixture
def rows(till):
    """Installments of the till's branch, all in its window."""
    today = timezone.localdate()
    fields = {"entry_branch": till.branch, "issuing_branch": till.branch, "collecting_branch": till.branch,
              "issued_on": today, "bill_to": make_customer()}  # fmt: skip
    part = Part(today, Decimal("100.00"))
    titles = [({**fields, "document_number": f"H-{number}"}, [part]) for number in range(WRITERS * ROWS_EACH)]
    issue_titles(titles, by=SYSTEM)
    return list(Installment.objects.order_by("pk").values_list("pk", flat=True))


def own_connection() -> dict:
    """Give what it takes to connect to the test database."""
    given = connection.get_connection_params()
    return {name: given[name] for name in ("dbname", "host", "port", "user", "password") if given.get(name)}


def write(rows: list[int], seed: int) -> None:
    """Change each row once, a few in a transaction; of the transactions a third is rolled back first."""
    lot = random.Random(seed)
    with psycopg.connect(**own_connection(), autocommit=True) as own:
        waiting = list(rows)
        while waiting:
            taken = [waiting.pop() for _ in range(min(len(waiting), lot.randint(1, 3)))]
            if lot.random() < 0.33:
                with own.transaction(force_rollback=True):
                    change(own, taken, lot)
            with own.transaction():
                change(own, taken, lot)


def change(own: psycopg.Connection, taken: list[int], lot: random.Random) -> None:
    for row in taken:
        own.execute(CHANGE, [row])
        time.sleep(lot.random() * LONGEST_PAUSE)


@contextmanager
def hostile_load(rows: list[int]) -> Iterator[Callable[[], bool]]:
    """Let the writers loose; the body asks whether any is still at it."""
    mine = [rows[number::WRITERS] for number in range(WRITERS)]
    writers = [threading.Thread(target=write, args=(part, number)) for number, part in enumerate(mine)]
    for writer in writers:
        writer.start()
    try:
        yield lambda: any(writer.is_alive() for writer in writers)
    finally:
        for writer in writers:
            writer.join()


def test_a_till_that_polls_under_hostile_load_loses_nothing(till, rows):
    shadow = Shadow(till)
    lot = random.Random(0)
    with hostile_load(rows) as is_going_on:
        while is_going_on():
            shadow.limit = lot.choice([1, 7, 500])
            shadow.pull()
    shadow.pull()
    assert {row["version"] for row in shadow.installments.values()} == {2}
    assert shadow.pages > 5
    assert shadow.disagreements() == []
    assert till.reconcile(**shadow.figures()) == {"match": True}


def test_snapshots_taken_under_hostile_load_and_their_changes_lose_nothing(till, rows):
    shadows = []
    with hostile_load(rows) as is_going_on:
        while is_going_on():
            shadows.append(Shadow(till))
    for shadow in shadows:
        shadow.pull()
    assert len(shadows) > 2
    assert {row["version"] for shadow in shadows for row in shadow.installments.values()} == {2}


def test_every_answer_under_hostile_load_is_one_state_of_the_books(till, rows):
    """Two rows that always change together are never seen apart, though the feed is read only up to what is settled."""
    shadow = Shadow(till)
    stop = threading.Event()

    def change_pairs() -> None:
        with psycopg.connect(**own_connection(), autocommit=True) as own:
            while not stop.is_set():
                with own.transaction():
                    own.execute(CHANGE, [rows[0]])
                    time.sleep(0.002)
                    own.execute(CHANGE, [rows[1]])

    with hostile_load(rows[2:]) as is_going_on:
        pairs = threading.Thread(target=change_pairs)
        pairs.start()
        try:
            while is_going_on():
                shadow.pull()
                first, second = (shadow.installments[str(row)]["version"] for row in rows[:2])
                assert first == second
        finally:
            stop.set()
            pairs.join()
    assert shadow.installments[str(rows[0])]["version"] > 10


def test_a_payment_is_in_the_rows_as_soon_as_it_is_in_the_sequence(till, rows):
    """An older transaction keeps changes from being settled; the till must not subtract twice meanwhile."""
    shadow = Shadow(till)
    with dawdling():
        till.push(receipt("a", 1, rows[0]))
        (page,) = shadow.pull()
        assert (page["through_seq"], shadow.installments[str(rows[0])]["balance_cents"]) == (1, 6000)
        assert [row["op_id"] for row in page["results"]] == ["a"]
        (again,) = shadow.pull()
        assert (again["installments"], again["results"]) == ([], [])
        assert till.reconcile(**shadow.figures()) == {"match": True}
    assert shadow.pull()[0]["installments"] == []
    assert shadow.disagreements() == []


def test_what_was_told_while_an_older_transaction_went_on_is_not_told_again(till, rows):
    shadow = Shadow(till)
    with dawdling(), connection.cursor() as cursor:
        cursor.execute("UPDATE receivables_installment SET interest_from = interest_from - 1")
        (page,) = shadow.pull()
        assert len(page["installments"]) == len(rows)
        cursor.execute(CHANGE, [rows[0]])
        (page,) = shadow.pull()
        assert [row["version"] for row in page["installments"]] == [3]
    assert shadow.pull()[0]["installments"] == []
    assert shadow.disagreements() == []


def test_what_an_older_transaction_commits_late_is_told(till, rows):
    shadow = Shadow(till)
    with dawdling() as older, connection.cursor() as cursor:
        older.execute(CHANGE, [rows[0]])
        cursor.execute(CHANGE, [rows[1]])
        assert len(shadow.pull()[0]["installments"]) == 1
        assert till.reconcile(**shadow.figures()) == {"match": True}
    (page,) = shadow.pull()
    assert [row["id"] for row in page["installments"]] == [str(rows[0])]
    assert shadow.disagreements() == []


@contextmanager
def dawdling() -> Iterator[psycopg.Connection]:
    """Let a transaction that has written go on beside the body, and commit then."""
    with psycopg.connect(**own_connection()) as own:
        own.execute("SELECT pg_current_xact_id()")
        yield own


def receipt(op_id: str, seq: int, row: int) -> dict:
    """Forty reais for an installment."""
    line = {"installment_id": str(row), "version": 1, "principal_cents": 4000}
    tender = {"method": "cash", "amount_cents": 4000, "tendered_cents": 4000}
    body = {"lines": [line], "tenders": [tender], "operator": "1", "receipt_no": "03-000001"}
    return operation(op_id, seq, kind="receipt", occurred_at=timezone.now().isoformat(), body=body)


def test_a_cursor_over_the_sequence_loses_rows_under_the_same_load(till, rows):
    """What the contract forbids: `id > cursor`. If this ever passes everything, the load is not hostile any more."""
    start = cursor = Change.objects.order_by("-pk").values_list("pk", flat=True).first()
    seen: set[int] = set()
    with hostile_load(rows) as is_going_on:
        while is_going_on():
            for pk in Change.objects.filter(pk__gt=cursor).order_by("pk").values_list("pk", flat=True):
                seen.add(pk)
                cursor = pk
            time.sleep(0.002)
    seen |= set(Change.objects.filter(pk__gt=cursor).values_list("pk", flat=True))
    written = set(Change.objects.filter(pk__gt=start).values_list("pk", flat=True))
    assert len(written) == len(rows)
    lost = written - seen
    print(f"{len(lost)} of {len(written)} rows lost")
    assert len(lost) > len(written) // 20
