"""The parts of a session's page: its count by means of payment, what is left to be posted, what came later (G.11)."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import written
from receivables.admin.statement import origin_of
from receivables.admin.tables import Table, chip, link
from receivables.models import CashSession
from receivables.services.cash_session_count import (
    CASH_IN,
    CASH_OUT,
    RECEIPTS,
    VOIDS,
    AccountDifference,
    SessionFigures,
)
from receivables.statement import with_origins

MOVEMENTS_SHOWN = 500


def count_table(figures: SessionFigures) -> Table:
    """Set expected against counted of each means of payment, as the closing said it."""
    table = Table(
        _("Cash count"),
        [_("payment method"), _("float"), _("receipts"), _("voids"), _("cash in"), _("cash drops"),
         _("expected amount"), _("counted amount"), _("over or short")],
        _("No means of payment is set up for this branch."),
    )  # fmt: skip
    kinds = (RECEIPTS, VOIDS, CASH_IN, CASH_OUT)
    table.fill(
        [each.method, each.float_amount, *map(each.of, kinds), each.expected, each.counted, each.difference]
        for each in figures.methods
    )
    if not figures.is_counted:
        counted: list[Any] = [None, None]
    else:
        counted = [figures.total("counted"), figures.total("difference")]
    total = [figures.total("float_amount"), *map(figures.total_of, kinds), figures.total("expected"), *counted]
    return table.fill([[capfirst(gettext("total")), *total]])


def later_table(figures: SessionFigures) -> Table:
    """Set what the closing said beside what it is now that later operations are known; nothing is rewritten."""
    table = Table(
        _("What the closing said and what it is now"),
        [_("payment method"), _("expected at the closing"), _("came later from the till"), _("expected now"),
         _("counted amount"), _("difference at the closing"), _("difference now"),
         _("undone later by the back office")],
        _("Nothing was posted after the session was closed."),
    )  # fmt: skip
    columns = ("expected", "late", "expected_now", "counted", "difference", "difference_now", "undone")
    if not (figures.is_counted and any(each.late or each.undone for each in figures.methods)):
        return table
    table.fill([each.method, *(getattr(each, column) for column in columns)] for each in figures.methods)
    return table.fill([[capfirst(gettext("total")), *(figures.total(column) for column in columns)]])


def differences_table(figures: SessionFigures, *, may_post: bool) -> Table:
    """Tell what is left to be posted in each account; a person decides."""
    table = Table(
        _("Difference by account"), [_("short account"), _("difference now"), _("posted"), _("still to post")],
        _("The count agrees with what the accounts were to receive."),
    )  # fmt: skip
    return table.fill(
        [each.account, each.difference, link(each.movement, written(each.movement.amount) if each.movement else None),
         _still(figures.session, each, may_post=may_post)]
        for each in figures.differences()
    )  # fmt: skip


def _still(session: CashSession, each: AccountDifference, *, may_post: bool) -> Any:
    if each.movement is not None:
        return chip("applied", _("Posted")) if not each.still_to_post else each.still_to_post
    if not may_post:
        return each.difference
    address = reverse("admin:receivables_cashsession_post-difference", args=[session.pk])
    query = urlencode({"account": each.account.pk})
    return format_html('{} <a href="{}?{}">{}</a>', written(each.difference), address, query, gettext("Post"))


def pending_table(session: CashSession) -> Table:
    """Tell what the station held when it closed: written into the closing, wherever it is now."""
    table = Table(
        _("Pending at the closing"), [_("operations pending at the station"), _("amount pending at the station")],
        _("Nothing was pending at the station when it closed."),
    )  # fmt: skip
    closing = getattr(session, "closing", None)
    if closing is None or not closing.pending_count:
        return table
    return table.fill([[closing.pending_count, Decimal(closing.pending_amount)]])


def supplements_table(session: CashSession) -> Table:
    """What was posted after the closing, numbered; the closing itself stays as it was said (G.11)."""
    table = Table(
        _("Supplements of the closing"),
        [_("supplement"), _("posted at"), _("cash/bank date"), _("origin"), _("amount"), _("notes")],
        _("Nothing was posted after the session was closed."),
    )
    rows = session.movements.exclude(session_supplement_of=None)
    return table.fill(
        [row.session_supplement_number, row.posted_at, link(row, written(row.cash_date)), origin_of(row), row.amount,
         row.notes]
        for row in with_origins(rows).order_by("session_supplement_number")[:MOVEMENTS_SHOWN]
    )  # fmt: skip


def movements_table(session: CashSession) -> Table:
    table = Table(
        _("Movements of the session"),
        [_("cash/bank date"), _("history code"), _("receipt"), _("amount"), _("supplement"), _("notes")],
        _("Nothing was received in this session."),
    )
    rows = session.movements.select_related("history_code", "receipt").order_by("pk")[:MOVEMENTS_SHOWN]
    return table.fill(
        [link(row, written(row.cash_date)), row.history_code, link(row.receipt), row.amount,
         row.session_supplement_number, row.notes]
        for row in rows
    )  # fmt: skip
