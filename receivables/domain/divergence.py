"""Divergência: how a question about money may end, and which end is proposed (G.15)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from receivables.domain.money import ZERO

APPLIED = "applied"
KEPT = "kept"
REFUNDED = "refunded"
IDENTIFIED = "identified"
ACCEPTED = "accepted"
APPROVED = "approved"
REJECTED = "rejected"
RECORDED = "recorded"
VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Debt:
    """An open installment: what it owes on the day of the look, charges included, in reais."""

    installment_id: int
    due_date: date
    owed: Decimal


@dataclass(frozen=True, slots=True)
class Proposal:
    """The end that is proposed, and for which installment and amount where it applies a credit."""

    outcome: str
    installment_id: int | None = None
    amount: Decimal = ZERO


def propose(*, suspense: Decimal, credit: Decimal, debts: Sequence[Debt]) -> Proposal:
    """Propose how posted money that went elsewhere than a till said comes to rest; amounts in reais.

    Money in suspense is identified first. A credit pays the customer's debt that fell due first, as far as both go;
    without a debt it is kept. Where no money is left to place, the difference is accepted.
    """
    if suspense > ZERO:
        return Proposal(IDENTIFIED, amount=suspense)
    if credit <= ZERO:
        return Proposal(ACCEPTED)
    if not debts:
        return Proposal(KEPT, amount=credit)
    first = min(debts, key=lambda debt: (debt.due_date, debt.installment_id))
    return Proposal(APPLIED, first.installment_id, min(credit, first.owed))


def needs_second_person(*, amount: Decimal | None, limit: Decimal) -> bool:
    """Say whether one person alone may not decide: above the limit, or where nobody knows the amount (G.19)."""
    return amount is None or amount > limit
