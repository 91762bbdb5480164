"""What is expected of a day that is counted, and what may clear a difference (G.4, G.11)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.cash_day import check_clearing, expected_by_method
from receivables.domain.errors import AmountAboveDifference

CENTS = st.integers(-100_000, 100_000).map(lambda cents: Decimal(cents) / 100)


def test_the_balance_carried_in_lies_in_the_drawer_in_cash():
    expected = expected_by_method(
        moved={"cash": Decimal("30.00"), "card": Decimal("5.00")}, usual=frozenset(), opening=Decimal("100.00")
    )
    assert expected == {"cash": Decimal("130.00"), "card": Decimal("5.00")}


def test_an_account_without_a_drawer_expects_what_moved():
    assert expected_by_method(moved={"pix": Decimal("5.00")}, usual=frozenset(), opening=None) == {
        "pix": Decimal("5.00")
    }


def test_a_usual_means_that_did_not_move_is_expected_to_be_nothing():
    assert expected_by_method(moved={}, usual=frozenset({"pix"}), opening=None) == {"pix": Decimal("0.00")}


@given(moved=st.dictionaries(st.sampled_from(["cash", "pix", "card"]), CENTS), opening=CENTS)
def test_what_is_expected_adds_up_to_the_balance(moved, opening):
    expected = expected_by_method(moved=moved, usual=frozenset({"pix"}), opening=opening)
    assert sum(expected.values()) == opening + sum(moved.values(), Decimal(0))


@pytest.mark.parametrize(("posted", "needed"), [("-10.00", "-10.00"), ("-0.01", "-10.00"), ("4.00", "4.01")])
def test_a_movement_may_clear_all_of_a_difference_or_a_part(posted, needed):
    check_clearing(posted=Decimal(posted), needed=Decimal(needed))


@pytest.mark.parametrize(
    ("posted", "needed", "remaining"), [("-10.01", "-10.00", "10.00"), ("1.00", "-10.00", "0.00"), ("1.00", "0", "0")]
)
def test_a_movement_that_goes_past_it_is_told_what_remains(posted, needed, remaining):
    with pytest.raises(AmountAboveDifference) as refusal:
        check_clearing(posted=Decimal(posted), needed=Decimal(needed))
    assert refusal.value.facts["remaining"] == Decimal(remaining)
