"""Divergências: questions about money that is already recorded (G.15); shown here, resolved by their own screens."""

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.filters import filter_in_words
from receivables.admin.tables import chip
from receivables.models import Divergence
from receivables.models.divergence import REASONS


@admin.register(Divergence)
class DivergenceAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("status_chip", "kind", "branch", "customer", "installment", "amount", "opened_at", "owner")
    list_display_links = ("kind",)
    list_filter = ("status", ("reason", filter_in_words(REASONS)), "branch", "opened_at")
    list_select_related = ("branch", "customer", "installment__title", "owner")
    search_fields = ("customer__name", "source", "receipt__number__istartswith")
    fields = (("status_chip", "kind", "branch"), ("customer", "installment", "receipt"), ("amount", "owner"),
              "opened_at", "resolution", "told")  # fmt: skip

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, divergence: Divergence) -> SafeString:
        return chip(divergence.status, divergence.get_status_display())

    @admin.display(description=_("kind"), ordering="reason")
    def kind(self, divergence: Divergence) -> str:
        return str(REASONS.get(divergence.reason, divergence.reason))

    @admin.display(description=_("details"))
    def told(self, divergence: Divergence) -> SafeString:
        return pretty(divergence.details)


def pretty(content: Any) -> SafeString:
    """Lay JSON out for reading."""
    return format_html("<pre>{}</pre>", json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True))
