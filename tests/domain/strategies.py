"""What Hypothesis draws for the rules of the domain: amounts, percents, days, terms and standings."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from receivables.domain.charges import Charges, Standing, Terms
from receivables.domain.money import from_cents


def amounts(*, least: int = 0, most: int = 10**12) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(from_cents)


days = st.dates(date(2000, 1, 1), date(2080, 12, 31))
percents = st.decimals(0, 100, places=4)
terms = st.builds(
    Terms,
    interest_percent=percents,
    interest_per=st.sampled_from(["day", "month30"]),
    fine_percent=percents,
    max_discount_percent=percents,
    allow_partial=st.booleans(),
)
charges = st.builds(Charges, interest=amounts(), fine=amounts(), carried=amounts())


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    due_date = draw(days)
    return Standing(
        balance=draw(amounts(least=1)),
        due_date=due_date,
        interest_from=due_date + timedelta(draw(st.integers(0, 400))),
        fine_charged=draw(st.booleans()),
        carried_charges=draw(amounts(most=10**8)),
    )
