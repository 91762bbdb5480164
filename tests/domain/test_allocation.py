"""Allocation: imputation, what stays owed, tenders over titles, amounts over installments."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.allocation import (
    Allocation,
    Bill,
    Imputation,
    Slice,
    allocate_over,
    carried_after,
    impute,
    oldest_first,
    spread_tenders,
    standing_after,
)
from receivables.domain.charges import NO_CHARGES, Charges, Standing, Terms, is_late, late_charges
from receivables.domain.fold import PARTIALLY_SETTLED, SETTLED, installment_status
from receivables.domain.money import ZERO
from tests.domain.strategies import amounts, charges, standings, terms

DUE = date(2026, 10, 5)
CHARGES = Charges(interest=Decimal("10.00"), fine=Decimal("20.00"), carried=ZERO)
OWED = Standing(balance=Decimal("1000.00"), due_date=DUE, interest_from=DUE, fine_charged=False, carried_charges=ZERO)


def paid(*, principal: str = "0.00", interest: str = "0.00", fine: str = "0.00", discount: str = "0.00") -> Allocation:
    return Allocation(
        principal=Decimal(principal), interest=Decimal(interest), fine=Decimal(fine), discount=Decimal(discount)
    )


# What closes a balance (B.3-B.5)


BILL = Bill(balance=Decimal("1000.00"), interest=Decimal("10.00"), fine=Decimal("20.00"), discount=Decimal("5.00"))


@pytest.mark.parametrize(
    ("received", "missing", "excess"),
    [("1025.00", "0.00", "0.00"), ("1000.00", "25.00", "0.00"), ("1030.00", "0.00", "5.00")],
)
def test_what_is_received_closes_the_balance_or_leaves_a_part_or_a_credit(
    received: str, missing: str, excess: str
) -> None:
    assert BILL.due == Decimal("1025.00")
    assert (BILL.missing(Decimal(received)), BILL.excess(Decimal(received))) == (Decimal(missing), Decimal(excess))


# Imputation, with the worked examples of section B


def test_total_on_time_settles() -> None:
    imputed = impute(received=Decimal("1000.00"), discount=ZERO, standing=OWED, charges=NO_CHARGES)
    assert imputed == Imputation(allocation=paid(principal="1000.00"), excess=ZERO)


def test_total_late_pays_charges_and_principal() -> None:
    imputed = impute(received=Decimal("1030.00"), discount=ZERO, standing=OWED, charges=CHARGES)
    assert imputed == Imputation(allocation=paid(principal="1000.00", interest="10.00", fine="20.00"), excess=ZERO)


def test_part_late_pays_charges_first_and_leaves_the_rest_open() -> None:
    imputed = impute(received=Decimal("500.00"), discount=ZERO, standing=OWED, charges=CHARGES)
    assert imputed.allocation == paid(principal="470.00", interest="10.00", fine="20.00")
    left = standing_after(standing=OWED, charges=CHARGES, paid=imputed.allocation, on=DUE + timedelta(30), late=True)
    assert left.balance == Decimal("530.00")
    assert installment_status(balance=left.balance, has_live_allocation=True) == PARTIALLY_SETTLED


def test_a_write_off_closes_the_balance_with_a_discount() -> None:
    imputed = impute(received=Decimal("995.00"), discount=Decimal("5.00"), standing=OWED, charges=NO_CHARGES)
    assert imputed == Imputation(allocation=paid(principal="995.00", discount="5.00"), excess=ZERO)
    assert installment_status(balance=OWED.balance - imputed.allocation.settles, has_live_allocation=True) == SETTLED


def test_less_than_the_charges_pays_the_fine_before_interest() -> None:
    imputed = impute(received=Decimal("25.00"), discount=ZERO, standing=OWED, charges=CHARGES)
    assert imputed.allocation == paid(interest="5.00", fine="20.00")


def test_carried_charges_are_paid_inside_interest() -> None:
    carrying = CHARGES._replace(carried=Decimal("7.00"))
    imputed = impute(received=Decimal("100.00"), discount=ZERO, standing=OWED, charges=carrying)
    assert imputed.allocation == paid(principal="63.00", interest="17.00", fine="20.00")


def test_what_is_above_the_amount_due_is_excess() -> None:
    imputed = impute(received=Decimal("1000.00"), discount=Decimal("10.00"), standing=OWED, charges=NO_CHARGES)
    assert imputed == Imputation(allocation=paid(principal="990.00", discount="10.00"), excess=Decimal("10.00"))


def test_a_discount_is_cut_to_the_balance() -> None:
    imputed = impute(received=ZERO, discount=Decimal("1500.00"), standing=OWED, charges=NO_CHARGES)
    assert imputed == Imputation(allocation=paid(discount="1000.00"), excess=ZERO)


@given(amounts(), amounts(), standings(), charges)
def test_an_allocation_never_exceeds_amount_balance_or_charges(
    received: Decimal, discount: Decimal, owed: Standing, due: Charges
) -> None:
    imputed = impute(received=received, discount=discount, standing=owed, charges=due)
    given_to = imputed.allocation
    assert given_to.money + imputed.excess == received
    assert given_to.settles <= owed.balance
    assert given_to.discount <= discount
    assert given_to.fine <= due.fine
    assert given_to.interest <= due.interest_due
    assert min(given_to.principal, given_to.interest, given_to.fine, given_to.discount, imputed.excess) >= 0


@given(amounts(), standings(), charges)
def test_principal_is_paid_only_after_all_charges_and_excess_only_after_all_principal(
    received: Decimal, owed: Standing, due: Charges
) -> None:
    imputed = impute(received=received, discount=ZERO, standing=owed, charges=due)
    if imputed.allocation.principal:
        assert imputed.allocation.interest + imputed.allocation.fine == due.total
    if imputed.excess:
        assert imputed.allocation.principal == owed.balance


@pytest.mark.parametrize(("received", "discount"), [("-0.01", "0.00"), ("0.00", "-0.01")])
def test_a_negative_amount_is_a_mistake_of_the_caller(received: str, discount: str) -> None:
    with pytest.raises(ValueError, match="zero or more"):
        impute(received=Decimal(received), discount=Decimal(discount), standing=OWED, charges=CHARGES)


# What stays owed


def test_charges_above_the_payment_are_carried() -> None:
    assert carried_after(charges=CHARGES, paid=paid(interest="5.00", fine="20.00")) == Decimal("5.00")


def test_charges_are_waived_by_a_payment_of_principal() -> None:
    assert carried_after(charges=CHARGES, paid=paid(principal="100.00")) == ZERO


def test_charges_are_waived_by_a_discount() -> None:
    assert carried_after(charges=CHARGES, paid=paid(interest="5.00", discount="1.00")) == ZERO


def test_charges_paid_above_what_was_due_carry_nothing() -> None:
    assert carried_after(charges=CHARGES, paid=paid(interest="40.00")) == ZERO


def test_a_late_part_payment_takes_the_fine_and_moves_the_first_day_of_interest() -> None:
    on = DUE + timedelta(30)
    left = standing_after(standing=OWED, charges=CHARGES, paid=paid(interest="5.00", fine="20.00"), on=on, late=True)
    assert left == Standing(
        balance=Decimal("1000.00"), due_date=DUE, interest_from=on, fine_charged=True, carried_charges=Decimal("5.00")
    )


def test_an_early_part_payment_leaves_interest_to_count_from_the_due_date() -> None:
    early = DUE - timedelta(10)
    left = standing_after(standing=OWED, charges=NO_CHARGES, paid=paid(principal="1.00"), on=early, late=False)
    assert (left.interest_from, left.fine_charged) == (DUE, False)


def test_a_part_payment_on_the_payable_day_moves_the_first_day_of_interest_without_a_fine() -> None:
    saturday, monday = date(2026, 11, 21), date(2026, 11, 23)
    owed = OWED._replace(due_date=saturday, interest_from=saturday)
    left = standing_after(standing=owed, charges=NO_CHARGES, paid=paid(principal="1.00"), on=monday, late=False)
    assert (left.interest_from, left.fine_charged) == (monday, False)


def test_the_first_day_of_interest_never_goes_back() -> None:
    owed = OWED._replace(interest_from=DUE + timedelta(20))
    left = standing_after(
        standing=owed, charges=CHARGES, paid=paid(principal="1.00"), on=DUE + timedelta(10), late=True
    )
    assert left.interest_from == DUE + timedelta(20)


def test_a_settled_installment_carries_nothing() -> None:
    left = standing_after(
        standing=OWED._replace(balance=ZERO), charges=CHARGES, paid=paid(interest="1.00"), on=DUE, late=True
    )
    assert left.carried_charges == ZERO


@given(standings(), terms, amounts(), st.integers(-10, 400))
def test_a_part_payment_lowers_what_is_due_that_day_by_what_was_paid(
    owed: Standing, agreed: Terms, received: Decimal, days: int
) -> None:
    on = owed.interest_from + timedelta(days)
    due = late_charges(standing=owed, terms=agreed, on=on)
    given_to = impute(received=received, discount=ZERO, standing=owed, charges=due).allocation
    late = is_late(standing=owed, on=on)
    left = standing_after(standing=owed, charges=due, paid=given_to, on=on, late=late)
    due_again = late_charges(standing=left, terms=agreed, on=on)
    assert left.balance + due_again.total == owed.balance + due.total - given_to.money


# Tenders over titles


def test_tenders_fill_titles_in_line_order() -> None:
    slices = spread_tenders(
        tenders=[Decimal("50.00"), Decimal("30.00")], shares=[Decimal("20.00"), Decimal("40.00"), Decimal("20.00")]
    )
    assert slices == [
        Slice(tender=0, share=0, amount=Decimal("20.00")),
        Slice(tender=0, share=1, amount=Decimal("30.00")),
        Slice(tender=1, share=1, amount=Decimal("10.00")),
        Slice(tender=1, share=2, amount=Decimal("20.00")),
    ]


@st.composite
def tenders_and_shares(draw: st.DrawFn) -> tuple[list[Decimal], list[Decimal]]:
    tenders = draw(st.lists(amounts(most=10**6), min_size=1, max_size=8))
    cuts = draw(st.lists(st.decimals(0, sum(tenders, ZERO), places=2), max_size=8))
    edges = [ZERO, *sorted(cuts), sum(tenders, ZERO)]
    return tenders, [after - before for before, after in pairwise(edges)]


@given(tenders_and_shares())
def test_no_cent_is_lost_between_tenders_and_titles(case: tuple[list[Decimal], list[Decimal]]) -> None:
    tenders, shares = case
    slices = spread_tenders(tenders=tenders, shares=shares)
    for position, tender in enumerate(tenders):
        assert sum((piece.amount for piece in slices if piece.tender == position), ZERO) == tender
    for position, share in enumerate(shares):
        assert sum((piece.amount for piece in slices if piece.share == position), ZERO) == share


@given(tenders_and_shares())
def test_there_is_one_slice_at_most_of_a_tender_and_a_title_and_each_holds_money(
    case: tuple[list[Decimal], list[Decimal]],
) -> None:
    tenders, shares = case
    slices = spread_tenders(tenders=tenders, shares=shares)
    order = [(piece.tender, piece.share) for piece in slices]
    assert order == sorted(set(order))
    assert all(piece.amount > 0 for piece in slices)


@pytest.mark.parametrize(
    ("tenders", "shares"), [(["10.00"], ["9.99"]), (["10.00"], ["11.00", "-1.00"]), (["11.00", "-1.00"], ["10.00"])]
)
def test_tenders_and_shares_that_do_not_match_are_a_mistake_of_the_caller(
    tenders: list[str], shares: list[str]
) -> None:
    with pytest.raises(ValueError, match="add up to the same"):
        spread_tenders(tenders=[Decimal(each) for each in tenders], shares=[Decimal(each) for each in shares])


# An amount over installments


def test_an_amount_pays_one_installment_wholly_before_the_next() -> None:
    second = OWED._replace(balance=Decimal("100.00"))
    imputations, excess = allocate_over(
        amount=Decimal("1080.00"), dues=[(OWED, CHARGES), (second, NO_CHARGES), (second, NO_CHARGES)]
    )
    assert [imputed.allocation for imputed in imputations] == [
        paid(principal="1000.00", interest="10.00", fine="20.00"),
        paid(principal="50.00"),
        paid(),
    ]
    assert excess == ZERO


@given(amounts(), st.lists(st.tuples(standings(), charges), max_size=6))
def test_an_amount_over_installments_adds_up(amount: Decimal, dues: list[tuple[Standing, Charges]]) -> None:
    imputations, excess = allocate_over(amount=amount, dues=dues)
    assert len(imputations) == len(dues)
    assert sum((imputed.allocation.money + imputed.excess for imputed in imputations), excess) == amount
    if excess:
        assert all(
            imputed.allocation.settles == owed.balance for imputed, (owed, _) in zip(imputations, dues, strict=True)
        )


def test_the_oldest_due_date_comes_first_and_equal_dates_keep_their_order() -> None:
    due_dates = [date(2026, 12, 1), date(2026, 10, 5), date(2026, 11, 1), date(2026, 10, 5)]
    assert oldest_first([OWED._replace(due_date=due_date) for due_date in due_dates]) == [1, 3, 2, 0]
