"""Amounts in reais: cents, half-up rounding (E.6), splitting without losing a cent, Brazilian notation.

Which charges are due is in `charges`; how a payment is divided is in `allocation`.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from .errors import AmountTooLarge, InexactAmount, InvalidAmount, PartsNotPositive

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
LARGEST = Decimal("10000000000.00")  # 10^12 cents, the largest amount that a till may send

_BRL = re.compile(
    r"(?P<minus>-)?\s*(?:R\$\s*)?(?P<inner_minus>-)?"
    r"(?P<reais>[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,(?P<cents>[0-9]{1,2}))?"
)


def round_half_up(value: Decimal) -> Decimal:
    """Round an amount in reais to two places, a half cent away from zero (E.6); never gives a negative zero."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP) + ZERO


def from_cents(cents: int) -> Decimal:
    """Turn integer cents into reais with two places."""
    return Decimal(cents).scaleb(-2)


def to_cents(amount: Decimal) -> int:
    """Turn reais into integer cents; raises InexactAmount for fractions of a cent, NaN and infinity."""
    if not amount.is_finite():
        raise InexactAmount(amount=amount)
    numerator, denominator = amount.as_integer_ratio()
    cents, rest = divmod(numerator * 100, denominator)
    if rest:
        raise InexactAmount(amount=amount)
    return cents


def split_evenly(total: Decimal, *, parts: int) -> list[Decimal]:
    """Split reais into equal parts that add up to `total`, the earlier ones taking the extra cents.

    Raises PartsNotPositive and InexactAmount.
    """
    if parts < 1:
        raise PartsNotPositive(parts=parts)
    cents = to_cents(total)
    share, extra = divmod(abs(cents), parts)
    sign = -1 if cents < 0 else 1
    return [from_cents(sign * (share + (position < extra))) for position in range(parts)]


def split_by_weights(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Split reais in proportion to `weights` by largest remainder, the earlier of equal remainders first.

    The shares add up to `total`, each is less than a cent from its exact part and a weight of zero takes nothing.
    Raises ValueError for a negative weight or weights without a sum, InexactAmount.
    """
    whole = sum(map(Fraction, weights), Fraction())
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be zero or more, and not all zero")
    cents = to_cents(total)
    exact = [abs(cents) * Fraction(weight) / whole for weight in weights]
    shares = [int(part) for part in exact]
    by_remainder = sorted(range(len(exact)), key=lambda position: shares[position] - exact[position])
    for position in by_remainder[: abs(cents) - sum(shares)]:
        shares[position] += 1
    return [from_cents(-share if cents < 0 else share) for share in shares]


def parse_brl(text: str) -> Decimal:
    """Read reais as Brazilians write them: `1.234,56`, `1234,5`, `1234`, with `R$` and a minus if wanted.

    Raises InvalidAmount for anything ambiguous (`1,234.56`, `100.00`) or not a number, AmountTooLarge.
    """
    match = _BRL.fullmatch(text.strip())
    if match is None or (match["minus"] and match["inner_minus"]):
        raise InvalidAmount(text=text)
    amount = Decimal(f"{match['reais'].replace('.', '')}.{match['cents'] or 0}")
    if amount > LARGEST:
        raise AmountTooLarge(amount=text.strip(), most=format_brl(LARGEST))
    is_negative = match["minus"] or match["inner_minus"]
    return (-amount if is_negative else amount).quantize(CENT)


def format_brl(amount: Decimal) -> str:
    """Write reais as `1.234,56`; raises InexactAmount rather than rounding on a screen."""
    cents = to_cents(amount)
    reais, rest = divmod(abs(cents), 100)
    grouped = f"{reais:,}".replace(",", ".")
    return f"{'-' if cents < 0 else ''}{grouped},{rest:02d}"
