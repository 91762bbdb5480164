"""Epochs: after a restore every cursor is reset, and tills are asked for what the books have lost."""

import runpy
from dataclasses import asdict, replace
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core import signing
from django.core.management import call_command
from django.db import OperationalError, connection

from pos_sync import tasks
from pos_sync.models import Change, Device, DeviceEpoch, Epoch
from pos_sync.services import epochs
from pos_sync.services.feed import Cursor
from receivables.models import Installment
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


def test_a_new_epoch_is_a_second_one_even_before_any_pull(till):
    new_epoch()
    assert body_of(till.get("snapshot"))["epoch"] == 2


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
    assert int(Till(branch=till.branch, till="07").device_id) > int(till.device_id) + epochs.SKIPPED_IDS


def test_who_may_not_pull_any_more_is_told_of_the_epoch_by_what_he_may_ask(shadow, till):
    Till(branch=till.branch, install_id="another")
    assert body_of(till.push(operation("a", 1)))["current_epoch"] == 1
    new_epoch()
    assert till.get("snapshot").status_code == 403
    assert body_of(till.push(operation("a", 1), epoch=1))["current_epoch"] == 2
    assert body_of(till.get("operations", epoch=1))["current_epoch"] == 2


def put_back_ids(model, last):
    """Have ids given as the backup knows them, which knows nothing after `last`."""
    put_back = (
        "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)" if ON_POSTGRESQL
        else "UPDATE sqlite_sequence SET seq = %s WHERE name = %s"
    )  # fmt: skip
    given = [model._meta.db_table, last]
    with connection.cursor() as cursor:
        cursor.execute(put_back, given if ON_POSTGRESQL else given[::-1])


def test_a_backup_that_is_restored_twice_gives_no_id_twice(shadow, till):
    in_backup = make_title(branch=till.branch).installments.get().pk
    lives = []
    for hour in (1, 2):
        put_back_ids(Installment, in_backup)
        with time_machine.travel(NOW + timedelta(hours=hour), tick=False):
            new_epoch()
        lives.append(make_title(branch=till.branch, amounts=("10.00", "10.00")))
    first, second = ({row.pk for row in title.installments.all()} for title in lives)
    assert max(first) < min(second)


def test_a_lost_devices_queue_comes_with_the_new_token_and_touches_no_present_sequence(shadow, till):
    new_epoch()
    paired_anew = Till(branch=till.branch)
    lost = str(int(till.device_id) + 1)
    (told,) = paired_anew.results(operation("a", 1), device_id=lost, epoch=1)
    assert (told["custody"], told["state"]) == ("stored", "applied")
    answer = body_of(paired_anew.push(operation("b", 1), epoch=2))
    assert (answer["through_seq"], answer["results"][0]["flags"]) == (1, [])


@pytest.mark.parametrize("envelope", [{}, {"epoch": 2}, {"epoch": 1, "device_id": "none of ours"}])
def test_a_device_that_is_not_known_is_believed_under_an_earlier_epoch_only(shadow, till, envelope):
    new_epoch()
    answer = till.push(operation("a", 1), **{"device_id": "987654321", **envelope})
    assert (answer.status_code, body_of(answer)["field"]) == (400, "device_id")


def look_by_sweeping():
    tasks.sweep()


def look_by_watching():
    call_command("apply_pending", stdout=StringIO())


@pytest.mark.parametrize("look", [look_by_sweeping, look_by_watching])
def test_a_sweep_finds_a_restore_before_any_till(till, look):
    look()
    assert epochs.current_epoch() == 1
    if ON_POSTGRESQL:
        Epoch.objects.update(database="7/00000001/1")
        last = make_title(branch=till.branch).installments.get().pk
        look()
        assert epochs.current_epoch() == 2
        assert make_title(branch=till.branch).installments.get().pk > last + epochs.SKIPPED_IDS
    look()
    assert Epoch.objects.count() == 1 + ON_POSTGRESQL


@pytest.mark.django_db(transaction=True)
def test_a_server_that_starts_looks_for_a_restore_and_keeps_no_connection(till, settings):
    settings.DEBUG = True
    runpy.run_module("config.wsgi")
    assert epochs.current_epoch() == 1
    if ON_POSTGRESQL:
        Epoch.objects.update(database="7/00000001/1")
        runpy.run_module("config.wsgi")
        assert connection.connection is None
        assert epochs.current_epoch() == 2


def test_a_server_whose_database_is_away_starts_all_the_same(till, monkeypatch, caplog):
    def away():
        raise OperationalError("the database is away")

    monkeypatch.setattr(epochs, "look", away)
    epochs.begin_if_restored(now=NOW)
    assert "the database is away" in caplog.text


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
