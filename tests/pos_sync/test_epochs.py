"""Epochs: after a restore every cursor is reset, and tills are asked for what the books have lost."""

from dataclasses import asdict, replace
from io import StringIO

import pytest
import time_machine
from django.core import signing
from django.core.management import call_command
from django.db import connection

from pos_sync.models import Change, Device, DeviceEpoch, Epoch
from pos_sync.services import epochs
from pos_sync.services.feed import Cursor
from tests.make import NOW, make_title
from tests.pos_sync.door import Till, ask_to_pair, body_of, operation, pairing_code
from tests.pos_sync.shadow import Shadow
from tests.pos_sync.test_changes import only, problem, settle

ON_POSTGRESQL = connection.vendor == "postgresql"
pytestmark = pytest.mark.django_db
postgresql_only = pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite says nothing of itself")


@pytest.fixture
def till():
    with time_machine.travel(NOW, tick=False):
        yield Till()


@pytest.fixture
def shadow(till):
    make_title(branch=till.branch)
    return Shadow(till)


def new_epoch(**options):
    out = StringIO()
    call_command("new_epoch", stdout=out, **options)
    return out.getvalue()


def test_the_first_epoch_begins_with_the_first_pull_and_resets_nobody(shadow):
    assert Epoch.objects.get().number == 1
    assert shadow.pull()[0]["installments"] == []
    assert Device.objects.get().epoch == 1


def test_a_new_epoch_resets_every_cursor_and_empties_the_feed(shadow, till):
    assert "2" in new_epoch(reason="Cópia de ontem")
    assert problem(till, shadow.cursor) == (410, "cursor_reset")
    assert Change.objects.count() == 0


def test_a_till_goes_on_from_a_snapshot_of_the_new_epoch(shadow, till):
    new_epoch()
    assert body_of(till.get("snapshot"))["epoch"] == 2
    shadow.take_snapshot()
    settle(make_title(branch=till.branch), "10.00")
    assert len(shadow.pull()[0]["installments"]) == 1
    assert shadow.disagreements() == []


def test_devices_are_in_the_new_epoch_and_their_history_says_why(shadow):
    new_epoch(reason="Cópia de ontem")
    device = Device.objects.get()
    assert device.epoch == 2
    newest = device.history.latest()
    assert (newest.history_change_reason, newest.actor) == ("Cópia de ontem", "manage.py")


def test_a_till_that_is_paired_later_begins_in_the_current_epoch(shadow, till):
    new_epoch()
    paired = body_of(ask_to_pair(pairing_code(till.branch, till="07"), install_id="other"))
    assert paired["epoch"] == 2
    assert DeviceEpoch.objects.filter(device=paired["device_id"], epoch=2).exists()


def test_old_epochs_are_accepted_and_future_ones_are_not(shadow, till):
    new_epoch()
    assert till.push(operation("a", 1), epoch=1).status_code == 200
    assert till.push(operation("b", 1), epoch=2).status_code == 200
    answer = till.push(operation("c", 1), epoch=3)
    assert (answer.status_code, body_of(answer)["code"]) == (400, "bad_epoch")


def test_a_later_epoch_begins_where_the_till_says(shadow, till):
    new_epoch()
    answer = body_of(till.push(operation("a", 41), epoch=2, first_seq=41))
    assert (answer["through_seq"], answer["missing"]) == (41, [])
    shadow.take_snapshot()
    assert shadow.through_seq == 41


def test_ids_that_tills_of_a_lost_life_may_name_are_not_given_again(shadow, till):
    last = make_title(branch=till.branch)
    new_epoch()
    fresh = make_title(branch=till.branch)
    assert fresh.installments.get().pk > last.installments.get().pk + epochs.SKIPPED_IDS
    assert fresh.bill_to_id > last.bill_to_id + epochs.SKIPPED_IDS


def rewritten(cursor, **changes):
    """Sign a cursor as a life of this database would have that was lost since."""
    said = Cursor(**signing.loads(cursor, salt="pos.cursor"))
    return signing.dumps(asdict(replace(said, **changes)), salt="pos.cursor")


def test_a_cursor_that_is_ahead_of_the_database_tells_of_a_restore(shadow, till):
    ahead = rewritten(shadow.cursor, txid=2**62) if ON_POSTGRESQL else rewritten(shadow.cursor, id=2**40)
    assert problem(till, ahead) == (410, "cursor_reset")
    assert problem(till, shadow.cursor) == (410, "cursor_reset")
    assert Epoch.objects.count() == 2


def test_an_epoch_that_was_lost_is_never_begun_again(shadow, till):
    assert problem(till, rewritten(shadow.cursor, epoch=5, key="lost")) == (410, "cursor_reset")
    assert epochs.current_epoch() == 6


def test_an_old_cursor_begins_nothing(shadow, till):
    new_epoch()
    assert problem(till, shadow.cursor) == (410, "cursor_reset")
    assert epochs.current_epoch() == 2


def test_of_two_who_find_the_restore_one_begins_the_epoch(shadow):
    assert [epochs.begin(because="x", by=epochs.SYSTEM, now=NOW, after=1) for _ in range(2)] == [2, 2]


@postgresql_only
def test_another_cluster_timeline_or_table_is_another_life(shadow, till):
    Epoch.objects.update(database="7/00000001/1")
    assert problem(till, shadow.cursor) == (410, "cursor_reset")
    shadow.take_snapshot()
    assert epochs.current_epoch() == 2
    assert shadow.pull()[0]["installments"] == []


@postgresql_only
def test_transaction_numbers_that_fell_back_are_another_life(shadow, till):
    Change.objects.filter(device_id=None).update(txid=2**61)
    assert problem(till, shadow.cursor) == (410, "cursor_reset")
    assert (epochs.current_epoch(), Change.objects.count()) == (2, 0)


@postgresql_only
def test_what_was_purged_counts_as_stored(shadow, till):
    Epoch.objects.update(purged_txid=2**61)
    assert problem(till, shadow.cursor) == (410, "cursor_reset")
    assert epochs.current_epoch() == 2


def test_a_restored_till_is_asked_for_what_is_lost(shadow, till):
    till.push(operation("a", 1))
    new_epoch()
    listed = [{"seq": 1, "op_id": "a"}, {"seq": 2, "op_id": "lost"}]
    assert till.reconcile(**shadow.figures(operations=listed)) == {"match": False, "action": "resend", "missing": [2]}


def test_only_rows_that_changed_come_after_the_epochs_snapshot(shadow, till):
    new_epoch()
    shadow.take_snapshot()
    settle(make_title(branch=till.branch), "10.00")
    assert only(shadow)["balance_cents"] == 99000
