"""Pairing: what a code is, whom it serves, what it replaces (contract, POST /pair)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections

from pos_sync.models import Device, DeviceState, DeviceToken, PairingCode
from pos_sync.protocol import BadField
from pos_sync.services.pairing import (
    CodeExpired,
    CodeUsed,
    InvalidTill,
    PairingRequest,
    PaymentMethodsMissing,
    UnknownBranch,
    UnknownCode,
    make_pairing_code,
    next_series,
    pair,
    read_pairing_request,
)
from receivables.domain.errors import InactiveCode, WrongDirection
from receivables.models import SYSTEM, Direction
from tests.make import NOW, make_branch, make_history_code
from tests.pos_sync.door import API, INSTALL, Till, ask_to_pair, body_of, pairing_code, send

pytestmark = pytest.mark.django_db
OTHER_INSTALL = "9d7c3a52-0000-4000-8000-000000000002"


def code_for(branch, till="03", now=NOW):
    return make_pairing_code(branch_code=branch.code, till=till, by=SYSTEM, now=now).code


def exchange(code, *, install_id=INSTALL, now=NOW):
    return pair(request=PairingRequest(code, install_id, "till 1.0", None), now=now)


# The code


def test_a_code_is_80_bits_in_four_groups_without_the_letters_that_are_mistaken():
    code = code_for(make_branch())
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}", code)


def test_only_the_hash_of_a_code_is_kept():
    code = code_for(make_branch())
    row = PairingCode.objects.get()
    kept = [str(getattr(row, field.attname)) for field in row._meta.concrete_fields]
    assert not any(code in text or code.replace("-", "") in text for text in kept)


@pytest.mark.parametrize(
    "typed", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code.replace('-', ' ')} "]
)
def test_case_and_hyphens_of_a_code_do_not_matter(typed):
    assert exchange(typed(code_for(make_branch()))).device.till == "03"


def test_letters_that_look_like_digits_are_read_as_digits(monkeypatch):
    monkeypatch.setattr("pos_sync.services.pairing._new_code", lambda: "0011-2233-4455-6677")
    code_for(make_branch(), till="05")
    assert exchange("OoIl-2233-4455-6677").device.till == "05"


def test_a_code_for_an_unknown_branch_is_refused_by_name():
    with pytest.raises(UnknownBranch) as refusal:
        make_pairing_code(branch_code="nowhere", till="03", by=SYSTEM, now=NOW)
    assert refusal.value.code == "unknown_branch"


@pytest.mark.parametrize("till", ["", "3B", "a1", "01234567890", "0 3", "03\n"])
def test_a_till_number_that_could_be_mistaken_on_a_receipt_is_refused(till):
    with pytest.raises(InvalidTill) as refusal:
        code_for(make_branch(), till=till)
    assert refusal.value.code == "invalid_till"


def test_a_branch_that_cannot_post_cash_and_other_money_gets_no_code():
    branch = make_branch()
    method = branch.payment_methods.get(method__code="outros").method
    method.is_active = False
    method.save()
    with pytest.raises(PaymentMethodsMissing) as refusal:
        code_for(branch)
    assert (refusal.value.code, refusal.value.facts["methods"]) == ("payment_methods_missing", {"outros"})


def test_a_branch_whose_codes_have_the_wrong_direction_gets_no_code():
    branch = make_branch()
    row = branch.payment_methods.get(method__code="pix")
    row.credit_history = make_history_code(direction=Direction.DEBIT)
    row.save()
    with pytest.raises(WrongDirection) as refusal:
        code_for(branch)
    assert refusal.value.code == "wrong_direction"


def test_a_branch_whose_account_is_inactive_gets_no_code():
    branch = make_branch()
    account = branch.payment_methods.get(method__code="cash").account
    account.is_active = False
    account.save()
    with pytest.raises(InactiveCode) as refusal:
        code_for(branch)
    assert refusal.value.code == "inactive_code"


# The exchange


def test_pairing_tells_a_till_who_it_is():
    branch = make_branch(name="Loja Centro")
    answer = ask_to_pair(pairing_code(branch, till="07"))
    told = body_of(answer)
    assert answer.status_code == 201
    assert {name: told[name] for name in ("branch", "till", "receipt_series", "epoch")} == {
        "branch": {"code": branch.code, "name": "Loja Centro"}, "till": "07", "receipt_series": "", "epoch": 1,
    }  # fmt: skip
    assert told["limits"] == {
        "max_batch_operations": 200, "max_batch_bytes": 524288, "max_operation_bytes": 65536, "max_page": 1000,
        "offline": {
            "max_receipt_cents": 500_000, "max_pending_cents": 5_000_000, "warn_age_hours": 24, "stop_age_hours": 168,
            "blind_close": False,
        },
    }  # fmt: skip
    assert told.keys() == {
        "device_id", "token", "branch", "till", "receipt_series", "epoch", "limits", "server_time",
    }  # fmt: skip


def test_a_token_is_256_bits_and_kept_by_its_hash_and_prefix():
    till = Till()
    row = DeviceToken.objects.get()
    assert len(till.token) >= 43
    assert till.token not in (row.token_hash, row.prefix)
    assert row.prefix == till.token[:8]


def test_the_same_installation_may_ask_again_while_the_code_lives():
    code = code_for(make_branch())
    first, again = exchange(code), exchange(code, now=NOW + timedelta(minutes=9))
    assert again.device == first.device
    assert again.token != first.token
    assert Device.objects.count() == 1


def test_a_token_given_before_the_answer_was_lost_keeps_working():
    branch = make_branch()
    code = pairing_code(branch)
    first, again = (body_of(ask_to_pair(code))["token"] for _ in range(2))
    for token in (first, again):
        assert send("operations", {"operations": []}, token=token).status_code == 200


def test_a_code_serves_one_installation():
    code = code_for(make_branch())
    exchange(code)
    with pytest.raises(CodeUsed) as refusal:
        exchange(code, install_id=OTHER_INSTALL)
    assert refusal.value.code == "code_used"


def test_an_unknown_code_is_refused():
    with pytest.raises(UnknownCode) as refusal:
        exchange("0000-0000-0000-0000")
    assert refusal.value.code == "unknown_code"


@pytest.mark.parametrize("used", [False, True])
def test_a_code_lives_ten_minutes(used):
    code = code_for(make_branch())
    if used:
        exchange(code)
    with pytest.raises(CodeExpired) as refusal:
        exchange(code, now=NOW + timedelta(minutes=10))
    assert refusal.value.code == "code_expired"


@pytest.mark.parametrize(
    ("refused", "status", "code"),
    [
        (lambda branch: ask_to_pair("0000-0000-0000-0000"), 404, "unknown_code"),
        (lambda branch: [ask_to_pair(c := pairing_code(branch)), ask_to_pair(c, install_id=OTHER_INSTALL)][1], 409,
         "code_used"),
    ],
)  # fmt: skip
def test_a_refused_pairing_is_a_problem_with_its_status(refused, status, code):
    answer = refused(make_branch())
    assert (answer.status_code, body_of(answer)["code"]) == (status, code)


def test_an_expired_code_is_gone():
    branch = make_branch()
    with time_machine.travel(NOW, tick=False) as clock:
        code = pairing_code(branch)
        clock.shift(timedelta(minutes=11))
        answer = ask_to_pair(code)
    assert (answer.status_code, body_of(answer)["code"]) == (410, "code_expired")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", None), ("code", 5), ("code", ["a"]), ("code", ""), ("install_id", None), ("install_id", ""),
        ("install_id", {}), ("install_id", "x" * 65), ("install_id", "a\u0000b"), ("software", 5),
        ("public_key", {"kty": "EC"}),
    ],
)  # fmt: skip
def test_a_member_of_another_type_is_named(field, value):
    sent = {"code": "K7Q2-9MXD-4TWV-H3ZP", "install_id": INSTALL, field: value}
    with pytest.raises(BadField) as refusal:
        read_pairing_request(sent)
    assert (refusal.value.code, refusal.value.field) == ("bad_field", field)


def test_a_body_that_is_no_object_is_a_bad_envelope():
    answer = send("pair", ["K7Q2"])
    assert (answer.status_code, body_of(answer)["code"]) == (400, "bad_envelope")


def test_members_that_nobody_knows_are_ignored():
    assert ask_to_pair(pairing_code(make_branch()), colour="blue").status_code == 201


# What it replaces


def test_pairing_a_till_again_replaces_its_device_and_making_the_code_does_not():
    branch = make_branch()
    first = Till(branch=branch)
    code = pairing_code(branch)
    assert Device.objects.get().state == DeviceState.ACTIVE
    ask_to_pair(code, install_id=OTHER_INSTALL)
    former, latter = Device.objects.order_by("pk")
    assert (former.state, latter.state) == (DeviceState.REPLACED, DeviceState.ACTIVE)
    assert former.replaced_at is not None
    assert str(former.pk) == first.device_id


def test_the_replacement_is_in_the_history_of_the_former_device():
    branch = make_branch()
    till = Till(branch=branch)
    Till(branch=branch, install_id=OTHER_INSTALL)
    row = Device.history.filter(id=int(till.device_id)).latest("history_id")
    assert (row.state, row.actor, row.channel) == ("replaced", f"{branch.code}/03", "till")


def test_another_till_of_the_branch_is_left_alone():
    branch = make_branch()
    Till(branch=branch, till="01")
    Till(branch=branch, till="02", install_id=OTHER_INSTALL)
    assert set(Device.objects.values_list("state", flat=True)) == {DeviceState.ACTIVE}


def test_a_suspended_device_is_replaced_as_well():
    branch = make_branch()
    Till(branch=branch).become("suspended")
    Till(branch=branch, install_id=OTHER_INSTALL)
    assert Device.objects.order_by("pk").first().state == DeviceState.REPLACED


def test_a_revoked_device_stays_revoked():
    branch = make_branch()
    Till(branch=branch).become("revoked")
    Till(branch=branch, install_id=OTHER_INSTALL)
    assert Device.objects.order_by("pk").first().state == DeviceState.REVOKED


def test_each_device_of_a_till_has_a_receipt_series_of_its_own():
    branch = make_branch()
    series = [Till(branch=branch, install_id=f"install-{number}").paired["receipt_series"] for number in range(4)]
    assert series == ["", "B", "C", "D"]


def test_receipt_series_run_through_the_alphabet_and_on():
    taken: list[str] = []
    for _ in range(29):
        taken.append(next_series(taken))
    assert taken[:3] + taken[24:29] == ["", "B", "C", "Y", "Z", "AA", "AB", "AC"]


# Failed attempts are limited, nothing else


def test_the_21st_failed_attempt_in_a_minute_from_one_address_is_refused():
    with time_machine.travel(NOW, tick=False):
        statuses = [ask_to_pair("0000-0000-0000-0000").status_code for _ in range(21)]
    assert statuses == [404] * 20 + [429]


def test_a_good_code_pairs_after_any_number_of_failed_attempts():
    branch = make_branch()
    with time_machine.travel(NOW, tick=False):
        for _ in range(25):
            ask_to_pair("0000-0000-0000-0000")
        assert ask_to_pair(pairing_code(branch)).status_code == 201


def test_failed_attempts_of_another_address_are_counted_apart(client):
    body = {"code": "0000-0000-0000-0000", "install_id": INSTALL}
    with time_machine.travel(NOW, tick=False):
        for _ in range(21):
            ask_to_pair("0000-0000-0000-0000")
        answer = client.post(API + "pair", body, content_type="application/json", REMOTE_ADDR="10.0.0.9")
    assert answer.status_code == 404


# At once


@pytest.mark.django_db(transaction=True)
def test_two_codes_of_one_till_used_at_once_leave_one_device_in_use():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's in-memory test database is not shared between threads")
    branch = make_branch()
    codes = [code_for(branch) for _ in range(4)]

    def pair_in_a_thread(numbered):
        number, code = numbered
        try:
            return exchange(code, install_id=f"install-{number}").device.pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        devices = list(threads.map(pair_in_a_thread, enumerate(codes)))
    states = list(Device.objects.order_by("state").values_list("state", flat=True))
    assert len(set(devices)) == 4
    assert states == ["active", "replaced", "replaced", "replaced"]
    assert set(Device.objects.values_list("receipt_series", flat=True)) == {"", "B", "C", "D"}
