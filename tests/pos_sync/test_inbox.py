"""Custody: stored once for ever, duplicates, conflicts, what cannot be stored (contract, POST and GET /operations)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.utils import timezone

from pos_sync import protocol
from pos_sync.models import Device, DeviceContact, Operation, OperationArrival, OperationConflict, RawBatch
from pos_sync.services import inbox
from receivables.models import Receipt
from tests.make import make_branch, make_title
from tests.pos_sync.door import Till, body_of, operation

pytestmark = pytest.mark.django_db


@pytest.fixture
def till():
    return Till()


@pytest.fixture
def nothing_is_applied(monkeypatch):
    """Operations stay as they were stored."""
    monkeypatch.setattr("pos_sync.doorbell.ring", lambda **_given: None)


def re_paired(till):
    return Till(branch=till.branch, install_id="another-installation")


def neighbour(till):
    """A till of another branch of the same company."""
    return Till(branch=make_branch(), install_id="a-neighbour")


def custody(results):
    return [result["custody"] for result in results]


# One result per item, in order


def test_a_push_is_stored_and_told_item_by_item(till):
    results = till.results(operation("b", 1), 5, operation("a", 2))
    assert [(result["index"], result["op_id"], result["custody"]) for result in results] == [
        (0, "b", "stored"), (1, None, "refused"), (2, "a", "stored"),
    ]  # fmt: skip


def test_operations_are_kept_in_the_order_of_the_batch(till):
    till.push(operation("b", 1), operation("a", 2))
    assert list(Operation.objects.order_by("pk").values_list("op_id", flat=True)) == ["b", "a"]


def test_a_stored_operation_is_kept_as_it_came(till):
    till.push(operation("a", 1, colour="blue"))
    row = Operation.objects.get()
    assert protocol.read_object(row.raw.encode())["colour"] == "blue"
    assert (row.device_id, row.epoch, row.seq, row.kind) == (int(till.device_id), 1, 1, "cash_in")


def test_an_empty_push_is_answered(till):
    told = body_of(till.push())
    assert (told["results"], told["through_seq"], told["missing"]) == ([], 0, [])


def test_a_push_is_applied_at_once_where_there_is_no_broker(till):
    (result,) = till.results(operation("a", 1))
    assert (result["custody"], result["state"]) == ("stored", "applied")


def test_a_failure_while_applying_does_not_change_the_answer(till, monkeypatch):
    def broken(*_given, **_named):
        raise RuntimeError("ledger")

    monkeypatch.setattr("pos_sync.services.ingestion.apply_pending", broken)
    (result,) = till.results(operation("a", 1))
    assert (result["custody"], result["state"], result["outcome"]) == ("stored", "pending", None)


# Duplicates


def test_the_same_again_is_a_duplicate_with_the_state_of_the_first(till):
    (first,) = till.results(operation("a", 1))
    (again,) = till.results(operation("a", 1))
    assert again == first | {"custody": "duplicate"}


def test_a_duplicate_is_never_applied_again(till):
    title = make_title(branch=till.branch, amounts=("80.00",))
    line = {"installment_id": str(title.installments.get().pk), "version": 1, "principal_cents": 8000}
    tender = {"method": "cash", "amount_cents": 8000}
    receipt = operation("a", 1, kind="receipt", body={"lines": [line], "tenders": [tender]})
    for _ in range(3):
        till.push(receipt, receipt)
    assert Receipt.objects.count() == 1


def test_keys_in_another_order_and_a_new_signature_are_the_same_content(till):
    sent = operation("a", 1)
    till.push(sent)
    (again,) = till.results(dict(reversed(sent.items())) | {"prev": "z", "sig": "y"})
    assert again["custody"] == "duplicate"


def test_the_second_of_two_in_one_batch_is_a_duplicate_or_a_conflict(till):
    results = till.results(operation("a", 1), operation("a", 1), operation("a", 1, kind="cash_out"))
    assert custody(results) == ["stored", "duplicate", "conflict"]


def test_another_token_and_another_epoch_do_not_make_it_new(till):
    till.push(operation("a", 1))
    later = re_paired(till)
    (result,) = later.results(operation("a", 1))
    assert (result["custody"], result["state"]) == ("duplicate", "applied")


def test_a_duplicate_with_another_seq_counts_both(till):
    till.push(operation("a", 1))
    told = body_of(till.push(operation("a", 2), operation("b", 3)))
    assert (told["through_seq"], told["missing"], told["results"][0]["seq"]) == (3, [], 2)


# Conflicts


def test_other_content_under_the_same_op_id_is_kept_beside_the_first(till):
    till.push(operation("a", 1))
    (result,) = till.results(operation("a", 1, body={"amount_cents": 999_999}))
    assert {name: result[name] for name in ("custody", "state", "reason", "outcome")} == {
        "custody": "conflict", "state": "quarantined", "reason": "op_id_reused", "outcome": None,
    }  # fmt: skip
    assert "999999" in OperationConflict.objects.get().raw
    assert "999999" not in Operation.objects.get().raw


def test_the_same_conflict_again_is_kept_once(till):
    till.push(operation("a", 1))
    for _ in range(2):
        till.push(operation("a", 1, v=2))
    assert OperationConflict.objects.count() == 1


def test_the_seq_of_a_conflict_counts_as_received(till):
    till.push(operation("a", 1))
    assert body_of(till.push(operation("a", 2, v=2)))["through_seq"] == 2


@pytest.mark.parametrize(("changes", "word"), [({}, "duplicate"), ({"v": 2}, "conflict")])
def test_another_branch_is_told_custody_and_nothing_else(till, changes, word):
    till.push(operation("a", 1))
    (result,) = neighbour(till).results(operation("a", 1, **changes))
    assert result == {
        "index": 0, "op_id": "a", "seq": 1, "custody": word, "state": None, "reason": None, "flags": [],
        "outcome": None,
    }  # fmt: skip


def test_the_seq_of_what_another_branch_had_sent_counts_as_received(till, nothing_is_applied):
    till.push(operation("a", 1))
    assert body_of(neighbour(till).push(operation("a", 1)))["through_seq"] == 1


# What cannot be stored


@pytest.mark.parametrize("item", [{}, None, "x", [], {"seq": 1}, {"op_id": ""}, {"op_id": "a" * 65}, {"op_id": "é"}])
def test_what_has_no_usable_op_id_is_refused_and_its_batch_kept_as_bytes(till, item):
    (result,) = till.results(item)
    assert (result["custody"], result["reason"]) == ("refused", "no_op_id")
    assert b'"operations"' in bytes(RawBatch.objects.get().body)


def test_an_operation_over_the_size_is_refused_and_the_others_are_stored(till):
    results = till.results(operation("a", 1, note="x" * 65_536), operation("b", 2))
    assert [(result["custody"], result["reason"]) for result in results] == [
        ("refused", "operation_too_large"), ("stored", None),
    ]  # fmt: skip


def test_the_bytes_of_a_batch_sent_again_are_kept_once(till):
    for _ in range(2):
        till.push({"seq": 1})
    assert RawBatch.objects.count() == 1


def test_the_seq_of_a_refused_operation_counts_as_received(till):
    told = body_of(till.push({"seq": 1}, operation("b", 2)))
    assert (told["through_seq"], told["missing"]) == (2, [])


def test_a_refused_seq_is_recorded_once_without_an_operation(till):
    for _ in range(2):
        till.push({"seq": 1}, {"seq": 1, "kind": "x"})
    assert list(OperationArrival.objects.values_list("seq", "operation")) == [(1, None)]


@pytest.mark.parametrize("seq", [None, 0, -1, 1.5, "1", 2**53 + 1, True])
def test_an_operation_without_a_usable_seq_is_stored_and_quarantined(till, seq):
    (result,) = till.results(operation("a", seq))
    assert (result["custody"], result["state"], result["reason"]) == ("stored", "quarantined", "malformed")


# Epochs and earlier devices


@pytest.mark.parametrize("epoch", [None, 1])
def test_the_current_epoch_may_be_said_or_not(till, epoch):
    till.push(operation("a", 1), epoch=epoch)
    assert Operation.objects.get().epoch == 1


def test_an_epoch_that_has_not_begun_is_refused_and_nothing_stored(till):
    answer = till.push(operation("a", 1), epoch=2)
    assert (answer.status_code, body_of(answer)["code"]) == (400, "bad_epoch")
    assert not Operation.objects.exists()


def test_an_older_epoch_is_accepted_and_counted_apart(till):
    till.push(operation("a", 1))
    row = Device.objects.get()
    row.epoch = 2
    row.save()
    assert body_of(till.push(operation("b", 7), first_seq=7))["through_seq"] == 7
    assert body_of(till.push(operation("c", 2), epoch=1))["through_seq"] == 2


def test_an_earlier_devices_queue_is_counted_in_that_devices_sequence(till):
    till.push(operation("a", 1))
    later = re_paired(till)
    told = body_of(later.push(operation("b", 2), device_id=till.device_id, epoch=1))
    assert told["through_seq"] == 2
    assert Operation.objects.get(op_id="b").device_id == int(till.device_id)
    assert body_of(later.push())["through_seq"] == 0


@pytest.mark.parametrize("said", ["999999", "x", "²", "1" * 30])
def test_a_device_that_is_none_of_the_tills_is_refused(till, said):
    answer = till.push(operation("a", 1), device_id=said)
    assert (answer.status_code, body_of(answer)["field"]) == (400, "device_id")


def test_a_device_of_another_branch_is_refused_like_one_that_does_not_exist(till):
    answer = till.push(operation("a", 1), device_id=neighbour(till).device_id)
    assert (answer.status_code, body_of(answer)["field"]) == (400, "device_id")


def test_a_replaced_device_cannot_speak_for_its_successor(till):
    later = re_paired(till)
    answer = till.push(operation("a", 1), device_id=later.device_id)
    assert (answer.status_code, body_of(answer)["field"]) == (400, "device_id")


def test_a_revoked_device_is_judged_for_what_it_brings_in_anothers_name(till):
    later = re_paired(till)
    later.become("revoked")
    (result,) = later.results(operation("a", 1), device_id=till.device_id)
    assert (result["state"], result["reason"]) == ("quarantined", "device_revoked")


# What a till tells of itself


def test_what_waits_at_the_till_is_remembered(till):
    till.push(pending={"count": 7, "sum_cents": 91250})
    contact = DeviceContact.objects.get()
    assert (contact.pending_count, contact.pending_sum_cents) == (7, 91250)
    assert contact.last_contact_at is not None


@pytest.mark.parametrize("pending", [{"count": -1}, {"count": "7"}, "seven", {"sum_cents": 10**13}])
def test_what_cannot_be_read_of_it_is_ignored(till, pending):
    assert till.push(pending={"count": 7, "sum_cents": 91250}).status_code == 200
    assert till.push(pending=pending).status_code == 200
    assert DeviceContact.objects.get().pending_count == 7


# GET /operations


def test_results_come_in_the_order_of_their_seq(till):
    till.push(operation("c", 3), operation("a", 1), operation("b", 2))
    told = body_of(till.get("operations"))
    assert [(result["op_id"], result["seq"]) for result in told["results"]] == [("a", 1), ("b", 2), ("c", 3)]
    assert told["more"] is False


def test_results_carry_no_index_and_no_custody(till):
    till.push(operation("a", 1))
    (result,) = body_of(till.get("operations", after_seq="0", epoch="", limit=""))["results"]
    assert result.keys() == {"op_id", "seq", "state", "reason", "flags", "outcome"}


def test_results_are_paged(till):
    till.push(*[operation(f"op-{seq}", seq) for seq in range(1, 6)])
    pages, after = [], 0
    while True:
        page = body_of(till.get("operations", after_seq=after, limit=2))
        pages.append([result["seq"] for result in page["results"]])
        after = pages[-1][-1]
        if not page["more"]:
            break
    assert pages == [[1, 2], [3, 4], [5]]


def test_operations_of_one_seq_are_never_parted(till):
    till.push(operation("a", 1), operation("b", 2), operation("c", 2), operation("d", 3))
    page = body_of(till.get("operations", limit=2))
    assert [result["op_id"] for result in page["results"]] == ["a", "b", "c"]
    assert page["more"] is True


def test_operations_without_a_usable_seq_come_first_and_only_from_the_beginning(till):
    till.push(operation("a", 1), operation("x", None))
    assert [result["op_id"] for result in body_of(till.get("operations"))["results"]] == ["x", "a"]
    assert body_of(till.get("operations", after_seq=1))["results"] == []


def test_results_are_the_devices_own(till):
    till.push(operation("a", 1))
    assert body_of(neighbour(till).get("operations"))["results"] == []


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"after_seq": "x"}, "bad_field", "after_seq"), ({"after_seq": -1}, "bad_field", "after_seq"),
        ({"limit": "many"}, "bad_field", "limit"), ({"limit": "1.0"}, "bad_field", "limit"),
        ({"epoch": 0}, "bad_field", "epoch"), ({"epoch": "99999999999999999999"}, "bad_field", "epoch"),
        ({"epoch": 2}, "bad_epoch", None),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_is_named(till, query, code, field):
    answer = till.get("operations", **query)
    assert (answer.status_code, body_of(answer)["code"], body_of(answer).get("field")) == (400, code, field)


@pytest.mark.parametrize(("wish", "given"), [("0", 1), ("-5", 1), ("2", 2), ("5000", 3)])
def test_a_limit_is_a_wish(till, wish, given):
    till.push(*[operation(f"op-{seq}", seq) for seq in range(1, 4)])
    assert len(body_of(till.get("operations", limit=wish))["results"]) == given


# At once


@pytest.mark.django_db(transaction=True)
def test_of_two_pushes_at_once_exactly_one_stores_each_operation():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's in-memory test database is not shared between threads")
    device = Device.objects.select_related("branch").get(pk=int(Till().device_id))
    operations = [operation(f"op-{seq}", seq) for seq in range(1, 51)]
    together = threading.Barrier(4)

    def store(batch):
        try:
            together.wait()
            raw = protocol.write_json({"operations": batch}, ascii_only=True).encode()
            stored = inbox.store_batch(device=device, envelope=protocol.read_envelope(raw), raw=raw, now=timezone.now())
            return [item.read.op_id for item in stored.items if item.custody == "stored"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        stored = list(threads.map(store, [operations, operations[::-1], operations, operations[::-1]]))
    assert sorted(op_id for batch in stored for op_id in batch) == sorted(item["op_id"] for item in operations)
    assert OperationArrival.objects.count() == 50
