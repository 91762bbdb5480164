"""Nova Cobrança: the example of E.6, months begun, what the box unticked gives."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.errors import PercentNegative
from receivables.domain.money import ZERO
from receivables.domain.reissue import ReissueTotals, exceeds_custom, reissue_totals
from tests.domain.strategies import amounts, days

DUE, NEW_DUE = date(2026, 10, 5), date(2026, 11, 21)
daily = st.decimals(0, 1, places=4)
monthly = st.decimals(0, 100, places=2)


def totals(*, new_due_date: date = NEW_DUE, apply_charges: bool = True, fine: str = "2") -> ReissueTotals:
    return reissue_totals(
        original_amount=Decimal("1000.00"),
        due_date=DUE,
        new_due_date=new_due_date,
        interest_percent_per_day=Decimal("0.033"),
        fine_percent_per_month=Decimal(fine),
        apply_charges=apply_charges,
    )


def test_47_days_and_two_months_begun_on_a_thousand_reais() -> None:
    assert totals() == ReissueTotals(
        days_late=47, months_late=2, interest=Decimal("15.51"), fine=Decimal("40.00"), total=Decimal("1055.51")
    )


def test_up_to_a_whole_month_the_fine_is_of_one_month() -> None:
    assert totals(new_due_date=date(2026, 11, 5)).fine == Decimal("20.00")


def test_unticked_the_total_is_the_original_amount_and_the_days_are_still_shown() -> None:
    assert totals(apply_charges=False) == ReissueTotals(
        days_late=47, months_late=2, interest=ZERO, fine=ZERO, total=Decimal("1000.00")
    )


@pytest.mark.parametrize("new_due_date", [DUE, DUE - timedelta(10)])
def test_a_new_due_date_that_is_not_later_costs_nothing(new_due_date: date) -> None:
    assert totals(new_due_date=new_due_date) == ReissueTotals(
        days_late=0, months_late=0, interest=ZERO, fine=ZERO, total=Decimal("1000.00")
    )


def test_each_charge_is_rounded_half_up_once() -> None:
    dialogue = reissue_totals(
        original_amount=Decimal("10.10"),
        due_date=DUE,
        new_due_date=DUE + timedelta(5),
        interest_percent_per_day=Decimal("0.01"),  # 0.00505
        fine_percent_per_month=Decimal("0.05"),  # 0.00505
        apply_charges=True,
    )
    assert (dialogue.interest, dialogue.fine) == (Decimal("0.01"), Decimal("0.01"))


@given(amounts(least=1), days, st.integers(1, 2000), daily, monthly)
def test_a_later_due_date_never_costs_less(
    amount: Decimal, due_date: date, later: int, interest: Decimal, fine: Decimal
) -> None:
    sooner, next_day = (
        reissue_totals(
            original_amount=amount,
            due_date=due_date,
            new_due_date=due_date + timedelta(after),
            interest_percent_per_day=interest,
            fine_percent_per_month=fine,
            apply_charges=True,
        )
        for after in (later, later + 1)
    )
    assert amount <= sooner.total <= next_day.total
    assert sooner.total == amount + sooner.interest + sooner.fine


def test_a_negative_percentage_is_refused_by_name() -> None:
    with pytest.raises(PercentNegative) as refused:
        totals(fine="-0.01")
    assert (refused.value.code, refused.value.facts) == ("percent_negative", {"field": "fine_percent_per_month"})


@pytest.mark.parametrize(
    ("interest", "fine", "exceeds"),
    [("0.0334", "2", False), ("0.0335", "2", True), ("0.0334", "2.01", True), ("0", "0", False)],
)
def test_percentages_above_the_custom_ask_for_confirmation(interest: str, fine: str, exceeds: bool) -> None:
    asked = exceeds_custom(interest_percent_per_day=Decimal(interest), fine_percent_per_month=Decimal(fine))
    assert asked is exceeds
