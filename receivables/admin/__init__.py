"""The back office: one file per noun; what all pages keep is in `base`, how a status becomes a move in `transitions`.

No rule lives here: a page asks, one service acts.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from receivables.admin import (
    bank_slip,
    cadastros,
    cash_day,
    cash_movement,
    cash_session,
    credit,
    customer,
    divergence,
    installment,
    parameters,
    people,
    receipt,
    title,
)

__all__ = [
    "bank_slip",
    "cadastros",
    "cash_day",
    "cash_movement",
    "cash_session",
    "credit",
    "customer",
    "divergence",
    "installment",
    "parameters",
    "people",
    "receipt",
    "title",
]

admin.site.site_header = "Quita"
admin.site.site_title = "Quita"
admin.site.index_title = _("Accounts receivable")
admin.site.enable_nav_sidebar = True
admin.site.disable_action("delete_selected")
