"""The monitor's figures: every till at a glance, its receipt numbers, what waits, its sessions (G.22, contract)."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pos_sync.figures.monitor import monitor_of
from pos_sync.figures.numbers import Numbers, read_numbers, sequence_of, told
from pos_sync.models import Device, DeviceState, SyncRun, TillPolicy
from pos_sync.services.daily_sync import SynchronisationFailed, prepare_all, synchronise_now
from pos_sync.services.devices import change_device_state, record_contact
from pos_sync.services.snapshot import Asked, first_page
from receivables.models import SYSTEM, CashSession, Receipt
from tests.make import CASHIER, NOW, REASON, TODAY, make_branch, make_title, make_user
from tests.pos_sync.test_ingestion import Till, make_device
from tests.pos_sync.test_ingestion import line as paying

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def branch():
    return make_branch()


@pytest.fixture
def till(branch):
    return Till(make_device(branch))


@pytest.fixture
def chief():
    return make_user(is_superuser=True)


def line(user, device):
    (found,) = [each for each in monitor_of(user, now=NOW).tills if each.device == device]
    return found


def issue(till, *numbers):
    """Let the till send receipts that bear these numbers, each of R$ 10,00."""
    parcels = [make_title(branch=till.device.branch, amounts=("10.00",)).installments.get() for _number in numbers]
    receipts = [till.receipt(paying(parcel, 1000)) for parcel in parcels]
    for receipt, number in zip(receipts, numbers, strict=True):
        receipt["body"]["receipt_no"] = number
    till.push(*receipts)


# Numbers


def test_numbers_between_the_first_and_the_last_that_never_came_are_missing(till, chief):
    issue(till, "03-000001", "03-000003", "03-000004", "03-000007")
    numbers = line(chief, till.device).numbers
    assert (numbers.issued, numbers.arrived, numbers.missing) == (7, 4, 3)
    assert told(numbers.gaps, begins="03") == "03-000002, 03-000005–006"


def test_a_first_number_that_never_came_is_missing(till, chief):
    issue(till, "03-000002")
    assert line(chief, till.device).numbers.gaps == [(1, 1)]


def test_a_number_that_came_twice_is_told_and_not_missing(till, chief):
    issue(till, "03-000001", "03-000001", "03-000002")
    numbers = line(chief, till.device).numbers
    assert (numbers.repeated, numbers.missing, numbers.arrived) == (1, 0, 2)


def test_numbers_of_another_series_are_another_devices(till, chief, branch):
    issue(till, "03-000001", "03B-000001", "03B-000004")
    assert line(chief, till.device).numbers.runs == [(1, 1)]
    assert read_numbers([branch.pk])[branch.pk, "03B"].gaps == [(2, 3)]


@pytest.mark.parametrize("number", ["", "41", "03-", "03-x", "03-1e3", "03-00 1", "03-" + "9" * 16, "-000001", "03–1"])
def test_what_is_no_number_of_a_till_is_left_out(till, chief, number):
    issue(till, number, "03-000001")
    assert line(chief, till.device).numbers.runs == [(1, 1)]


def test_an_absurd_number_leaves_one_gap_and_not_as_many_rows(till, chief):
    issue(till, "03-000001", "03-999999999999999")
    numbers = line(chief, till.device).numbers
    assert numbers.gaps == [(2, 999_999_999_999_998)]
    assert told(numbers.gaps, begins="03") == "03-000002–999999999999998"


def test_a_receipt_in_quarantine_has_arrived(till, chief):
    issue(till, "03-000001")
    change_device_state(device_id=str(till.device.pk), state=DeviceState.SUSPENDED, reason=REASON, by=SYSTEM)
    till.device.refresh_from_db()
    issue(till, "03-000002", "03-000004")
    found = line(chief, till.device)
    assert (found.numbers.issued, found.numbers.gaps) == (4, [(3, 3)])
    assert (found.heap("quarantined").count, found.heap("quarantined").cents) == (2, 2000)


def test_numbers_join_into_runs_in_any_order():
    numbers = Numbers(runs=[(1, 2), (5, 6)])
    numbers.add([4, 3, 9, 6])
    assert (numbers.runs, numbers.gaps, numbers.issued) == ([(1, 6), (9, 9)], [(7, 8)], 9)


def test_many_gaps_are_cut_when_told():
    assert told([(2, 2), (4, 6), (999, 1001)], begins="03", most=2) == "03-000002, 03-000004–006, …"
    assert told([(999, 1001)], begins="03B") == "03B-000999–001001"


def test_a_sequence_is_read_of_the_devices_own_numbers_alone():
    assert [sequence_of(text, begins="03") for text in ("03-000041", "03B-000041", "03-", "03-000000")] == [
        41, None, None, None,
    ]  # fmt: skip


# What waits, and what the till told


def test_what_is_to_be_judged_is_counted_with_its_money(till, chief):
    title = make_title(branch=till.device.branch, amounts=("100.00",))
    settled = title.installments.get()
    void = till.operation("receipt_void", {"receipt_op_id": "never-came", "reason": "x"})
    till.push(till.receipt(paying(settled, 10_000)), till.receipt(paying(settled, 10_000)), void)
    found = line(chief, till.device)
    assert (found.heap("review").count, found.heap("review").cents) == (1, 10_000)
    assert (found.waiting.count, found.waiting.cents) == (1, 0)


def test_what_a_till_told_of_itself_stands_beside_its_ceilings(till, chief):
    policy = TillPolicy.objects.get()
    policy.max_pending_cents, policy.warn_age_hours, policy.stop_age_hours = 50_000, 24, 48
    policy.save_as(SYSTEM)
    record_contact(device_id=till.device.pk, now=NOW - timedelta(hours=1), pending_count=3, pending_sum_cents=50_001,
                   snapshot_as_of=NOW - timedelta(hours=30))  # fmt: skip
    exposure = line(chief, till.device).exposure
    assert (exposure.pending_count, exposure.holds_too_much) == (3, True)
    assert (exposure.is_old, exposure.must_stop) == (True, False)
    assert (exposure.silence, exposure.age) == (timedelta(hours=1), timedelta(hours=30))


def test_a_till_that_was_never_heard_of_is_silent_and_must_stop(till, chief):
    found = line(chief, till.device)
    assert (found.is_silent_on(TODAY), found.exposure.must_stop, found.exposure.age) == (True, True, None)


def test_a_former_device_is_told_while_something_is_open_about_it(till, chief):
    issue(till, "03-000001", "03-000003")
    change_device_state(device_id=str(till.device.pk), state=DeviceState.REVOKED, reason=REASON, by=SYSTEM)
    assert line(chief, till.device).numbers.gaps == [(2, 2)]


def test_a_former_device_with_nothing_open_is_not_told(till, chief):
    issue(till, "03-000001")
    record_contact(device_id=till.device.pk, now=NOW, snapshot_as_of=NOW)
    change_device_state(device_id=str(till.device.pk), state=DeviceState.REVOKED, reason=REASON, by=SYSTEM)
    assert monitor_of(chief, now=NOW).tills == []


def test_the_totals_are_those_of_all_tills(till, chief):
    issue(till, "03-000001", "03-000003")
    other = Till(make_device(make_branch(), till="04"))
    issue(other, "04-000002")
    record_contact(device_id=other.device.pk, now=NOW, pending_count=2, pending_sum_cents=500)
    found = monitor_of(chief, now=NOW)
    assert (found.issued, found.arrived, found.missing, found.repeated) == (5, 3, 2, 0)
    assert (found.pending.count, found.pending.cents) == (2, 500)


def test_a_person_sees_the_tills_of_his_branches(till, branch):
    Till(make_device(make_branch(), till="04"))
    assert [each.device for each in monitor_of(make_user(branches=(branch,)), now=NOW).tills] == [till.device]
    assert monitor_of(make_user(branches=(make_branch(),)), now=NOW).tills == []


# Sessions


def close_body(session="s1", **pending):
    return {"session_id": session, "counted": [{"method": "cash", "amount_cents": 10_000}], "pending": pending}


def test_an_open_session_is_told_with_its_till(till, chief):
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 10_000}))
    assert line(chief, till.device).session == CashSession.objects.get()


def test_a_closing_with_something_pending_is_told_with_what_came_later(till, chief):
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 10_000}),
              till.operation("session_close", close_body(count=2, sum_cents=3000)))  # fmt: skip
    (late,) = monitor_of(chief, now=NOW).closings
    assert (late.closing.pending_count, late.late.count, late.still_pending) == (2, 0, 2)
    till.push(till.receipt(paid=1000, session_id="s1"))
    (late,) = monitor_of(chief, now=NOW).closings
    assert (late.late.count, late.late.cents, late.still_pending) == (1, 1000, 1)


def test_a_closing_with_nothing_open_is_not_told(till, chief):
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 10_000}),
              till.operation("session_close", close_body(count=0, sum_cents=0)))  # fmt: skip
    assert monitor_of(chief, now=NOW).closings == []


# Synchronisations


def test_a_branch_shows_its_last_daily_synchronisation(till, chief, branch):
    prepare_all(now=NOW)
    first_page(Asked(device=till.device, limit=7, now=NOW))
    (part,) = monitor_of(chief, now=NOW).parts
    assert (part.daily.why, part.daily.business_date, part.newest.why) == ("daily", TODAY, "asked")


def test_a_person_has_a_branch_synchronised_anew_at_once(till, branch):
    prepare_all(now=NOW)
    run = synchronise_now(branch=branch, by=CASHIER, now=NOW + timedelta(seconds=1))
    assert (run.why, run.result, run.asked_by, run.branch) == ("person", "built", "ana", branch)
    page = first_page(Asked(device=till.device, limit=1000, now=NOW + timedelta(seconds=2)))
    assert page.snapshot_id == run.snapshot.snapshot_id


def test_a_forced_synchronisation_that_fails_is_told_and_recorded(branch, monkeypatch):
    monkeypatch.setattr("pos_sync.services.snapshot._Told.read", lambda *_given, **_named: 1 / 0)
    with pytest.raises(SynchronisationFailed) as refused:
        synchronise_now(branch=branch, by=CASHIER, now=NOW)
    assert refused.value.code == "synchronisation_failed"
    assert (SyncRun.objects.get().result, SyncRun.objects.get().asked_by) == ("failed", "ana")


# Cost


def test_the_number_of_statements_does_not_grow_with_tills_nor_receipts(till, chief, branch):
    issue(till, "03-000001")
    with CaptureQueriesContext(connection) as few:
        monitor_of(chief, now=NOW)
    for number in range(4, 9):
        other = Till(Device(branch=branch, till=f"0{number}", install_id="i", paired_at=NOW - timedelta(hours=6)))
        other.device.save_as(SYSTEM)
        issue(other, f"0{number}-000001", f"0{number}-000004")
        other.push(other.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 0}))
    issue(Till(make_device(make_branch(), till="09")), "09-000002")
    with CaptureQueriesContext(connection) as many:
        assert len(monitor_of(chief, now=NOW).tills) == 7
    assert len(many) == len(few)


def test_amounts_are_whole_cents(till, chief):
    till.push(till.operation("session_open", {"session_id": "s1", "operator": "01", "float_cents": 10_000}),
              till.operation("session_close", close_body(count=3, sum_cents=30)))  # fmt: skip
    till.push(*(till.receipt(paid=10, session_id="s1") for _each in range(3)))
    (late,) = monitor_of(chief, now=NOW).closings
    assert late.late.cents == 30
    assert Receipt.objects.count() == 3
    assert late.closing.pending_amount == Decimal("0.30")
