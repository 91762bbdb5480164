"""The shape of what a till sends and is told, protocol v1: JSON <-> values, integer cents, aware instants.

What an operation does is in `decide`, HTTP in `api`, storing once in `services`; exact JSON in `exact_json`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import ClassVar, Literal, NamedTuple

from pos_sync.exact_json import canonical_json, read_json, write_json

PROTOCOL = {"current": 1, "min_pull": 1}
SUPPORTED_VERSIONS = frozenset({1})
MAX_BATCH_OPERATIONS = 200
MAX_BATCH_BYTES = 524_288  # after inflation
MAX_OPERATION_BYTES = 65_536  # of compact JSON in UTF-8
MAX_PAGE = 1_000
MAX_LISTED_SEQS = 1_000  # of `missing` and of `applied_above`
MAX_SEQ = 2**53
MAX_CENTS = 10**12
MAX_COUNT = 2**31 - 1

# Longest texts kept of what a till says; longer ones end in "…", so that a cut id never equals another.
KIND_LENGTH = 40
ID_LENGTH = 64
NAME_LENGTH = 60  # operator, method, reference
RECEIPT_NO_LENGTH = 40
REASON_LENGTH = 500

_OP_ID = re.compile(r"[\x20-\x7e]{1,64}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INSTANT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>[0-9]{2}:[0-9]{2})"
    r"(?::(?P<second>[0-5][0-9]|60)(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2}))"
)


# Refusals of a whole request


class RequestRefused(Exception):
    """A request that cannot be read as a whole; `code` is the stable code of its problem document."""

    code: ClassVar[str]

    def __init__(self, *, field: str | None = None) -> None:
        super().__init__(self.code)
        self.field = field


class BadJson(RequestRefused):
    """The body is not JSON in UTF-8."""

    code = "bad_json"


class BadEnvelope(RequestRefused):
    """The body is JSON of another shape."""

    code = "bad_envelope"


class BatchTooLarge(RequestRefused):
    """The batch is over a limit; nothing of it is processed."""

    code = "batch_too_large"


class BadField(RequestRefused):
    """One named field of the envelope has a value that it cannot have."""

    code = "bad_field"


PROBLEMS: Mapping[str, tuple[int, str]] = {
    "bad_json": (400, "The body is not JSON in UTF-8."),
    "bad_envelope": (400, "The body is not an object with a list of operations."),
    "bad_cursor": (400, "This cursor is not one of this device's branch."),
    "bad_epoch": (400, "This epoch has not begun."),
    "bad_field": (400, "A field has a value that it cannot have."),
    "unknown_token": (401, "The token is not known: the till must be paired."),
    "device_suspended": (403, "The device is suspended."),
    "device_revoked": (403, "The device was revoked."),
    "device_replaced": (403, "The till was paired again: this device was replaced."),
    "not_found": (404, "There is nothing at this address."),
    "unknown_code": (404, "The pairing code is not known."),
    "unknown_page_token": (404, "The page token is not one of this device's."),
    "method_not_allowed": (405, "This address does not take this method."),
    "code_used": (409, "The pairing code was used by another installation."),
    "code_expired": (410, "The pairing code has expired."),
    "cursor_reset": (410, "The changes since this cursor are gone: take a snapshot."),
    "snapshot_expired": (410, "The snapshot has expired: take a new one."),
    "batch_too_large": (413, "The batch is over a limit: send it in parts."),
    "unsupported_media_type": (415, "The body must be application/json, plain or gzip."),
    "rate_limited": (429, "Too many requests: wait as long as Retry-After says."),
    "server_error": (500, "The server failed: send the same again later."),
    "unavailable": (503, "The server cannot answer now: send the same again later."),
}


def problem(
    code: str, *, detail: str | None = None, field: str | None = None, **extensions: object
) -> dict[str, object]:
    """Build a problem document (RFC 9457) for one of PROBLEMS; raises KeyError for a code that is none of them."""
    status, title = PROBLEMS[code]
    named = {"detail": detail, "field": field, **extensions}
    document: dict[str, object] = {
        "type": f"urn:quita:problem:{code}", "title": title, "status": status, "code": code,
    }  # fmt: skip
    return document | {name: value for name, value in named.items() if value is not None}


def limits(
    *, max_receipt_cents: int, max_pending_cents: int, warn_age_hours: int, stop_age_hours: int, blind_close: bool
) -> dict[str, object]:
    """Build the `limits` object of pair, snapshot and changes; the offline ceilings are the branch's policy."""
    return {
        "max_batch_operations": MAX_BATCH_OPERATIONS,
        "max_batch_bytes": MAX_BATCH_BYTES,
        "max_operation_bytes": MAX_OPERATION_BYTES,
        "max_page": MAX_PAGE,
        "offline": {
            "max_receipt_cents": max_receipt_cents,
            "max_pending_cents": max_pending_cents,
            "warn_age_hours": warn_age_hours,
            "stop_age_hours": stop_age_hours,
            "blind_close": blind_close,
        },
    }


# The envelope


@dataclass(frozen=True)
class Envelope:
    """A push as far as it concerns the whole batch; what the till tells of its queue is None where unreadable."""

    operations: list[object]
    epoch: int | None
    device_id: str | None
    first_seq: int | None
    sent_at: datetime | None
    pending_count: int | None
    pending_sum_cents: int | None


def read_envelope(raw: bytes) -> Envelope:
    """Read the body of a push, at most MAX_BATCH_BYTES and MAX_BATCH_OPERATIONS (contract, POST /operations).

    Raises BatchTooLarge, BadJson, BadEnvelope (no object, no list of operations) and BadField (epoch, device_id,
    first_seq). What stands inside the operations never raises.
    """
    if len(raw) > MAX_BATCH_BYTES:
        raise BatchTooLarge
    sent = read_object(raw)
    operations = sent.get("operations")
    if not isinstance(operations, list):
        raise BadEnvelope
    if len(operations) > MAX_BATCH_OPERATIONS:
        raise BatchTooLarge
    pending = _object_or_empty(sent.get("pending"))
    return Envelope(
        operations=operations,
        epoch=_envelope_integer(sent, "epoch"),
        device_id=_envelope_id(sent, "device_id"),
        first_seq=_envelope_integer(sent, "first_seq"),
        sent_at=read_instant(sent.get("sent_at")),
        pending_count=_integer_within(pending.get("count"), 0, MAX_COUNT),
        pending_sum_cents=_integer_within(pending.get("sum_cents"), 0, MAX_CENTS),
    )


def read_object(raw: bytes) -> dict[str, object]:
    """Read a request's JSON object; raises BadJson, and BadEnvelope for other JSON."""
    try:
        sent = read_json(raw.decode("utf-8-sig"))
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise BadJson from error
    if not isinstance(sent, dict):
        raise BadEnvelope
    return sent


def _envelope_integer(sent: Mapping[str, object], field: str) -> int | None:
    if sent.get(field) is None:
        return None
    value = _integer_within(sent[field], 1, MAX_SEQ)
    if value is None:
        raise BadField(field=field)
    return value


def _envelope_id(sent: Mapping[str, object], field: str) -> str | None:
    value = sent.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not _OP_ID.fullmatch(value):
        raise BadField(field=field)
    return value


# One item of a push


@dataclass(frozen=True)
class Refused:
    """An item that cannot be stored; `seq` and `op_id` where they are readable."""

    index: int
    reason: Literal["no_op_id", "operation_too_large"]
    seq: int | None
    op_id: str | None


@dataclass(frozen=True, slots=True)
class OperationRead:
    """An item that can be stored: what the inbox indexes, and `raw`, ASCII text from which all else is judged later."""

    index: int
    op_id: str
    seq: int | None
    kind: str
    version: int | None
    occurred_at: str | None
    content_hash: str
    raw: str


ItemRead = Refused | OperationRead


def read_operation(item: object, *, index: int, max_operation_bytes: int = MAX_OPERATION_BYTES) -> ItemRead:
    """Read one item of a push, whatever it is; `index` counts from zero. Never raises (contract, POST /operations)."""
    fields = _object_or_empty(item)
    seq = read_seq(fields.get("seq"))
    op_id = fields.get("op_id")
    if not isinstance(op_id, str) or not is_op_id(op_id):
        return Refused(index=index, reason="no_op_id", seq=seq, op_id=None)
    raw = write_json(item, ascii_only=True)
    if len(raw) > max_operation_bytes and _utf8_size(item) > max_operation_bytes:
        return Refused(index=index, reason="operation_too_large", seq=seq, op_id=op_id)
    return OperationRead(
        index=index,
        op_id=op_id,
        seq=seq,
        kind=_text(fields.get("kind"), KIND_LENGTH) or "",
        version=_integer_within(fields.get("v"), 0, MAX_COUNT),
        occurred_at=_text(fields.get("occurred_at"), ID_LENGTH),
        content_hash=content_hash(fields),
        raw=raw,
    )


def _utf8_size(item: object) -> int:
    """Count the bytes of compact JSON in UTF-8: never more than of its ASCII text."""
    return len(write_json(item, ascii_only=False).encode())


def read_seq(value: object) -> int | None:
    """Give a usable seq, a JSON integer in 1..2^53, or None."""
    return _integer_within(value, 1, MAX_SEQ)


def is_op_id(value: object) -> bool:
    """Say whether a value can be an op_id: 1 to 64 printable ASCII characters."""
    return isinstance(value, str) and _OP_ID.fullmatch(value) is not None


def canonical_content(item: Mapping[str, object]) -> str:
    """Write what makes an operation itself, canonically: kind, v, occurred_at, body, each where present.

    Equal keys and numbers differ from absent ones: `null` is not absence, 5000.0 is not 5000.
    """
    return canonical_json({name: item[name] for name in ("kind", "v", "occurred_at", "body") if name in item})


def content_hash(item: Mapping[str, object]) -> str:
    """Give the SHA-256 of the canonical content in UTF-8, as 64 hex digits."""
    return sha256(canonical_content(item).encode()).hexdigest()


def read_instant(value: object) -> datetime | None:
    """Read an RFC 3339 instant with offset into UTC, or None; seconds may be absent, microseconds are kept."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    second = min(int(found["second"] or 0), 59)  # a leap second has no number of its own here
    fraction = (found["fraction"] or "0")[:6].ljust(6, "0")
    try:
        minute = datetime.fromisoformat(f"{found['day']}T{found['minute']}:00")
        local = minute.replace(second=second, microsecond=int(fraction), tzinfo=_offset(found))
    except ValueError:
        return None
    return _in_utc(local)


def _offset(found: re.Match[str]) -> timezone:
    if not found["sign"]:
        return UTC
    if int(found["minutes"]) > 59:
        raise ValueError("minutes of an offset end at 59")
    size = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    return timezone(-size if found["sign"] == "-" else size)


def _in_utc(local: datetime) -> datetime:
    try:
        return local.astimezone(UTC)
    except OverflowError:
        return datetime(1, 1, 1, tzinfo=UTC) if local.year == 1 else datetime(9999, 12, 31, tzinfo=UTC)


# The form of an operation


class LineSaid(NamedTuple):
    """What a till says a receipt pays of one installment, in cents; the discount is no money."""

    installment_id: str | None
    version: int | None
    principal: int
    interest: int
    fine: int
    discount: int


class TenderSaid(NamedTuple):
    """What was handed over, in cents: `amount` enters the till, `tendered` less `change`."""

    method: str | None
    amount: int
    tendered: int
    change: int
    reference: str | None


class ReceiptSaid(NamedTuple):
    """A receipt as the till made it; the texts are its own and may be unknown here."""

    session_id: str | None
    operator: str | None
    customer_id: str | None
    receipt_no: str | None
    mode: str | None
    snapshot_as_of: str | None
    lines: tuple[LineSaid, ...]
    tenders: tuple[TenderSaid, ...]

    @property
    def received(self) -> int:
        """Sum the tenders: the fact, in cents."""
        return sum(tender.amount for tender in self.tenders)


@dataclass(frozen=True)
class VoidSaid:
    """That a receipt of this till was undone at the till."""

    receipt_op_id: str
    reason: str | None


@dataclass(frozen=True)
class SessionOpenSaid:
    """That an operator opened a session, with the float in cents."""

    session_id: str | None
    operator: str | None
    float_amount: int


@dataclass(frozen=True)
class CountSaid:
    """What was counted of one means of payment, in cents."""

    method: str | None
    amount: int


@dataclass(frozen=True)
class SessionCloseSaid:
    """That a session was closed: what was counted, and what the till still had to deliver, in cents."""

    session_id: str | None
    counted: tuple[CountSaid, ...]
    pending_count: int | None
    pending_sum: int


@dataclass(frozen=True)
class CashInSaid:
    """Suprimento: cash put into the till, in cents."""

    amount: int
    reason: str | None
    session_id: str | None


@dataclass(frozen=True)
class CashOutSaid:
    """Sangria: cash taken out of the till, in cents."""

    amount: int
    reason: str | None
    session_id: str | None


Said = ReceiptSaid | VoidSaid | SessionOpenSaid | SessionCloseSaid | CashInSaid | CashOutSaid


class WellFormed(NamedTuple):
    """An operation whose form can be decided on; `occurred_at` in UTC as the till said it."""

    seq: int
    occurred_at: datetime
    said: Said


@dataclass(frozen=True)
class Unfit:
    """An operation to quarantine by its form; `field` names the first thing wrong, for the people who look at it."""

    reason: Literal["unknown_kind", "unknown_version", "malformed"]
    field: str


Judged = WellFormed | Unfit


class _Malformed(Exception):
    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def judge_form(raw: str) -> Judged:
    """Judge a stored operation by kind, version and form, in that order; the device comes after (contract, malformed).

    `raw` is what `read_operation` gave. A version that is absent or no integer is an unknown one.
    """
    item = _object_or_empty(read_json(raw))
    kind = item.get("kind")
    body_of = _BODIES.get(kind) if isinstance(kind, str) else None
    if body_of is None:
        return Unfit("unknown_kind", "kind")
    if _integer_within(item.get("v"), 0, MAX_COUNT) not in SUPPORTED_VERSIONS:
        return Unfit("unknown_version", "v")
    try:
        return _well_formed(item, body_of)
    except _Malformed as wrong:
        return Unfit("malformed", wrong.field)


def _well_formed(item: Mapping[str, object], body_of: Callable[[Mapping[str, object]], Said]) -> WellFormed:
    body = item.get("body")
    if not isinstance(body, dict):
        raise _Malformed("body")
    occurred_at = read_instant(item.get("occurred_at"))
    if occurred_at is None:
        raise _Malformed("occurred_at")
    seq = read_seq(item.get("seq"))
    if seq is None:
        raise _Malformed("seq")
    return WellFormed(seq=seq, occurred_at=occurred_at, said=body_of(body))


def _receipt(body: Mapping[str, object]) -> ReceiptSaid:
    said = ReceiptSaid(
        session_id=_text(body.get("session_id"), ID_LENGTH),
        operator=_text(body.get("operator"), NAME_LENGTH),
        customer_id=_text(body.get("customer_id"), ID_LENGTH),
        receipt_no=_text(body.get("receipt_no"), RECEIPT_NO_LENGTH),
        mode=_text(body.get("mode"), NAME_LENGTH),
        snapshot_as_of=_text(body.get("snapshot_as_of"), ID_LENGTH),
        lines=tuple(_line(line, where) for line, where in _objects(body, "lines")),
        tenders=tuple(_tender(tender, where) for tender, where in _objects(body, "tenders")),
    )
    if not 0 < said.received <= MAX_CENTS:
        raise _Malformed("body.tenders")
    return said


def _line(line: Mapping[str, object], where: str) -> LineSaid:
    return LineSaid(
        installment_id=_text(line.get("installment_id"), ID_LENGTH),
        version=_integer_within(line.get("version"), 0, MAX_SEQ),
        principal=_money(line, "principal_cents", where),
        interest=_money(line, "interest_cents", where),
        fine=_money(line, "fine_cents", where),
        discount=_money(line, "discount_cents", where),
    )


def _tender(tender: Mapping[str, object], where: str) -> TenderSaid:
    return TenderSaid(
        method=_text(tender.get("method"), NAME_LENGTH),
        amount=_money(tender, "amount_cents", where),
        tendered=_money(tender, "tendered_cents", where),
        change=_money(tender, "change_cents", where),
        reference=_text(tender.get("reference"), NAME_LENGTH),
    )


def _void(body: Mapping[str, object]) -> VoidSaid:
    receipt_op_id = _text(body.get("receipt_op_id"), ID_LENGTH)
    if receipt_op_id is None:
        raise _Malformed("body.receipt_op_id")
    return VoidSaid(receipt_op_id=receipt_op_id, reason=_text(body.get("reason"), REASON_LENGTH))


def _session_open(body: Mapping[str, object]) -> SessionOpenSaid:
    return SessionOpenSaid(
        session_id=_text(body.get("session_id"), ID_LENGTH),
        operator=_text(body.get("operator"), NAME_LENGTH),
        float_amount=_money(body, "float_cents", "body"),
    )


def _session_close(body: Mapping[str, object]) -> SessionCloseSaid:
    pending = _object_or_empty(body.get("pending"))
    return SessionCloseSaid(
        session_id=_text(body.get("session_id"), ID_LENGTH),
        counted=tuple(
            CountSaid(method=_text(count.get("method"), NAME_LENGTH), amount=_money(count, "amount_cents", where))
            for count, where in _objects(body, "counted")
        ),
        pending_count=_integer_within(pending.get("count"), 0, MAX_COUNT),
        pending_sum=_money(pending, "sum_cents", "body.pending"),
    )


def _cash_in(body: Mapping[str, object]) -> CashInSaid:
    return CashInSaid(
        amount=_money(body, "amount_cents", "body"),
        reason=_text(body.get("reason"), REASON_LENGTH),
        session_id=_text(body.get("session_id"), ID_LENGTH),
    )


def _cash_out(body: Mapping[str, object]) -> CashOutSaid:
    return CashOutSaid(
        amount=_money(body, "amount_cents", "body"),
        reason=_text(body.get("reason"), REASON_LENGTH),
        session_id=_text(body.get("session_id"), ID_LENGTH),
    )


_BODIES: Mapping[str, Callable[[Mapping[str, object]], Said]] = {
    "receipt": _receipt,
    "receipt_void": _void,
    "session_open": _session_open,
    "session_close": _session_close,
    "cash_in": _cash_in,
    "cash_out": _cash_out,
}
KINDS = frozenset(_BODIES)


def _objects(body: Mapping[str, object], field: str) -> list[tuple[Mapping[str, object], str]]:
    """Read a list of objects, empty where absent, each with the place where it stands."""
    items = body.get(field, [])
    if not isinstance(items, list):
        raise _Malformed(f"body.{field}")
    placed = [(item, f"body.{field}[{place}]") for place, item in enumerate(items)]
    for item, where in placed:
        if not isinstance(item, dict):
            raise _Malformed(where)
    return placed


def _money(fields: Mapping[str, object], name: str, where: str) -> int:
    """Read cents, 0 where absent: a JSON integer in 0..10^12, so neither 5000.0 nor true nor null."""
    cents = _integer_within(fields.get(name, 0), 0, MAX_CENTS)
    if cents is None:
        raise _Malformed(f"{where}.{name}")
    return cents


def _integer_within(value: object, least: int, most: int) -> int | None:
    """Give `value` if it is a JSON integer (`true` is none) within the bounds, both included."""
    return value if type(value) is int and least <= value <= most else None


def _object_or_empty(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object, most: int) -> str | None:
    """Give a text that any column can hold: NUL and lone surrogates become U+FFFD; None where there is none."""
    if not isinstance(value, str) or not value:
        return None
    kept = value if value.isprintable() else _UNSTORABLE.sub("\ufffd", value)
    return kept if len(kept) <= most else kept[: most - 1] + "…"


# What the till is told of an operation


def operation_result(
    *,
    op_id: str | None,
    seq: int | None,
    state: str | None,
    reason: str | None,
    flags: Sequence[str],
    outcome: Mapping[str, object] | None,
    index: int | None = None,
    custody: Literal["stored", "duplicate", "conflict", "refused"] | None = None,
) -> dict[str, object]:
    """Build the one object that tells of an operation everywhere; `index` (from zero) and `custody` in a push only."""
    pushed = {"index": index, "custody": custody}
    told: dict[str, object] = {name: value for name, value in pushed.items() if value is not None}
    return told | {
        "op_id": op_id,
        "seq": seq,
        "state": state,
        "reason": reason or None,
        "flags": list(flags),
        "outcome": dict(outcome) if outcome is not None else None,
    }


def refused_result(refused: Refused) -> dict[str, object]:
    """Build the result of an item that cannot be stored: no state, no outcome."""
    return operation_result(
        index=refused.index, custody="refused", op_id=refused.op_id, seq=refused.seq,
        state=None, reason=refused.reason, flags=(), outcome=None,
    )  # fmt: skip


def conflict_result(read: OperationRead) -> dict[str, object]:
    """Build the result of a copy with another content: the first stands and its outcome is not told."""
    return operation_result(
        index=read.index, custody="conflict", op_id=read.op_id, seq=read.seq,
        state="quarantined", reason="op_id_reused", flags=(), outcome=None,
    )  # fmt: skip


def foreign_result(read: OperationRead, *, custody: Literal["duplicate", "conflict"]) -> dict[str, object]:
    """Build the result of an op_id that another branch's device used: custody only, neither state nor outcome."""
    return operation_result(
        index=read.index, custody=custody, op_id=read.op_id, seq=read.seq,
        state=None, reason=None, flags=(), outcome=None,
    )  # fmt: skip
