"""Bodies as no till should write them: never a 5xx, nothing stored of what is refused, and no good operation lost."""

import gzip
import json
from io import BytesIO

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pos_sync import rate_limits
from pos_sync.exact_json import NumberLiteral, write_json
from pos_sync.models import Device, Operation, OperationArrival, RawBatch
from pos_sync.protocol import MAX_BATCH_BYTES
from tests.make import make_branch
from tests.pos_sync.door import API, Till, body_of, operation, send

pytestmark = pytest.mark.django_db

bounded = settings(
    max_examples=25, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
ADDRESSES = st.sampled_from(["operations", "pair", "reconcile"])
STORED = (Operation, OperationArrival, RawBatch, Device)
DEEP = 200_000

texts = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(["\x00", "\ud800", "\udfff\x00a"])
literals = st.sampled_from(["1e400", "-1e400", "NaN", "Infinity", "-0", "1.0", "9" * 5_000]).map(NumberLiteral)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | texts | literals
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
ENVELOPE_MEMBERS = {
    "operations": ["operations", "epoch", "device_id", "first_seq", "sent_at", "pending"],
    "pair": ["code", "install_id", "software", "public_key"],
    "reconcile": ["cursor", "installments", "balance_cents", "operations"],
}
BYTES = st.sampled_from([b"\x00", b"\xff", b"\xed\xa0\x80", b'"', b"{", b"]", b""])
GZIPPED = {"Content-Encoding": "gzip"}


def written(value):
    return write_json(value, ascii_only=False)


def sent(address, raw, token, headers=None):
    return answered(lambda: send(address, raw=raw, token=token, **(headers or {})))


def sent_bare(till, raw, **environ):
    """Push as a server of WSGI hands it over, with a length of its own or none."""
    asked = {"REQUEST_METHOD": "POST", "PATH_INFO": f"{API}operations", "CONTENT_TYPE": "application/json"}
    given = asked | {"HTTP_AUTHORIZATION": f"Device {till.token}", "wsgi.input": BytesIO(raw)} | environ
    return answered(lambda: Client(raise_request_exception=False).request(**given))


def answered(ask):
    """Ask with full buckets; what is not a 2xx must have left nothing behind."""
    rate_limits.cache.clear()
    before = [model.objects.count() for model in STORED]
    answer = ask()
    assert answer.status_code < 500, body_of(answer)
    if answer.status_code >= 300:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert [model.objects.count() for model in STORED] == before
    return answer


@pytest.fixture
def till():
    return Till(branch=make_branch())


def forgetting(check, *arguments):
    """Let each example begin as the first did."""
    with transaction.atomic():
        check(*arguments)
        transaction.set_rollback(True)


# One body


@st.composite
def doubled(draw, members):
    """An object of any values in which a key may come twice."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(members), values), max_size=6))
    return "{" + ",".join(f"{written(key)}:{written(value)}" for key, value in pairs) + "}"


@st.composite
def bodies(draw):
    """Any bytes, any JSON, objects with the address's own members of any value, and such with one byte spoiled."""
    address = draw(ADDRESSES)
    objects = doubled(ENVELOPE_MEMBERS[address]).map(str.encode)
    spoiled = st.builds(lambda raw, at, byte: raw[:at] + byte + raw[at + 1 :], objects, st.integers(0, 60), BYTES)
    return address, draw(st.binary(max_size=40) | values.map(written).map(str.encode) | objects | spoiled)


@bounded
@given(body=bodies())
def test_no_body_breaks_the_server_and_a_refused_one_leaves_nothing(till, body):
    address, raw = body
    forgetting(sent, address, raw, till.token)


@pytest.mark.parametrize(
    ("address", "raw"),
    [
        ("operations", "[" * DEEP),
        ("operations", '{"a":' * (DEEP // 4)),
        ("operations", '{"operations":' + "[" * DEEP + "]" * DEEP),
        ("pair", "[" * DEEP + "]" * DEEP),
        ("pair", '{"code":' + "[" * DEEP + "]" * DEEP + "}"),
        ("pair", '{"code":"\\u0000","install_id":"\\ud800"}'),
        ("pair", '{"code":"' + "9" * (MAX_BATCH_BYTES - 99) + '"}'),
        ("reconcile", '{"cursor":"x","installments":' + '{"a":' * 20_000 + "1" + "}" * 20_001),
        ("reconcile", '{"cursor":"\\u0000","installments":1,"balance_cents":1}'),
        ("reconcile", '{"cursor":"' + "9" * (MAX_BATCH_BYTES - 99) + '","installments":1,"balance_cents":1}'),
    ],
    ids=lambda given: given[:28],
)  # fmt: skip
def test_no_depth_and_no_length_breaks_the_server(till, address, raw):
    assert sent(address, raw.encode(), till.token).status_code == 400


def test_a_deep_operation_is_refused_or_kept_and_told(till):
    raw = '{"operations":[' + "[" * DEEP + "]" * DEEP + "," + json.dumps(operation("good", 1)) + "]}"
    results = body_of(sent("operations", raw.encode(), till.token))["results"]
    assert [result["custody"] for result in results] == ["refused", "stored"]


# Compression and length


PUSH = json.dumps({"operations": [operation("good", 1)]}).encode()


@bounded
@given(cut=st.integers(1, len(gzip.compress(PUSH)) - 1), address=ADDRESSES)
def test_compression_that_was_cut_off_is_refused_wherever_it_was_cut(till, cut, address):
    def refused():
        answer = sent(address, gzip.compress(PUSH)[:cut], till.token, GZIPPED)
        assert body_of(answer)["code"] == "bad_json"

    forgetting(refused)


@bounded
@given(body=bodies(), at=st.integers(0, 60), byte=BYTES)
def test_no_compressed_body_breaks_the_server_damaged_or_not(till, body, at, byte):
    address, raw = body
    packed = gzip.compress(raw)
    forgetting(sent, address, packed, till.token, GZIPPED)
    forgetting(sent, address, packed[:at] + byte + packed[at + 1 :], till.token, GZIPPED)


@pytest.mark.parametrize("address", ["operations", "pair", "reconcile"])
@pytest.mark.parametrize("filling", [b" ", b"[", b"\x00"])
def test_a_bomb_is_refused_at_every_address(till, address, filling):
    bomb = gzip.compress(filling * (64 * MAX_BATCH_BYTES), 9)
    assert len(bomb) < MAX_BATCH_BYTES
    assert sent(address, bomb, till.token, GZIPPED).status_code == 413


@pytest.mark.parametrize("length", ["", "0", "-1", "x", "1e3", str(len(PUSH) - 1)])
def test_a_length_that_leaves_a_body_cut_stores_nothing(till, length):
    assert sent_bare(till, PUSH, CONTENT_LENGTH=length).status_code == 400


@pytest.mark.parametrize("length", [str(len(PUSH) + 99), "9" * 30])
def test_a_whole_body_is_stored_though_a_longer_one_was_announced(till, length):
    assert sent_bare(till, PUSH, CONTENT_LENGTH=length).status_code == 200
    assert Operation.objects.get().op_id == "good"


@bounded
@given(raw=bodies().map(lambda body: body[1]).filter(len) | st.just(PUSH))
def test_a_body_without_a_length_is_read_as_one_with_it(till, raw):
    codes = []
    forgetting(lambda: codes.append(sent_bare(till, raw, **{"wsgi.input_terminated": True}).status_code))
    forgetting(lambda: codes.append(sent("operations", raw, till.token).status_code))
    assert codes[0] == codes[1] < 500


# Good operations among bad ones


GOOD = st.builds(lambda kind: (True, kind), st.sampled_from(["cash_in", "cash_out", "receipt"]))
SPOILED = st.builds(
    lambda seq, members: written(operation("bad", seq) | members),
    st.integers(1, 9),
    st.dictionaries(st.sampled_from([*operation("", 1), "prev", "sig"]), values, min_size=1, max_size=4),
)
HEAVY = st.sampled_from(
    ["[" * 9_000 + "]" * 9_000, written(operation("heavy", 7, prev="x" * 66_000)),
     written(operation("deep", 8, body="?")).replace('"?"', '{"a":' * 5_000 + "1" + "}" * 5_000)]
)  # fmt: skip
BAD = values.map(written) | doubled([*operation("", 1)]) | SPOILED | HEAVY


def lined_up(drawn):
    """Write the drawn items as text, and give the good ones by their place."""
    good = {
        index: operation(f"good-{index}", index + 1, kind=item[1])
        for index, item in enumerate(drawn)
        if isinstance(item, tuple)
    }
    return [json.dumps(good[index]) if index in good else item for index, item in enumerate(drawn)], good


def check_custody(till, drawn, said):
    """Push twice: each good operation is stored, and then known; it stands in the inbox as it was sent."""
    items, good = lined_up(drawn)
    raw = f'{{"sent_at":{said},"operations":[{",".join(items)}],"pending":{said}}}'.encode()
    for expected in ("stored", "duplicate"):
        answer = sent("operations", raw, till.token)
        assert answer.status_code == 200
        results = body_of(answer)["results"]
        assert [result["index"] for result in results] == list(range(len(items)))
        assert {results[index]["custody"] for index in good} <= {expected}
    kept = Operation.objects.filter(op_id__in=[sent["op_id"] for sent in good.values()]).values_list("op_id", "raw")
    assert {op_id: json.loads(text) for op_id, text in kept} == {sent["op_id"]: sent for sent in good.values()}


@bounded
@given(drawn=st.lists(GOOD | BAD, min_size=1, max_size=8), said=values.map(written))
def test_a_good_operation_is_stored_whatever_stands_beside_it(till, drawn, said):
    forgetting(check_custody, till, [*drawn, (True, "cash_in")], said)
