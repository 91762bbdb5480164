"""Caixas (PDV) in the back office: device states, pairing codes shown once, PINs and ceilings."""

import json
import re

import pytest
import segno
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from pos_sync.models import Device, DeviceState, Operation, PairingCode, TillOperator, TillPolicy
from pos_sync.services.devices import record_contact
from pos_sync.services.pairing import InvalidTill
from receivables.models import SYSTEM
from tests.admin.conftest import at_the_desk
from tests.admin.pages import buttons_of, desk, errors_of, page
from tests.make import NOW, REASON, make_branch, make_user
from tests.pos_sync.door import Till, ask_to_pair, body_of, get, send
from tests.pos_sync.test_ingestion import Till as SpokenTill
from tests.pos_sync.test_ingestion import make_device
from tests.pos_sync.test_monitor import issue

pytestmark = pytest.mark.django_db


@pytest.fixture
def device(branch):
    device = Device(branch=branch, till="03", install_id="x")
    device.save_as(SYSTEM)
    return device


def state_of(device):
    return Device.objects.get(pk=device.pk).state


def test_a_device_is_suspended_activated_and_revoked_with_a_reason(chief, device):
    for verb, state in (("suspend", "suspended"), ("activate", "active"), ("revoke", "revoked")):
        chief.post(page(device, verb), {"reason": REASON})
        assert state_of(device) == state
    assert device.history.first().history_change_reason == REASON


def test_the_buttons_of_a_device_follow_its_state(chief, device):
    assert buttons_of(chief, device) == {"suspend", "revoke"}
    chief.post(page(device, "revoke"), {"reason": REASON})
    assert buttons_of(chief, device) == {"activate"}


def test_a_state_does_not_change_without_a_reason(chief, device):
    assert errors_of(chief.post(page(device, "suspend"), {"reason": "  "})) == {"reason": ["required"]}
    assert state_of(device) == DeviceState.ACTIVE


def test_a_move_that_the_state_forbids_is_told_on_the_devices_page(chief, device):
    response = chief.post(page(device, "activate"), {"reason": REASON}, follow=True)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]


def test_managing_devices_needs_its_permission(suporte, device):
    assert buttons_of(suporte, device) == set()
    assert suporte.post(page(device, "revoke"), {"reason": REASON}).status_code == 403
    assert state_of(device) == DeviceState.ACTIVE


def test_a_device_of_another_branch_is_not_found(foreigner, device):
    assert foreigner.post(page(device, "revoke"), {"reason": REASON}).status_code == 404


# Pairing


def test_a_pairing_code_is_shown_once(chief, branch):
    response = chief.post(desk(Device, "pair"), {"branch": branch.pk, "till": "03"})
    shown = re.search(r'<output id="code">(([0-9A-Z]{4}-){3}[0-9A-Z]{4})</output>', response.content.decode())
    assert shown
    assert "no-store" in response.headers["Cache-Control"]
    assert PairingCode.objects.get().till == "03"
    for address in (desk(Device, "changelist"), desk(PairingCode, "changelist"), page(PairingCode.objects.get())):
        assert shown.group(1) not in chief.get(address).content.decode()


def test_the_code_pairs_a_till(chief, branch):
    fresh = chief.post(desk(Device, "pair"), {"branch": branch.pk, "till": "03"}).context["fresh"]
    assert ask_to_pair(fresh.code).status_code == 201
    assert Device.objects.get().till == "03"


def test_the_picture_opens_the_till_with_the_code(chief, branch):
    response = chief.post(desk(Device, "pair"), {"branch": branch.pk, "till": "03"}, secure=True)
    context = response.context
    address = f"https://testserver/till/#pair={context['fresh'].code}"
    assert context["picture"] == segno.make(address, error="m").svg_inline(
        border=4, omitsize=True, svgclass=None, lineclass=None
    )


def test_the_picture_has_no_style_that_the_policy_would_refuse(chief, branch):
    html = chief.post(desk(Device, "pair"), {"branch": branch.pk, "till": "03"}).content.decode()
    (picture,) = re.findall(r"<svg.*?</svg>", html)
    assert "style" not in picture
    assert "<script>" not in html


def test_the_code_tells_how_long_it_lives(chief, branch):
    html = chief.post(desk(Device, "pair"), {"branch": branch.pk, "till": "03"}).content.decode()
    assert 'data-until="2026-11-23T12:10:00-03:00"' in html
    assert "23/11/2026 12:10" in html


def test_a_till_is_paired_again_from_its_page(chief, device):
    (link,) = chief.get(page(device)).context["links"]
    assert link["url"] == f"{desk(Device, 'pair')}?branch={device.branch_id}&till=03"
    assert chief.get(link["url"]).context["form"].initial["till"] == "03"


def test_a_till_number_that_cannot_be_is_told_beside_it(chief, branch):
    response = chief.post(desk(Device, "pair"), {"branch": branch.pk, "till": "caixa"})
    assert errors_of(response) == {"till": [InvalidTill.code]}


def test_a_code_is_made_for_the_managers_own_branches(branch):
    manager = at_the_desk(make_user(branches=(branch,)))
    manager.user.user_permissions.add(_permission("manage_devices"))
    response = manager.post(desk(Device, "pair"), {"branch": make_branch().pk, "till": "03"})
    assert errors_of(response) == {"branch": ["invalid_choice"]}


def _permission(codename):
    from django.contrib.auth.models import Permission

    return Permission.objects.get(codename=codename, content_type__app_label="pos_sync")


def test_pairing_needs_its_permission(suporte, branch):
    assert suporte.post(desk(Device, "pair"), {"branch": branch.pk, "till": "03"}).status_code == 403


# A device's page


def table(client, device, place):
    return [[str(cell.text) for cell in row] for row in client.get(page(device)).context["tables"][place].rows]


EXPOSURE, NUMBERS, OPERATIONS, TOKENS, STATES, OTHERS = range(6)


def test_a_device_tells_its_exposure_beside_the_ceilings(chief, device):
    policy = TillPolicy(parameter_set=device.branch.parameter_set, max_pending_cents=10_000)
    policy.save_as(SYSTEM)
    record_contact(device_id=device.pk, now=NOW, pending_count=2, pending_sum_cents=10_001, snapshot_as_of=NOW)
    receipt, pending, age = table(chief, device, EXPOSURE)
    assert receipt[1:3] == ["—", "R$ 5.000,00"]
    assert pending[1:3] == ["R$ 100,01", "R$ 100,00"]
    assert "chip-held" in pending[3]
    assert "chip-applied" in age[3]


def test_the_largest_receipt_without_the_server_is_told(chief, device):
    for number, (mode, cents) in enumerate([("offline", 600_000), ("online", 900_000), ("offline", 100)], start=1):
        body = {"mode": mode, "tenders": [{"method": "cash", "amount_cents": cents}], "lines": []}
        raw = json.dumps({"op_id": f"o{number}", "seq": number, "kind": "receipt", "v": 1, "body": body,
                          "occurred_at": "2026-11-23T12:00:00-03:00"})  # fmt: skip
        Operation.objects.create(op_id=f"o{number}", device=device, judged_as=device, epoch=1, seq=number,
                                 kind="receipt", raw=raw)  # fmt: skip
    largest = table(chief, device, EXPOSURE)[0]
    assert largest[1] == "R$ 6.000,00"
    assert "chip-held" in largest[3]


def test_a_device_tells_its_tokens_by_prefix_and_what_ended_them(chief, branch):
    till = Till(branch=branch)
    fresh = body_of(send("token/rotate", raw=b"", token=till.token))["token"]
    assert get("operations", token=fresh).status_code == 200
    newest, first = table(chief, Device.objects.get(), TOKENS)
    assert (newest[0], first[0]) == (f"{fresh[:8]}…", f"{till.token[:8]}…")
    assert "chip-active" in newest[3]
    assert "chip-replaced" in first[3]
    assert (first[4], newest[4]) == ("23/11/2026 12:00", "—")
    assert fresh[:8] in first[5]
    assert till.token not in chief.get(page(Device.objects.get())).content.decode()


def test_a_device_tells_who_ended_it_and_why(chief, device):
    chief.post(page(device, "revoke"), {"reason": REASON})
    newest, first = table(chief, device, STATES)
    assert (newest[2], newest[3]) == (chief.user.username, REASON)
    assert "chip-revoked" in newest[1]
    assert "chip-active" in first[1]
    assert REASON in str(chief.get(page(device)).context["head"]["subtitle"])


def test_a_device_names_the_others_of_its_till(chief, branch):
    Till(branch=branch)
    Till(branch=branch, install_id="another")
    former, current = Device.objects.order_by("pk")
    (row,) = table(chief, current, OTHERS)
    assert page(former) in row[0]
    assert "chip-replaced" in row[1]


def test_the_missing_numbers_of_a_till_are_listed_run_by_run(chief, branch):
    till = SpokenTill(make_device(branch))
    issue(till, "03-000002", "03-000006")
    assert table(chief, till.device, NUMBERS) == [["03-000001", "1"], ["03-000003–005", "3"]]


# Operators


def operator(branch, **values):
    return {
        "branch": branch.pk,
        "code": "7",
        "name": "Bia",
        "is_active": "on",
        "pin": "4821",
        "pin_again": "4821",
    } | values


def test_a_pin_is_kept_as_a_hash_that_tills_can_check(chief, branch):
    chief.post(desk(TillOperator, "add"), operator(branch))
    kept = TillOperator.objects.get().pin_hash
    assert kept.startswith("pbkdf2_sha256$")
    assert PBKDF2PasswordHasher().verify("4821", kept)


@pytest.mark.parametrize(
    ("values", "field"),
    [({"pin": "", "pin_again": ""}, "pin"), ({"pin": "12a4"}, "pin"), ({"pin": "123"}, "pin"),
     ({"pin_again": "4822"}, "pin_again")],
)  # fmt: skip
def test_a_pin_that_cannot_be_is_told_beside_its_field(chief, branch, values, field):
    assert field in errors_of(chief.post(desk(TillOperator, "add"), operator(branch, **values)))
    assert not TillOperator.objects.exists()


def test_a_blank_pin_leaves_the_old_one(chief, branch):
    chief.post(desk(TillOperator, "add"), operator(branch))
    kept = TillOperator.objects.get()
    chief.post(page(kept), operator(branch, name="Beatriz", pin="", pin_again=""))
    again = TillOperator.objects.get()
    assert (again.name, again.pin_hash) == ("Beatriz", kept.pin_hash)


def test_an_operator_is_made_a_supervisor_on_his_page(chief, branch):
    chief.post(desk(TillOperator, "add"), operator(branch, is_supervisor="on"))
    assert TillOperator.objects.get().is_supervisor


def test_neither_pages_nor_history_show_the_hash(chief, branch):
    chief.post(desk(TillOperator, "add"), operator(branch))
    kept = TillOperator.objects.get()
    chief.post(page(kept), operator(branch, pin="9999", pin_again="9999"))
    for address in (page(kept), page(kept, "history"), f"{page(kept, 'history')}{kept.history.first().history_id}/"):
        assert "pbkdf2" not in chief.get(address).content.decode()


# Policies and the inbox


def test_ceilings_are_typed_in_reais_and_kept_in_cents(chief, branch):
    typed = {"parameter_set": branch.parameter_set_id, "scope": "branch", "max_receipt_cents": "5.000,00",
             "max_pending_cents": "50.000,50", "warn_age_hours": "24", "stop_age_hours": "168",
             "second_person_above_cents": "500,00"}  # fmt: skip
    chief.post(desk(TillPolicy, "add"), typed)
    policy = TillPolicy.objects.get()
    assert (policy.max_receipt_cents, policy.max_pending_cents) == (500_000, 5_000_050)
    assert 'value="50.000,50"' in str(chief.get(page(policy)).context["adminform"].form["max_pending_cents"])
    response = chief.post(page(policy), typed | {"stop_age_hours": "23"})
    assert "stop_age_hours" in errors_of(response)


@pytest.mark.parametrize(("flag", "found"), [
    ("clock_suspect", {"both", "clock"}), ("cash_day_closed", {"both"}), ("receipt_no_reused", set()), ("clock", set()),
])  # fmt: skip
def test_operations_are_found_by_a_flag(chief, device, flag, found):
    flags = {"both": ["cash_day_closed", "clock_suspect"], "clock": ["clock_suspect"], "none": []}
    for seq, (op_id, borne) in enumerate(flags.items(), start=1):
        Operation.objects.create(
            op_id=op_id, device=device, judged_as=device, epoch=1, seq=seq, kind="receipt", raw="{}", flags=borne
        )
    rows = chief.get(desk(Operation, "changelist"), {"flag": flag}).context["cl"].queryset
    assert {row.op_id for row in rows} == found


def test_an_operation_is_shown_exactly_as_it_arrived(chief, device):
    raw = '{"amount_cents":5000.0, "a":"<b>"}'
    operation = Operation.objects.create(
        op_id="op-1", device=device, judged_as=device, epoch=1, seq=1, kind="receipt", raw=raw
    )
    html = chief.get(page(operation)).content.decode()
    assert "5000.0" in html
    assert "&lt;b&gt;" in html
    assert chief.post(page(operation), {"state": "applied"}).status_code == 403
