"""Painel: what is to be received by age, what came in today, what waits; each mark and number leads to its list.

The sums are in `receivables.reports`; here they only get a place on the page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from receivables import reports
from receivables.domain.money import ZERO

AGING_VAR = "aging"
"""Asks for the aging of a ledger in which much is open."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A mark of a chart: where it begins and how long it is, in percent of the whole, as SVG writes numbers."""

    label: Any
    amount: Decimal
    address: str
    start: str = "0"
    length: str = "0"
    tone: str = ""
    count: int | None = None


def panel_of(user: Any, *, asked: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Give the start page's numbers, those of nouns that the person may see; a long aging only where it is asked."""
    today = timezone.localdate()
    panel: dict[str, Any] = {"today": today, "waiting": _waiting(user, today)}
    if user.has_perm("receivables.view_installment"):
        if AGING_VAR in (asked or {}) or not reports.is_aging_long():
            panel["aging"] = _aging(user, today)
        else:
            panel["aging_address"] = f"{reverse('admin:index')}?{AGING_VAR}=1"
    if user.has_perm("receivables.view_receipt"):
        panel["received"] = _received(user, today)
    return panel


def _aging(user: Any, today: date) -> dict[str, Any]:
    aged = reports.aging(user, on=today)
    whole = sum((each.amount for each in aged), ZERO)
    bars, start = [], ZERO
    for each in aged:
        bars.append(
            Bar(
                label=each.band.label, amount=each.amount, count=each.count, tone=each.band.code,
                address=_list("installment", due=each.band.code), start=_percent(start, whole),
                length=_percent(each.amount, whole),
            )
        )  # fmt: skip
        start += each.amount
    overdue = sum((each.amount for each in aged if each.band.is_overdue), ZERO)
    return {
        "bars": bars, "total": whole, "overdue": overdue, "all": _list("installment", due="open"),
        "all_overdue": _list("installment", due="overdue"),
    }  # fmt: skip


def _received(user: Any, today: date) -> dict[str, Any]:
    day = reports.received(user, on=today)
    on_day = _days(today)
    days = reports.received_per_day(user, on=today)
    highest = max((amount for _day, amount in days), default=ZERO)
    return {
        "total": day.total,
        "all": _list("receipt", **on_day),
        "by_method": _bars(day.by_method, lambda key: _list("receipt", method=key, **on_day)),
        "by_branch": _bars(day.by_branch, lambda key: _list("receipt", branch__id__exact=key, **on_day)),
        "days": [_column(place, each, amount, highest, len(days)) for place, (each, amount) in enumerate(days)],
        "is_quiet": not highest,
    }


def _bars(lines: Sequence[reports.Received], address: Any) -> list[Bar]:
    most = max((line.amount for line in lines), default=ZERO)
    return [Bar(line.name, line.amount, address(line.key), length=_percent(line.amount, most)) for line in lines]


def _column(place: int, day: date, amount: Decimal, highest: Decimal, columns: int) -> dict[str, Any]:
    """Place a day among its columns; what came in fills it from below."""
    height = _percent(amount, highest)
    return {
        "day": day, "amount": amount, "address": _list("receipt", **_days(day)),
        "x": _percent(Decimal(place) + Decimal("0.15"), Decimal(columns)),
        "middle": _percent(Decimal(place) + Decimal("0.5"), Decimal(columns)),
        "width": _percent(Decimal("0.7"), Decimal(columns)),
        "y": _percent(highest - amount, highest) if highest else "100", "height": height,
    }  # fmt: skip


def _waiting(user: Any, today: date) -> list[dict[str, Any]]:
    return [_card(question, user, today) for question in _questions(user)]


def _questions(user: Any) -> Iterable[reports.Question]:
    for question in reports.WAITING:
        app, _dot, model = question.noun.partition(".")
        if user.has_perm(f"{app}.view_{model}"):
            yield question


def _card(question: reports.Question, user: Any, today: date) -> dict[str, Any]:
    answer = question.ask(user, on=today)
    address = reverse(f"admin:{question.noun.replace('.', '_')}_changelist")
    return {"question": question, "answer": answer, "address": f"{address}?{urlencode(answer.query)}"}


def _list(noun: str, **query: Any) -> str:
    return f"{reverse(f'admin:receivables_{noun}_changelist')}?{urlencode(query)}"


def _days(day: date) -> dict[str, str]:
    """Filter a list to one day, as its filter of dates does."""
    return {"received_on__gte": day.isoformat(), "received_on__lt": (day + timedelta(1)).isoformat()}


def _percent(part: Decimal, whole: Decimal) -> str:
    return f"{100 * part / whole:.3f}" if whole else "0"
