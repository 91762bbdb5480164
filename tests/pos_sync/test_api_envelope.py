"""HTTP as tills speak it: media types, compression, caps, problems, headers (contract, "Conventions")."""

import gzip
import json
import zlib

import pytest
from django.db import OperationalError
from django.test import Client, override_settings

from pos_sync.models import Operation
from pos_sync.protocol import MAX_BATCH_BYTES
from tests.pos_sync.door import API, Till, body_of, get, operation, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def till():
    return Till()


def problem(answer):
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = body_of(answer)
    assert told["status"] == answer.status_code
    return answer.status_code, told["code"]


# Every answer


@pytest.mark.parametrize(
    ("address", "status"), [("ping", 200), ("openapi.json", 200), ("snapshot", 401), ("nowhere", 404), ("pair", 405)]
)
def test_every_answer_is_named_and_never_stored(address, status):
    answer = get(address)
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.headers["X-Request-ID"]) == 36


def test_ping_tells_the_time_and_the_protocol_without_a_token_or_a_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        told = body_of(get("ping"))
    assert told["protocol"] == {"current": 1, "min_pull": 1}
    assert told["server_time"].endswith("+00:00")


@pytest.mark.parametrize("address", ["", "nowhere", "snapshot/", "operations/1", "changes/", "token"])
def test_an_address_that_does_not_exist_is_a_problem(address):
    assert problem(get(address)) == (404, "not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones():
    answer = Client().delete(API + "operations")
    assert problem(answer) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"}


@pytest.mark.parametrize("debug", [True, False])
def test_what_nobody_expected_is_a_problem_and_never_a_page(till, monkeypatch, debug):
    monkeypatch.setattr("pos_sync.api.first_page", lambda _asked: 1 / 0)
    with override_settings(DEBUG=debug):
        assert problem(till.get("snapshot")) == (500, "server_error")


def test_a_database_that_is_away_asks_the_till_to_come_back(till, monkeypatch):
    def away(**_given):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("pos_sync.services.inbox.store_batch", away)
    answer = till.push(operation("a", 1))
    assert problem(answer) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_no_cross_site_token_is_asked_of_a_till(till):
    answer = Client(enforce_csrf_checks=True).post(
        API + "operations", {"operations": []}, content_type="application/json",
        headers={"Authorization": f"Device {till.token}"},
    )  # fmt: skip
    assert answer.status_code == 200


# What is sent


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
@pytest.mark.parametrize("address", ["operations", "pair"])
def test_another_media_type_is_refused(till, address, media_type):
    answer = send(address, {"operations": []}, token=till.token, **{"Content-Type": media_type})
    assert problem(answer) == (415, "unsupported_media_type")


def test_a_charset_beside_the_media_type_is_no_matter(till):
    answer = send(
        "operations", {"operations": []}, token=till.token, **{"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert answer.status_code == 200


def test_a_compression_that_nobody_offered_is_refused(till):
    answer = send("operations", raw=b"{}", token=till.token, **{"Content-Encoding": "br"})
    assert problem(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize("raw", [b" ", b"{", b"\xff\xfe{}", b'{"operations":[}', b"[]{}"])
def test_what_is_no_json_is_refused(till, raw):
    assert problem(send("operations", raw=raw, token=till.token)) == (400, "bad_json")


@pytest.mark.parametrize("document", [[], 5, None, {}, {"operations": None}, {"operations": {"0": {}}}])
def test_an_envelope_without_a_list_of_operations_is_refused(till, document):
    assert problem(send("operations", document, token=till.token)) == (400, "bad_envelope")


@pytest.mark.parametrize(
    ("member", "value"), [("epoch", "1"), ("epoch", 0), ("epoch", True), ("device_id", 7), ("first_seq", "1")]
)
def test_a_member_of_the_envelope_that_cannot_be_is_named(till, member, value):
    answer = till.push(**{member: value})
    assert problem(answer) == (400, "bad_field")
    assert body_of(answer)["field"] == member


def test_a_compressed_push_is_read(till):
    raw = gzip.compress(json.dumps({"operations": [operation("a", 1)]}).encode())
    answer = send("operations", raw=raw, token=till.token, **{"Content-Encoding": "gzip"})
    assert body_of(answer)["results"][0]["custody"] == "stored"


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-9], lambda raw: raw[:40] + b"?" + raw[41:], lambda raw: b"{}", lambda raw: raw + b"x"]
)
def test_broken_compression_is_no_json(till, damage):
    raw = damage(gzip.compress(json.dumps({"operations": [operation("a", 1)]}).encode()))
    answer = send("operations", raw=raw, token=till.token, **{"Content-Encoding": "gzip"})
    assert problem(answer) == (400, "bad_json")


def test_a_bomb_is_not_inflated_beyond_the_limit(till):
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    raw = b"".join(bomb.compress(b" " * 1_000_000) for _ in range(200)) + bomb.flush()
    answer = send("operations", raw=raw, token=till.token, **{"Content-Encoding": "gzip"})
    assert problem(answer) == (413, "batch_too_large")


@pytest.mark.parametrize("extra", [1, 3_000_000])
def test_a_body_over_the_limit_is_refused_however_long_it_is(till, extra):
    raw = b'{"operations":[]}'.ljust(MAX_BATCH_BYTES + extra)
    assert problem(send("operations", raw=raw, token=till.token)) == (413, "batch_too_large")


def test_a_body_of_exactly_the_limit_is_read(till):
    raw = b'{"operations":[]}'.ljust(MAX_BATCH_BYTES)
    assert send("operations", raw=raw, token=till.token).status_code == 200


def test_of_a_batch_with_too_many_operations_nothing_is_stored(till):
    answer = till.push(*[operation(f"op-{seq}", seq) for seq in range(1, 202)])
    assert problem(answer) == (413, "batch_too_large")
    assert not Operation.objects.exists()


def test_a_body_without_a_length_is_read_where_the_server_ends_it(till):
    from io import BytesIO

    from django.core.handlers.wsgi import WSGIRequest

    from pos_sync.http import body_of as read_body

    raw = b'{"operations":[]}'
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/", "CONTENT_TYPE": "application/json", "wsgi.input": BytesIO(raw),
        "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True,
    }  # fmt: skip
    assert read_body(WSGIRequest(environ)) == raw


# What is answered


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, deflate", "gzip"), ("br;q=1.0, GZIP;q=0.5", "gzip"), ("gzip;q=0", None), ("identity", None), ("", None)],
)
def test_an_answer_is_compressed_where_that_is_accepted(accepted, encoding):
    answer = get("openapi.json", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == encoding
    assert body_of(answer)["openapi"] == "3.1.0"


# The description


def test_the_description_names_each_address_and_nothing_that_is_not_there():
    paths = body_of(get("openapi.json"))["paths"]
    assert {path: set(operations) for path, operations in paths.items()} == {
        "/api/pos/v1/ping": {"get"},
        "/api/pos/v1/pair": {"post"},
        "/api/pos/v1/snapshot": {"get"},
        "/api/pos/v1/operations": {"get", "post"},
        "/api/pos/v1/changes": {"get"},
        "/api/pos/v1/reconcile": {"post"},
        "/api/pos/v1/token/rotate": {"post"},
    }


def test_the_description_tells_the_problems_of_a_push():
    responses = body_of(get("openapi.json"))["paths"]["/api/pos/v1/operations"]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "413", "415", "429", "500", "503"}
    assert list(responses["413"]["content"]) == ["application/problem+json"]


@pytest.mark.parametrize(
    ("path", "method", "status", "ask"),
    [
        ("ping", "get", "200", lambda till: get("ping")),
        ("snapshot", "get", "200", lambda till: till.get("snapshot")),
        ("snapshot", "get", "401", lambda till: get("snapshot")),
        ("snapshot", "get", "404", lambda till: till.get("snapshot", page_token="x")),
        ("operations", "post", "200", lambda till: till.push(operation("a", 1), operation("a", 2, v=2), {"seq": 5})),
        ("operations", "post", "400", lambda till: till.push(epoch=9)),
        ("operations", "get", "200", lambda till: (till.push(operation("a", 1)), till.get("operations"))[1]),
    ],
)
def test_answers_are_as_described(till, path, method, status, ask):
    jsonschema_rs = pytest.importorskip("jsonschema_rs")
    description = body_of(get("openapi.json"))
    answer = ask(till)
    content = description["paths"][f"/api/pos/v1/{path}"][method]["responses"][status]["content"]
    schema = content[answer.headers["Content-Type"]]["schema"]
    assert str(answer.status_code) == status
    jsonschema_rs.validator_for(schema | {"components": description["components"]}).validate(body_of(answer))
