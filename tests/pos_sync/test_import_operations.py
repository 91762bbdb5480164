"""The second channel: the file of a till that cannot connect any more, imported by command and on its page."""

import json
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from pos_sync import protocol
from pos_sync.models import Device, DeviceContact, Operation, RawBatch
from pos_sync.services import till_file
from receivables.services.groups import GERENCIA, SUPORTE
from tests.admin.conftest import at_the_desk
from tests.make import make_branch, make_user
from tests.pos_sync.door import Till, operation

pytestmark = pytest.mark.django_db

ABSENT = object()


@pytest.fixture
def till():
    return Till()


@pytest.fixture
def manager(till):
    return at_the_desk(make_user(group=GERENCIA, branches=(till.branch,)))


def exported(till, /, *operations, **members):
    """What the till writes to its file (screens/history.js)."""
    document = {
        "format": "quita-till-operations", "v": 1, "device_id": till.device_id, "epoch": 1,
        "branch": {"code": till.branch.code, "name": till.branch.name}, "till": "03",
        "exported_at": "2026-11-23T15:00:00.000Z", "operations": list(operations),
    } | members  # fmt: skip
    return json.dumps({name: value for name, value in document.items() if value is not ABSENT}, indent=1).encode()


def run(tmp_path, content, **options):
    file = tmp_path / "quita-caixa-03.json"
    file.write_bytes(content)
    out = StringIO()
    call_command("import_operations", str(file), stdout=out, **options)
    return out.getvalue()


def send(client, content, **values):
    file = SimpleUploadedFile("quita-caixa-03.json", content, content_type="application/json")
    return client.post(reverse("admin:import_operations"), {"file": file, **values})


def custody_of(response):
    (table,) = response.context["tables"]
    return [row[2].text for row in table.rows]


def codes_of(response):
    return [error.code for found in response.context["form"].errors.as_data().values() for error in found]


def states():
    return list(Operation.objects.order_by("seq").values_list("op_id", "seq", "state"))


# The command


def test_a_file_is_imported_as_if_it_was_pushed(till, tmp_path):
    run(tmp_path, exported(till, operation("a", 1), operation("b", 2)))
    assert states() == [("a", 1, "applied"), ("b", 2, "applied")]
    assert Operation.objects.filter(device=till.device_id, epoch=1).count() == 2


def test_each_operation_is_a_line(till, tmp_path):
    told = run(tmp_path, exported(till, operation("a", 1), operation("b", 2)))
    assert [line.split(" · ")[:2] for line in told.splitlines()] == [["1", "a"], ["2", "b"]]


def test_what_the_till_delivers_later_is_a_duplicate(till, tmp_path):
    run(tmp_path, exported(till, operation("a", 1), operation("b", 2)))
    (first, second, third) = till.results(operation("a", 1), operation("b", 2), operation("c", 3))
    assert [each["custody"] for each in (first, second, third)] == ["duplicate", "duplicate", "stored"]
    assert [each["state"] for each in (first, second, third)] == ["applied"] * 3


def test_numbers_keep_their_digits_on_the_way(till, tmp_path):
    odd = operation("a", 1, body={"amount_cents": 1000.0, "reason": "troco é \ud83d\ude00"})
    run(tmp_path, exported(till, odd))
    assert till.results(odd)[0]["custody"] == "duplicate"


def test_what_the_till_delivered_before_is_a_duplicate(till, tmp_path):
    till.push(operation("a", 1))
    run(tmp_path, exported(till, operation("a", 1), operation("b", 2)))
    assert states() == [("a", 1, "applied"), ("b", 2, "applied")]


def test_a_rehearsal_stores_nothing(till, tmp_path):
    before = Device.history.count()
    told = run(tmp_path, exported(till, operation("a", 1)), dry_run=True)
    assert told.startswith("1 · a · ")
    assert not Operation.objects.exists()
    assert Device.history.count() == before


def test_a_long_file_is_cut_into_batches(till, tmp_path, monkeypatch):
    monkeypatch.setattr(protocol, "MAX_BATCH_OPERATIONS", 2)
    sizes = []
    stored = till_file.inbox.store_batch

    def counted(**given):
        sizes.append(len(given["envelope"].operations))
        return stored(**given)

    monkeypatch.setattr(till_file.inbox, "store_batch", counted)
    run(tmp_path, exported(till, *(operation(f"op-{seq}", seq) for seq in range(1, 6))))
    assert sizes == [2, 2, 1]
    assert {state for _, _, state in states()} == {"applied"}


def test_a_batch_stays_within_the_bytes_of_a_push():
    operations = [operation(f"op-{seq}", seq, memo="é" * 30_000) for seq in range(1, 30)]
    sent = json.dumps({"format": till_file.FORMAT, "v": 1, "device_id": "1", "epoch": 1, "operations": operations})
    file = till_file.read_till_file(sent.encode(), name="x.json")
    assert file.count == 29
    assert len(file.envelopes) > 1


def test_a_suspended_tills_file_waits_in_quarantine(till, tmp_path):
    till.become("suspended")
    run(tmp_path, exported(till, operation("a", 1)))
    assert states() == [("a", 1, "quarantined")]


def test_the_bytes_of_a_file_with_something_unreadable_are_kept_as_they_came(till, tmp_path):
    content = exported(till, operation("a", 1), {"seq": 2})
    run(tmp_path, content)
    run(tmp_path, content)
    (kept,) = RawBatch.objects.all()
    assert bytes(kept.body) == content


def test_an_import_is_no_contact_of_the_device(till, tmp_path):
    run(tmp_path, exported(till, operation("a", 1)))
    assert not DeviceContact.objects.filter(device=till.device_id).exists()


@pytest.mark.parametrize(
    ("members", "field"),
    [({"format": "other"}, "format"), ({"v": 2}, "v"), ({"v": True}, "v"), ({"device_id": ABSENT}, "device_id"),
     ({"device_id": 7}, "device_id"), ({"epoch": ABSENT}, "epoch"), ({"epoch": 0}, "epoch"),
     ({"epoch": 2}, "epoch"), ({"first_seq": "1"}, "first_seq"), ({"till": "04"}, "till"),
     ({"operations": ABSENT}, "operations"), ({"operations": {}}, "operations"), ({"operations": []}, "operations"),
     ({"device_id": "999999"}, "device_id"), ({"device_id": "x"}, "device_id"),
     ({"operations": [{"body": "x" * 600_000}]}, r"operations\[0\]")],
)  # fmt: skip
def test_a_wrong_field_is_named_and_nothing_is_stored(till, tmp_path, members, field):
    with pytest.raises(CommandError, match=f"“{field}”"):
        run(tmp_path, exported(till, operation("a", 1), **members))
    assert not Operation.objects.exists()
    assert not RawBatch.objects.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"format":'])
def test_a_broken_file_is_refused(till, tmp_path, content):
    with pytest.raises(CommandError, match="till_file_unreadable"):
        run(tmp_path, content)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CommandError):
        call_command("import_operations", str(tmp_path / "none.json"))


# The page


def test_a_manager_imports_a_file_and_sees_what_became_of_it(till, manager):
    response = send(manager, exported(till, operation("a", 1), operation("b", 2)))
    assert len(custody_of(response)) == 2
    assert states() == [("a", 1, "applied"), ("b", 2, "applied")]


def test_the_same_file_twice_brings_duplicates(till, manager):
    content = exported(till, operation("a", 1))
    first, second = custody_of(send(manager, content)), custody_of(send(manager, content))
    assert first != second
    assert "chip-replaced" in second[0]
    assert states() == [("a", 1, "applied")]


def test_who_imported_what_is_in_the_devices_history(till, manager):
    send(manager, exported(till, operation("a", 1)))
    kept = Device.history.filter(id=till.device_id).first()
    assert (kept.actor, kept.channel) == (manager.user.get_username(), "back_office")
    assert "quita-caixa-03.json" in kept.history_change_reason


def test_a_rehearsal_on_the_page_stores_nothing(till, manager):
    response = send(manager, exported(till, operation("a", 1)), is_rehearsal="on")
    assert len(custody_of(response)) == 1
    assert not Operation.objects.exists()


def test_a_till_of_another_branch_is_refused_like_an_unknown_one(till):
    foreigner = at_the_desk(make_user(group=GERENCIA, branches=(make_branch(name="Outra"),)))
    response = send(foreigner, exported(till, operation("a", 1)))
    assert codes_of(response) == ["till_file_device"]
    assert codes_of(send(foreigner, exported(till, operation("a", 1), device_id="999999"))) == ["till_file_device"]
    assert not Operation.objects.exists()


def test_a_broken_file_is_told_on_the_page(manager):
    assert codes_of(send(manager, b"")) == ["till_file_unreadable"]
    assert codes_of(manager.post(reverse("admin:import_operations"))) == ["required"]


def test_importing_needs_the_permission_to_manage_devices(till):
    suporte = at_the_desk(make_user(group=SUPORTE, branches=(till.branch,)))
    assert send(suporte, exported(till, operation("a", 1))).status_code == 403
    assert not Operation.objects.exists()


def test_the_menu_leads_to_the_page(manager):
    assert reverse("admin:import_operations") in manager.get(reverse("admin:index")).content.decode()
