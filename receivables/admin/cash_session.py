"""Sessões de caixa: read-only; what was counted is written down as said (G.11)."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.explain import written
from receivables.admin.statement import origin_of
from receivables.admin.tables import Table, chip, link
from receivables.models import CashSession
from receivables.statement import with_origins

MOVEMENTS_SHOWN = 500


@admin.register(CashSession)
class CashSessionAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("status_chip", "branch", "station", "operator", "opened_at", "closed_at", "float_amount")
    list_display_links = ("station",)
    list_filter = ("status", "branch", "opened_at")
    list_select_related = ("branch",)
    fields = (("branch", "station", "operator", "status_chip"), ("opened_at", "closed_at", "float_amount"))

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, session: CashSession) -> SafeString:
        return chip(session.status, session.get_status_display())

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        return [_counts(row), _supplements(row), _movements(row)]


def _counts(session: CashSession) -> Table:
    table = Table(
        _("Closing"), [_("payment method"), _("method as said"), _("counted amount")],
        _("Nothing was counted yet: the session is closed at its till."),
    )  # fmt: skip
    closing = getattr(session, "closing", None)
    if closing is None:
        return table
    told = [
        [_("Expected amount"), None, closing.expected_amount],
        [_("Operations pending at the station"), None, closing.pending_count],
        [_("Amount pending at the station"), None, closing.pending_amount],
    ]
    counts = closing.counts.select_related("method").order_by("pk")
    return table.fill([*told, *([row.method, row.method_name, row.amount] for row in counts)])


def _supplements(session: CashSession) -> Table:
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


def _movements(session: CashSession) -> Table:
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
