"""A till at the API's door, with the whole stack of middleware between them, and the ledger's makers around it."""

import gzip
import json
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from receivables.models import Branch
from tests.make import make_branch

API = "/api/pos/v1/"
INSTALL = "0f0e7a3c-5d5e-4d64-9a77-4a2f4b8f0c11"


def body_of(response: HttpResponse) -> Any:
    """Return the JSON of an answer, inflated where it was compressed."""
    raw = gzip.decompress(response.content) if response.headers.get("Content-Encoding") == "gzip" else response.content
    return json.loads(raw)


def pairing_code(branch: Branch, *, till: str = "03") -> str:
    out = StringIO()
    call_command("pair_device", branch=branch.code, till=till, json=True, stdout=out)
    return json.loads(out.getvalue())["code"]


def ask_to_pair(code: Any, *, install_id: Any = INSTALL, **members: Any) -> HttpResponse:
    return send("pair", {"code": code, "install_id": install_id, "software": "till 1.0", "public_key": None, **members})


def send(
    address: str, document: Any = None, *, raw: bytes | None = None, token: str = "", **headers: Any
) -> HttpResponse:
    """POST a document, or raw bytes, as a till does."""
    content = json.dumps(document).encode() if raw is None else raw
    given = {"Content-Type": "application/json"} | ({"Authorization": f"Device {token}"} if token else {}) | headers
    kept = {name: value for name, value in given.items() if name != "Content-Type"}
    return Client(raise_request_exception=False).generic(
        "POST", API + address, content, content_type=given["Content-Type"], headers=kept
    )


def get(address: str, *, token: str = "", headers: dict[str, str] | None = None, **query: Any) -> HttpResponse:
    given = ({"Authorization": f"Device {token}"} if token else {}) | (headers or {})
    return Client(raise_request_exception=False).get(API + address, query, headers=given)


class Till:
    """A paired till and its token."""

    def __init__(self, *, branch: Branch | None = None, till: str = "03", install_id: str = INSTALL) -> None:
        self.branch = branch or make_branch()
        answer = ask_to_pair(pairing_code(self.branch, till=till), install_id=install_id)
        self.paired = body_of(answer)
        self.token: str = self.paired["token"]
        self.device_id: str = self.paired["device_id"]

    def push(self, *operations: Any, **envelope: Any) -> HttpResponse:
        return send("operations", {"operations": list(operations), **envelope}, token=self.token)

    def results(self, *operations: Any, **envelope: Any) -> list[dict[str, Any]]:
        return body_of(self.push(*operations, **envelope))["results"]

    def get(self, address: str, **query: Any) -> HttpResponse:
        return get(address, token=self.token, **query)

    def reconcile(self, **figures: Any) -> dict[str, Any]:
        """Give the answer without the time."""
        answer = body_of(send("reconcile", figures, token=self.token))
        return {name: value for name, value in answer.items() if name != "server_time"}

    def become(self, state: str) -> None:
        call_command("device_state", self.device_id, state, reason="Perdido na loja")


def operation(op_id: str, seq: Any, **members: Any) -> dict[str, Any]:
    """An operation that nothing needs to be there for: cash put in."""
    return {
        "op_id": op_id, "seq": seq, "kind": "cash_in", "v": 1, "occurred_at": "2026-11-23T12:00:00-03:00",
        "body": {"amount_cents": 1000, "reason": "troco"},
    } | members  # fmt: skip
