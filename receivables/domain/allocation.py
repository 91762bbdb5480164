"""Where money goes: charges before principal (G.16, Código Civil art. 354), oldest first (art. 355), tenders (G.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import product
from typing import NamedTuple

from .charges import Charges, Standing
from .money import ZERO


class Allocation(NamedTuple):
    """What one receipt gives one installment, in reais; a discount is no money (G.5)."""

    principal: Decimal
    interest: Decimal
    fine: Decimal
    discount: Decimal

    @property
    def money(self) -> Decimal:
        """Give what was paid in money."""
        return self.principal + self.interest + self.fine

    @property
    def settles(self) -> Decimal:
        """Give what leaves the balance."""
        return self.principal + self.discount


class Imputation(NamedTuple):
    """How an amount received was divided; `excess` found nothing left to pay."""

    allocation: Allocation
    excess: Decimal


class Slice(NamedTuple):
    """The part of one tender that pays one share, both by position from 0."""

    tender: int
    share: int
    amount: Decimal


@dataclass(frozen=True)
class Bill:
    """What closes a balance, in reais: due = balance + interest + fine − discount (domain.md B.3)."""

    balance: Decimal
    interest: Decimal
    fine: Decimal
    discount: Decimal

    @property
    def due(self) -> Decimal:
        """Give what has to be received."""
        return self.balance + self.interest + self.fine - self.discount

    def missing(self, received: Decimal) -> Decimal:
        """Give what would stay open: to be received in part, or granted as a discount (B.4)."""
        return max(self.due - received, ZERO)

    def excess(self, received: Decimal) -> Decimal:
        """Give what becomes the customer's credit (B.5)."""
        return max(received - self.due, ZERO)


def impute(*, received: Decimal, discount: Decimal, standing: Standing, charges: Charges) -> Imputation:
    """Divide reais received: fine, then interest with the carried charges, then principal (G.16, art. 354).

    The discount counts before the principal and is cut to the balance; the excess is the customer's credit.
    Raises ValueError for a negative amount.
    """
    if received < 0 or discount < 0:
        raise ValueError("received and discount must be zero or more")
    fine = min(received, charges.fine)
    interest = min(received - fine, charges.interest_due)
    granted = min(discount, standing.balance)
    principal = min(received - fine - interest, standing.balance - granted)
    allocation = Allocation(principal=principal, interest=interest, fine=fine, discount=granted)
    return Imputation(allocation=allocation, excess=received - allocation.money)


def carried_after(*, charges: Charges, paid: Allocation) -> Decimal:
    """Give the charges left for the next payment, in reais (G.16).

    They are carried only by a payment that did not reach the principal; one that did had them waived.
    """
    if paid.settles > 0:
        return ZERO
    return max(ZERO, charges.total - paid.interest - paid.fine)


def standing_after(*, standing: Standing, charges: Charges, paid: Allocation, on: date, late: bool) -> Standing:
    """Give what is owed after `paid` on `on`; `charges` were due that day, `late` is what `is_late` says (G.16).

    Interest then counts from the later of due date and this payment; the fine of a late payment is taken once.
    """
    balance = standing.balance - paid.settles
    return Standing(
        balance=balance,
        due_date=standing.due_date,
        interest_from=max(standing.interest_from, standing.due_date, on),
        fine_charged=standing.fine_charged or late,
        carried_charges=carried_after(charges=charges, paid=paid) if balance else ZERO,
    )


def spread_tenders(*, tenders: Sequence[Decimal], shares: Sequence[Decimal]) -> list[Slice]:
    """Let tenders pay shares in line order, each filled before the next, to the last cent (G.3).

    Tenders and shares of zero give no slice. Raises ValueError when the sums differ or an amount is negative.
    """
    if sum(tenders) != sum(shares) or any(amount < 0 for amount in (*tenders, *shares)):
        raise ValueError("tenders and shares must be zero or more and add up to the same")
    slices: list[Slice] = []
    unspent, unpaid = list(tenders), list(shares)
    for tender, share in product(range(len(tenders)), range(len(shares))):
        amount = min(unspent[tender], unpaid[share])
        if amount > 0:
            slices.append(Slice(tender=tender, share=share, amount=amount))
            unspent[tender] -= amount
            unpaid[share] -= amount
    return slices


def allocate_over(*, amount: Decimal, dues: Sequence[tuple[Standing, Charges]]) -> tuple[list[Imputation], Decimal]:
    """Pay installments in the given order, charges and principal of each before the next, and give the excess.

    No imputation of the list has an excess of its own. Raises ValueError for a negative amount.
    """
    imputations: list[Imputation] = []
    for standing, charges in dues:
        imputed = impute(received=amount, discount=ZERO, standing=standing, charges=charges)
        imputations.append(Imputation(allocation=imputed.allocation, excess=ZERO))
        amount = imputed.excess
    return imputations, amount


def oldest_first(standings: Sequence[Standing]) -> list[int]:
    """Give the positions by due date: overdue installments are paid first (art. 355), equal dates keep their order."""
    return sorted(range(len(standings)), key=lambda position: standings[position].due_date)
