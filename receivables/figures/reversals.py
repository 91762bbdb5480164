"""Estornos do período: what was undone, when, by whom, why, and what it left in cash and banks (G.1, G.4)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from receivables.domain.money import round_half_up
from receivables.figures.sheet import Column, Named, Part, Sheet, branch_of, left_out, period_of
from receivables.models import Branch, ClosedCashReversal, Reversal, ReversalKind
from receivables.reports import MONEY, of_branches, summed


def reversals_sheet(user: Any, *, first: date, last: date, most: int, branch: Branch | None = None) -> Sheet:
    """Tell the reversals dated in a period, both ends included, of the user's branches."""
    rows = of_branches(Reversal.objects.filter(reversed_on__range=(first, last)), user, "receipt__branch")
    if branch is not None:
        rows = rows.filter(receipt__branch=branch)
    rows = rows.annotate(debit=_of_cash("first_debit_amount"), difference=_of_cash("known_difference"))
    kinds = _kinds(rows)
    columns = [
        Column(_("Date"), "day", 18), Column(_("Reversal"), width=15), Column(_("Receipt"), width=20),
        Column(_("Title"), width=23), Column(_("Customer"), width=36), Column(_("Branch"), width=12),
        Column(_("kind"), width=28), Column(_("Amount"), "amount", 19), Column(_("Debit"), "amount", 19),
        Column(_("Known difference"), "amount", 19), Column(_("Responsible"), width=20), Column(_("Reason")),
    ]  # fmt: skip
    total = [_("Total"), *[""] * 6, *(sum(line[place] for line in kinds) for place in (2, 3, 4)), "", ""]
    return Sheet(
        code="reversals", title=_("Reversals of the period"), about=[period_of(first, last), branch_of(branch)],
        parts=[
            _kinds_part(kinds),
            Part(title=_("Each reversal"), columns=columns, rows=[_line(row) for row in _ordered(rows)[:most]],
                 empty=_("Nothing was reversed in this period."), total=total),
        ],
        notes=left_out(most, there_are=sum(line[1] for line in kinds)),
        is_wide=True,
    )  # fmt: skip


def _of_cash(column: str) -> Subquery:
    """Add up a column of what a reversal wrote about closed accounts, of which a share may have several."""
    rows = ClosedCashReversal.objects.filter(reversal=OuterRef("pk")).order_by().values("reversal")
    return Subquery(rows.annotate(sum=summed(column)).values("sum"), output_field=MONEY)


def _kinds(rows: QuerySet) -> list[list[Any]]:
    found = rows.values("kind").annotate(
        count=Count("pk"), sum=summed("amount"), debits=summed("debit"), differences=summed("difference")
    ).order_by("kind")  # fmt: skip
    return [
        [str(ReversalKind(row["kind"]).label), row["count"],
         *(round_half_up(row[name]) for name in ("sum", "debits", "differences"))]
        for row in found
    ]  # fmt: skip


def _kinds_part(kinds: Sequence[Sequence[Any]]) -> Part:
    columns = [
        Column(_("kind")), Column(_("Reversals"), "count", 26), Column(_("Amount"), "amount", 34),
        Column(_("Debit"), "amount", 34), Column(_("Known difference"), "amount", 34),
    ]  # fmt: skip
    total = [_("Total"), *(sum(line[place] for line in kinds) for place in range(1, 5))]
    empty = _("Nothing was reversed in this period.")
    return Part(title=_("By kind"), columns=columns, rows=kinds, empty=empty, total=total)


def _ordered(rows: QuerySet) -> QuerySet:
    return rows.select_related("receipt__customer", "receipt__branch", "title__bill_to").order_by("reversed_on", "pk")


def _line(row: Any) -> list[Any]:
    customer = row.title.bill_to if row.title else row.receipt.customer
    return [
        row.reversed_on, Named(f"{row.pk:06d}", "reversal", row.pk),
        Named(row.receipt.label, "receipt", row.receipt_id),
        Named(row.title.document_number, "title", row.title_id) if row.title else "", customer.name if customer else "",
        row.receipt.branch.code, row.get_kind_display(), row.amount, row.debit, row.difference, row.actor, row.reason,
    ]  # fmt: skip
