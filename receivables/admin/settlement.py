"""Liquidação total: what a person is asked to settle a title (domain.md B); parts are in `settlement_part`.

Amounts due are quoted on the server for the receipt date; the services compute them again under lock.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import reais, written
from receivables.admin.forms import MoneyField, ReasonField, show_broken
from receivables.admin.settlement_deposit import DepositForm
from receivables.admin.tables import Table
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.allocation import Bill
from receivables.domain.errors import (
    ChangedMeanwhile,
    ChargesAboveDue,
    ConfirmationRequired,
    DiscountAboveLimit,
)
from receivables.domain.money import CENT, ZERO, format_brl
from receivables.models import (
    Receipt,
    Title,
)
from receivables.services.settlement import Quote, quote

EXCESS = "excess_becomes_credit"


class SettleForm(DepositForm):
    """Liquidação total: what is due on the receipt date is proposed, and follows date, charges and discount.

    Interest and fine are typed only by who may waive them; the service decides again under lock.
    """

    calculates = True
    calculated_from: ClassVar[Sequence[str]] = ("received_on", "received", "interest", "fine", "discount")
    confirmations: ClassVar[tuple[str, ...]] = (EXCESS,)
    field_order: Any = ("received_on", "cash_date", "method", "account", "interest", "fine", "discount", "received",
                   "history_code", "document_type", "reference", "reason", "notes")  # fmt: skip

    interest = MoneyField(label=_("interest"), required=False)
    fine = MoneyField(label=_("fine"), required=False)
    discount = MoneyField(label=_("discount"), required=False)
    received = MoneyField(label=_("received amount"), least=CENT)
    reason = ReasonField(
        required=False, label=_("reason"), help_text=_("Only for a discount above the limit or charges waived.")
    )
    proposed_interest = forms.CharField(required=False, widget=forms.HiddenInput)
    proposed_fine = forms.CharField(required=False, widget=forms.HiddenInput)
    proposed_received = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.quotes = self._quotes()
        self.may_waive = self.user.has_perm("receivables.grant_discount_above_limit")
        self.bill = self._bill({})
        self.to_receive: Decimal | None = self.bill.due
        self._propose({"interest": self.bill.interest, "fine": self.bill.fine, "received": self.bill.due})
        if self.may_waive:
            text = gettext("Up to %(limit)s; above it with a reason.")
        else:
            text = gettext("Up to %(limit)s; above it ask who may grant more.")
            self._show_charges()
        self.fields["discount"].help_text = text % {"limit": reais(self.limit)}

    def _quotes(self) -> list[Quote]:
        """Give what is settled here: all that is open of the title."""
        return quote(title_ids=[self.row.pk], on=self.on)

    def _propose(self, amounts: Mapping[str, Decimal]) -> None:
        for name, amount in amounts.items():
            self.fields[name].initial = amount
            self.fields[f"proposed_{name}"].initial = format_brl(amount)

    def _show_charges(self) -> None:
        """Without the permission, charges are what they are, and no reason is asked (B, G.13)."""
        for name in ("interest", "fine"):
            self.fields[name].disabled = True
            self.fields[name].widget = ShownAmount()
        del self.fields["reason"]

    @property
    def limit(self) -> Decimal:
        """Give the discount that needs no permission, in reais."""
        return sum((each.discount_limit for each in self.quotes), ZERO)

    @property
    def confirm(self) -> str:  # type: ignore[override]
        """Say on the button what will be received."""
        if self.to_receive is None:
            return gettext("Settle the title")
        return gettext("Settle for %(amount)s") % {"amount": reais(self.to_receive)}

    # What was typed

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in ("interest", "fine"):
            if self.fields[name].disabled or self.is_as_proposed(name):
                cleaned[name] = None
                self.errors.pop(name, None)
            if not self.fields[name].disabled and not self.is_calculating and self.data.get(name) == "":
                self.add_error(name, forms.ValidationError(_("Enter the amount, or 0."), code="required"))
        self.bill = self._bill(cleaned)
        if self.is_calculating:
            self._follow(cleaned)
        else:
            self._refuse_unseen(cleaned)
        self.to_receive = cleaned.get("received")
        if self.to_receive is not None and self.on == cleaned.get("received_on"):
            self._judge(cleaned)
        return cleaned

    def _bill(self, cleaned: Mapping[str, Any]) -> Bill:
        """Give what closes the balance with what was typed; charges left as proposed are those due."""
        interest, fine = cleaned.get("interest"), cleaned.get("fine")
        if interest is None:
            interest = sum((each.charges.interest_due for each in self.quotes), ZERO)
        if fine is None:
            fine = sum((each.charges.fine for each in self.quotes), ZERO)
        balance = sum((each.installment.balance for each in self.quotes), ZERO)
        return Bill(balance=balance, interest=interest, fine=fine, discount=cleaned.get("discount") or ZERO)

    def _follow(self, cleaned: dict[str, Any]) -> None:
        """Let what was left as proposed follow the date and the amounts, and keep to what is calculated here."""
        for name in set(self.errors) - {*self.calculated_from, "installment", "__all__"}:
            del self.errors[name]
        self.follow_day()
        amounts = {"interest": self.bill.interest, "fine": self.bill.fine, "received": max(self.bill.due, ZERO)}
        for name, amount in amounts.items():
            if self.is_as_proposed(name):
                self.propose(name, format_brl(amount))
                cleaned[name] = amount

    def _refuse_unseen(self, cleaned: dict[str, Any]) -> None:
        """What was left as proposed must be what is due: the page may not have heard yet what else was typed."""
        if "received_on" in self.errors or "installment" in self.errors or self.on > self.today:
            return  # what is wrong with them is told first
        now = {"interest": self.bill.interest, "fine": self.bill.fine, "received": max(self.bill.due, ZERO)}
        left = {name: format_brl(amount) for name, amount in now.items() if self.is_as_proposed(name)}
        stale = {name: text for name, text in left.items() if self.data.get(f"proposed_{name}") not in (None, "", text)}
        if not stale:
            return
        self.data = self.data.copy()
        for name, text in stale.items():
            self.propose(name, text)
        message = gettext("%(amount)s is due now. Check it and confirm again.") % {"amount": reais(now["received"])}
        self.add_error(None, forms.ValidationError(message, code="not_seen"))

    def _judge(self, cleaned: dict[str, Any]) -> None:
        """Tell at once what the service would refuse (G.13)."""
        due = self._bill({})
        waived = max(due.interest - self.bill.interest, ZERO) + max(due.fine - self.bill.fine, ZERO)
        if self.bill.interest > due.interest or self.bill.fine > due.fine:
            show_broken(self, ChargesAboveDue(interest=due.interest, fine=due.fine))
        elif (self.bill.discount > self.limit or waived) and not self.may_waive:
            show_broken(self, DiscountAboveLimit(discount=self.bill.discount + waived, limit=self.limit))
        self._judge_excess(cleaned)

    def _judge_excess(self, cleaned: dict[str, Any]) -> None:
        """What is received above the amount due becomes a credit: never without the person knowing (B.5)."""
        if self.bill.excess(cleaned["received"]) and EXCESS not in self.confirmed and not self.is_calculating:
            self.refuse(ConfirmationRequired(codes=[EXCESS]))

    # What is shown

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Customer"), self.row.bill_to),
            (_("Status"), self.row.get_status_display()),
            (_("Received so far"), reais(self.row.received_amount)),
            *self._owed(),
        ]

    def _owed(self) -> Sequence[Line]:
        """Give balance, charges and what is due on the receipt date."""
        due = self._bill({})
        return [
            (_("Balance"), reais(due.balance)),
            (_("Interest and fine"), f"{reais(due.interest)} + {reais(due.fine)}"),
            (_("Due on %(day)s") % {"day": written(self.on)}, reais(due.due)),
        ]

    def what_will_be(self) -> Sequence[Line]:
        received = self.to_receive if self.to_receive is not None else ZERO
        missing, excess = self.bill.missing(received), self.bill.excess(received)
        if missing:
            return [
                (_("Status"), _("It does not close: %(amount)s would be missing.") % {"amount": reais(missing)}),
                (_("What to do"), _("Settle it in part, or enter what is missing as a discount.")),
            ]
        difference = self.row.amount - self.row.received_amount - (received - excess)
        return [
            (_("Status"), _("Fully settled title")),
            (_("Received amount"), reais(received)),
            (_("Discount"), reais(self.bill.discount)),
            (_("difference"), reais(difference)),
            (_("Customer credit"), reais(excess) if excess else "—"),
            (_("Cash and banks"), _("One credit on the cash/bank date, in the short account.")),
        ]

    def tables(self) -> Sequence[Table]:
        if len(self.quotes) < 2:
            return []
        table = Table(
            _("What is due on %(day)s") % {"day": written(self.on)},
            [_("installment"), _("due date"), _("balance"), _("interest"), _("fine"), _("total")],
            _("Nothing is open in this title."),
        )
        return [
            table.fill(
                [
                    each.installment.label, each.installment.due_date, each.installment.balance,
                    each.charges.interest_due, each.charges.fine, each.total,
                ]
                for each in self.quotes
            )
        ]  # fmt: skip

    # What is done

    def values(self) -> dict[str, Any]:
        return {"title_id": self.row.pk, **self.amounts()}

    def amounts(self) -> dict[str, Any]:
        """Give what both ways of settling one title take."""
        cleaned = self.cleaned_data
        return {
            "received": cleaned["received"],
            "received_on": cleaned["received_on"],
            "deposit": self.deposit(),
            "discount": cleaned["discount"] or ZERO,
            "interest": cleaned["interest"],
            "fine": cleaned["fine"],
            "may_exceed_limit": self.may_waive,
            "reason": cleaned.get("reason", ""),
            "notes": cleaned["notes"],
        }

    def verify(self, result: Receipt) -> None:
        refuse_two_steps(self)

    def done(self, result: Receipt) -> str:
        return _("Title %(title)s settled by receipt %(receipt)s of %(amount)s. To undo it, use Reverse.") % {
            "title": self.row,
            "receipt": result.label,
            "amount": reais(result.amount),
        }


class ShownAmount(forms.Widget):
    """An amount that is only read: it looks like text."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return format_html('<output id="{}" name="{}" class="shown">{}</output>', (attrs or {}).get("id"), name, value)


def told(each: Quote) -> str:
    return gettext("%(installment)s · due %(due_date)s · balance %(balance)s · due now %(total)s") % {
        "installment": each.installment.label,
        "due_date": written(each.installment.due_date),
        "balance": format_brl(each.installment.balance),
        "total": format_brl(each.total),
    }


def refuse_two_steps(form: TransitionForm) -> None:
    """A second click is a second part: the title, locked by the service, must be one step from what was seen."""
    seen = form.cleaned_data.get("version")
    if seen is not None and Title.objects.values_list("version", flat=True).get(pk=form.row.pk) != seen + 1:
        raise ChangedMeanwhile(what=str(form.row))
