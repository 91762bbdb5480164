"""Charges: the examples of E.6 and section B, grace days, and what no day may change."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.charges import NO_CHARGES, Charges, Standing, Terms, discount_limit, is_late, late_charges
from receivables.domain.due_dates import payable_until
from receivables.domain.money import ZERO
from tests.domain.strategies import amounts, percents, standings, terms

DUE = date(2026, 10, 5)  # a Monday
CUSTOM = Terms(
    interest_percent=Decimal("1.00"),
    interest_per="month30",
    fine_percent=Decimal("2.00"),
    max_discount_percent=Decimal("5.00"),
    allow_partial=True,
)


def standing(balance: str = "1000.00", *, due_date: date = DUE) -> Standing:
    return Standing(
        balance=Decimal(balance), due_date=due_date, interest_from=due_date, fine_charged=False, carried_charges=ZERO
    )


@pytest.mark.parametrize(
    ("balance", "days", "interest", "fine"),
    [
        ("100.00", 5, "0.17", "2.00"),
        ("100.00", 10, "0.33", "2.00"),
        ("3000.00", 10, "10.00", "60.00"),
        ("500.00", 10, "1.67", "10.00"),
        ("1234.56", 17, "7.00", "24.69"),
        ("1000.00", 30, "10.00", "20.00"),
    ],
)
def test_interest_of_one_percent_a_month_and_a_fine_of_two(balance: str, days: int, interest: str, fine: str) -> None:
    charges = late_charges(standing=standing(balance), terms=CUSTOM, on=DUE + timedelta(days))
    assert charges == Charges(interest=Decimal(interest), fine=Decimal(fine), carried=ZERO)


def test_interest_a_day() -> None:
    a_day = CUSTOM._replace(interest_percent=Decimal("0.033"), interest_per="day")
    assert late_charges(standing=standing(), terms=a_day, on=date(2026, 11, 21)).interest == Decimal("15.51")


def test_on_time_nothing_is_due_above_the_balance() -> None:
    assert late_charges(standing=standing(), terms=CUSTOM, on=DUE) == NO_CHARGES


def test_a_saturday_due_date_is_paid_on_monday_without_charges() -> None:
    saturday = standing(due_date=date(2026, 11, 21))
    assert late_charges(standing=saturday, terms=CUSTOM, on=date(2026, 11, 23)) == NO_CHARGES


def test_after_the_payable_day_days_count_from_the_original_due_date() -> None:
    saturday = standing(due_date=date(2026, 11, 21))
    assert late_charges(standing=saturday, terms=CUSTOM, on=date(2026, 11, 24)).interest == Decimal("1.00")


def test_a_local_holiday_moves_the_payable_day() -> None:
    saturday, tuesday = standing(due_date=date(2026, 11, 21)), date(2026, 11, 24)
    local = frozenset({date(2026, 11, 23)})
    assert is_late(standing=saturday, on=tuesday)
    assert not is_late(standing=saturday, on=tuesday, extra_holidays=local)
    assert late_charges(standing=saturday, terms=CUSTOM, on=tuesday, extra_holidays=local) == NO_CHARGES


def test_interest_counts_from_the_last_part_payment() -> None:
    paid_in_part = standing()._replace(interest_from=DUE + timedelta(20))
    assert late_charges(standing=paid_in_part, terms=CUSTOM, on=DUE + timedelta(30)).interest == Decimal("3.33")


def test_a_receipt_dated_before_the_last_part_payment_has_no_new_interest() -> None:
    paid_in_part = standing()._replace(interest_from=DUE + timedelta(20))
    assert late_charges(standing=paid_in_part, terms=CUSTOM, on=DUE + timedelta(10)).interest == ZERO


def test_the_fine_is_taken_once() -> None:
    fined = standing()._replace(fine_charged=True)
    assert late_charges(standing=fined, terms=CUSTOM, on=DUE + timedelta(30)).fine == ZERO


def test_carried_charges_stay_due_on_every_day() -> None:
    carrying = standing()._replace(carried_charges=Decimal("4.20"))
    assert late_charges(standing=carrying, terms=CUSTOM, on=DUE).total == Decimal("4.20")
    late = late_charges(standing=carrying, terms=CUSTOM, on=DUE + timedelta(30))
    assert (late.interest_due, late.total) == (Decimal("14.20"), Decimal("34.20"))


@given(standings(), terms, st.integers(-30, 2000))
def test_charges_never_fall_with_days(owed: Standing, agreed: Terms, days: int) -> None:
    on = owed.due_date + timedelta(days)
    today = late_charges(standing=owed, terms=agreed, on=on)
    tomorrow = late_charges(standing=owed, terms=agreed, on=on + timedelta(1))
    assert today.total <= tomorrow.total


@given(standings(), terms, st.integers(-30, 0))
def test_nothing_new_is_due_until_the_payable_day(owed: Standing, agreed: Terms, days: int) -> None:
    on = payable_until(owed.due_date) + timedelta(days)
    charges = late_charges(standing=owed, terms=agreed, on=on)
    assert charges == Charges(interest=ZERO, fine=ZERO, carried=owed.carried_charges)


@given(standings(), terms, st.integers(1, 2000))
def test_late_charges_are_within_half_a_cent_of_their_exact_value(owed: Standing, agreed: Terms, days: int) -> None:
    on = payable_until(owed.due_date) + timedelta(days)
    charges = late_charges(standing=owed, terms=agreed, on=on)
    counted = max(0, (on - owed.interest_from).days)
    daily = Fraction(agreed.interest_percent) / (100 if agreed.interest_per == "day" else 3000)
    fine = 0 if owed.fine_charged else Fraction(owed.balance) * Fraction(agreed.fine_percent) / 100
    half_up = Fraction(-1, 200), Fraction(1, 200)
    assert half_up[0] < Fraction(charges.interest) - Fraction(owed.balance) * daily * counted <= half_up[1]
    assert half_up[0] < Fraction(charges.fine) - fine <= half_up[1]


@given(amounts(), percents)
def test_the_discount_limit_is_within_half_a_cent_of_its_percentage(balance: Decimal, percent: Decimal) -> None:
    limit = discount_limit(balance=balance, terms=CUSTOM._replace(max_discount_percent=percent))
    assert Fraction(-1, 200) < Fraction(limit) - Fraction(balance) * Fraction(percent) / 100 <= Fraction(1, 200)
    assert limit <= balance


def test_the_discount_limit_rounds_half_up() -> None:
    assert discount_limit(balance=Decimal("10.10"), terms=CUSTOM) == Decimal("0.51")
