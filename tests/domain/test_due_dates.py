"""The calendar: bank holidays, the payable day, months, the till's window, Contra Apresentação, Data Cxa/Banco."""

from datetime import date, timedelta

import holidays
import pytest
from dateutil.easter import easter
from hypothesis import given
from hypothesis import strategies as st

from receivables.domain.due_dates import (
    add_months,
    check_cash_date,
    check_presentation,
    due_on_presentation,
    in_time_since,
    is_business_day,
    is_in_till_window,
    months_begun,
    national_bank_holidays,
    payable_until,
    till_window,
)
from receivables.domain.errors import DateTooFarAhead, DueAfterPresentation, PresentationInParts
from tests.domain.strategies import days


@pytest.mark.parametrize("year", range(1995, 2100))
def test_bank_holidays_are_the_public_ones_with_carnival_and_corpus_christi(year: int) -> None:
    bank_only = {easter(year) + timedelta(days) for days in (-48, -47, 60)}
    assert national_bank_holidays(year) == set(holidays.country_holidays("BR", years=year)) | bank_only


@pytest.mark.parametrize("year", range(1600, 2600, 100))
def test_moving_holidays_follow_easter_in_every_century(year: int) -> None:
    for each in range(year, year + 100):
        moving = {easter(each) + timedelta(days) for days in (-48, -47, -2, 60)}
        assert moving <= national_bank_holidays(each)


@pytest.mark.parametrize(
    ("due_date", "until"),
    [
        (date(2026, 11, 19), date(2026, 11, 19)),  # a Thursday
        (date(2026, 11, 20), date(2026, 11, 23)),  # Zumbi, a Friday
        (date(2026, 11, 21), date(2026, 11, 23)),  # a Saturday
        (date(2026, 11, 22), date(2026, 11, 23)),
        (date(2026, 2, 14), date(2026, 2, 18)),  # the Saturday before Carnival
        (date(2026, 6, 4), date(2026, 6, 5)),  # Corpus Christi
        (date(2026, 4, 3), date(2026, 4, 6)),  # Good Friday
        (date(2026, 12, 31), date(2026, 12, 31)),  # banks settle, though they receive no public
        (date(2027, 1, 1), date(2027, 1, 4)),
    ],
)
def test_a_due_date_on_a_weekend_or_bank_holiday_is_payable_on_the_next_business_day(
    due_date: date, until: date
) -> None:
    assert payable_until(due_date) == until


def test_a_local_holiday_counts_where_it_is_given() -> None:
    local = frozenset({date(2026, 11, 23)})
    assert payable_until(date(2026, 11, 21), extra=local) == date(2026, 11, 24)


@given(days, st.frozensets(days, max_size=3))
def test_the_payable_day_is_the_first_business_day_from_the_due_date(due_date: date, local: frozenset[date]) -> None:
    until = payable_until(due_date, extra=local)
    assert is_business_day(until, extra=local)
    skipped = [due_date + timedelta(days) for days in range((until - due_date).days)]
    assert not any(is_business_day(day, extra=local) for day in skipped)


@pytest.mark.parametrize(
    ("day", "months", "moved"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2028, 1, 30), 1, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 10), -13, date(2024, 12, 10)),
    ],
)
def test_months_end_at_the_last_day_they_have(day: date, months: int, moved: date) -> None:
    assert add_months(day, months) == moved


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2026, 10, 5), date(2026, 11, 21), 2),  # the example of G.6
        (date(2026, 10, 5), date(2026, 11, 5), 1),
        (date(2026, 10, 5), date(2026, 11, 6), 2),
        (date(2026, 10, 5), date(2026, 10, 6), 1),
        (date(2026, 1, 31), date(2026, 2, 28), 1),
        (date(2026, 1, 31), date(2026, 3, 1), 2),
        (date(2026, 10, 5), date(2026, 10, 5), 0),
        (date(2026, 10, 5), date(2026, 9, 1), 0),
    ],
)
def test_months_begun(start: date, end: date, months: int) -> None:
    assert months_begun(start, end) == months


@given(days, st.integers(1, 4000))
def test_months_begun_is_the_least_number_of_months_that_reaches_the_end(start: date, later: int) -> None:
    end = start + timedelta(later)
    months = months_begun(start, end)
    assert add_months(start, months - 1) < end <= add_months(start, months)


def test_the_window_ends_thirty_days_from_today() -> None:
    assert till_window(date(2026, 11, 21)) == (date(2026, 11, 21), date(2026, 12, 21))


@pytest.mark.parametrize(
    ("due_date", "carried"),
    [
        (date(2019, 1, 1), True),
        (date(2026, 11, 20), True),
        (date(2026, 11, 21), True),
        (date(2026, 12, 21), True),
        (date(2026, 12, 22), False),
    ],
)
def test_a_till_carries_what_is_overdue_or_due_in_thirty_days(due_date: date, carried: bool) -> None:
    assert is_in_till_window(due_date, today=date(2026, 11, 21)) is carried


# Overdue (G.17)


@given(days, days)
def test_what_is_due_since_then_is_still_payable_and_nothing_before(due_date: date, on: date) -> None:
    assert (due_date >= in_time_since(on)) == (payable_until(due_date) >= on)


def test_on_a_monday_what_fell_due_at_the_weekend_is_in_time() -> None:
    assert in_time_since(date(2026, 11, 30)) == date(2026, 11, 28)
    assert in_time_since(date(2026, 12, 1)) == date(2026, 12, 1)


def test_a_local_holiday_gives_time_as_well() -> None:
    assert in_time_since(date(2026, 12, 2), extra={date(2026, 12, 1)}) == date(2026, 12, 1)


# Contra Apresentação (S21, S22)


def test_on_presentation_a_title_falls_due_15_days_after_its_issue() -> None:
    assert due_on_presentation(date(2026, 12, 20)) == date(2027, 1, 4)


@given(days, st.integers(0, 15))
def test_any_day_until_then_is_a_due_date(issued_on: date, later: int) -> None:
    check_presentation(issued_on=issued_on, due_dates=[issued_on + timedelta(later)])


@given(days)
def test_the_sixteenth_day_is_refused_naming_the_last(issued_on: date) -> None:
    with pytest.raises(DueAfterPresentation) as refusal:
        check_presentation(issued_on=issued_on, due_dates=[issued_on + timedelta(16)])
    assert refusal.value.facts == {"last": issued_on + timedelta(15)}


def test_on_presentation_there_is_one_installment() -> None:
    with pytest.raises(PresentationInParts):
        check_presentation(issued_on=date(2026, 11, 21), due_dates=[date(2026, 11, 22)] * 2)


# Data Cxa/Banco (S36)


def test_money_may_be_expected_thirty_days_ahead_and_not_later() -> None:
    today = date(2026, 11, 21)
    check_cash_date(date(2026, 12, 21), on=today)
    check_cash_date(date(2020, 1, 1), on=today)
    with pytest.raises(DateTooFarAhead) as refusal:
        check_cash_date(date(2026, 12, 22), on=today)
    assert refusal.value.facts == {
        "field": "Data Cxa/Banco", "day": date(2026, 12, 22), "last": date(2026, 12, 21),
    }  # fmt: skip
