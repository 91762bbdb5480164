"""The forms of a divergence: who answers for it, and the outcomes of money that is posted (G.15)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth import get_user_model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.credit import branch_methods
from receivables.admin.explain import reais, written
from receivables.admin.forms import DayField, MoneyField, ReasonField
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.divergence import Debt
from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotPositive,
    CashDayClosed,
    CreditNotEnough,
    CreditOfAnother,
    DateInFuture,
    OwnerOutOfReach,
    PartialNotAllowed,
    PaymentMethodNotSetUp,
    ReasonTooLong,
    ReasonTooShort,
)
from receivables.domain.money import CENT, ZERO
from receivables.models import Branch, Customer, Divergence, Installment, Title
from receivables.services.divergence import InQuestion, debts_of, in_question, possible_owners, told

REASON_ERRORS = {ReasonTooShort.code: "reason", ReasonTooLong.code: "reason"}


def found_of(row: Divergence) -> InQuestion:
    """Look once for each page at what money is in question."""
    if not hasattr(row, "_in_question"):
        row._in_question = in_question(row)  # type: ignore[attr-defined]
    found: InQuestion = row._in_question  # type: ignore[attr-defined]
    return found


def debts_in_words(debts: Sequence[Debt]) -> list[tuple[int, str]]:
    """Name each debt by installment, due date and what it owes today."""
    rows = Installment.objects.select_related("title").in_bulk([debt.installment_id for debt in debts])
    said = gettext("%(installment)s · due %(due_date)s · owes %(owed)s")
    return [
        (debt.installment_id, said % {"installment": rows[debt.installment_id], "due_date": written(debt.due_date),
                                      "owed": reais(debt.owed)})
        for debt in debts
    ]  # fmt: skip


class DivergenceForm(TransitionForm):
    """What every outcome shows and calls its service with."""

    def what_is(self) -> Sequence[Line]:
        row, found = self.row, found_of(self.row)
        lines = [(_("Divergence"), row), (_("Customer"), row.customer or "—"), (_("Receipt"), row.receipt or "—")]
        if found.credit:
            lines.append((_("Credit in question"), reais(found.credit)))
        if found.suspense:
            lines.append((_("In suspense"), reais(found.suspense)))
        return lines

    def values(self) -> dict[str, Any]:
        return {"divergence_id": self.row.pk, **self.answers()}

    def answers(self) -> dict[str, Any]:
        """Give what the person answered."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("confirmed", "seen")}

    def done(self, result: Divergence) -> str:
        return str(told_of(result))


def told_of(row: Divergence) -> str:
    """Tell what became of a divergence: its outcome, or that a second person is waited for."""
    if row.is_open:
        return gettext("Proposed: %(outcome)s. Another person must confirm it.") % {
            "outcome": row.get_proposed_display()
        }
    return gettext("Divergence resolved: %(outcome)s.") % {"outcome": told(row).facts["outcome"]}


# Who answers


class TakeForm(TransitionForm):
    """I answer for it from now on."""

    confirm = _("Take it")

    def what_is(self) -> Sequence[Line]:
        return [(_("Divergence"), self.row), (_("Owner"), self.row.owner or "—")]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Owner"), self.user)]

    def values(self) -> dict[str, Any]:
        return {"divergence_id": self.row.pk, "owner_id": self.user.pk}

    def done(self, result: Divergence) -> str:
        return gettext("Responsible now: %(owner)s.") % {"owner": result.owner}


class AssignForm(TakeForm):
    """Another person answers for it."""

    confirm = _("Make responsible")
    error_fields: ClassVar = {OwnerOutOfReach.code: "owner"}

    owner = forms.ModelChoiceField(get_user_model().objects.none(), label=_("owner"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["owner"].queryset = possible_owners(self.row)
        self.fields["owner"].initial = self.row.owner_id

    def what_will_be(self) -> Sequence[Line]:
        return []

    def values(self) -> dict[str, Any]:
        return {"divergence_id": self.row.pk, "owner_id": self.cleaned_data["owner"].pk}


# Money that is credit


class ApplyForm(DivergenceForm):
    """This or another installment of the customer is paid with the credit."""

    confirm = _("Pay the installment with the credit")
    error_fields: ClassVar = {
        AmountAboveBalance.code: "amount", AmountNotPositive.code: "amount", CreditNotEnough.code: "amount",
        PartialNotAllowed.code: "amount", CashDayClosed.code: "cash_date", DateInFuture.code: "cash_date",
        CreditOfAnother.code: "installment_id",
    }  # fmt: skip

    installment_id = forms.TypedChoiceField(label=_("installment"), coerce=int)
    amount = MoneyField(label=_("amount"), least=CENT)
    cash_date = DayField(label=_("cash/bank date"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        mine = Title.objects.visible_to(self.user)
        debts = [
            debt for pk in found_of(self.row).credits for debt in debts_of(pk, on=self.today, titles=mine)
        ]  # fmt: skip
        self.fields["installment_id"].choices = debts_in_words(debts)
        self.fields["amount"].initial = min(found_of(self.row).credit, debts[0].owed) if debts else ZERO
        self.fields["cash_date"].initial = self.today

    def what_will_be(self) -> Sequence[Line]:
        return [
            (_("Cash and banks"), _("The credit leaves and the receipt enters the same account, on the same day.")),
            (_("What is left"), _("Stays as the customer’s credit.")),
        ]


class KeepForm(DivergenceForm):
    """Nothing is posted: the credit waits for its customer."""

    confirm = _("Keep as credit")

    def what_will_be(self) -> Sequence[Line]:
        return [
            (_("Credit of the customer"), reais(found_of(self.row).credit)),
            (_("Cash and banks"), _("Nothing is posted. It can be used or refunded at any time.")),
        ]


class RefundForm(DivergenceForm):
    """The money goes back to the customer."""

    confirm = _("Refund the credit")
    error_fields: ClassVar = {
        AmountNotPositive.code: "amount", CreditNotEnough.code: "amount", CashDayClosed.code: "cash_date",
        PaymentMethodNotSetUp.code: "method_code", DateInFuture.code: "cash_date", **REASON_ERRORS,
    }  # fmt: skip

    customer_id = forms.TypedChoiceField(label=_("customer"), coerce=int)
    amount = MoneyField(label=_("amount"), least=CENT)
    method_code = forms.ChoiceField(label=_("payment method"))
    cash_date = DayField(label=_("cash/bank date"))
    reason = ReasonField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        found = found_of(self.row)
        names = Customer.objects.in_bulk(list(found.credits))
        self.fields["customer_id"].choices = [(pk, names[pk]) for pk in found.credits]
        if len(found.credits) == 1:
            self.fields["customer_id"].widget = forms.HiddenInput()
            self.fields["customer_id"].initial = next(iter(found.credits))
        self.fields["method_code"].choices = branch_methods(Branch.objects.filter(pk=self.row.branch_id))
        self.fields["amount"].initial = next(iter(found.credits.values()), None)
        self.fields["cash_date"].initial = self.today

    def what_will_be(self) -> Sequence[Line]:
        return [
            (_("Cash and banks"), _("One debit in the account of the payment method.")),
            (_("What is left"), _("Stays as the customer’s credit.")),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        day = cleaned.get("cash_date")
        if day and day > self.today:
            self.add_error("cash_date", _("The day is in the future. Enter today's date or an earlier one."))
        return cleaned


# Money in suspense


class IdentifyForm(DivergenceForm):
    """Whose the money is; his oldest debt may take of it what it owes."""

    confirm = _("Identify the customer")
    calculates = True
    calculated_from: ClassVar = ("customer", "pays")
    error_fields: ClassVar = {CreditOfAnother.code: "customer", **REASON_ERRORS}

    customer = forms.ModelChoiceField(
        Customer.objects.all(), label=_("customer"),
        widget=AutocompleteSelect(Title._meta.get_field("bill_to"), admin.site),
    )  # fmt: skip
    pays = forms.BooleanField(
        label=_("pay the oldest installment with it"), required=False, initial=True,
        help_text=_("What is left, or all of it without a debt, becomes the customer’s credit."),
    )  # fmt: skip
    reason = ReasonField()

    def must_be_seen(self) -> str:
        """The installment that is paid is the one that the page names."""
        debt = self._debt()
        return f"{debt.installment_id}:{debt.owed}" if debt else "-"

    def what_will_be(self) -> Sequence[Line]:
        # Asking for the errors reads what is typed so far.
        customer = self.cleaned_data.get("customer") if self.is_bound and self.errors is not None else None
        if customer is None:
            return [(_("Suspense"), _("The money leaves the suspense and becomes the customer’s credit."))]
        amount = found_of(self.row).suspense
        debt = self._debt()
        paid = min(amount, debt.owed) if debt else ZERO
        lines: list[Line] = [(_("Customer"), customer)]
        if debt:
            lines += [(_("Installment"), debts_in_words([debt])[0][1]), (_("Paid with it"), reais(paid))]
        return [*lines, (_("Credit of the customer"), reais(amount - paid))]

    def _debt(self) -> Debt | None:
        """Give the debt that fell due first, of a title that the person sees."""
        typed = self.cleaned_data if self.is_bound else {}
        customer = typed.get("customer")
        if customer is None or not typed.get("pays"):
            return None
        return next(iter(debts_of(customer.pk, on=self.today, titles=Title.objects.visible_to(self.user))), None)

    def answers(self) -> dict[str, Any]:
        debt = self._debt()
        return {
            "customer_id": self.cleaned_data["customer"].pk,
            "installment_id": debt.installment_id if debt else None,
            "reason": self.cleaned_data["reason"],
        }


# Nothing to place


class AcceptForm(DivergenceForm):
    """Everything stays as it was posted."""

    confirm = _("Accept the difference")
    error_fields: ClassVar = REASON_ERRORS

    reason = ReasonField(required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].required = bool(self.row.amount)

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Books"), _("Everything stays as it was posted; the reason is kept.")),
                (_("Till"), _("It is told that the office resolved it."))]  # fmt: skip
