"""Estornar on a partly settled title: one part at a time, the newest first (S6, S60, C2, G.1)."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import explain
from receivables.admin.reversal import ReversalForm
from receivables.domain.errors import NewerReceiptFirst
from receivables.models import Receipt
from receivables.services.reversal import newest_live_receipt


class ReversePartForm(ReversalForm):
    """Liquidação parcial, estorno: the newest live receipt of the title goes first (S6, S60, G.1)."""

    confirm = _("Save the reversal of this part")

    receipt_id = forms.IntegerField(widget=forms.HiddenInput)

    def _receipt(self) -> Receipt | None:
        """Give the receipt to undo: the one named, else the newest; out of order is the service's to refuse."""
        newest = newest_live_receipt(title_id=self.row.pk)
        live = Receipt.objects.filter(allocations__title=self.row, allocations__reversal_line=None)
        asked = str((self.data or self.query).get("receipt_id", ""))
        named_one = live.filter(pk=asked).first() if asked.isdecimal() else None
        self.fields["receipt_id"].initial = (named_one or newest or Receipt()).pk
        return named_one or newest

    @property
    def out_of_order(self) -> str:
        """Name the receipt to undo first, where another was asked for."""
        newest = newest_live_receipt(title_id=self.row.pk)
        if newest is None or newest == self.receipt:
            return ""
        return explain(NewerReceiptFirst(receipt=newest.label))

    def values(self) -> dict[str, Any]:
        return {**super().values(), "receipt_id": self.cleaned_data["receipt_id"]}
