"""Prepared snapshots: built once a branch and day, served while nothing is newer, told by their ETag (H5, H6)."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pos_sync.models import Snapshot, SyncRun
from pos_sync.services import daily_sync, snapshot
from pos_sync.services.daily_sync import PAGE_SIZE, prepare_all
from receivables.services.settlement import settle_title
from tests.make import CASHIER, NOW, TODAY, deposit, make_branch, make_title
from tests.pos_sync.door import Till, body_of, operation

pytestmark = pytest.mark.django_db

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BEFORE_HOURS = datetime.combine(TODAY, time(4, 59), SAO_PAULO)
MORNING = datetime.combine(TODAY, time(5), SAO_PAULO)


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def till(clock):
    till = Till()
    make_title(branch=till.branch, amounts=("100.00",) * 3, due_dates=(TODAY,) * 3)
    return till


def settle(title):
    settle_title(
        title_id=title.pk, received=title.amount, received_on=TODAY, deposit=deposit(), by=CASHIER, now=NOW, on=TODAY
    )


def asked(till, *etags, **query):
    header = {"headers": {"If-None-Match": ", ".join(etags)}} if etags else {}
    return till.get("snapshot", **header, **query)


# Daily


def test_each_branch_with_a_till_is_prepared_once_a_day(till):
    make_branch()
    assert [prepare_all(now=MORNING), prepare_all(now=MORNING)] == [1, 0]
    run = SyncRun.objects.get()
    assert (run.branch, run.why, run.result, run.rows) == (till.branch, "daily", "built", 3)
    assert run.size > 0
    assert run.snapshot == Snapshot.objects.get()


def test_nothing_is_prepared_before_hours_and_a_missed_round_is_caught_up(till):
    assert prepare_all(now=BEFORE_HOURS) == 0
    assert prepare_all(now=MORNING + timedelta(hours=10)) == 1


def test_the_next_day_is_prepared_anew(till):
    assert [prepare_all(now=MORNING), prepare_all(now=MORNING + timedelta(1))] == [1, 1]


def test_a_branch_that_fails_is_recorded_stops_no_other_and_is_tried_again(till, monkeypatch):
    other = Till(branch=make_branch(), install_id="other")
    whole = snapshot._Whole.read.__func__

    def read(cls, branch, *, today):
        if branch == till.branch:
            raise RuntimeError("no")
        return whole(cls, branch, today=today)

    with monkeypatch.context() as patch:
        patch.setattr(snapshot._Whole, "read", classmethod(read))
        assert prepare_all(now=MORNING) == 1
    failed = SyncRun.objects.get(result="failed")
    assert (failed.branch, failed.error, failed.snapshot) == (till.branch, "RuntimeError: no", None)
    assert SyncRun.objects.get(result="built").branch == other.branch
    assert prepare_all(now=MORNING) == 1


def test_two_schedulers_do_the_work_once(till, monkeypatch):
    first = daily_sync._without
    seen = []

    def without(today):
        seen.append(first(today))
        if len(seen) == 1:
            prepare_all(now=MORNING)
        return seen[-1] if len(seen) == 1 else first(today)

    monkeypatch.setattr(daily_sync, "_without", without)
    assert prepare_all(now=MORNING) == 0
    assert SyncRun.objects.count() == 1


# Served


def test_a_prepared_snapshot_is_served_while_nothing_is_newer(till):
    prepare_all(now=MORNING)
    first = body_of(asked(till, limit=PAGE_SIZE))
    assert first["snapshot_id"] == Snapshot.objects.get().snapshot_id
    assert SyncRun.objects.count() == 1
    make_title(branch=till.branch, due_dates=(TODAY,))
    second = body_of(asked(till, limit=PAGE_SIZE))
    assert (second["snapshot_id"] != first["snapshot_id"], second["expected"]["installments"]) == (True, 4)


def test_what_concerns_another_branch_leaves_it_in_place(till):
    first = body_of(asked(till))["snapshot_id"]
    make_title(due_dates=(TODAY,))
    assert body_of(asked(till))["snapshot_id"] == first


def test_two_tills_of_a_branch_share_the_rows_and_have_their_own_sequence(till):
    other = Till(branch=till.branch, till="04", install_id="other")
    till.push(operation("a", 1))
    mine, others = body_of(asked(till)), body_of(asked(other))
    assert mine["snapshot_id"] == others["snapshot_id"]
    assert (mine["through_seq"], others["through_seq"]) == (1, 0)


def test_a_snapshot_of_yesterday_is_not_served(till, clock):
    first = body_of(asked(till))["snapshot_id"]
    clock.shift(timedelta(days=1))
    assert body_of(asked(till))["snapshot_id"] != first


def test_pages_are_as_large_as_was_wished(till):
    prepare_all(now=MORNING)
    first = body_of(asked(till, limit=2))
    assert (len(first["installments"]), first["expected"]["installments"]) == (2, 3)
    rest = body_of(till.get("snapshot", page_token=first["page_token"]))
    assert (len(rest["installments"]), rest["page_token"]) == (1, None)


def test_serving_a_prepared_one_asks_for_no_installments(till):
    prepare_all(now=MORNING)
    with CaptureQueriesContext(connection) as queries:
        asked(till, limit=PAGE_SIZE)
    columns = [query["sql"] for query in queries if "carried_charges" in query["sql"]]
    assert columns == []


# ETag


def test_a_till_that_has_it_is_told_so(till):
    first = asked(till)
    assert first.headers["ETag"] == f'"{body_of(first)["snapshot_id"]}"'
    again = asked(till, first.headers["ETag"])
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert asked(till, '"0"', f"W/{first.headers['ETag']}").status_code == 304


def test_a_till_with_an_older_one_gets_the_newer(till):
    first = asked(till).headers["ETag"]
    settle(make_title(branch=till.branch, due_dates=(TODAY,)))
    answer = asked(till, first)
    assert (answer.status_code, answer.headers["ETag"] != first) == (200, True)


def test_the_etag_of_another_branch_is_nothing(till):
    other = Till(branch=make_branch(), install_id="other")
    assert asked(other, asked(till).headers["ETag"]).status_code == 200
