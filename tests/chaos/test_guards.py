"""A guard that is never missed guards nothing: each is taken away alone, and the test that is named beside it fails.

docs/reliability.md has the table. The xmin clause of the feed is taken away in tests/pos_sync/test_feed_hostile.py,
the rejecting of lost messages in tests/journeys/test_killed_processes.py.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, models
from django_fsm import FSMMeta

from pos_sync.models import Operation, OperationState
from pos_sync.services.ingestion import apply_pending
from receivables.books import ordered_checks
from receivables.models import Receipt
from tests.journeys.test_races import Racer, installments, part
from tests.make import NOW, make_branch
from tests.pos_sync import test_inbox
from tests.pos_sync.door import Till as ApiTill
from tests.pos_sync.door import operation
from tests.pos_sync.test_ingestion import Till, line, make_device, parcel
from tests.services import test_moves

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite cannot drop a constraint alone")
MOST_RACES = 200  # the first that is lost is enough


def drop_unique(model: type[models.Model], column: str) -> None:
    """Take a unique constraint away until the test's transaction is rolled back."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
        (name,) = [name for name, each in found.items() if each["unique"] and each["columns"] == [column]]
        cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"')


def violated() -> set[str]:
    """Give the numbers of the checks that find something."""
    return {violation.number for check in ordered_checks() for violation in check.find()}


# The key of the inbox


@on_postgresql
@pytest.mark.django_db
def test_without_the_inboxs_key_nothing_is_promised_and_duplicates_are_missed():
    """Storing leans on the constraint itself: where it is gone no till is told `stored`."""
    drop_unique(Operation, "op_id")
    till = ApiTill()
    assert till.push(operation("a", 1)).status_code == 500
    with pytest.raises(KeyError, match="results"):
        test_inbox.test_the_same_again_is_a_duplicate_with_the_state_of_the_first(till)
    assert not Operation.objects.exists()


# The key of a receipt


@pytest.mark.django_db
def test_a_zombie_worker_posts_no_receipt_again():
    """Whatever becomes of an operation's state, its receipt is posted once."""
    branch = make_branch()
    till = Till(make_device(branch))
    till.push(till.receipt(line(parcel(branch), 30_000)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pos_sync_operation SET state = %s", [OperationState.PENDING])
    apply_pending(till.device.pk, now=NOW)
    assert Receipt.objects.count() == 1


@on_postgresql
@pytest.mark.django_db
def test_without_the_receipts_key_a_zombie_posts_again_and_the_books_say_so():
    drop_unique(Receipt, "idempotency_key")
    with pytest.raises(AssertionError):
        test_a_zombie_worker_posts_no_receipt_again()
    assert Receipt.objects.count() == 2
    assert "B1" in violated()


# The row locks


@pytest.fixture
def unlocked_racers() -> Iterator[tuple[Racer, Racer]]:
    """Two processes on the test database in which `locked()` locks nothing."""
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    pair = Racer(url, module="tests.chaos.unlocked"), Racer(url, module="tests.chaos.unlocked")
    yield pair
    for racer in pair:
        racer.stop()


def both_settle(row, racers):
    for racer in racers:
        racer.tell(part(row, "6.00"))
    answers = [racer.hear() for racer in racers]  # of both, whatever the first one says
    return all("done" in answer for answer in answers)


@on_postgresql
@pytest.mark.xdist_group("races")
@pytest.mark.django_db(transaction=True)
def test_without_row_locks_the_last_part_is_settled_twice_and_the_books_say_so(unlocked_racers):
    """What tests/journeys/test_races.py sees once, with locks, in 200 races."""
    assert any(both_settle(row, unlocked_racers) for row in installments(make_branch(), MOST_RACES))
    assert "B3" in violated()


# The check of the state


@pytest.mark.parametrize(
    "named",
    [
        test_moves.test_a_move_that_the_status_does_not_allow_is_refused_by_name,
        test_moves.test_one_refusal_in_a_batch_writes_nothing_of_it,
    ],
    ids=lambda test: test.__name__,
)
@pytest.mark.django_db
def test_without_the_check_of_the_state_a_forbidden_move_goes_through(named, monkeypatch):
    monkeypatch.setattr(FSMMeta, "has_transition", lambda meta, state: True)
    monkeypatch.setattr(FSMMeta, "conditions_met", lambda meta, row, state: True)
    monkeypatch.setattr(FSMMeta, "next_state", lambda meta, state: next(iter(meta.transitions.values())).target)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        named()
