"""Aging by customer and branch on a day: the open balances of now, with all that happened after the day taken back.

What happened counts on the day by which the ledger dates it: issue, receipt, reversal, new collection, cancellation.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from receivables.domain.money import ZERO, round_half_up
from receivables.figures.sheet import Column, Named, Part, Sheet, branch_of, left_out
from receivables.models import (
    BankCollectionReissue,
    Branch,
    Customer,
    Installment,
    ReceiptAllocation,
    Title,
    TitleStatus,
)
from receivables.models.installment import in_time_since
from receivables.reports import BANDS, Band, of_titles, summed

BAND_HEADS = {
    "over-90": gettext_lazy("Late over 90 days"), "61-90": gettext_lazy("Late 61–90 days"),
    "31-60": gettext_lazy("Late 31–60 days"), "1-30": gettext_lazy("Late 1–30 days"),
    "today": gettext_lazy("Due on the day"), "next-7": gettext_lazy("Due in 1–7 days"),
    "next-30": gettext_lazy("Due in 8–30 days"), "later": gettext_lazy("Due later than that"),
}  # fmt: skip

Place = tuple[int, int]
"""A customer and a collecting branch, by their ids."""


@dataclass(frozen=True, slots=True)
class Owing:
    """What was open of an installment on the day, and when it fell due as seen then."""

    place: Place
    due_date: date
    balance: Decimal


def aging_sheet(user: Any, *, on: date, today: date, most: int, branch: Branch | None = None) -> Sheet:
    """Add up what was open on a day by customer, branch and band, the largest debts first, at most `most` lines."""
    bands = _by_place(user, on=on, today=today, branch=branch)
    places = sorted(bands, key=lambda place: (-sum(bands[place]), place))
    columns = [
        Column(_("Customer")), Column(_("Branch"), width=13),
        *(Column(BAND_HEADS[band.code], "amount", 20) for band in BANDS), Column(_("Total"), "amount", 22),
    ]  # fmt: skip
    whole = [sum((bands[place][column] for place in places), ZERO) for column in range(len(BANDS))]
    part = Part(
        title=_("By customer and branch"), columns=columns, empty=_("Nothing was open on this day in your branches."),
        rows=_lines(bands, places[:most]), total=[_("Total"), "", *whole, sum(whole, ZERO)],
    )  # fmt: skip
    overdue = sum((each for band, each in zip(BANDS, whole, strict=True) if band.is_overdue), ZERO)
    total = sum(whole, ZERO)
    return Sheet(
        code="aging", title=_("Aging"), about=[(_("Position on"), f"{on:%d/%m/%Y}"), branch_of(branch)], parts=[part],
        numbers=[(pgettext("amount", "Open"), total), (_("Overdue"), overdue), (_("Not due yet"), total - overdue)],
        notes=[*left_out(most, there_are=len(places)), *_notes(on, today)], is_wide=True,
    )  # fmt: skip


def _notes(on: date, today: date) -> Iterator[str]:
    yield _("Balances without interest and fine. The branch is the collecting one.")
    if on < today:
        yield _("What was received, reversed, cancelled or collected anew after this day is not counted.")
    if on > today:
        yield _("This day is still to come: what is open now, by its age on that day.")


def _lines(bands: dict[Place, list[Decimal]], places: Sequence[Place]) -> list[Sequence[Any]]:
    names = Customer.objects.in_bulk({customer for customer, _branch in places})
    codes = dict(Branch.objects.filter(pk__in={branch for _customer, branch in places}).values_list("pk", "code"))
    return [
        [Named(str(names[place[0]]), "customer", place[0]), codes[place[1]], *(each or None for each in bands[place]),
         sum(bands[place], ZERO)]
        for place in places
    ]  # fmt: skip


# What was open


def _by_place(user: Any, *, on: date, today: date, branch: Branch | None) -> dict[Place, list[Decimal]]:
    """Give, for each customer and branch that owed something, a sum for each band."""
    titles = Title.objects.visible_to(user).filter(issued_on__lte=on)
    if branch is not None:
        titles = titles.filter(collecting_branch=branch)
    rows = of_titles(Installment.objects.all(), titles)
    if on >= today:
        return dict(_still_so(rows.open(), on))
    in_time = in_time_since(on)

    def holds(band: Band, owing: Owing) -> bool:
        return band.holds(owing.due_date, on=on, in_time=in_time)

    changed = _changed_after(on)
    bands = dict(_still_so(rows.open().exclude(changed), on))
    for owing in _as_it_was(rows.filter(changed), on):
        sums = bands.setdefault(owing.place, [ZERO] * len(BANDS))
        sums[next(place for place, band in enumerate(BANDS) if holds(band, owing))] += owing.balance
    return bands


def _still_so(rows: QuerySet, on: date) -> Iterator[tuple[Place, list[Decimal]]]:
    """Add up rows whose balance and due date were on that day what they are now: one statement."""
    in_time = in_time_since(on)
    spans = [band.span("due_date", on=on, in_time=in_time) for band in BANDS]
    asked = {f"band_{place}": summed("balance", filter=span) for place, span in enumerate(spans)}
    by = {"customer": F("title__bill_to"), "branch": F("title__collecting_branch")}
    for row in rows.values(**by).annotate(**asked).order_by():
        yield (row["customer"], row["branch"]), [round_half_up(row[name]) for name in asked]


def _changed_after(on: date) -> Q:
    """Find the installments of which something is dated after a day."""
    morrow = timezone.make_aware(datetime.combine(on + timedelta(1), time.min))
    cancelled = Title.history.filter(status=TitleStatus.CANCELLED).values("id").annotate(at=Min("history_date"))
    later = ReceiptAllocation.objects.filter(
        Q(receipt__received_on__gt=on) | Q(reversal_line__reversal__reversed_on__gt=on)
    )
    anew = BankCollectionReissue.objects.filter(reissued_on__gt=on)
    return (
        Q(pk__in=later.values("installment"))
        | Q(pk__in=anew.values("installment"))
        | Q(title__in=cancelled.filter(at__gte=morrow).values("id"))
    )


def _as_it_was(rows: QuerySet, on: date) -> Iterator[Owing]:
    """Tell what these rows owed on the day, if anything: a constant number of statements."""
    paid, before = _paid_by(rows, on), _before_reissues(rows, on)
    values = rows.values_list("pk", "title__bill_to", "title__collecting_branch", "due_date", "amount")
    for pk, customer, branch, due_now, amount_now in values:
        due_date, amount = before.get(pk, (due_now, amount_now))
        balance = amount - paid.get(pk, ZERO)
        if balance:
            yield Owing(place=(customer, branch), due_date=due_date, balance=balance)


def _paid_by(rows: QuerySet, on: date) -> dict[int, Decimal]:
    """Give what allocations that stood on the day had taken off each row."""
    stood = Q(reversal_line__isnull=True) | Q(reversal_line__reversal__reversed_on__gt=on)
    found = ReceiptAllocation.objects.filter(stood, installment__in=rows.values("pk"), receipt__received_on__lte=on)
    paid: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for pk, principal, discount in found.values_list("installment", "principal", "discount"):
        paid[pk] += principal + discount
    return paid


def _before_reissues(rows: QuerySet, on: date) -> dict[int, tuple[date, Decimal]]:
    """Give due date and amount that the first new collection after the day replaced."""
    found = BankCollectionReissue.objects.filter(installment__in=rows.values("pk"), reissued_on__gt=on).order_by("-pk")
    return {pk: (due, amount) for pk, due, amount in found.values_list("installment", "old_due_date", "old_amount")}
