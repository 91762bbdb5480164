"""What the codes of the protocol are called on the screens: kinds of operation, reasons and flags, and moves.

The codes themselves, and when each is given, are in `protocol` and `decide`.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pos_sync.models import OperationState

KINDS: dict[str, Any] = {
    "receipt": _("Receipt"),
    "receipt_void": _("Void of a receipt"),
    "session_open": _("Opening of the session"),
    "session_close": _("Closing of the session"),
    "cash_in": _("Cash in"),
    "cash_out": _("Cash drop"),
}

REASONS: dict[str, Any] = {
    "unknown_installment": _("Unknown installment"),
    "already_settled": _("Installment already settled"),
    "partly_settled": _("Installment settled in part meanwhile"),
    "over_balance": _("More than the balance"),
    "cancelled": _("Cancelled title"),
    "reissued": _("Installment with a new bank collection"),
    "discount_above_limit": _("Discount above the limit"),
    "sum_mismatch": _("Tenders and lines do not add up"),
    "credit_used": _("Credit of the voided receipt already used"),
    "already_reversed": _("Receipt already reversed"),
    "void_late": _("Void after the session was closed"),
    "unknown_kind": _("Unknown kind of operation"),
    "unknown_version": _("Unknown version of the operation"),
    "malformed": _("Operation that cannot be read"),
    "device_suspended": _("Till suspended"),
    "device_revoked": _("Till revoked"),
    "device_replaced": _("Till replaced"),
}

QUESTIONS: dict[str, Any] = {
    "op_id_reused": _("Copy with other content"),
    "void_without_receipt": _("Void whose receipt did not come"),
    "receipt_after_void": _("Receipt came after its void was closed"),
}
"""What the back office is asked beside the reasons that a till is told."""

MEANINGS: dict[str, Any] = {
    "unknown_installment": _(
        "The till received for an installment that the books do not know, or that it may not receive for. "
        "The money is in the cash and in suspense until its owner is identified."
    ),
    "already_settled": _(
        "The installment had been settled elsewhere before the till delivered. "
        "What the customer paid a second time became credit."
    ),
    "partly_settled": _(
        "Part of the installment had been paid elsewhere meanwhile. It took what it still owed, the rest became credit."
    ),
    "over_balance": _("The till received more than the installment owed. The excess became credit."),
    "cancelled": _("The title had been cancelled before the till delivered. The whole amount became credit."),
    "reissued": _("The installment has another due date or amount than the till knew, by a new bank collection."),
    "discount_above_limit": _(
        "The till gave more discount than allowed. The discount was cut: the installment still owes the difference."
    ),
    "sum_mismatch": _(
        "The lines of the receipt were more than the money handed over. "
        "The last ones were cut: the installments still owe the difference."
    ),
    "credit_used": _(
        "The till voided a receipt whose credit the customer had used already. "
        "The amount in question was given back and is still used: reverse what it paid, or accept the loss."
    ),
    "already_reversed": _(
        "The till voided a receipt that was already reversed or voided. Nothing was posted a second time: "
        "see whether the money was given back twice."
    ),
    "void_late": _(
        "The till voided a receipt of an earlier session. The void was posted on the first open day: "
        "see that the drawer of today gave the money back."
    ),
    "device_suspended": _(
        "The till was suspended when it delivered this. Nothing is in the books until it is approved."
    ),
    "device_revoked": _(
        "The till was revoked (lost or stolen). Ask customer and operator whether the money was received: "
        "approved, it enters the books as any other."
    ),
    "device_replaced": _("Another device had replaced this till when it took this. Nothing is in the books yet."),
    "malformed": _(
        "The operation cannot be read. If money was received, record it by hand, then reject this and say where."
    ),
    "unknown_kind": _("This version does not know this kind of operation. It is read by itself after an upgrade."),
    "unknown_version": _("The till is newer than the server. The operation is read by itself after an upgrade."),
    "op_id_reused": _(
        "The till sent another content under the number of an operation that was here. The first one stands. "
        "Compare both: the same money told otherwise, or money received besides?"
    ),
    "void_without_receipt": _(
        "The till voided a receipt that has not come in a day. Wait for the till to deliver it, or close the void."
    ),
    "receipt_after_void": _(
        "The receipt came after its void had been closed: it is in the books and the till had given the money back."
    ),
}
"""What happened and what to look at, by reason."""

FLAGS: dict[str, Any] = {
    "charges_differ": _("charges differ from the server’s"),
    "operator_unknown": _("unknown operator"),
    "session_unknown": _("unknown session"),
    "unknown_method": _("unknown payment method"),
    "clock_suspect": _("clock of the till suspect"),
    "cash_day_closed": _("cash of the day closed"),
    "sequence_fork": _("sequence used twice"),
    "receipt_no_reused": _("receipt number used twice"),
}

MOVES: dict[str, Any] = {
    "pos_sync.device.suspend": _("Suspend"),
    "pos_sync.device.revoke": _("Revoke"),
    "pos_sync.device.activate": _("Activate"),
    "pos_sync.device.replace": pgettext_lazy("move", "Replace"),
    "pos_sync.operation.wait": pgettext_lazy("move", "Wait"),
    "pos_sync.operation.apply": pgettext_lazy("move", "Apply"),
    "pos_sync.operation.review": pgettext_lazy("move", "Review"),
    "pos_sync.operation.hold": pgettext_lazy("move", "Hold"),
    "pos_sync.operation.quarantine": pgettext_lazy("move", "Quarantine"),
    "pos_sync.operation.retry": pgettext_lazy("move", "Try again"),
    "pos_sync.operation.resolve": _("Resolve"),
}

CUSTODY: dict[str, Any] = {
    "stored": _("Stored"),
    "duplicate": _("Was here already"),
    "conflict": _("Other content under a known operation"),
    "refused": _("Refused"),
}

REFUSALS: dict[str, Any] = {
    "no_op_id": _("Without the number of the operation"),
    "operation_too_large": _("Operation too large"),
    "op_id_reused": _("Number of another operation"),
}


def in_words(table: Mapping[str, Any], code: str) -> str:
    """Give the words for a code; one that has none is shown as it came."""
    return str(table.get(code, code)) or "—"


def told_of(result: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """Tell an operation's result in words: sequence, operation, custody, state, reason; empty where there is none."""
    state, reason = result["state"] or "", result["reason"] or ""
    return (
        "" if result["seq"] is None else str(result["seq"]),
        str(result["op_id"] or ""),
        str(CUSTODY[result["custody"]]),
        str(dict(OperationState.choices).get(state, state)),
        str((REASONS | REFUSALS).get(reason, reason)),
    )
