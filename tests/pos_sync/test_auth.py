"""Who may ask what, and how often: tokens, states of a device, rates (contract, "Device states", "Rate")."""

from types import SimpleNamespace

import pytest
import redis
import time_machine

from pos_sync import rate_limits
from pos_sync.models import Device, DeviceState, DeviceToken
from pos_sync.rate_limits import Allowance, RateLimited, take
from pos_sync.services.devices import (
    DeviceReasonMissing,
    TillInUse,
    UnknownDevice,
    UnknownDeviceState,
    change_device_state,
)
from receivables.domain.errors import MoveRefused
from receivables.models import SYSTEM
from tests.make import NOW, make_branch
from tests.pos_sync.door import Till, body_of, get, operation, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def till():
    return Till()


# Tokens


@pytest.mark.parametrize("header", ["", "Device", "Device ", "Bearer {}", "Device x{}", "{}", "Device {} x"])
@pytest.mark.parametrize("ask", [lambda **given: get("snapshot", **given), lambda **given: get("operations", **given)])
def test_without_a_known_token_nothing_is_told(till, ask, header):
    answer = ask(headers={"Authorization": header.format(till.token)} if header else {})
    assert (answer.status_code, body_of(answer)["code"]) == (401, "unknown_token")
    assert answer.headers["WWW-Authenticate"] == "Device"


def test_an_unknown_token_cannot_push():
    assert send("operations", {"operations": []}, token="x" * 43).status_code == 401


def test_the_word_before_the_token_is_read_in_any_case(till):
    assert get("snapshot", headers={"Authorization": f"DEVICE {till.token}"}).status_code == 200


def test_the_use_of_a_token_is_recorded_now_and_then(till):
    with time_machine.travel(NOW, tick=False):
        till.get("operations")
        till.get("operations")
    assert DeviceToken.objects.get().last_used_at == NOW


# States


@pytest.mark.parametrize(
    ("state", "members"),
    [("suspended", {"code": "device_suspended"}), ("revoked", {"code": "device_revoked", "wipe": "snapshot"})],
)
def test_a_device_that_is_stopped_cannot_pull(till, state, members):
    till.become(state)
    answer = till.get("snapshot")
    assert answer.status_code == 403
    assert members.items() <= body_of(answer).items()


def test_a_replaced_device_cannot_pull(till):
    Till(branch=till.branch, install_id="another")
    answer = till.get("snapshot")
    assert (answer.status_code, body_of(answer)["code"]) == (403, "device_replaced")


def test_only_a_revoked_device_is_told_to_wipe_its_copy(till):
    till.become("suspended")
    assert "wipe" not in body_of(till.get("snapshot"))


@pytest.mark.parametrize("state", ["suspended", "revoked"])
def test_a_device_that_is_stopped_still_delivers_and_asks_what_became_of_it(till, state):
    till.become(state)
    (result,) = till.results(operation("a", 1))
    assert (result["custody"], result["state"], result["reason"]) == ("stored", "quarantined", f"device_{state}")
    assert body_of(till.get("operations"))["results"][0]["op_id"] == "a"


def test_an_active_device_can_pull_again(till):
    till.become("suspended")
    till.become("active")
    assert till.get("snapshot").status_code == 200


def test_the_reason_of_a_state_is_in_the_devices_history(till):
    change_device_state(device_id=till.device_id, state="revoked", reason=" Roubado na loja ", by=SYSTEM)
    row = Device.history.filter(id=int(till.device_id)).latest("history_id")
    assert (row.state, row.history_change_reason, row.state_reason) == (
        DeviceState.REVOKED, "Roubado na loja", "Roubado na loja",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"state": "replaced"}, UnknownDeviceState),
        ({"reason": "  "}, DeviceReasonMissing),
        ({"device_id": "999999"}, UnknownDevice),
        ({"device_id": "x"}, UnknownDevice),
        ({"state": "active"}, MoveRefused),
    ],
)
def test_a_state_that_cannot_be_is_refused(till, changes, refusal):
    asked = {"device_id": till.device_id, "state": "revoked", "reason": "Roubado", "by": SYSTEM} | changes
    with pytest.raises(refusal) as refused:
        change_device_state(**asked)
    assert refused.value.code == {
        UnknownDeviceState: "unknown_device_state", DeviceReasonMissing: "device_reason_missing",
        UnknownDevice: "unknown_device", MoveRefused: "move_refused",
    }[refusal]  # fmt: skip


def test_a_revoked_device_does_not_come_back_beside_its_successor(till):
    till.become("revoked")
    Till(branch=till.branch, install_id="another")
    with pytest.raises(TillInUse) as refused:
        change_device_state(device_id=till.device_id, state="active", reason="Achado", by=SYSTEM)
    assert refused.value.code == "till_in_use"


# How often


def test_a_bucket_gives_its_burst_and_then_what_it_is_refilled_with():
    allowance = Allowance("test", per_minute=60, burst=3)
    with time_machine.travel(NOW, tick=False) as clock:
        for _ in range(3):
            take(allowance, key="a")
        with pytest.raises(RateLimited) as refused:
            take(allowance, key="a")
        assert (refused.value.code, refused.value.retry_after) == ("rate_limited", 1)
        clock.shift(1)
        take(allowance, key="a")
        with pytest.raises(RateLimited):
            take(allowance, key="a")


def test_buckets_of_others_are_full():
    allowance = Allowance("test", per_minute=60, burst=1)
    take(allowance, key="a")
    take(allowance, key="b")


def test_a_device_that_pulls_too_often_is_told_when_to_come_back(till, monkeypatch):
    monkeypatch.setattr("pos_sync.auth.PullToken.allowance", Allowance("pull", per_minute=6, burst=2))
    with time_machine.travel(NOW, tick=False):
        statuses = [till.get("snapshot").status_code for _ in range(2)]
        answer = till.get("snapshot")
    assert statuses == [200, 200]
    assert (answer.status_code, body_of(answer)["code"], answer.headers["Retry-After"]) == (429, "rate_limited", "10")


def test_pushing_has_an_allowance_of_its_own(till, monkeypatch):
    monkeypatch.setattr("pos_sync.auth.PullToken.allowance", Allowance("pull", per_minute=6, burst=1))
    with time_machine.travel(NOW, tick=False):
        till.get("snapshot")
        assert till.get("snapshot").status_code == 429
        assert till.push().status_code == 200


def test_the_allowances_are_those_of_the_contract():
    assert (rate_limits.PULL.per_minute, rate_limits.PULL.burst) == (600, 200)
    assert (rate_limits.FAILED_PAIRING.per_minute, rate_limits.FAILED_PAIRING.burst) == (20, 20)
    assert rate_limits.PUSH.per_minute > 600


def test_a_cache_that_is_down_lets_tills_pass_and_is_left_alone(monkeypatch):
    asked = []

    def down(*given, **_named):
        asked.append(given)
        raise redis.ConnectionError

    monkeypatch.setattr(rate_limits, "cache", SimpleNamespace(get=down, set=down))
    for _ in range(5):
        take(Allowance("test", per_minute=1, burst=1), key="a")
    assert len(asked) == 1


def test_a_till_of_another_branch_shares_nothing(till):
    other = Till(branch=make_branch(), install_id="another")
    assert body_of(other.get("operations"))["results"] == []
