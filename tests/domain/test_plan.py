"""Installment plans: parts, month ends, remainders."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.due_dates import add_months
from receivables.domain.errors import InexactAmount, PartBelowOneCent, PartsNotPositive
from receivables.domain.money import ZERO
from receivables.domain.plan import Parcel, installment_plan
from tests.domain.strategies import amounts, days


def test_a_plan_over_month_ends_keeps_the_day_of_the_first_due_date() -> None:
    assert installment_plan(total=Decimal("100.00"), parts=3, first_due_date=date(2026, 1, 31)) == (
        Parcel(number=1, due_date=date(2026, 1, 31), amount=Decimal("33.34")),
        Parcel(number=2, due_date=date(2026, 2, 28), amount=Decimal("33.33")),
        Parcel(number=3, due_date=date(2026, 3, 31), amount=Decimal("33.33")),
    )


@given(amounts(least=60), st.integers(1, 60), days)
def test_parcels_add_up_and_fall_due_monthly(total: Decimal, parts: int, first: date) -> None:
    plan = installment_plan(total=total, parts=parts, first_due_date=first)
    assert sum((parcel.amount for parcel in plan), ZERO) == total
    assert all(parcel.amount > 0 for parcel in plan)
    assert [parcel.number for parcel in plan] == list(range(1, parts + 1))
    assert [parcel.due_date for parcel in plan] == [add_months(first, months) for months in range(parts)]


@pytest.mark.parametrize("parts", [0, -3])
def test_a_plan_has_one_part_at_least(parts: int) -> None:
    with pytest.raises(PartsNotPositive) as refused:
        installment_plan(total=Decimal("10.00"), parts=parts, first_due_date=date(2026, 1, 31))
    assert refused.value.code == "parts_not_positive"


@pytest.mark.parametrize(("total", "parts"), [("0.02", 3), ("0.00", 1), ("-1.00", 1)])
def test_no_part_is_below_one_cent(total: str, parts: int) -> None:
    with pytest.raises(PartBelowOneCent) as refused:
        installment_plan(total=Decimal(total), parts=parts, first_due_date=date(2026, 1, 31))
    assert refused.value.code == "part_below_one_cent"


def test_a_total_with_fractions_of_a_cent_has_no_plan() -> None:
    with pytest.raises(InexactAmount):
        installment_plan(total=Decimal("10.001"), parts=2, first_due_date=date(2026, 1, 31))
