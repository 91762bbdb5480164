"""The status of an installment from its balance and of a title from its installments (G.23, G.24, S10)."""

from collections.abc import Sequence
from decimal import Decimal

PENDING = "pending"
PARTIALLY_SETTLED = "partially_settled"
SETTLED = "settled"
CANCELLED = "cancelled"  # whole titles only (G.14): no fold gives it


def installment_status(*, balance: Decimal, has_live_allocation: bool) -> str:
    """Give the status of an installment: settled exactly when nothing is left of its balance (B3)."""
    if balance == 0:
        return SETTLED
    return PARTIALLY_SETTLED if has_live_allocation else PENDING


def title_status(installments: Sequence[tuple[str, bool]]) -> str:
    """Fold (status, has a live allocation) of a title's installments into its status (G.23).

    The title must not be cancelled. Raises ValueError without installments (G.21).
    """
    if not installments:
        raise ValueError("a title has at least one installment")
    if all(status == SETTLED for status, _ in installments):
        return SETTLED
    return PARTIALLY_SETTLED if any(live for _, live in installments) else PENDING
