"""Installment plans: a total in n monthly parcels (G.21)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .due_dates import add_months
from .errors import PartBelowOneCent, PartsNotPositive
from .money import split_evenly, to_cents


@dataclass(frozen=True)
class Parcel:
    """One installment to be issued, in reais; `number` starts at 1."""

    number: int
    due_date: date
    amount: Decimal


def installment_plan(*, total: Decimal, parts: int, first_due_date: date) -> tuple[Parcel, ...]:
    """Plan monthly parcels in reais that add up to `total`, earlier ones taking the extra cents.

    Each due date is counted from the first, so that 31 January gives 28 February and then 31 March.
    Raises PartsNotPositive, PartBelowOneCent, InexactAmount.
    """
    if parts < 1:
        raise PartsNotPositive(parts=parts)
    if to_cents(total) < parts:
        raise PartBelowOneCent(total=total, parts=parts)
    amounts = split_evenly(total, parts=parts)
    return tuple(
        Parcel(number=position + 1, due_date=add_months(first_due_date, position), amount=amount)
        for position, amount in enumerate(amounts)
    )
