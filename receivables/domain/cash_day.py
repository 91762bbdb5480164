"""What a day of an account should amount to when it is counted, and what may clear a difference (G.4, G.11).

Which movements there are, and who may count or clear, is not decided here.
"""

from collections.abc import Mapping
from decimal import Decimal

from .errors import AmountAboveDifference
from .money import ZERO

CASH, OTHER, CREDIT = "cash", "outros", "customer_credit"


def expected_by_method(
    *, moved: Mapping[str, Decimal], usual: frozenset[str], opening: Decimal | None
) -> dict[str, Decimal]:
    """Give what is expected of each means of payment, in reais: what the day moved of it.

    `usual` are the means that go to the account and are asked for even when nothing moved. Where a drawer is counted,
    `opening` is the balance carried into the day: it lies there in cash.
    """
    expected = {code: moved.get(code, ZERO) for code in usual | moved.keys()}
    if opening is not None:
        expected[CASH] = expected.get(CASH, ZERO) + opening
    return expected


def check_clearing(*, posted: Decimal, needed: Decimal) -> None:
    """Let a signed movement bring a difference towards zero, never past it; `needed` is the movement that ends it.

    Raises AmountAboveDifference naming what remains, which is nothing in the other direction.
    """
    remaining = abs(needed) if (posted > 0) == (needed > 0) else ZERO
    if abs(posted) > remaining:
        raise AmountAboveDifference(amount=abs(posted), remaining=remaining)
