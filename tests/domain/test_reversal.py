"""The decision table of a reversal, the known difference, the reason."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given

from receivables.domain.errors import CashDayNotClosed, ReasonTooLong, ReasonTooShort
from receivables.domain.fold import CANCELLED, PARTIALLY_SETTLED, PENDING, SETTLED
from receivables.domain.money import ZERO
from receivables.domain.reversal import (
    ClosedCashOption,
    ReversalPath,
    checked_reason,
    debits_differ,
    decide_cash_side,
    decide_reversal,
    falls_back_to,
    known_difference,
)
from tests.domain.strategies import amounts

ANY_CASH = list(product([True, False], [True, False], [None, *ClosedCashOption]))


@pytest.mark.parametrize(("control_on", "day_closed", "option"), ANY_CASH)
@pytest.mark.parametrize(
    ("title_status", "path"),
    [
        (PENDING, ReversalPath.REFUSED_NOT_SETTLED),  # C1
        (CANCELLED, ReversalPath.REFUSED_NOT_SETTLED),
        (PARTIALLY_SETTLED, ReversalPath.REFUSED_PARTIAL),  # C2
    ],
)
def test_only_a_settled_title_is_reversed_whatever_its_cash(
    title_status: str, path: ReversalPath, control_on: bool, day_closed: bool, option: ClosedCashOption | None
) -> None:
    decided = decide_reversal(title_status=title_status, control_on=control_on, day_closed=day_closed, option=option)
    assert decided is path


@pytest.mark.parametrize(
    ("control_on", "day_closed", "option", "path"),
    [
        (False, False, None, ReversalPath.OPPOSITE_MOVEMENT),  # C4
        (False, True, None, ReversalPath.OPPOSITE_MOVEMENT),  # C4: not looked at
        (True, False, None, ReversalPath.OPPOSITE_MOVEMENT),  # C5
        (True, True, None, ReversalPath.ASK),  # C6
        (True, True, ClosedCashOption.ACCOUNT_DEBIT, ReversalPath.DEBIT),  # C7, C8
        (True, True, ClosedCashOption.NO_DEBIT, ReversalPath.NO_DEBIT),  # C10
    ],
)
def test_a_settled_title_is_reversed_by_the_state_of_its_cash(
    control_on: bool, day_closed: bool, option: ClosedCashOption | None, path: ReversalPath
) -> None:
    decided = decide_reversal(title_status=SETTLED, control_on=control_on, day_closed=day_closed, option=option)
    assert decided is path
    assert decide_cash_side(control_on=control_on, day_closed=day_closed, option=option) is path


@pytest.mark.parametrize("option", ClosedCashOption)
@pytest.mark.parametrize(("control_on", "day_closed"), [(True, False), (False, True), (False, False)])
def test_an_option_chosen_for_a_cash_that_is_not_closed_any_more_is_refused(
    control_on: bool, day_closed: bool, option: ClosedCashOption
) -> None:
    with pytest.raises(CashDayNotClosed) as refused:
        decide_reversal(title_status=SETTLED, control_on=control_on, day_closed=day_closed, option=option)
    assert refused.value.code == "cash_day_not_closed"


def test_the_known_difference_is_the_settled_amount_less_the_first_debit() -> None:
    assert known_difference(settled_amount=Decimal("100.00"), first_debit=Decimal("97.50")) == Decimal("2.50")


@given(amounts())
def test_without_debit_all_of_the_settled_amount_is_a_known_difference(settled_amount: Decimal) -> None:
    assert known_difference(settled_amount=settled_amount, first_debit=None) == settled_amount


@given(amounts())
def test_a_first_debit_of_the_settled_amount_leaves_no_difference(settled_amount: Decimal) -> None:
    assert known_difference(settled_amount=settled_amount, first_debit=settled_amount) == ZERO


@pytest.mark.parametrize(
    ("debits", "differ"),
    [(["100.00"], False), (["60.00", "40.00"], False), (["100.00", "3.50"], True), (["99.99"], True), ([], True)],
)
def test_debits_that_do_not_add_up_to_the_settled_amount_are_told(debits: list[str], differ: bool) -> None:
    assert debits_differ(settled_amount=Decimal("100.00"), debits=[Decimal(debit) for debit in debits]) is differ


@pytest.mark.parametrize("length", [15, 500])
def test_a_reason_of_15_to_500_characters_is_kept_without_the_blanks_around_it(length: int) -> None:
    assert checked_reason(f" \n{'é' * length}\t ") == "é" * length


@pytest.mark.parametrize(("text", "length"), [(" " * 40, 0), ("  " + "é" * 14 + "  ", 14)])
def test_a_reason_below_15_characters_is_refused(text: str, length: int) -> None:
    with pytest.raises(ReasonTooShort) as refused:
        checked_reason(text)
    assert (refused.value.code, refused.value.facts) == ("reason_too_short", {"length": length})


def test_a_reason_above_500_characters_is_refused() -> None:
    with pytest.raises(ReasonTooLong) as refused:
        checked_reason("x" * 501)
    assert (refused.value.code, refused.value.facts) == ("reason_too_long", {"length": 501})


@pytest.mark.parametrize(
    ("settled", "live", "status"),
    [(True, True, SETTLED), (False, True, PARTIALLY_SETTLED), (False, False, PENDING)],
)
def test_a_reversal_falls_back_to_what_the_earlier_receipts_left(settled: bool, live: bool, status: str) -> None:
    assert falls_back_to(settled=settled, has_live_allocations=live) == status
