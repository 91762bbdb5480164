"""The back office: one file per noun; what all pages keep is in `base`, how a status becomes a move in `transitions`.

No rule lives here: a page asks, one service acts.
"""

from django.contrib import admin

from receivables.admin import (
    audit,
    bank_slip,
    cadastros,
    cash_day,
    cash_movement,
    cash_session,
    credit,
    customer,
    divergence,
    export,
    installment,
    known_difference,
    parameters,
    people,
    receipt,
    receipt_print,
    reissue,
    report_pages,
    statement,
    story,
    title,
)

__all__ = [
    "audit",
    "bank_slip",
    "cadastros",
    "cash_day",
    "cash_movement",
    "cash_session",
    "credit",
    "customer",
    "divergence",
    "export",
    "installment",
    "known_difference",
    "parameters",
    "people",
    "receipt",
    "receipt_print",
    "reissue",
    "report_pages",
    "statement",
    "story",
    "title",
]

admin.site.disable_action("delete_selected")
