"""The shape of the till's protocol: envelopes, items, canonical content, form, results and problems."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pos_sync.exact_json import read_json, write_json
from pos_sync.protocol import (
    ID_LENGTH,
    KINDS,
    MAX_BATCH_BYTES,
    MAX_BATCH_OPERATIONS,
    MAX_CENTS,
    MAX_OPERATION_BYTES,
    MAX_SEQ,
    PROBLEMS,
    REASON_LENGTH,
    BadEnvelope,
    BadField,
    BadJson,
    BatchTooLarge,
    CashInSaid,
    CashOutSaid,
    CountSaid,
    LineSaid,
    OperationRead,
    ReceiptSaid,
    Refused,
    RequestRefused,
    SessionCloseSaid,
    SessionOpenSaid,
    TenderSaid,
    Unfit,
    VoidSaid,
    WellFormed,
    canonical_content,
    conflict_result,
    content_hash,
    foreign_result,
    judge_form,
    limits,
    operation_result,
    problem,
    read_envelope,
    read_instant,
    read_object,
    read_operation,
    refused_result,
)
from tests.pos_sync.test_exact_json import values

WIRE = Path(__file__).resolve().parent.parent / "wire"
ABSENT: Any = object()
LINE = {
    "installment_id": "17",
    "version": 3,
    "principal_cents": 14_000,
    "interest_cents": 700,
    "fine_cents": 300,
    "discount_cents": 100,
}
TENDER = {"method": "cash", "amount_cents": 15_000, "tendered_cents": 20_000, "change_cents": 5_000, "reference": None}
BODY = {
    "session_id": "s-1",
    "operator": "01",
    "customer_id": None,
    "receipt_no": "03-000041",
    "mode": "offline",
    "snapshot_as_of": "2026-11-21T07:00:00-03:00",
    "lines": [LINE],
    "tenders": [TENDER],
}
OPERATION = {
    "op_id": "0193-a",
    "seq": 58,
    "kind": "receipt",
    "v": 1,
    "occurred_at": "2026-11-21T10:15:00-03:00",
    "body": BODY,
}


def but(source: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (source | changes).items() if value is not ABSENT}


def read(item: object, *, limit: int = MAX_OPERATION_BYTES) -> OperationRead:
    done = read_operation(item, index=0, max_operation_bytes=limit)
    assert isinstance(done, OperationRead)
    return done


def refused(item: object, *, limit: int = MAX_OPERATION_BYTES) -> Refused:
    done = read_operation(item, index=3, max_operation_bytes=limit)
    assert isinstance(done, Refused)
    return done


def said(kind: str, body: dict[str, Any]) -> Any:
    judged = judge(but(OPERATION, kind=kind, body=body))
    assert isinstance(judged, WellFormed), judged
    return judged.said


def judge(item: dict[str, Any]) -> WellFormed | Unfit:
    return judge_form(write_json(item, ascii_only=True))


# The envelope


def test_operations_alone_make_an_envelope() -> None:
    envelope = read_envelope(b'{"operations":[1,"x",null,{}]}')
    assert envelope.operations == [1, "x", None, {}]
    assert (envelope.epoch, envelope.device_id, envelope.first_seq) == (None, None, None)
    assert (envelope.sent_at, envelope.pending_count, envelope.pending_sum_cents) == (None, None, None)


def test_an_envelope_tells_of_epoch_device_and_queue() -> None:
    envelope = read_envelope(
        b'{"epoch":2,"device_id":"d-1","first_seq":61,"sent_at":"2026-11-21T10:00:00-03:00",'
        b'"pending":{"count":7,"sum_cents":91250},"operations":[],"more":{}}'
    )
    assert (envelope.epoch, envelope.device_id, envelope.first_seq) == (2, "d-1", 61)
    assert envelope.sent_at == datetime(2026, 11, 21, 13, tzinfo=UTC)
    assert (envelope.pending_count, envelope.pending_sum_cents) == (7, 91_250)


def test_nulls_in_an_envelope_are_absent() -> None:
    envelope = read_envelope(b'{"epoch":null,"device_id":null,"first_seq":null,"pending":null,"operations":[]}')
    assert (envelope.epoch, envelope.device_id, envelope.first_seq, envelope.pending_count) == (None, None, None, None)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe{}", b'{"operations":["\xed\xa0\x80"]}', b'{"operations":["\x00"]}', b"{'operations':[]}",
     b'{"operations":[]} x', b"[" * 100_000, b'{"operations":' + b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_json_in_utf_8_is_bad_json(raw: bytes) -> None:
    with pytest.raises(BadJson) as caught:
        read_envelope(raw)
    assert caught.value.code == "bad_json"


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        b"7",
        b'"x"',
        b"{}",
        b'{"operations":null}',
        b'{"operations":{}}',
        b"NaN",
        b"[" * 2000 + b"]" * 2000,
    ],
)
def test_what_has_no_list_of_operations_is_a_bad_envelope(raw: bytes) -> None:
    with pytest.raises(BadEnvelope) as caught:
        read_envelope(raw)
    assert caught.value.code == "bad_envelope"


@pytest.mark.parametrize(
    ("field", "value"),
    [("epoch", bad) for bad in ('"1"', "1.0", "true", "[]", "0", "-1", "1e400", "9" * 5_000, "NaN")]
    + [("first_seq", bad) for bad in ('"1"', "1.5", "false", "0", str(MAX_SEQ + 1))]
    + [("device_id", bad) for bad in ("7", "{}", '""', r'"\u0000"', r'"\ud800"', f'"{"d" * 65}"', "true")],
)  # fmt: skip
def test_a_field_of_the_envelope_with_an_impossible_value_is_named(field: str, value: str) -> None:
    with pytest.raises(BadField) as caught:
        read_envelope(f'{{"operations":[],"{field}":{value}}}'.encode())
    assert (caught.value.code, caught.value.field) == ("bad_field", field)


@pytest.mark.parametrize(
    "fields",
    ['"pending":7', '"pending":{"count":"7","sum_cents":1.5}', '"pending":{"count":-1,"sum_cents":true}',
     '"sent_at":7', '"sent_at":"yesterday"', '"pending":{"count":99999999999,"sum_cents":1e400}'],
)  # fmt: skip
def test_what_a_till_tells_of_itself_never_costs_its_batch(fields: str) -> None:
    envelope = read_envelope(f'{{"operations":[],{fields}}}'.encode())
    assert (envelope.sent_at, envelope.pending_count, envelope.pending_sum_cents) == (None, None, None)


@pytest.mark.parametrize(
    "item", ["NaN", "-Infinity", "1e400", "9" * 10_000, r'"\ud800"', r'"\u0000"', "[" * 20_000 + "]" * 20_000]
)
def test_no_item_costs_its_batch(item: str) -> None:
    envelope = read_envelope(f'{{"operations":[{item},{{"op_id":"a"}}]}}'.encode())
    assert envelope.operations[1] == {"op_id": "a"}


def test_a_byte_order_mark_is_no_reason_to_refuse() -> None:
    assert read_envelope(b'\xef\xbb\xbf{"operations":[]}').operations == []


def test_a_batch_of_200_operations_is_taken_and_one_more_is_too_large() -> None:
    full = json.dumps({"operations": [0] * MAX_BATCH_OPERATIONS}).encode()
    assert len(read_envelope(full).operations) == 200
    with pytest.raises(BatchTooLarge) as caught:
        read_envelope(json.dumps({"operations": [0] * (MAX_BATCH_OPERATIONS + 1)}).encode())
    assert caught.value.code == "batch_too_large"


def test_a_batch_of_512_kib_is_taken_and_one_byte_more_is_too_large() -> None:
    full = b'{"operations":[]}'.ljust(MAX_BATCH_BYTES)
    assert read_envelope(full).operations == []
    with pytest.raises(BatchTooLarge):
        read_envelope(full + b" ")


def test_a_request_that_is_no_object_is_a_bad_envelope() -> None:
    assert read_object(b'{"cursor":"x"}') == {"cursor": "x"}
    with pytest.raises(BadEnvelope):
        read_object(b"[]")


@settings(deadline=None)
@given(raw=st.binary() | values.map(lambda value: write_json(value, ascii_only=False).encode()))
def test_no_bytes_raise_anything_but_a_refusal(raw: bytes) -> None:
    with contextlib.suppress(RequestRefused):
        read_envelope(raw)


# One item


def test_an_operation_is_read_with_what_the_inbox_indexes() -> None:
    done = read(OPERATION)
    assert (done.op_id, done.seq, done.kind, done.version) == ("0193-a", 58, "receipt", 1)
    assert done.occurred_at == "2026-11-21T10:15:00-03:00"
    assert done.content_hash == content_hash(OPERATION)
    assert json.loads(done.raw) == OPERATION


@pytest.mark.parametrize("item", [None, 7, True, "x", [], [OPERATION], {}, {"seq": 58}])
def test_an_item_without_an_op_id_is_refused(item: object) -> None:
    assert refused(item).reason == "no_op_id"


@pytest.mark.parametrize("op_id", [None, 7, True, [], {}, "", "a" * 65, "é", "a\n", "\x00", "a\x7f", "\ud800", "ａ"])
def test_an_op_id_is_1_to_64_printable_ascii_characters(op_id: object) -> None:
    assert refused(but(OPERATION, op_id=op_id)) == Refused(index=3, reason="no_op_id", seq=58, op_id=None)


@pytest.mark.parametrize("op_id", ["a", " ", "~", "a" * 64, "not a UUID; it need not be <one>"])
def test_any_printable_ascii_op_id_will_do(op_id: str) -> None:
    assert read(but(OPERATION, op_id=op_id)).op_id == op_id


@pytest.mark.parametrize("seq", [ABSENT, None, 0, -1, MAX_SEQ + 1, True, "58", 58.0, [], 10**30])
def test_an_operation_without_a_usable_seq_is_stored_all_the_same(seq: object) -> None:
    assert read(read_json(json.dumps(but(OPERATION, seq=seq)))).seq is None


@pytest.mark.parametrize("seq", [1, MAX_SEQ])
def test_a_seq_goes_from_1_to_2_to_the_53rd(seq: int) -> None:
    assert read(but(OPERATION, seq=seq)).seq == seq


def test_an_operation_of_64_kib_is_taken_and_one_byte_more_is_refused() -> None:
    item = {"op_id": "a", "seq": 7, "body": {"note": ""}}
    item["body"] = {"note": "x" * (MAX_OPERATION_BYTES - len(json.dumps(item, separators=(",", ":"))))}
    assert len(read(item).raw) == MAX_OPERATION_BYTES
    over = refused(but(item, body={"note": item["body"]["note"] + "x"}))  # type: ignore[index]
    assert over == Refused(index=3, reason="operation_too_large", seq=7, op_id="a")


def test_the_size_is_counted_in_utf_8_without_the_spaces_that_were_sent() -> None:
    item = read_json('{ "op_id" : "a" ,  "body" : "éé" }')
    assert read(item, limit=len('{"op_id":"a","body":"éé"}'.encode())).op_id == "a"
    assert refused(item, limit=len('{"op_id":"a","body":"éé"}'.encode()) - 1).reason == "operation_too_large"


@pytest.mark.parametrize(
    ("fields", "kind", "version", "occurred_at"),
    [
        ({"kind": 7, "v": "1", "occurred_at": 7}, "", None, None),
        ({"kind": "a\x00\ud800", "v": True, "occurred_at": "x\x00"}, "a\ufffd\ufffd", None, "x\ufffd"),
        ({"kind": "k" * 41, "v": 2**31, "occurred_at": "t" * 65}, "k" * 39 + "…", None, "t" * 63 + "…"),
    ],
)
def test_what_the_inbox_indexes_fits_its_columns(
    fields: dict[str, object], kind: str, version: int | None, occurred_at: str | None
) -> None:
    done = read({"op_id": "a", **fields})
    assert (done.kind, done.version, done.occurred_at) == (kind, version, occurred_at)


@settings(deadline=None)
@given(item=values | st.dictionaries(st.sampled_from(sorted(OPERATION)), values).map(lambda it: {"op_id": "a"} | it))
def test_any_item_is_refused_or_kept_whole_in_ascii(item: object) -> None:
    done = read_operation(item, index=0)
    if isinstance(done, OperationRead):
        assert done.raw.isascii()
        assert "\x00" not in done.raw
        assert read_json(done.raw) == item


def test_an_item_deeper_than_the_stack_is_kept_whole() -> None:
    text = '{"op_id":"a","body":' + "[" * 20_000 + "]" * 20_000 + "}"
    assert read(read_json(text)).raw == text


# Canonical content


VECTORS = json.loads((WIRE / "canonical.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", [pytest.param(it, id=it["name"]) for it in VECTORS["content"] + VECTORS["literals"]])
def test_the_canonical_content_of_the_wire_vectors(vector: dict[str, str]) -> None:
    item = read_json(vector["operation"])
    assert isinstance(item, dict)
    assert canonical_content(item) == vector["canonical"]
    assert content_hash(item) == vector["sha256"] == sha256(vector["canonical"].encode()).hexdigest()


@pytest.mark.parametrize("envelope_side", [{"op_id": "b"}, {"seq": 59}, {"prev": "x"}, {"sig": "y"}, {"new": {}}])
def test_only_kind_version_time_and_body_are_content(envelope_side: dict[str, Any]) -> None:
    assert content_hash(OPERATION | envelope_side) == content_hash(OPERATION)


@pytest.mark.parametrize("change", [{"kind": "x"}, {"v": 2}, {"occurred_at": "x"}, {"body": {}}, {"body": ABSENT}])
def test_any_change_of_kind_version_time_or_body_is_another_content(change: dict[str, Any]) -> None:
    assert content_hash(but(OPERATION, **change)) != content_hash(OPERATION)


# Instants


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-21T10:15:00-03:00", datetime(2026, 11, 21, 13, 15, tzinfo=UTC)),
        ("2026-11-21T13:15:00Z", datetime(2026, 11, 21, 13, 15, tzinfo=UTC)),
        ("2026-11-21t13:15:00.5z", datetime(2026, 11, 21, 13, 15, 0, 500_000, tzinfo=UTC)),
        ("2026-11-21 13:15:00.123456789+00:00", datetime(2026, 11, 21, 13, 15, 0, 123_456, tzinfo=UTC)),
        ("2026-11-21T10:15-0300", datetime(2026, 11, 21, 13, 15, tzinfo=UTC)),
        ("2026-12-31T23:59:60Z", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00+01:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", datetime(9999, 12, 31, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_into_utc(text: str, instant: datetime) -> None:
    assert read_instant(text) == instant


@pytest.mark.parametrize(
    "value",
    [None, 7, True, "", "yesterday", "2026-11-21", "2026-11-21T10:15:00", "2026-02-30T10:15:00Z",
     "2026-11-21T24:15:00Z", "2026-11-21T10:15:61Z", "2026-11-21T10:15:00+24:00", "2026-11-21T10:15:00+03:60",
     "0000-01-01T00:00:00Z", "2026-11-21T10:15:00Z\n", "٢٠٢٦-11-21T10:15:00Z", "12026-11-21T10:15:00Z"],
)  # fmt: skip
def test_what_is_no_instant_with_an_offset_is_none(value: object) -> None:
    assert read_instant(value) is None


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones(), allow_imaginary=False))
def test_an_instant_as_python_writes_it_reads_back(instant: datetime) -> None:
    offset = instant.utcoffset() or timedelta()
    if not offset % timedelta(minutes=1):
        assert read_instant(instant.isoformat()) == instant.astimezone(UTC)


# The form


def test_a_receipt_is_read_in_cents() -> None:
    assert judge(OPERATION) == WellFormed(
        seq=58,
        occurred_at=datetime(2026, 11, 21, 13, 15, tzinfo=UTC),
        said=ReceiptSaid(
            session_id="s-1",
            operator="01",
            customer_id=None,
            receipt_no="03-000041",
            mode="offline",
            snapshot_as_of="2026-11-21T07:00:00-03:00",
            lines=(LineSaid("17", 3, principal=14_000, interest=700, fine=300, discount=100),),
            tenders=(TenderSaid("cash", amount=15_000, tendered=20_000, change=5_000, reference=None),),
        ),
    )


def test_the_tenders_of_a_receipt_are_its_sum() -> None:
    receipt = said("receipt", {"tenders": [TENDER, but(TENDER, amount_cents=1)]})
    assert receipt.received == 15_001


def test_what_a_receipt_does_not_say_is_unknown_and_no_money() -> None:
    assert said("receipt", {"tenders": [{"amount_cents": 1}], "lines": [{}]}) == ReceiptSaid(
        None, None, None, None, None, None,
        lines=(LineSaid(None, None, 0, 0, 0, 0),), tenders=(TenderSaid(None, 1, 0, 0, None),),
    )  # fmt: skip


def test_a_receipt_without_lines_is_well_formed() -> None:
    assert said("receipt", {"tenders": [TENDER]}).lines == ()


@pytest.mark.parametrize("value", [17, True, None, [], {}, ""])
def test_an_id_that_is_no_text_is_unknown(value: object) -> None:
    assert said("receipt", but(BODY, lines=[but(LINE, installment_id=value)])).lines[0].installment_id is None


@pytest.mark.parametrize("value", ["3", 3.0, True, None, -1, 10**30])
def test_a_version_that_is_no_integer_is_unknown(value: object) -> None:
    assert said("receipt", but(BODY, lines=[but(LINE, version=value)])).lines[0].version is None


def test_an_id_that_was_cut_never_equals_another() -> None:
    (line,) = said("receipt", but(BODY, lines=[but(LINE, installment_id="1" * 65)])).lines
    assert len(line.installment_id) == ID_LENGTH
    assert line.installment_id != "1" * 64


def test_texts_can_be_stored_in_any_column() -> None:
    void = said("receipt_void", {"receipt_op_id": "a\x00", "reason": "b\ud800" + "c" * 600})
    assert void.receipt_op_id == "a\ufffd"
    assert void.reason == "b\ufffd" + "c" * (REASON_LENGTH - 3) + "…"


def test_unknown_fields_are_ignored() -> None:
    assert judge(but(OPERATION, body=BODY | {"new": 1.5}, extra=[])) == judge(OPERATION)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("receipt_void", {"receipt_op_id": "a", "reason": "wrong customer"}, VoidSaid("a", "wrong customer")),
        ("receipt_void", {"receipt_op_id": "a"}, VoidSaid("a", None)),
        ("session_open", {"session_id": "s", "operator": "01", "float_cents": 100}, SessionOpenSaid("s", "01", 100)),
        ("session_open", {}, SessionOpenSaid(None, None, 0)),
        ("cash_in", {"amount_cents": 100, "reason": "change", "session_id": "s"}, CashInSaid(100, "change", "s")),
        ("cash_in", {}, CashInSaid(0, None, None)),
        ("cash_out", {"amount_cents": MAX_CENTS}, CashOutSaid(MAX_CENTS, None, None)),
        (
            "session_close",
            {
                "session_id": "s",
                "counted": [{"method": "cash", "amount_cents": 5}, {}],
                "pending": {"count": 2, "sum_cents": 9},
            },
            SessionCloseSaid("s", (CountSaid("cash", 5), CountSaid(None, 0)), pending_count=2, pending_sum=9),
        ),
        ("session_close", {"pending": None}, SessionCloseSaid(None, (), pending_count=None, pending_sum=0)),
    ],
)
def test_the_other_kinds_are_read(kind: str, body: dict[str, Any], expected: object) -> None:
    assert said(kind, body) == expected


@pytest.mark.parametrize("kind", [ABSENT, None, 7, "", "sale", "Receipt", "receipt ", "receipt\x00", [], {}])
def test_any_other_kind_is_unknown(kind: object) -> None:
    assert judge(but(OPERATION, kind=kind)) == Unfit("unknown_kind", "kind")


@pytest.mark.parametrize("version", [ABSENT, None, 0, 2, "1", True, [], -1, 10**30])
def test_any_version_but_1_is_unknown(version: object) -> None:
    assert judge(but(OPERATION, v=version)) == Unfit("unknown_version", "v")


def test_a_version_of_1_point_0_is_unknown() -> None:
    assert judge_form('{"op_id":"a","kind":"receipt","v":1.0}') == Unfit("unknown_version", "v")


def test_the_kind_is_judged_before_the_version_and_the_version_before_the_form() -> None:
    assert judge({"kind": "sale", "v": 2}) == Unfit("unknown_kind", "kind")
    assert judge({"kind": "receipt", "v": 2}) == Unfit("unknown_version", "v")
    assert judge({"kind": "receipt", "v": 1}) == Unfit("malformed", "body")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    ("field", "value"),
    [("body", bad) for bad in (ABSENT, None, [], "x", 7)]
    + [("occurred_at", bad) for bad in (ABSENT, None, 7, "2026-11-21T10:15:00", "yesterday")]
    + [("seq", bad) for bad in (ABSENT, None, 0, MAX_SEQ + 1, "58", True)],
)
def test_without_body_time_or_seq_every_kind_is_malformed(kind: str, field: str, value: object) -> None:
    assert judge(but(OPERATION, kind=kind, **{field: value})) == Unfit("malformed", field)


MONEY = [
    ("receipt", "lines", "principal_cents"),
    ("receipt", "lines", "interest_cents"),
    ("receipt", "lines", "fine_cents"),
    ("receipt", "lines", "discount_cents"),
    ("receipt", "tenders", "amount_cents"),
    ("receipt", "tenders", "tendered_cents"),
    ("receipt", "tenders", "change_cents"),
    ("session_close", "counted", "amount_cents"),
    ("session_close", "pending", "sum_cents"),
    ("session_open", None, "float_cents"),
    ("cash_in", None, "amount_cents"),
    ("cash_out", None, "amount_cents"),
]


@pytest.mark.parametrize(("kind", "inside", "field"), MONEY)
@pytest.mark.parametrize(
    "value", ["5000.0", "5e3", "true", "null", '"5000"', "-1", str(MAX_CENTS + 1), "[]", "NaN", "9" * 5_000]
)
def test_money_that_is_no_integer_of_cents_in_bounds_is_malformed(
    kind: str, inside: str | None, field: str, value: str
) -> None:
    wrong: dict[str, Any] = {field: read_json(value)}
    nested = {None: wrong, "pending": {"pending": wrong}}.get(inside, {inside: [wrong]})
    where = {None: "body", "pending": "body.pending"}.get(inside, f"body.{inside}[0]")
    body = (BODY if kind == "receipt" else {}) | nested
    assert judge(but(OPERATION, kind=kind, body=body)) == Unfit("malformed", f"{where}.{field}")


def test_10_to_the_12th_cents_are_still_money() -> None:
    assert said("receipt", {"tenders": [{"amount_cents": MAX_CENTS}]}).received == MAX_CENTS


@pytest.mark.parametrize("field", ["lines", "tenders"])
@pytest.mark.parametrize("value", [None, {}, "x", 7, True])
def test_lines_and_tenders_that_are_no_lists_are_malformed(field: str, value: object) -> None:
    assert judge(but(OPERATION, body=but(BODY, **{field: value}))) == Unfit("malformed", f"body.{field}")


@pytest.mark.parametrize("field", ["lines", "tenders"])
@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_a_line_or_tender_that_is_no_object_is_malformed(field: str, value: object) -> None:
    body = but(BODY, **{field: [*BODY[field], value]})  # type: ignore[misc]
    assert judge(but(OPERATION, body=body)) == Unfit("malformed", f"body.{field}[1]")


@pytest.mark.parametrize(
    "tenders", [ABSENT, [], [{}], [but(TENDER, amount_cents=0)] * 2, [but(TENDER, amount_cents=MAX_CENTS)] * 2]
)
def test_tenders_without_a_sum_or_with_one_that_is_no_money_are_malformed(tenders: object) -> None:
    assert judge(but(OPERATION, body=but(BODY, tenders=tenders))) == Unfit("malformed", "body.tenders")


@pytest.mark.parametrize("value", [ABSENT, None, 7, "", []])
def test_a_void_that_names_no_receipt_is_malformed(value: object) -> None:
    item = but(OPERATION, kind="receipt_void", body=but({}, receipt_op_id=value))
    assert judge(item) == Unfit("malformed", "body.receipt_op_id")


@settings(deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    body=st.dictionaries(
        st.sampled_from(["lines", "tenders", "counted", "pending", "amount_cents", "receipt_op_id", "session_id"]),
        values | st.lists(st.dictionaries(st.sampled_from([*LINE, *TENDER]), values)),
    ),
)
def test_any_body_gets_a_judgement(kind: str, body: dict[str, object]) -> None:
    judged = judge(but(OPERATION, kind=kind, body=body))
    assert isinstance(judged, WellFormed) or judged.reason == "malformed"


# What the till is told


def test_a_result_in_a_push_has_all_fields() -> None:
    result = operation_result(
        index=0, custody="stored", op_id="a", seq=58, state="review", reason="already_settled",
        flags=("clock_suspect",), outcome={"credit_cents": 1},
    )  # fmt: skip
    assert result == {
        "index": 0,
        "custody": "stored",
        "op_id": "a",
        "seq": 58,
        "state": "review",
        "reason": "already_settled",
        "flags": ["clock_suspect"],
        "outcome": {"credit_cents": 1},
    }


def test_a_result_outside_a_push_has_neither_index_nor_custody() -> None:
    result = operation_result(op_id="a", seq=None, state="pending", reason="", flags=(), outcome=None)
    assert result == {"op_id": "a", "seq": None, "state": "pending", "reason": None, "flags": [], "outcome": None}


def test_a_refused_result_says_why_and_what_was_readable() -> None:
    result = refused_result(Refused(index=3, reason="operation_too_large", seq=7, op_id="a"))
    assert result == {
        "index": 3, "custody": "refused", "op_id": "a", "seq": 7,
        "state": None, "reason": "operation_too_large", "flags": [], "outcome": None,
    }  # fmt: skip


def test_a_conflict_never_tells_the_outcome_of_the_first() -> None:
    result = conflict_result(read(OPERATION))
    assert (result["custody"], result["state"], result["reason"]) == ("conflict", "quarantined", "op_id_reused")
    assert result["outcome"] is None


def test_an_op_id_of_another_branch_is_told_with_custody_only() -> None:
    result = foreign_result(read(OPERATION), custody="duplicate")
    assert result == {
        "index": 0, "custody": "duplicate", "op_id": "0193-a", "seq": 58,
        "state": None, "reason": None, "flags": [], "outcome": None,
    }  # fmt: skip


def test_a_problem_document_has_a_stable_code_and_its_status() -> None:
    document = problem("bad_field", detail="An integer from 1.", field="epoch", server_time="now")
    assert document == {
        "type": "urn:quita:problem:bad_field", "title": PROBLEMS["bad_field"][1], "status": 400, "code": "bad_field",
        "detail": "An integer from 1.", "field": "epoch", "server_time": "now",
    }  # fmt: skip


def test_a_problem_document_leaves_out_what_is_not_said() -> None:
    assert set(problem("rate_limited")) == {"type", "title", "status", "code"}


@pytest.mark.parametrize(
    ("code", "status"),
    [("bad_json", 400), ("bad_envelope", 400), ("bad_cursor", 400), ("bad_epoch", 400), ("bad_field", 400),
     ("unknown_token", 401), ("device_suspended", 403), ("device_revoked", 403), ("device_replaced", 403),
     ("unknown_code", 404), ("code_used", 409), ("snapshot_expired", 410), ("cursor_reset", 410), ("code_expired", 410),
     ("batch_too_large", 413), ("unsupported_media_type", 415), ("rate_limited", 429)],
)  # fmt: skip
def test_the_codes_of_the_contract_have_its_statuses(code: str, status: int) -> None:
    assert problem(code)["status"] == status


def test_a_code_that_no_till_knows_is_not_told() -> None:
    with pytest.raises(KeyError):
        problem("oops")


def test_the_limits_are_those_of_the_contract() -> None:
    told = limits(max_receipt_cents=1, max_pending_cents=2, warn_age_hours=3, stop_age_hours=4, blind_close=True)
    assert told == {
        "max_batch_operations": 200, "max_batch_bytes": 524_288, "max_operation_bytes": 65_536, "max_page": 1_000,
        "offline": {
            "max_receipt_cents": 1, "max_pending_cents": 2, "warn_age_hours": 3, "stop_age_hours": 4,
            "blind_close": True,
        },
    }  # fmt: skip
