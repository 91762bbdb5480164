"""Créditos do cliente and suspense: shown as posted; used on a title's page, refunded on a customer's (G.5)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin, branches_of
from receivables.admin.explain import reais
from receivables.admin.finding import find_credits
from receivables.admin.forms import DayField, MoneyField, ReasonField
from receivables.admin.settlement import refuse_two_steps, told
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotPositive,
    CashDayClosed,
    ChangedMeanwhile,
    CreditNotEnough,
    DateInFuture,
    DateTooFarAhead,
    InstallmentNotOpen,
    PartialNotAllowed,
    PaymentMethodNotSetUp,
    ReasonTooLong,
    ReasonTooShort,
    ReceiptBeforeIssue,
)
from receivables.domain.money import CENT, ZERO
from receivables.models import (
    Branch,
    BranchPaymentMethod,
    Customer,
    CustomerCredit,
    PaymentMethod,
    Receipt,
    Title,
)
from receivables.services.settlement import quote


class UseCreditForm(TransitionForm):
    """Paying an installment with the credit of its customer (G.5)."""

    confirm = _("Use the credit")
    error_fields: ClassVar = {
        AmountAboveBalance.code: "amount",
        AmountNotPositive.code: "amount",
        CreditNotEnough.code: "amount",
        PartialNotAllowed.code: "amount",
        CashDayClosed.code: "cash_date",
        DateInFuture.code: "cash_date",
        DateTooFarAhead.code: "cash_date",
        ReceiptBeforeIssue.code: "cash_date",
        InstallmentNotOpen.code: "installment",
    }

    installment = forms.TypedChoiceField(label=_("installment"), coerce=int)
    amount = MoneyField(label=_("amount"), least=CENT)
    cash_date = DayField(label=_("cash/bank date"))
    reason = forms.CharField(label=_("notes"), required=False, max_length=500)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.available = available_credit(self.row)
        self.quotes = quote(title_ids=[self.row.pk], on=self.today)
        self.fields["installment"].choices = [(each.installment.pk, told(each)) for each in self.quotes]
        owed = self.quotes[0].total if self.quotes else ZERO
        self.fields["amount"].initial = min(self.available, owed)
        self.fields["cash_date"].initial = self.today

    def what_is(self) -> Sequence[Line]:
        return [(_("Customer"), self.row.bill_to), (_("Credit available"), reais(self.available))]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Cash and banks"), _("The credit leaves and the receipt enters the same account, on the same day."))]

    def values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "installment_id": cleaned["installment"],
            "amount": cleaned["amount"],
            "cash_date": cleaned["cash_date"],
            "reason": cleaned["reason"],
        }

    def verify(self, result: Receipt) -> None:
        refuse_two_steps(self)

    def done(self, result: Receipt) -> str:
        return _("Receipt %(receipt)s: %(amount)s of the customer's credit was used in title %(title)s.") % {
            "receipt": result.label,
            "amount": reais(result.amount),
            "title": self.row,
        }


def available_credit(title: Title) -> Decimal:
    """Give the credit that the title's customer has, in reais."""
    return CustomerCredit.objects.filter(customer=title.bill_to_id).available()


class RefundForm(TransitionForm):
    """Giving a customer's credit back in money."""

    confirm = _("Refund the credit")
    error_fields: ClassVar = {
        AmountNotPositive.code: "amount",
        CreditNotEnough.code: "amount",
        CashDayClosed.code: "cash_date",
        DateTooFarAhead.code: "cash_date",
        PaymentMethodNotSetUp.code: "method",
        ReasonTooShort.code: "reason",
        ReasonTooLong.code: "reason",
    }

    branch = forms.ModelChoiceField(Branch.objects.none(), label=_("branch"))
    amount = MoneyField(label=_("amount"), least=CENT)
    method = forms.ChoiceField(label=_("payment method"))
    cash_date = DayField(label=_("cash/bank date"))
    reason = ReasonField()
    seen_credit = MoneyField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.available = credit_of(self.row)
        branches = branches_of(self.user)
        self.fields["branch"].queryset = branches
        self.fields["method"].choices = branch_methods(branches)
        self.fields["amount"].initial = self.fields["seen_credit"].initial = self.available
        self.fields["cash_date"].initial = self.today

    def what_is(self) -> Sequence[Line]:
        return [(_("Customer"), self.row), (_("Credit available"), reais(self.available))]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Cash and banks"), _("One debit in the account of the payment method."))]

    def values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return {
            "customer_id": self.row.pk,
            "branch_id": cleaned["branch"].pk,
            "amount": cleaned["amount"],
            "method_code": cleaned["method"],
            "cash_date": cleaned["cash_date"],
            "reason": cleaned["reason"],
        }

    def verify(self, result: CustomerCredit) -> None:
        """A second click is a second refund: the credit must be what was seen less this one."""
        seen = self.cleaned_data.get("seen_credit")
        if seen is not None and credit_of(self.row) != seen - result.amount:
            raise ChangedMeanwhile(what=str(self.row))

    def done(self, result: CustomerCredit) -> str:
        return _("%(amount)s of credit refunded to %(customer)s.") % {
            "amount": reais(result.amount),
            "customer": self.row.name,
        }


def credit_of(customer: Customer) -> Any:
    return CustomerCredit.objects.filter(customer=customer).available()


def branch_methods(branches: QuerySet) -> list[tuple[str, str]]:
    rows = BranchPaymentMethod.objects.filter(branch__in=branches, method__is_active=True).select_related("method")
    return sorted({row.method.code: row.method.name for row in rows if row.method.code != PaymentMethod.CREDIT}.items())


@admin.register(CustomerCredit)
class CustomerCreditAdmin(ReadOnlyAdmin):
    branch_lookups = ("branch",)
    list_display = ("posted_at", "whose", "branch", "kind", "amount", "receipt", "actor")
    list_filter = ("kind", "branch", "posted_at")
    list_select_related = ("customer", "branch", "receipt")
    search_fields = ("customer__name",)
    search_help_text = _("Receipt number, or customer: 3 letters or more")
    find = staticmethod(find_credits)
    fields = (("customer", "branch"), ("kind", "amount"), ("receipt", "source", "movement"), "reason",
              ("posted_at", "actor", "told_channel"))  # fmt: skip

    @admin.display(description=_("customer"))
    def whose(self, credit: CustomerCredit) -> str:
        return str(credit.customer or _("Suspense"))
