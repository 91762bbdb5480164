"""Diferença conhecida: who answers for what a closed-cash reversal left in an account (S86, G.4).

The difference itself is the `ClosedCashReversal`; what clears it are linked movements.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from receivables.models.audited import AppendOnlyModel
from receivables.models.receipt import ClosedCashReversal


class KnownDifferenceAssignment(AppendOnlyModel):
    """That a person was made responsible for a known difference; the newest assignment stands."""

    record = models.ForeignKey(
        ClosedCashReversal, models.PROTECT, related_name="assignments", verbose_name=_("known cash difference")
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("owner"))
    notes = models.CharField(_("notes"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("assignment of a known difference")
        verbose_name_plural = _("assignments of known differences")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.record} · {self.owner}"
