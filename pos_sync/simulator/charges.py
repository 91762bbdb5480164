"""The protocol's formula for charges, in integer cents, as a till computes it from its snapshot (G.16, G.17)."""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import Self

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Terms:
    id: str
    interest_percent: Fraction
    interest_per: str
    fine_percent: Fraction
    max_discount_percent: Fraction
    allow_partial: bool


@dataclass(frozen=True, slots=True)
class Charges:
    """What is due beside the balance; interest includes what was carried from before."""

    interest_cents: int = 0
    fine_cents: int = 0
    is_late: bool = False

    @property
    def cents(self) -> int:
        return self.interest_cents + self.fine_cents


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one installment stands: what is still owed, and from when charges count."""

    balance_cents: int
    due_date: date
    interest_from: date
    fine_charged: bool = False
    carried_cents: int = 0

    def after(self, *, settled_cents: int, charges_paid_cents: int, charges: Charges, on: date) -> Self:
        """Return the standing after a payment on that day; one that reached no principal carries the rest (G.16)."""
        return replace(
            self,
            balance_cents=self.balance_cents - settled_cents,
            interest_from=max(self.interest_from, on),
            fine_charged=self.fine_charged or charges.is_late,
            carried_cents=0 if settled_cents else max(0, charges.cents - charges_paid_cents),
        )


def half_up(value: Fraction) -> int:
    """Round a non-negative amount of cents to a whole cent, halves up."""
    return floor(value + Fraction(1, 2))


def next_business_day(day: date, *, holidays: Set[date]) -> date:
    """Return that day, or the first one after it that is neither weekend nor bank holiday."""
    while day.weekday() >= SATURDAY or day in holidays:
        day += timedelta(days=1)
    return day


def charges_due(standing: Standing, *, terms: Terms, holidays: Set[date], on: date) -> Charges:
    """Return interest and fine in cents for a receipt on that day (protocol, GET /snapshot; G.17)."""
    if on <= next_business_day(standing.due_date, holidays=holidays):
        return Charges(interest_cents=standing.carried_cents)
    days = max(0, (on - standing.interest_from).days)
    divisor = 3000 if terms.interest_per == "month30" else 100
    interest = half_up(standing.balance_cents * terms.interest_percent * days / divisor)
    fine = 0 if standing.fine_charged else half_up(standing.balance_cents * terms.fine_percent / 100)
    return Charges(interest_cents=interest + standing.carried_cents, fine_cents=fine, is_late=True)


def discount_limit(*, balance_cents: int, terms: Terms) -> int:
    """Return the largest discount in cents that the terms allow on that balance."""
    return half_up(balance_cents * terms.max_discount_percent / 100)


def impute(received_cents: int, *, charges: Charges, balance_cents: int) -> tuple[int, int, int]:
    """Divide money into principal, interest and fine, in cents: fine first, principal last (G.16, art. 354)."""
    fine = min(received_cents, charges.fine_cents)
    interest = min(received_cents - fine, charges.interest_cents)
    return min(received_cents - fine - interest, balance_cents), interest, fine
