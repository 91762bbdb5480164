"""Amounts in Portuguese words, as a receipt says them."""

from decimal import Decimal

import pytest
from hypothesis import assume, given

from receivables.domain.errors import InexactAmount
from receivables.domain.in_words import reais_in_words
from tests.domain.strategies import amounts


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "zero reais"),
        ("0.01", "um centavo"),
        ("1", "um real"),
        ("1.50", "um real e cinquenta centavos"),
        ("21", "vinte e um reais"),
        ("100", "cem reais"),
        ("101", "cento e um reais"),
        ("199.99", "cento e noventa e nove reais e noventa e nove centavos"),
        ("1000", "mil reais"),
        ("1030", "mil e trinta reais"),
        ("1100", "mil e cem reais"),
        ("1234", "mil, duzentos e trinta e quatro reais"),
        ("2001", "dois mil e um reais"),
        ("1000000", "um milhão de reais"),
        ("2000001.02", "dois milhões e um reais e dois centavos"),
        ("1200000", "um milhão e duzentos mil reais"),
        ("1234567.89",
         "um milhão, duzentos e trinta e quatro mil, quinhentos e sessenta e sete reais e oitenta e nove centavos"),
        ("10000000000", "dez bilhões de reais"),
    ],
)  # fmt: skip
def test_an_amount_is_said_as_brazilians_say_it(amount, words):
    assert reais_in_words(Decimal(amount)) == words


@given(amounts(), amounts())
def test_two_amounts_are_never_said_alike(one, other):
    assume(one != other)
    assert reais_in_words(one) != reais_in_words(other)


def test_a_fraction_of_a_cent_has_no_words():
    with pytest.raises(InexactAmount) as refusal:
        reais_in_words(Decimal("1.005"))
    assert refusal.value.code == "inexact_amount"


@pytest.mark.parametrize("amount", ["-0.01", "1000000000000000"])
def test_what_is_negative_or_beyond_trillions_has_no_words(amount):
    with pytest.raises(ValueError, match="no words"):
        reais_in_words(Decimal(amount))
