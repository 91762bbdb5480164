"""Refolding what is owed from the receipts that still stand agrees with having followed them one by one."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.allocation import impute, standing_after
from receivables.domain.charges import Standing, Terms, is_late, late_charges
from receivables.domain.money import ZERO
from receivables.domain.standing import Past, standing_from
from tests.domain.strategies import amounts, days, terms


@given(amounts(least=1), days, terms, st.lists(st.tuples(amounts(), st.integers(-60, 400)), max_size=6))
def test_the_refold_of_live_receipts_is_what_their_postings_left(
    amount: Decimal, due_date: date, agreed: Terms, payments: list[tuple[Decimal, int]]
) -> None:
    owed = Standing(balance=amount, due_date=due_date, interest_from=due_date, fine_charged=False, carried_charges=ZERO)
    live: list[Past] = []
    for received, after in payments:
        on = due_date + timedelta(after)
        due = late_charges(standing=owed, terms=agreed, on=on)
        late = is_late(standing=owed, on=on)
        given_to = impute(received=received, discount=ZERO, standing=owed, charges=due).allocation
        owed = standing_after(standing=owed, charges=due, paid=given_to, on=on, late=late)
        live.append(Past(allocation=given_to, received_on=on, late=late, carried_charges=owed.carried_charges))
    assert standing_from(amount=amount, due_date=due_date, live=live) == owed
