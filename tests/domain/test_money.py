"""Money: cents, rounding, splitting, Brazilian notation."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.errors import AmountTooLarge, InexactAmount, InvalidAmount, PartsNotPositive
from receivables.domain.money import (
    LARGEST,
    ZERO,
    format_brl,
    from_cents,
    parse_brl,
    round_half_up,
    split_by_weights,
    split_evenly,
    to_cents,
)
from tests.domain.strategies import amounts

cents = st.integers(-(10**12), 10**12)


@given(cents)
def test_cents_come_back_as_they_went(number: int) -> None:
    assert to_cents(from_cents(number)) == number


def test_cents_become_reais_with_two_places() -> None:
    assert str(from_cents(100)) == "1.00"


@pytest.mark.parametrize("amount", ["0.001", "1.999", "NaN", "sNaN", "Infinity", "-Infinity", "1E-30"])
def test_what_is_no_whole_number_of_cents_is_refused(amount: str) -> None:
    with pytest.raises(InexactAmount) as refused:
        to_cents(Decimal(amount))
    assert refused.value.code == "inexact_amount"


def test_trailing_zeros_are_no_fractions_of_a_cent() -> None:
    assert to_cents(Decimal("1.2300")) == 123


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("0.005", "0.01"),
        ("0.0049999", "0.00"),
        ("0.015", "0.02"),
        ("0.025", "0.03"),
        ("2.675", "2.68"),
        ("-0.005", "-0.01"),
        ("-0.004", "0.00"),
        ("7", "7.00"),
    ],
)
def test_half_a_cent_goes_away_from_zero(value: str, rounded: str) -> None:
    assert str(round_half_up(Decimal(value))) == rounded


@given(st.decimals(-(10**9), 10**9, places=6))
def test_rounding_moves_an_amount_by_half_a_cent_at_most(value: Decimal) -> None:
    rounded = round_half_up(value)
    assert abs(rounded - value) <= Decimal("0.005")
    assert to_cents(rounded) is not None


@given(cents, st.integers(1, 60))
def test_even_parts_add_up_and_differ_by_a_cent_at_most(total: int, parts: int) -> None:
    split = [to_cents(part) for part in split_evenly(from_cents(total), parts=parts)]
    assert len(split) == parts
    assert sum(split) == total
    assert max(split) - min(split) <= 1


def test_earlier_parts_take_the_extra_cents() -> None:
    assert split_evenly(Decimal("100.00"), parts=3) == [Decimal("33.34"), Decimal("33.33"), Decimal("33.33")]
    assert split_evenly(Decimal("-0.05"), parts=3) == [Decimal("-0.02"), Decimal("-0.02"), Decimal("-0.01")]


@pytest.mark.parametrize("parts", [0, -1])
def test_there_is_no_split_into_fewer_than_one_part(parts: int) -> None:
    with pytest.raises(PartsNotPositive) as refused:
        split_evenly(Decimal("1.00"), parts=parts)
    assert refused.value.code == "parts_not_positive"


def test_a_total_with_fractions_of_a_cent_is_not_split() -> None:
    with pytest.raises(InexactAmount):
        split_evenly(Decimal("1.001"), parts=1)


@given(cents, st.lists(amounts(), min_size=1, max_size=20).filter(any))
def test_weighted_parts_add_up_and_stay_within_a_cent_of_their_exact_part(total: int, weights: list[Decimal]) -> None:
    split = [to_cents(part) for part in split_by_weights(from_cents(total), weights)]
    whole = to_cents(sum(weights, ZERO))
    assert sum(split) == total
    assert all(
        abs(part * whole - total * to_cents(weight)) < whole for part, weight in zip(split, weights, strict=True)
    )


@given(cents, st.integers(1, 20))
def test_equal_weights_split_evenly(total: int, parts: int) -> None:
    amount = from_cents(total)
    assert split_by_weights(amount, [Decimal(7)] * parts) == split_evenly(amount, parts=parts)


def test_the_largest_remainder_takes_the_extra_cent() -> None:
    shares = split_by_weights(Decimal("0.10"), [Decimal(1), Decimal(1), Decimal(4)])
    assert shares == [Decimal("0.02"), Decimal("0.02"), Decimal("0.06")]
    shares = split_by_weights(Decimal("1.00"), [Decimal("0.2"), Decimal("0.3"), Decimal("0.1")])
    assert shares == [Decimal("0.33"), Decimal("0.50"), Decimal("0.17")]


def test_a_weight_of_zero_takes_nothing() -> None:
    assert split_by_weights(Decimal("0.05"), [Decimal(0), Decimal(1), Decimal(1)])[0] == ZERO


@pytest.mark.parametrize("weights", [[], [Decimal(0)], [Decimal(2), Decimal(-1)]])
def test_weights_that_share_nothing_are_a_mistake_of_the_caller(weights: list[Decimal]) -> None:
    with pytest.raises(ValueError, match="weights must be zero or more"):
        split_by_weights(Decimal("1.00"), weights)


@given(cents)
def test_an_amount_written_the_brazilian_way_is_read_back(number: int) -> None:
    amount = from_cents(number)
    assert parse_brl(format_brl(amount)) == amount
    assert parse_brl(f"R$ {format_brl(amount)}") == amount


@given(st.text(alphabet="0123456789.,-R$ ", max_size=16))
def test_what_is_read_is_a_whole_number_of_cents(text: str) -> None:
    try:
        amount = parse_brl(text)
    except (InvalidAmount, AmountTooLarge):
        return
    digits = "".join(character for character in text if character.isdigit()).lstrip("0")
    assert str(abs(to_cents(amount))).rstrip("0") == digits.rstrip("0") or amount == 0
    assert amount.as_tuple().exponent == -2


def test_the_largest_amount_is_read_and_a_cent_more_is_refused() -> None:
    assert parse_brl("10.000.000.000,00") == LARGEST
    with pytest.raises(AmountTooLarge) as refused:
        parse_brl("10.000.000.000,01")
    assert refused.value.code == "amount_too_large"


def test_a_very_long_number_is_refused_as_too_large() -> None:
    with pytest.raises(AmountTooLarge):
        parse_brl("9" * 10_000)


@pytest.mark.parametrize("text", ["１２", "٣", "1\u200b2", "12\n34", "\u22125,00"])
def test_only_plain_digits_and_signs_are_read(text: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        parse_brl(text)
    assert refused.value.code == "invalid_amount"


def test_a_screen_never_rounds() -> None:
    with pytest.raises(InexactAmount):
        format_brl(Decimal("1.005"))
