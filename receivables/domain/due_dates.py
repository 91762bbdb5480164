"""The calendar: bank holidays, the day a title is payable until (G.17), months begun (G.6), the till's window (G.9),
the days of a title payable on presentation (S21, S22), how far ahead money may be expected (S36).
"""

from calendar import monthrange
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from functools import cache, lru_cache

from .errors import DateTooFarAhead, DueAfterPresentation, PresentationInParts

HORIZON_DAYS = 30  # H11
PRESENTATION_DAYS = 15  # S21, S22: Carta-Circular 2926/2000, the fator de vencimento of an "à vista" slip
CASH_DAYS_AHEAD = 30  # S36: a bank credits some days after the customer paid, never months

_FIXED = ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (12, 25))
_FROM_EASTER = (-48, -47, -2, 60)  # Carnival Monday and Tuesday, Good Friday, Corpus Christi
_ZUMBI_SINCE = 2024  # Lei 14.759/2023


@cache
def national_bank_holidays(year: int) -> frozenset[date]:
    """Give the days of `year` on which banks are closed in all Brazil, weekends apart (E.6)."""
    fixed = {date(year, month, day) for month, day in _FIXED}
    moving = {_easter(year) + timedelta(days) for days in _FROM_EASTER}
    zumbi = {date(year, 11, 20)} if year >= _ZUMBI_SINCE else set()
    return frozenset(fixed | moving | zumbi)


def _easter(year: int) -> date:
    """Give Easter Sunday by the anonymous Gregorian computus."""
    century, year_of_century = divmod(year, 100)
    moon_shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * (year % 19) + century - century // 4 - moon_shift + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (year_of_century // 4) - epact - year_of_century % 4) % 7
    late = (year % 19 + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def is_business_day(day: date, *, extra: AbstractSet[date] = frozenset()) -> bool:
    """Say whether banks open on `day`; `extra` are local holidays."""
    return day.weekday() < 5 and day not in national_bank_holidays(day.year) and day not in extra


@lru_cache(maxsize=1024)
def payable_until(due_date: date, *, extra: frozenset[date] = frozenset()) -> date:
    """Give the last day on which a title is paid without charges: the first business day from its due date (G.17)."""
    day = due_date
    while not is_business_day(day, extra=extra):
        day += timedelta(1)
    return day


def in_time_since(on: date, *, extra: AbstractSet[date] = frozenset()) -> date:
    """Give the earliest due date that is payable without charges on `on`: what fell due before it is overdue (G.17)."""
    day = on
    while not is_business_day(day - timedelta(1), extra=extra):
        day -= timedelta(1)
    return day


def add_months(day: date, months: int) -> date:
    """Move `day` by calendar months, to the month's last day where that day does not exist (31 Jan → 28 Feb)."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def months_begun(start: date, end: date) -> int:
    """Count the months begun from `start`: the least n with `start` + n calendar months on or after `end` (G.6)."""
    if end <= start:
        return 0
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if add_months(start, months) >= end else months + 1


def till_window(today: date) -> tuple[date, date]:
    """Give today and the last due date that a till carries, both included (G.9, H11)."""
    return today, today + timedelta(HORIZON_DAYS)


def is_in_till_window(due_date: date, *, today: date) -> bool:
    """Say whether a till carries an installment due on `due_date`: overdue or due in the next 30 days (G.9, H11)."""
    return due_date <= till_window(today)[1]


def due_on_presentation(issued_on: date) -> date:
    """Give the day on which a title payable on presentation falls due: 15 days after its issue (S21, S22)."""
    return issued_on + timedelta(PRESENTATION_DAYS)


def check_presentation(*, issued_on: date, due_dates: Sequence[date]) -> None:
    """Refuse a title payable on presentation in parts, or due more than 15 days after its issue (S21, S22).

    Raises PresentationInParts, DueAfterPresentation.
    """
    if len(due_dates) > 1:
        raise PresentationInParts(parts=len(due_dates))
    last = due_on_presentation(issued_on)
    for due_date in due_dates:
        if due_date > last:
            raise DueAfterPresentation(last=last)


def check_cash_date(day: date, *, on: date) -> None:
    """Refuse a Data Cxa/Banco more than 30 days after today, `on`, which is included (S36); raises DateTooFarAhead."""
    last = on + timedelta(CASH_DAYS_AHEAD)
    if day > last:
        raise DateTooFarAhead(field="Data Cxa/Banco", day=day, last=last)
