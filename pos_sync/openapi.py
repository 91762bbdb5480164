"""The OpenAPI document of the tills' API: the shapes of its answers and bodies, and the problems each address gives.

What the shapes mean is in docs/protocol.md; tests hold real answers against these.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

from ninja import Schema
from ninja.openapi.schema import OpenAPISchema
from pydantic import ConfigDict, Field

from pos_sync import protocol
from pos_sync.models import OperationState

DESCRIPTION = (
    "How offline tills pair, download receivables and deliver what they received. Money is integer cents (BRL), "
    "ids are opaque strings, instants carry an offset. Errors are application/problem+json with a stable `code`. "
    "Bodies and answers may be compressed with gzip."
)


class Exact(Schema):
    """An object with exactly these members."""

    model_config = ConfigDict(extra="forbid")


class ProtocolVersions(Exact):
    current: int
    min_pull: int


class Ping(Exact):
    server_time: datetime
    protocol: ProtocolVersions


class BranchNamed(Exact):
    code: str
    name: str


class BranchRow(BranchNamed):
    """What a till's receipts say of their branch; document and city are empty where nobody wrote them down."""

    document: str
    city: str


class OfflineLimits(Exact):
    max_receipt_cents: int
    max_pending_cents: int
    warn_age_hours: int
    stop_age_hours: int
    blind_close: bool


class Limits(Exact):
    max_batch_operations: int
    max_batch_bytes: int
    max_operation_bytes: int
    max_page: int
    offline: OfflineLimits


class Paired(Exact):
    server_time: datetime
    device_id: str
    token: str
    branch: BranchNamed
    till: str
    receipt_series: str
    epoch: int
    limits: Limits


class CustomerRow(Exact):
    id: str
    version: int
    name: str
    document_masked: str


class InstallmentRow(Exact):
    id: str
    version: int
    title_id: str
    customer_id: str
    number: str
    document: str
    due_date: date
    amount_cents: int
    balance_cents: int
    terms_id: str
    interest_from: date
    fine_charged: bool
    carried_charges_cents: int
    status: Literal["pending", "partially_settled"]


class TermsRow(Exact):
    id: str
    interest_percent: str
    interest_per: Literal["day", "month30"]
    fine_percent: str
    max_discount_percent: str
    allow_partial: bool


class PaymentMethodRow(Exact):
    code: str
    name: str
    offline: bool
    gives_change: bool
    needs_reference: bool


class OperatorRow(Exact):
    code: str
    name: str
    pin_hash: str
    supervisor: bool


class Expected(Exact):
    installments: int
    customers: int
    balance_cents: int


class NextPage(Exact):
    """Every page after the first."""

    server_time: datetime
    snapshot_id: str
    customers: list[CustomerRow]
    installments: list[InstallmentRow]
    page_token: str | None


class FirstPage(NextPage):
    """The first page carries everything but the rest of the customers and installments."""

    epoch: int
    as_of: datetime
    business_date: date
    horizon: date
    cursor: str
    through_seq: int
    applied_above: list[int]
    branch: BranchRow | None = None
    terms: list[TermsRow]
    holidays: list[date]
    payment_methods: list[PaymentMethodRow]
    operators: list[OperatorRow]
    limits: Limits
    expected: Expected


SnapshotPage = FirstPage | NextPage


class Result(Exact):
    """What became of an operation."""

    op_id: str | None
    seq: int | None
    state: Literal[tuple(OperationState.values)] | None  # type: ignore[valid-type]
    reason: str | None
    flags: list[str]
    outcome: dict[str, Any] | None


class PushResult(Result):
    """A result in the answer to a push; `index` counts the items from zero."""

    index: int
    custody: Literal["stored", "duplicate", "conflict", "refused"]


class PushAnswer(Exact):
    server_time: datetime
    current_epoch: int
    through_seq: int
    applied_above: list[int]
    missing: list[int]
    results: list[PushResult]


class Results(Exact):
    server_time: datetime
    current_epoch: int
    results: list[Result]
    more: bool


class GoneRow(Exact):
    """An installment that left the till's window."""

    id: str
    version: int
    gone: Literal["settled", "cancelled", "moved_out", "other_branch"]


class Changes(Exact):
    """Rows as they are now; the whole lists come only where they changed."""

    server_time: datetime
    installments: list[InstallmentRow | GoneRow]
    customers: list[CustomerRow]
    terms: list[TermsRow]
    branch: BranchRow | None = None
    holidays: list[date] | None = None
    payment_methods: list[PaymentMethodRow] | None = None
    operators: list[OperatorRow] | None = None
    cursor: str
    more: bool
    through_seq: int
    applied_above: list[int]
    horizon: date
    results: list[Result]
    limits: Limits


class Matching(Exact):
    server_time: datetime
    match: Literal[True]


class Differing(Exact):
    server_time: datetime
    match: Literal[False]
    action: Literal["snapshot", "resend"]
    missing: list[int]


Reconciled = Matching | Differing


class Rotated(Exact):
    server_time: datetime
    token: str


class Problem(Schema):
    """A problem document (RFC 9457); `code` never changes."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = Field(default=None)
    field: str | None = Field(default=None, description="Of `bad_field`: the member or parameter that is wrong.")
    wipe: Literal["snapshot"] | None = Field(default=None, description="Of `device_revoked`: what to erase.")
    server_time: datetime


# What tills send

_SEQ = {"type": "integer", "minimum": 1, "maximum": protocol.MAX_SEQ}
_STORABLE = r"^[^\u0000]*$"
_NAME = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[^\u0000]*[^\u0000\s][^\u0000]*$"}
BODIES: dict[str, dict[str, Any]] = {
    "PairingRequest": {
        "type": "object",
        "required": ["code", "install_id"],
        "properties": {
            "code": {**_NAME, "examples": ["K7Q2-9MXD-4TWV-H3ZP"]},
            "install_id": _NAME,
            "software": {"type": ["string", "null"], "maxLength": 1000, "pattern": _STORABLE},
            "public_key": {"type": ["string", "null"], "maxLength": 4096, "pattern": _STORABLE},
        },
    },
    "Push": {
        "type": "object",
        "required": ["operations"],
        "properties": {
            "operations": {
                "type": "array",
                "maxItems": protocol.MAX_BATCH_OPERATIONS,
                "description": "Each item is stored or refused by itself: none makes the batch fail.",
                "items": {"anyOf": [{"$ref": "#/components/schemas/Operation"}, {}]},
            },
            "epoch": {
                "type": ["integer", "null"],
                "minimum": 1,
                "description": "Current where absent; older ones are accepted, future ones are `bad_epoch`.",
            },
            "device_id": {
                "type": ["string", "null"],
                "pattern": "^[ -~]{1,64}$",
                "description": "The earlier device of this till whose queue is delivered; this device where absent.",
            },
            "first_seq": {**_SEQ, "type": ["integer", "null"], "description": "Where an epoch after the first begins."},
            "sent_at": {"description": "An instant; one that cannot be read is ignored."},
            "pending": {"description": "`count` and `sum_cents` of what waits at the till; only told to people."},
        },
    },
    "Reconcile": {
        "type": "object",
        "required": ["cursor", "installments", "balance_cents"],
        "properties": {
            "cursor": {"type": "string"},
            "installments": {"type": "integer"},
            "balance_cents": {"type": "integer", "description": "Without the till's own payments."},
            "operations": {
                "type": ["array", "null"],
                "description": "What was delivered, or a part of it.",
                "items": {
                    "type": "object",
                    "required": ["seq", "op_id"],
                    "properties": {"seq": _SEQ, "op_id": {"type": "string", "pattern": "^[ -~]{1,64}$"}},
                },
            },
        },
    },
    "Operation": {
        "type": "object",
        "required": ["op_id", "seq", "kind", "v", "occurred_at", "body"],
        "properties": {
            "op_id": {"type": "string", "pattern": "^[ -~]{1,64}$"},
            "seq": _SEQ,
            "kind": {"enum": sorted(protocol.KINDS)},
            "v": {"const": 1},
            "occurred_at": {"type": "string", "format": "date-time"},
            "body": {"type": "object"},
            "prev": {},
            "sig": {},
        },
    },
}


CURSOR: dict[str, Any] = {
    "name": "cursor",
    "in": "query",
    "required": True,
    "schema": {"type": "string"},
    "description": "From the snapshot's first page, or from the last answer.",
}


def body(name: str) -> dict[str, Any]:
    """Describe a request body for an operation."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


# Problems

_FAILURES = ("server_error", "unavailable")
_PUSH = ("unknown_token", "rate_limited")
_SENT = ("bad_json", "bad_envelope", "bad_field", "batch_too_large", "unsupported_media_type")
_PULL = ("unknown_token", "device_suspended", "device_revoked", "device_replaced", "rate_limited")
PROBLEMS_OF: Mapping[str, tuple[str, ...]] = {
    "ping": _FAILURES,
    "pair": (*_SENT, "unknown_code", "code_used", "code_expired", "rate_limited", *_FAILURES),
    "snapshot": (
        "bad_field", "unknown_token", "device_suspended", "device_revoked", "device_replaced", "unknown_page_token",
        "snapshot_expired", "rate_limited", *_FAILURES,
    ),
    "changes": ("bad_field", "bad_cursor", "cursor_reset", *_PULL, *_FAILURES),
    "reconcile": (*_SENT, "bad_cursor", *_PULL, *_FAILURES),
    "rotate": (*_PUSH, *_FAILURES),
    "push": (*_SENT, "bad_epoch", *_PUSH, *_FAILURES),
    "results": ("bad_field", "bad_epoch", *_PUSH, *_FAILURES),
}  # fmt: skip

_HEADERS = {
    "X-Request-ID": {"description": "Names this request in the server's log.", "schema": {"type": "string"}},
    "Cache-Control": {"schema": {"const": "no-store"}},
}


def completed(document: OpenAPISchema) -> OpenAPISchema:
    """Add bodies, problems and headers to what the views say of themselves."""
    components = document["components"]
    components["schemas"] |= BODIES | {"Problem": Problem.model_json_schema()}
    components["securitySchemes"] = {"DeviceToken": components["securitySchemes"]["PushToken"]}
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        if "security" in operation:
            operation["security"] = [{"DeviceToken": []}]
        for success in operation["responses"].values():
            success["headers"] = _HEADERS
        operation["responses"] |= _problem_responses(PROBLEMS_OF[operation["operationId"]])
    return document


def _problem_responses(codes: Iterable[str]) -> dict[int, dict[str, Any]]:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(protocol.PROBLEMS[code][0], []).append(code)
    return {status: _problem_response(grouped) for status, grouped in sorted(by_status.items())}


def _problem_response(codes: list[str]) -> dict[str, Any]:
    told = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": codes}}}]}
    return {
        "description": " ".join(f"`{code}`: {protocol.PROBLEMS[code][1]}" for code in codes),
        "headers": _HEADERS,
        "content": {"application/problem+json": {"schema": told}},
    }
