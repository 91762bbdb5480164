"""Recebimentos do período: by branch and means of payment, what they paid, and day by day."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Count, F, QuerySet
from django.utils.translation import gettext as _

from receivables.domain.money import round_half_up
from receivables.figures.sheet import Column, Part, Sheet, added, branch_of, period_of
from receivables.models import Branch, CreditKind, CustomerCredit, Receipt, ReceiptAllocation, ReceiptTender, Reversal
from receivables.reports import of_branches, summed

SPLIT = ("principal", "interest", "fine", "discount")


def received_sheet(user: Any, *, first: date, last: date, branch: Branch | None = None) -> Sheet:
    """Add up the receipts dated in a period, both ends included; later reversals are told apart, not taken off."""

    def rows(model: Any, lookup: str) -> QuerySet:
        dated = {f"{lookup}received_on__range": (first, last)}
        found = of_branches(model.objects.filter(**dated), user, f"{lookup}branch")
        return found if branch is None else found.filter(**{f"{lookup}branch": branch})

    receipts = rows(Receipt, "")
    total = round_half_up(receipts.aggregate(total=summed("amount"))["total"])
    undone = round_half_up(rows(Reversal, "receipt__").aggregate(total=summed("amount"))["total"])
    return Sheet(
        code="received", title=_("Receipts of the period"), about=[period_of(first, last), branch_of(branch)],
        numbers=[(_("Received"), total), (_("Reversed since"), undone), (_("Net of reversals"), total - undone)],
        parts=[
            _by_method(rows(ReceiptTender, "receipt__")),
            _composition(rows(ReceiptAllocation, "receipt__"), rows(CustomerCredit, "receipt__")),
            _by_day(receipts),
        ],
        notes=[_("The date is that of the receipt. Reversals are of these receipts, whenever they were made.")],
    )  # fmt: skip


def _by_method(tenders: QuerySet) -> Part:
    by = {"code": F("receipt__branch__code"), "place": F("receipt__branch__name"), "means": F("method__name")}
    found = tenders.values(**by).annotate(count=Count("receipt", distinct=True), sum=summed("amount"))
    lines = [
        [f"{row['code']} · {row['place']}", row["means"], row["count"], round_half_up(row["sum"])]
        for row in found.order_by("code", "means")
    ]  # fmt: skip
    columns = [
        Column(_("Branch")), Column(_("Means of payment"), width=45), Column(_("Receipts"), "count", 25),
        Column(_("Received"), "amount", 32),
    ]  # fmt: skip
    return _part(_("By branch and means of payment"), columns, lines, total=[_("Total"), "", "", _sum(lines, 3)])


def _composition(allocations: QuerySet, credits: QuerySet) -> Part:
    """Tell what the money of each branch paid; what was above it became credit or is in suspense."""
    by = {"code": F("receipt__branch__code"), "place": F("receipt__branch__name")}
    paid = {
        (row["code"], row["place"]): row
        for row in allocations.values(**by).annotate(**{f"sum_{name}": summed(name) for name in SPLIT}).order_by()
    }  # fmt: skip
    granted = credits.filter(kind=CreditKind.GRANTED, source=None).values(**by).annotate(sum=summed("amount"))
    above = {(row["code"], row["place"]): row["sum"] for row in granted.order_by()}
    lines = []
    for branch in sorted(paid.keys() | above.keys()):
        split = [round_half_up(paid[branch][f"sum_{name}"]) if branch in paid else None for name in SPLIT]
        credit = round_half_up(above[branch]) if branch in above else None
        lines.append([" · ".join(branch), *split, credit, added([*split[:3], credit])])
    columns = [
        Column(_("Branch")),
        *(Column(head, "amount", 23) for head in (_("Principal"), _("Interest"), _("Fine"), _("Discount"))),
        Column(_("Became credit"), "amount", 23), Column(_("Received"), "amount", 24),
    ]  # fmt: skip
    total = [_("Total"), *(_sum(lines, place) for place in range(1, 7))]
    return _part(_("What it paid"), columns, lines, total=total)


def _by_day(receipts: QuerySet) -> Part:
    found = receipts.values("received_on").annotate(count=Count("pk"), sum=summed("amount")).order_by("received_on")
    lines = [[row["received_on"], row["count"], round_half_up(row["sum"])] for row in found]
    columns = [Column(_("Day"), "day"), Column(_("Receipts"), "count", 35), Column(_("Received"), "amount", 40)]
    total = [_("Total"), sum(line[1] for line in lines), _sum(lines, 2)]
    return _part(_("By day"), columns, lines, total=total)


def _part(title: str, columns: Sequence[Column], lines: Sequence[Sequence[Any]], *, total: Sequence[Any]) -> Part:
    empty = _("Nothing was received in this period.")
    return Part(title=title, columns=columns, rows=lines, empty=empty, total=total)


def _sum(lines: Sequence[Sequence[Any]], place: int) -> Any:
    return added(line[place] for line in lines)
