"""The arithmetic of Nova Cobrança Bancária: interest a day and fine a month on the original amount (S49-S55, G.6).

Late charges of an ordinary receipt are in `charges`.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .due_dates import months_begun
from .errors import InexactPercent, NewDueDateBeforeToday, PercentNegative, PercentTooLarge
from .money import ZERO, round_half_up

CUSTOMARY_INTEREST_PER_DAY = Decimal("0.0334")
CUSTOMARY_FINE_PER_MONTH = Decimal("2.00")
MOST_PERCENT = Decimal(100)
PERCENT_PLACES = 4


@dataclass(frozen=True)
class ReissueTotals:
    """What the dialogue shows before Confirmar: days and months late, and reais."""

    days_late: int
    months_late: int
    interest: Decimal
    fine: Decimal
    total: Decimal


def reissue_totals(
    *,
    original_amount: Decimal,
    due_date: date,
    new_due_date: date,
    interest_percent_per_day: Decimal,
    fine_percent_per_month: Decimal,
    apply_charges: bool,
) -> ReissueTotals:
    """Compute the new total in reais from the installment's original amount (S49-S55, G.6).

    Days run from the present to the new due date, 0 when not positive; months are months begun; percents are of the
    original amount. Unticked, the total is the original amount. Raises PercentNegative, PercentTooLarge,
    InexactPercent.
    """
    _refuse_odd(interest_percent_per_day=interest_percent_per_day, fine_percent_per_month=fine_percent_per_month)
    days = max(0, (new_due_date - due_date).days)
    months = months_begun(due_date, new_due_date)
    interest = round_half_up(original_amount * interest_percent_per_day * days / 100) if apply_charges else ZERO
    fine = round_half_up(original_amount * fine_percent_per_month * months / 100) if apply_charges else ZERO
    return ReissueTotals(
        days_late=days, months_late=months, interest=interest, fine=fine, total=original_amount + interest + fine
    )


def _refuse_odd(**percents: Decimal) -> None:
    """Refuse what no contract asks and what the log could not keep as it was entered."""
    for field, percent in percents.items():
        if percent < 0:
            raise PercentNegative(field=field)
        if percent > MOST_PERCENT:
            raise PercentTooLarge(field=field, most=MOST_PERCENT)
        if round(percent, PERCENT_PLACES) != percent:
            raise InexactPercent(field=field, places=PERCENT_PLACES)


def checked_due_date(new_due_date: date, *, on: date) -> date:
    """Give the new due date; raises NewDueDateBeforeToday when it is before `on`, which itself is allowed (S46)."""
    if new_due_date < on:
        raise NewDueDateBeforeToday(day=new_due_date)
    return new_due_date


def exceeds_custom(*, interest_percent_per_day: Decimal, fine_percent_per_month: Decimal) -> bool:
    """Say whether the percents ask for an explicit confirmation: above 0.0334 a day or 2 a month (G.6)."""
    return interest_percent_per_day > CUSTOMARY_INTEREST_PER_DAY or fine_percent_per_month > CUSTOMARY_FINE_PER_MONTH
