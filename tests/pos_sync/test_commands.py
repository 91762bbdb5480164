"""The commands of the tills' door: pair_device, device_state, apply_pending; and the doorbell and tasks behind them."""

import json
import re
import time
from datetime import datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from pos_sync import doorbell, tasks
from pos_sync.models import Device, Operation
from tests.make import NOW, make_branch
from tests.pos_sync.door import Till, ask_to_pair, operation

pytestmark = pytest.mark.django_db


def run(name, *given, **options):
    out = StringIO()
    call_command(name, *given, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def stored(monkeypatch):
    """A till with an operation that nobody has applied yet."""
    with monkeypatch.context() as held:
        held.setattr("pos_sync.doorbell.ring", lambda **_given: None)
        till = Till()
        till.push(operation("a", 1))
    assert Operation.objects.get().state == "pending"
    return till


# pair_device


def test_pair_device_prints_json():
    branch = make_branch(code="0101")
    with time_machine.travel(NOW, tick=False):
        told = json.loads(run("pair_device", branch="0101", till="03", json=True))
    assert told.keys() == {"code", "expires_at", "branch", "till"}
    assert (told["branch"], told["till"]) == (branch.code, "03")
    assert datetime.fromisoformat(told["expires_at"]) == NOW + timedelta(minutes=10)


def test_pair_device_shows_the_code_and_a_drawing_of_it():
    shown = run("pair_device", branch=make_branch().code, till="03")
    code = re.search(r"\w{4}-\w{4}-\w{4}-\w{4}", shown).group()
    assert "█" in shown
    assert ask_to_pair(code).status_code == 201


@pytest.mark.parametrize(("branch", "till"), [("none", "03"), (None, "x")])
def test_pair_device_names_what_is_wrong(branch, till):
    with pytest.raises(CommandError, match=r"unknown_branch|invalid_till"):
        run("pair_device", branch=branch or make_branch().code, till=till)


# device_state


def test_device_state_changes_the_state():
    till = Till()
    run("device_state", till.device_id, "suspended", reason="Em manutenção")
    assert Device.objects.get().state == "suspended"


def test_device_state_names_what_is_wrong():
    with pytest.raises(CommandError, match="unknown_device"):
        run("device_state", "77", "revoked", reason="Roubado")


# apply_pending and the tasks


def test_apply_pending_applies_what_waits(stored):
    assert run("apply_pending") == "1\n"
    assert Operation.objects.get().state == "applied"


def test_apply_pending_goes_on_after_a_failure(stored, monkeypatch):
    rounds = []

    def applied(**_given):
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise RuntimeError("first round")
        raise KeyboardInterrupt

    monkeypatch.setattr("pos_sync.management.commands.apply_pending.apply_pending", applied)
    monkeypatch.setattr("pos_sync.management.commands.apply_pending.close_old_connections", lambda: None)
    run("apply_pending", watch=True, interval=0.1)
    assert rounds == [0, 1]


def test_the_task_of_a_device_applies_what_waits_of_it(stored):
    tasks.ingest_operations(int(stored.device_id))
    assert Operation.objects.get().state == "applied"


def test_the_sweep_applies_what_waits_of_all(stored):
    tasks.sweep()
    assert Operation.objects.get().state == "applied"


# The doorbell


def rung(monkeypatch, settings, message):
    """Put a broker behind the doorbell that takes `message(device_id)`."""
    settings.REDIS_URL = "redis://broker"
    monkeypatch.setattr(tasks.ingest_operations, "delay", message)


def until(fact):
    for _ in range(200):
        if fact():
            return
        time.sleep(0.01)
    pytest.fail("it did not come to be")


def test_with_a_broker_a_push_rings_and_does_not_apply(monkeypatch, settings):
    heard = []
    till = Till()
    rung(monkeypatch, settings, heard.append)
    (result,) = till.results(operation("a", 1))
    assert result["state"] == "pending"
    until(lambda: heard == [int(till.device_id)])


def test_a_push_without_anything_to_apply_does_not_ring(monkeypatch, settings):
    heard = []
    till = Till()
    rung(monkeypatch, settings, heard.append)
    till.push({"seq": 1})
    time.sleep(0.05)
    assert heard == []


def test_a_broker_that_does_not_answer_does_not_delay_the_till(monkeypatch, settings):
    till = Till()
    rung(monkeypatch, settings, lambda _device: time.sleep(1))
    begun = time.monotonic()
    assert till.push(operation("a", 1)).status_code == 200
    assert time.monotonic() - begun < 0.8


def test_a_broker_that_failed_is_left_alone_for_a_while(monkeypatch, settings):
    heard = []

    def broken(device_id):
        heard.append(device_id)
        raise ConnectionError

    rung(monkeypatch, settings, broken)
    doorbell.ring(device_id=1, now=NOW)
    until(lambda: doorbell.broker_breaker.is_resting)
    doorbell.ring(device_id=2, now=NOW)
    time.sleep(0.05)
    assert heard == [1]
