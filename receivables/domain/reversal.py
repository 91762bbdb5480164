"""The decisions of a reversal: table C1-C12 with G.1 and G.4, the known difference, the reason (G.18).

Checks of the debits' accounts, codes and dates need the rows: they are in the reversal service.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum

from .errors import CashDayNotClosed, ReasonTooLong, ReasonTooShort
from .fold import PARTIALLY_SETTLED, PENDING, SETTLED
from .money import ZERO

REASON_MIN, REASON_MAX = 15, 500


class ClosedCashOption(Enum):
    """What a person answers when the cash of the settlement is closed (S65)."""

    ACCOUNT_DEBIT = "account_debit"
    NO_DEBIT = "no_debit"


class ReversalPath(Enum):
    """What follows when a person presses Estornar."""

    REFUSED_NOT_SETTLED = "refused_not_settled"  # C1
    REFUSED_PARTIAL = "refused_partial"  # C2
    OPPOSITE_MOVEMENT = "opposite_movement"  # C4, C5
    ASK = "ask"  # C6: closed and no option chosen, nothing happens
    DEBIT = "debit"  # C7, C8
    NO_DEBIT = "no_debit"  # C10


def decide_reversal(
    *, title_status: str, control_on: bool, day_closed: bool, option: ClosedCashOption | None
) -> ReversalPath:
    """Choose the path of Estornar on the title screen (C1-C10, G.1).

    Raises CashDayNotClosed when an option was chosen for a cash that is not closed any more (G.2).
    """
    if title_status == PARTIALLY_SETTLED:
        return ReversalPath.REFUSED_PARTIAL
    if title_status != SETTLED:
        return ReversalPath.REFUSED_NOT_SETTLED
    return decide_cash_side(control_on=control_on, day_closed=day_closed, option=option)


def decide_cash_side(*, control_on: bool, day_closed: bool, option: ClosedCashOption | None) -> ReversalPath:
    """Choose what a reversal does in cash and banks, also for single parts (C4-C10, G.4).

    Raises CashDayNotClosed when an option was chosen for a cash that is not closed any more (G.2).
    """
    if not (control_on and day_closed):
        if option is not None:
            raise CashDayNotClosed
        return ReversalPath.OPPOSITE_MOVEMENT
    if option is None:
        return ReversalPath.ASK
    return ReversalPath.DEBIT if option is ClosedCashOption.ACCOUNT_DEBIT else ReversalPath.NO_DEBIT


def known_difference(*, settled_amount: Decimal, first_debit: Decimal | None) -> Decimal:
    """Give what the account has too much after a closed-cash reversal, in reais; without debit all of it (G.4)."""
    return settled_amount - (first_debit or ZERO)


def debits_differ(*, settled_amount: Decimal, debits: Sequence[Decimal]) -> bool:
    """Say whether the debits do not add up to the settled amount, which is to be shown as a warning (C7, S78)."""
    return sum(debits, ZERO) != settled_amount


def checked_reason(text: str) -> str:
    """Strip the reason; raises ReasonTooShort below 15 characters then left, ReasonTooLong above 500 (G.18)."""
    reason = text.strip()
    if len(reason) < REASON_MIN:
        raise ReasonTooShort(length=len(reason))
    if len(reason) > REASON_MAX:
        raise ReasonTooLong(length=len(reason))
    return reason


def falls_back_to(*, settled: bool, has_live_allocations: bool) -> str:
    """Give the status after a reversal: partially settled while earlier receipts remain, else pending (G.1)."""
    if settled:
        return SETTLED
    return PARTIALLY_SETTLED if has_live_allocations else PENDING
