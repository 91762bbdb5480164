"""Sessões de caixa: read-only; what was counted is written down as said (G.11)."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.explain import written
from receivables.admin.tables import Table, chip, link
from receivables.models import CashSession


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
        return [_counts(row), _movements(row)]


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


def _movements(session: CashSession) -> Table:
    table = Table(
        _("Movements of the session"), [_("cash/bank date"), _("history code"), _("receipt"), _("amount"), _("notes")],
        _("Nothing was received in this session."),
    )  # fmt: skip
    rows = session.movements.select_related("history_code", "receipt").order_by("pk")[:500]
    return table.fill(
        [link(row, written(row.cash_date)), row.history_code, link(row.receipt), row.amount, row.notes] for row in rows
    )
