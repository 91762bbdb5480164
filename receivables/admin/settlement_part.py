"""Liquidação parcial: a part of one installment, how it divides, the parts so far and their reversal (B, G.1, G.16)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import reais, written
from receivables.admin.forms import show_broken
from receivables.admin.settlement import SettleForm
from receivables.admin.tables import Table
from receivables.admin.title_tables import parts_table
from receivables.admin.transitions import Line
from receivables.domain.allocation import Allocation, impute
from receivables.domain.charges import Charges
from receivables.domain.errors import AmountAboveBalance
from receivables.domain.money import ZERO, format_brl
from receivables.models import Installment, Receipt, Title
from receivables.services import access
from receivables.services.settlement import Quote


class SettlePartForm(SettleForm):
    """Liquidação parcial: a part of one installment, charges first (art. 354), beside the parts so far."""

    confirmations = ()
    calculated_from: ClassVar[Sequence[str]] = ("installment", *SettleForm.calculated_from)
    field_order: Any = ("installment", "received_on", "cash_date", "received", "interest", "fine", "discount", "method",
                   "account", "history_code", "document_type", "reference", "reason", "notes")  # fmt: skip

    installment = forms.TypedChoiceField(label=_("installment"), coerce=int)

    def _quotes(self) -> list[Quote]:
        """Give the chosen installment; the others are choices."""
        found = super()._quotes()
        field = self.fields["installment"]
        field.choices = [(each.installment.pk, _part_told(each)) for each in found]
        chosen = [each for each in found if str(each.installment.pk) == self._asked()] or found[:1]
        field.initial = chosen[0].installment.pk if chosen else None
        if len(found) == 1:
            field.widget = forms.HiddenInput()
        return chosen

    def _asked(self) -> str | None:
        return (self.data or self.query).get("installment")

    @property
    def confirm(self) -> str:  # type: ignore[override]
        if self.to_receive is None:
            return gettext("Settle this part")
        return gettext("Settle this part of %(amount)s") % {"amount": reais(self.to_receive)}

    def _judge_excess(self, cleaned: dict[str, Any]) -> None:
        """A part may be at most what its installment owes; the service refuses more, a calculation tells it."""
        if self.is_calculating and self.quotes and self.bill.excess(cleaned["received"]):
            amount, row = cleaned["received"] + self.bill.discount, self.quotes[0].installment
            owed = self.bill.due + self.bill.discount
            show_broken(self, AmountAboveBalance(installment=str(row), amount=amount, balance=owed))

    def what_is(self) -> Sequence[Line]:
        label = self.quotes[0].installment.label if self.quotes else "—"
        return [
            (_("Customer"), self.row.bill_to),
            (_("Received so far"), reais(self.row.received_amount)),
            (_("Installment"), label),
            *self._owed(),
        ]

    def what_will_be(self) -> Sequence[Line]:
        if not self.quotes or not self.to_receive:
            return [(_("Order"), _("Interest and fine first, then principal."))]
        taken, balance = self._split(self.quotes[0].installment, self.to_receive)
        closes = not balance and self.row.installments.filter(balance__gt=0).count() == 1
        return [
            (_("Status"), _("Fully settled title") if closes else _("Partially settled title")),
            (_("Interest and fine"), f"{reais(taken.interest)} + {reais(taken.fine)}"),
            (_("Principal"), reais(taken.principal)),
            (_("Discount"), reais(taken.discount)),
            (_("Balance of the installment"), reais(balance)),
            (_("Order"), _("Interest and fine first, then principal.")),
        ]

    def _split(self, row: Installment, received: Decimal) -> tuple[Allocation, Decimal]:
        """Give how a part divides, and the balance that it leaves (G.16, art. 354)."""
        charges = Charges(interest=self.bill.interest, fine=self.bill.fine, carried=ZERO)
        discount = min(self.bill.discount, row.balance)
        taken = impute(received=received, discount=discount, standing=row.standing, charges=charges).allocation
        return taken, row.balance - taken.settles

    def tables(self) -> Sequence[Table]:
        may_reverse = access.may(access.require_settlement, self.user, self.row, "receivables.reverse_receipt")
        return [parts_table(self.row, may_reverse=may_reverse)]

    def values(self) -> dict[str, Any]:
        return {"installment_id": self.cleaned_data["installment"], **self.amounts()}

    def done(self, result: Receipt) -> str:
        title = Title.objects.get(pk=self.row.pk)
        return _("Receipt %(receipt)s of %(amount)s posted. Title %(title)s: %(status)s.") % {
            "receipt": result.label,
            "amount": reais(result.amount),
            "title": title,
            "status": title.get_status_display(),
        }


def _part_told(each: Quote) -> str:
    return gettext("%(installment)s · due %(due_date)s · balance %(balance)s") % {
        "installment": each.installment.label,
        "due_date": written(each.installment.due_date),
        "balance": format_brl(each.installment.balance),
    }
