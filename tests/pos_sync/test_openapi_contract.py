"""The door does what its OpenAPI document says: whatever is asked, the answer is one that is described there."""

import json

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import connections, transaction
from django.test import RequestFactory
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pos_sync import rate_limits
from pos_sync.api import describe
from tests.make import make_title
from tests.pos_sync.door import API, Till, body_of, operation, pairing_code

pytestmark = pytest.mark.django_db

SERVER = "http://testserver"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def described(*, at_the_edges):
    """Read the document; `at_the_edges` also tries the bounds of every member and parameter, one after the other."""
    schema = schemathesis.openapi.from_dict(json.loads(describe(RequestFactory().get(f"{API}openapi.json")).content))
    schema.app = get_wsgi_application()
    schema.config.phases.coverage.enabled = at_the_edges
    schema.config.phases.coverage.unexpected_methods = set()
    return schema


everything = described(at_the_edges=True)
guarded = described(at_the_edges=False).exclude(operation_id=["ping", "pair"])
taking_back = described(at_the_edges=False).include(operation_id=["pair", "snapshot", "changes", "reconcile"])
bounded = settings(
    max_examples=15, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """Keep the test's connection, and its transaction, through the requests, as Django's own client does."""
    monkeypatch.setattr(connections["default"], "close_if_unusable_or_obsolete", lambda: None)


@pytest.fixture
def till():
    """A till that delivered two operations, in a branch with something to download."""
    paired = Till()
    make_title(branch=paired.branch, amounts=("33.34", "33.33"))
    paired.push(operation("delivered", 1), operation("later", 3))
    return paired


@pytest.fixture
def given_before(till):
    """What the server gave, by the address that takes it back."""
    first = body_of(till.get("snapshot", limit=1))
    return {
        "pair": {"code": pairing_code(till.branch), "install_id": "another", "software": None},
        "snapshot": {"page_token": first["page_token"]},
        "changes": {"cursor": first["cursor"]},
        "reconcile": {"cursor": first["cursor"], "installments": 1, "balance_cents": 1},
    }


def ask(case, token):
    """Ask with full buckets, hold the answer against the document, and forget what was done."""
    rate_limits.cache.clear()
    with transaction.atomic():
        headers = {"Authorization": f"Device {token}", "Accept-Encoding": "identity"}
        answer = case.call_and_validate(base_url=SERVER, headers=headers, checks=CHECKS)
        transaction.set_rollback(True)
    return answer


def take_back(case, given):
    """Put what the server gave in the place of what was made up."""
    if case.method == "GET":
        case.query = {**(case.query or {}), **given}
    else:
        case.body, case.media_type = given, "application/json"


@everything.parametrize()
@bounded
def test_every_answer_is_one_that_the_document_describes(case, till):
    ask(case, till.token)


@taking_back.parametrize()
@bounded
def test_so_is_every_answer_to_what_the_server_gave_before(case, till, given_before):
    take_back(case, given_before[case.operation.definition.raw["operationId"]])
    ask(case, till.token)


@guarded.parametrize()
@bounded
def test_without_a_known_token_every_other_address_refuses(case):
    answer = ask(case, "unknown")
    assert answer.status_code == 401
