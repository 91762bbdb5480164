"""What an installment owes, refolded from the receipts that still stand once one was undone (G.1, G.16)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .allocation import Allocation
from .charges import Standing
from .money import ZERO


@dataclass(frozen=True)
class Past:
    """A live receipt's share: what it gave, the day, whether it was late, and the charges it left unpaid."""

    allocation: Allocation
    received_on: date
    late: bool
    carried_charges: Decimal


def standing_from(*, amount: Decimal, due_date: date, live: Sequence[Past]) -> Standing:
    """Fold the live shares, in order of posting, into what is owed, in reais (B3, G.16)."""
    balance = amount - sum((past.allocation.settles for past in live), ZERO)
    return Standing(
        balance=balance,
        due_date=due_date,
        interest_from=max([due_date, *(past.received_on for past in live)]),
        fine_charged=any(past.late for past in live),
        carried_charges=live[-1].carried_charges if live and balance else ZERO,
    )
