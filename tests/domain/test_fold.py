"""The status of installments and titles."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.fold import PARTIALLY_SETTLED, PENDING, SETTLED, installment_status, title_status
from receivables.domain.money import ZERO

PAID, PART, OPEN = (SETTLED, True), (PARTIALLY_SETTLED, True), (PENDING, False)


@pytest.mark.parametrize(
    ("installments", "status"),
    [
        ([OPEN], PENDING),
        ([PART], PARTIALLY_SETTLED),
        ([PAID], SETTLED),
        ([OPEN, OPEN], PENDING),
        ([PAID, OPEN], PARTIALLY_SETTLED),
        ([PART, OPEN], PARTIALLY_SETTLED),
        ([PAID, PART], PARTIALLY_SETTLED),
        ([PAID, PAID], SETTLED),
    ],
)
def test_a_title_folds_its_installments(installments: list[tuple[str, bool]], status: str) -> None:
    assert title_status(installments) == status


@given(st.lists(st.sampled_from([PAID, PART, OPEN]), min_size=1))
def test_the_order_of_installments_does_not_matter(installments: list[tuple[str, bool]]) -> None:
    assert title_status(sorted(installments)) == title_status(installments)


def test_a_title_without_installments_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one installment"):
        title_status([])


@pytest.mark.parametrize(
    ("balance", "live", "status"),
    [
        (ZERO, True, SETTLED),
        (Decimal("0.01"), True, PARTIALLY_SETTLED),
        (Decimal("0.01"), False, PENDING),
    ],
)
def test_an_installment_is_settled_exactly_when_its_balance_is_zero(balance: Decimal, live: bool, status: str) -> None:
    assert installment_status(balance=balance, has_live_allocation=live) == status
