"""Caixa do dia as a report: the figures of `statement.day_figures`, postings, closings and differences (G.4, G.11).

Where the account is counted blind, nothing is told of a day that nobody counted yet (G.13).
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from receivables.domain.money import ZERO, round_half_up
from receivables.figures.sheet import Column, Named, Part, Sheet, left_out
from receivables.models import CashDay, CashMovement, ClosedCashReversal, LedgerAccount
from receivables.reports import summed, with_open_difference
from receivables.services.cash_day_count import counts_blind
from receivables.statement import DayFigures, Line, MethodFigures, day_figures


def cash_day_sheet(*, account: LedgerAccount, day: date, most: int) -> Sheet:
    """Tell what an account had, took and gave on a day, and whether its closing agrees; at most `most` postings."""
    figures = day_figures(account, day)
    is_hidden = counts_blind(account) and not figures.is_closed and not _was_counted(figures.cash_day)
    about = [
        (_("Account"), str(account)), (_("Branch"), str(account.branch)), (_("Day"), f"{day:%d/%m/%Y}"),
        (_("Status"), pgettext("cash day", "Closed") if figures.is_closed else _("Not closed")),
    ]  # fmt: skip
    sheet = Sheet(code="cash-day", title=_("Cash of the day"), about=about, parts=[], is_wide=True)
    if is_hidden:
        sheet.notes = [_("This account is counted blind: its figures appear once the day was counted.")]
        return sheet
    sheet.numbers = [
        (_("Opening balance"), figures.opening), (_("Credits"), figures.moved.credits),
        (_("Debits"), figures.moved.debits), (_("Closing balance"), figures.balance),
    ]  # fmt: skip
    sheet.parts = [
        _methods(figures), _postings(figures, most), _closings(figures.cash_day), _differences(account, day),
    ]  # fmt: skip
    there_are = CashMovement.objects.filter(account=account, cash_date=day).count()
    sheet.notes = left_out(most, there_are=there_are)
    return sheet


def _was_counted(cash_day: CashDay | None) -> bool:
    return cash_day is not None and cash_day.counts.exists()


def _methods(figures: DayFigures) -> Part:
    columns = [
        Column(_("Means of payment")), Column(_("Opening balance"), "amount", 32), Column(_("Credits"), "amount", 32),
        Column(_("Debits"), "amount", 32), Column(_("Expected"), "amount", 32), Column(_("Counted"), "amount", 32),
        Column(_("Over or short"), "amount", 32),
    ]  # fmt: skip
    rows = [_method(each) for each in figures.methods if _says_something(each)]
    total = [_("Total"), *(_sum(rows, place) for place in range(1, 7))]
    empty = _("Nothing was posted on this day.")
    return Part(title=_("By means of payment"), columns=columns, rows=rows, empty=empty, total=total)


def _says_something(each: MethodFigures) -> bool:
    return bool(each.opening or each.moved.credits or each.moved.debits or each.counted)


def _method(each: MethodFigures) -> list[Any]:
    moved = each.moved
    return [each.method.name, each.opening, moved.credits, moved.debits, each.expected, each.counted, each.difference]


def _sum(rows: Sequence[Sequence[Any]], place: int) -> Decimal | None:
    """Add up a column; where nothing was said, as where nothing was counted, there is no sum either."""
    said = [row[place] for row in rows if row[place] is not None]
    return sum(said, ZERO) if said else None


def _postings(figures: DayFigures, most: int) -> Part:
    columns = [
        Column(_("Posted at"), "moment", 27), Column(_("History")), Column(_("Means"), width=24),
        Column(_("Receipt"), width=20), Column(_("Title"), width=26), Column(_("Responsible"), width=26),
        Column(_("Supplement"), "count", 18), Column(_("Credit"), "amount", 23), Column(_("Debit"), "amount", 23),
        Column(_("Balance"), "amount", 25),
    ]  # fmt: skip
    return Part(
        title=_("Postings of the day"), columns=columns, empty=_("Nothing was posted on this day."),
        rows=[_posting(line) for line in islice(figures.lines(), most)],
        total=[_("Total of the day"), *[""] * 6, figures.moved.credits, figures.moved.debits, figures.balance],
    )  # fmt: skip


def _posting(line: Line) -> list[Any]:
    row = line.movement
    return [
        row.posted_at, " · ".join(part for part in (row.history_code.name, row.notes) if part),
        row.tender.method.name if row.tender else "",
        Named(row.receipt.label, "receipt", row.receipt.pk) if row.receipt else "",
        Named(row.title.document_number, "title", row.title.pk) if row.title else "", row.actor,
        row.supplement_number, row.amount if row.amount > 0 else None, row.amount if row.amount < 0 else None,
        line.balance,
    ]  # fmt: skip


def _closings(cash_day: CashDay | None) -> Part:
    columns = [
        Column(_("Closed at"), "moment", 27), Column(_("Closed by"), width=26),
        Column(_("Opening balance"), "amount", 26), Column(_("Credits"), "amount", 25),
        Column(_("Debits"), "amount", 25), Column(_("Closing balance"), "amount", 26),
        Column(_("Counted"), "amount", 25), Column(_("Supplements"), "amount", 25), Column(_("Reopened because")),
    ]  # fmt: skip
    rows = _closing_lines(cash_day) if cash_day else []
    return Part(title=_("Closings"), columns=columns, rows=rows, empty=_("No closing was made of this day."))


def _closing_lines(cash_day: CashDay) -> list[list[Any]]:
    supplements = dict(
        cash_day.closings.filter(supplements__isnull=False).order_by().annotate(sum=summed("supplements__amount"))
        .values_list("pk", "sum")
    )  # fmt: skip
    return [
        [row.posted_at, row.actor, row.opening_balance, row.credits, row.debits, row.opening_balance + row.total,
         row.counted_amount, round_half_up(supplements[row.pk]) if row.pk in supplements else None,
         row.reopening.reason if hasattr(row, "reopening") else ""]
        for row in cash_day.closings.select_related("reopening").order_by("pk")
    ]  # fmt: skip


def _differences(account: LedgerAccount, day: date) -> Part:
    columns = [
        Column(_("Reversed on"), "day", 22), Column(_("Receipt"), width=24), Column(_("Title"), width=30),
        Column(_("Settled amount"), "amount", 30), Column(_("First debit"), "amount", 30),
        Column(_("Known difference"), "amount", 32), Column(_("Still open"), "amount", 28), Column(_("Reason")),
    ]  # fmt: skip
    about = ClosedCashReversal.objects.filter(account=account, liquidation_date=day)
    rows: Any = with_open_difference(about).select_related("reversal__receipt", "reversal__title").order_by("pk")
    lines = [
        [row.reversal.reversed_on, Named(row.reversal.receipt.label, "receipt", row.reversal.receipt_id),
         row.reversal.title.document_number if row.reversal.title else "", row.settled_amount,
         row.first_debit_amount, row.known_difference, round_half_up(row.open_difference), row.reason]
        for row in rows
    ]  # fmt: skip
    empty = _("No receipt of this day was reversed with its cash closed.")
    return Part(title=_("Known differences"), columns=columns, rows=lines, empty=empty)
