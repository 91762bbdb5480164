"""Late interest, fine and discount limit of an installment on a day, the same on server and till (G.16, G.17, E.6).

What a payment does to them is in `allocation`; the charges of a new bank collection (G.6) are in `reissue`.
"""

from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from .due_dates import payable_until
from .money import ZERO, round_half_up

_DIVISOR = {"day": 100, "month30": 3000}


class Terms(NamedTuple):
    """What late payment costs, in percent of the balance: interest a day or a month of 30 days, fine once."""

    interest_percent: Decimal
    interest_per: Literal["day", "month30"]
    fine_percent: Decimal
    max_discount_percent: Decimal
    allow_partial: bool


class Standing(NamedTuple):
    """What an installment owes, in reais; `interest_from` is the later of due date and last part payment."""

    balance: Decimal
    due_date: date
    interest_from: date
    fine_charged: bool
    carried_charges: Decimal


class Charges(NamedTuple):
    """What is due above the balance, in reais; `carried` was due at an earlier part payment and left unpaid."""

    interest: Decimal
    fine: Decimal
    carried: Decimal

    @property
    def interest_due(self) -> Decimal:
        """Give what a till receives as interest: new interest and carried charges."""
        return self.interest + self.carried

    @property
    def total(self) -> Decimal:
        """Give all that is due above the balance."""
        return self.interest + self.fine + self.carried


NO_CHARGES = Charges(interest=ZERO, fine=ZERO, carried=ZERO)


def is_late(*, standing: Standing, on: date, extra_holidays: frozenset[date] = frozenset()) -> bool:
    """Say whether a payment on `on` is late: after the first business day from the due date (G.17)."""
    return on > payable_until(standing.due_date, extra=extra_holidays)


def late_charges(
    *, standing: Standing, terms: Terms, on: date, extra_holidays: frozenset[date] = frozenset()
) -> Charges:
    """Compute the charges due on `on`, in reais, each rounded half up once (protocol "Charges", G.16, G.17, E.6).

    Nothing new is due until the first business day from the due date; later, days count from `interest_from`.
    """
    if not is_late(standing=standing, on=on, extra_holidays=extra_holidays):
        return Charges(interest=ZERO, fine=ZERO, carried=standing.carried_charges)
    days = max(0, (on - max(standing.interest_from, standing.due_date)).days)
    interest = round_half_up(standing.balance * terms.interest_percent * days / _DIVISOR[terms.interest_per])
    fine = ZERO if standing.fine_charged else round_half_up(standing.balance * terms.fine_percent / 100)
    return Charges(interest=interest, fine=fine, carried=standing.carried_charges)


def discount_limit(*, balance: Decimal, terms: Terms) -> Decimal:
    """Compute the largest discount that needs no special permission, in reais, rounded half up."""
    return round_half_up(balance * terms.max_discount_percent / 100)
