"""Prepared snapshots: built once a branch and day, served while nothing is newer, told by their ETag (H5, H6)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError, connection, connections, reset_queries, transaction
from django.test.utils import CaptureQueriesContext

from pos_sync.models import Device, Snapshot, SnapshotPage, SyncRun
from pos_sync.services import daily_sync, snapshot
from pos_sync.services.daily_sync import PAGE_SIZE, prepare_all
from pos_sync.services.snapshot import Asked, first_page
from receivables.models import SYSTEM
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
    whole = snapshot._Told.read.__func__

    def read(cls, frozen_for, policy):
        if frozen_for.branch == till.branch:
            raise RuntimeError("no")
        return whole(cls, frozen_for, policy)

    with monkeypatch.context() as patch:
        patch.setattr(snapshot._Told, "read", classmethod(read))
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


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        ("2026-11-23T23:30:00", TODAY),  # 20:30 in São Paulo
        ("2026-11-24T02:59:00", TODAY),  # 23:59
        ("2026-11-24T08:00:00", TODAY + timedelta(1)),  # 05:00 of the next day
    ],
)
def test_the_day_is_that_of_sao_paulo_whatever_the_hour_of_utc(till, utc, day):
    assert prepare_all(now=datetime.fromisoformat(f"{utc}+00:00")) == 1
    assert SyncRun.objects.get().business_date == day


def test_between_midnight_and_the_hour_of_opening_nothing_is_prepared(till):
    assert prepare_all(now=datetime.fromisoformat("2026-11-24T03:30:00+00:00")) == 0


def test_days_that_were_missed_cost_one_building_and_no_more(till):
    prepare_all(now=MORNING)
    assert [prepare_all(now=MORNING + timedelta(days=4)), prepare_all(now=MORNING + timedelta(days=4, hours=1))] == [
        1,
        0,
    ]
    assert list(SyncRun.objects.order_by("pk").values_list("business_date", flat=True)) == [
        TODAY, TODAY + timedelta(days=4),
    ]  # fmt: skip


def test_a_till_that_asked_first_leaves_the_daily_synchronisation_to_be_done(till):
    asked(till)
    assert prepare_all(now=NOW) == 1
    assert sorted(SyncRun.objects.values_list("why", flat=True)) == ["asked", "daily"]


def test_the_database_keeps_one_daily_synchronisation_a_branch_and_day(till):
    prepare_all(now=MORNING)
    copy = SyncRun.objects.get()
    copy.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        copy.save()


def in_threads(work, *, count):
    """Let several processes' worth of connections do the same at once; give what each made of it."""

    def one(_number):
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's test database is not shared between threads")
@pytest.mark.django_db(transaction=True)
def test_schedulers_that_wake_at_once_do_the_work_once():
    branches = [make_branch(), make_branch()]
    for number, branch in enumerate(branches):
        Till(branch=branch, install_id=str(number))
    done = in_threads(lambda: prepare_all(now=MORNING), count=4)
    assert sum(done) == len(branches)
    assert SyncRun.objects.filter(why="daily", result="built").count() == len(branches)
    assert Snapshot.objects.count() == len(branches)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's test database is not shared between threads")
@pytest.mark.django_db(transaction=True)
def test_of_tills_that_find_news_at_once_one_has_it_built_and_the_others_wait_for_it():
    device = Device.objects.get(pk=int(Till(branch=make_branch()).device_id))
    pages = in_threads(lambda: first_page(Asked(device=device, limit=PAGE_SIZE, now=NOW)), count=6)
    assert len({page.snapshot_id for page in pages}) == 1
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


WAKING = 1_000


def test_a_thousand_tills_that_wake_are_served_what_was_prepared(till):
    """One building serves them all, and a page costs as many statements for the last as for the first."""
    prepare_all(now=MORNING)
    device = Device.objects.get(pk=int(till.device_id))
    first_page(Asked(device=device, limit=PAGE_SIZE, now=NOW))
    costs, served = set(), set()
    for number in range(WAKING):
        reset_queries()  # what is remembered of them is bounded
        with CaptureQueriesContext(connection) as queries:
            page = first_page(Asked(device=device, limit=PAGE_SIZE, now=NOW + timedelta(milliseconds=number)))
        costs.add(len(queries))
        served.add(page.snapshot_id)
    assert (len(served), len(costs), SyncRun.objects.count()) == (1, 1, 1)


def test_tills_that_have_it_already_are_told_so_without_a_page_being_read(till):
    prepare_all(now=MORNING)
    known = asked(till, limit=PAGE_SIZE).headers["ETag"]
    with CaptureQueriesContext(connection) as queries:
        assert asked(till, known, limit=PAGE_SIZE).status_code == 304
    assert [query["sql"] for query in queries if "snapshotpage" in query["sql"]] == []
    assert SyncRun.objects.count() == 1


def test_pages_are_kept_compressed(till):
    prepare_all(now=MORNING)
    bodies = list(SnapshotPage.objects.values_list("body", flat=True))
    assert [bytes(body)[:2] for body in bodies] == [b"\x1f\x8b"]
    assert sum(len(bytes(body)) for body in bodies) == SyncRun.objects.get().size


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


def test_a_prepared_one_that_names_its_branch_as_it_was_is_served_no_more(till):
    prepare_all(now=MORNING)
    first = asked(till, limit=PAGE_SIZE)
    till.branch.name = "Matriz Nova"
    till.branch.save_as(SYSTEM)
    answer = asked(till, first.headers["ETag"], limit=PAGE_SIZE)
    assert (answer.status_code, body_of(answer)["branch"]["name"]) == (200, "Matriz Nova")
    assert answer.headers["ETag"] != first.headers["ETag"]


def test_the_etag_of_another_branch_is_nothing(till):
    other = Till(branch=make_branch(), install_id="other")
    assert asked(other, asked(till).headers["ETag"]).status_code == 200
