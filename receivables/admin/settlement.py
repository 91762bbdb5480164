"""What a person is asked to settle a title, totally or in part (domain.md B).

Amounts due are quoted on the server for the receipt date; the services compute them again under lock.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import reais, written
from receivables.admin.forms import DayField, MoneyField, ReasonField
from receivables.admin.tables import Table
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotClosing,
    AmountNotPositive,
    CashDayClosed,
    ChangedMeanwhile,
    ChargesAboveDue,
    ConfirmationRequired,
    DateInFuture,
    DiscountAboveLimit,
    InstallmentNotOpen,
    PartialNotAllowed,
    PaymentMethodNotSetUp,
    ReasonTooLong,
    ReasonTooShort,
    ReceiptBeforeIssue,
    WrongDirection,
)
from receivables.domain.money import CENT, ZERO, format_brl
from receivables.models import (
    Branch,
    BranchPaymentMethod,
    Direction,
    DocumentType,
    HistoryCode,
    LedgerAccount,
    PaymentMethod,
    Receipt,
    Title,
)
from receivables.services.settlement import Deposit, Quote, quote

EXCESS = "excess_becomes_credit"


class DepositForm(TransitionForm):
    """When it was received, when and where the money enters, under which codes (S27, S29, S32, S36)."""

    error_fields: ClassVar = {
        ConfirmationRequired.code: "confirmed",
        AmountNotClosing.code: "received",
        AmountAboveBalance.code: "received",
        AmountNotPositive.code: "received",
        PartialNotAllowed.code: "received",
        ChargesAboveDue.code: "interest",
        DiscountAboveLimit.code: "discount",
        CashDayClosed.code: "cash_date",
        DateInFuture.code: "received_on",
        ReceiptBeforeIssue.code: "received_on",
        InstallmentNotOpen.code: "installment",
        PaymentMethodNotSetUp.code: "method",
        WrongDirection.code: "history_code",
        ReasonTooShort.code: "reason",
        ReasonTooLong.code: "reason",
    }

    received_on = DayField(label=_("receipt date"))
    cash_date = DayField(label=_("cash/bank date"))
    method = forms.ChoiceField(label=_("payment method"))
    account = forms.ModelChoiceField(
        LedgerAccount.objects.none(), required=False, label=_("short account"),
        empty_label=_("That of the payment method"),
    )  # fmt: skip
    history_code = forms.ModelChoiceField(
        HistoryCode.objects.none(), required=False, label=_("history code"),
        empty_label=_("That of the payment method"),
    )  # fmt: skip
    document_type = forms.ModelChoiceField(
        DocumentType.objects.none(), required=False, label=_("document type"),
        empty_label=_("That of the payment method"),
    )  # fmt: skip
    reference = forms.CharField(label=_("reference"), required=False, max_length=60)
    notes = forms.CharField(label=_("notes"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.on = self._day_asked() or self.today
        self.fields["received_on"].initial = self.fields["cash_date"].initial = self.on
        self.fields["account"].queryset = self._accounts()
        self.fields["history_code"].queryset = HistoryCode.objects.filter(direction=Direction.CREDIT, is_active=True)
        self.fields["document_type"].queryset = DocumentType.objects.filter(is_active=True)
        self.fields["method"].choices = self._methods()

    def branches(self) -> Sequence[Branch]:
        """Give the branches that collect what is settled."""
        return [self.row.collecting_branch]

    def _day_asked(self) -> date | None:
        try:
            return DayField(required=False).clean((self.data or self.query).get("received_on"))
        except forms.ValidationError:
            return None

    def _accounts(self) -> Any:
        rows = LedgerAccount.objects.filter(is_active=True)
        if self.user.is_superuser:
            return rows
        return rows.filter(Q(branch__in=self.branches()) | Q(branch__in=self.user.branches.values("pk")))

    def _methods(self) -> list[tuple[str, str]]:
        branches = self.branches()
        usual = BranchPaymentMethod.objects.filter(branch__in=branches, method__is_active=True)
        rows = usual.exclude(method__code=PaymentMethod.CREDIT).select_related("method")
        names = {row.method.code: row.method.name for row in rows}
        return sorted(names.items(), key=lambda pair: (pair[0] != PaymentMethod.CASH, pair[1]))

    def deposit(self) -> Deposit:
        """Give where the money enters, as the service takes it."""
        cleaned = self.cleaned_data
        return Deposit(
            method_code=cleaned["method"],
            cash_date=cleaned["cash_date"],
            account_id=cleaned["account"].pk if cleaned["account"] else None,
            history_code_id=cleaned["history_code"].pk if cleaned["history_code"] else None,
            document_type_id=cleaned["document_type"].pk if cleaned["document_type"] else None,
            reference=cleaned["reference"],
        )


class SettleForm(DepositForm):
    """Liquidação total: the amount due is filled in; charges left blank are those due, lower ones are waived."""

    confirm = _("Settle the title")
    asks_day = True
    confirmations: ClassVar[tuple[str, ...]] = (EXCESS,)
    field_order: Any = ("received", "interest", "fine", "discount", "received_on", "cash_date", "method", "account",
                   "history_code", "document_type", "reference", "reason", "notes")  # fmt: skip

    received = MoneyField(label=_("received amount"), least=CENT)
    interest = MoneyField(label=_("interest"), required=False)
    fine = MoneyField(label=_("fine"), required=False)
    discount = MoneyField(label=_("discount"), required=False)
    reason = ReasonField(
        required=False, label=_("reason"), help_text=_("Only for a discount above the limit or charges waived.")
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.quotes = quote(title_ids=[self.row.pk], on=self.on)
        self.fields["received"].initial = self.due
        self._tell_charges(self.quotes)

    def _tell_charges(self, quotes: Sequence[Quote]) -> None:
        interest = sum((each.charges.interest_due for each in quotes), ZERO)
        fine = sum((each.charges.fine for each in quotes), ZERO)
        text = gettext("Due: %(amount)s. Leave it blank to charge what is due.")
        self.fields["interest"].help_text = text % {"amount": format_brl(interest)}
        self.fields["fine"].help_text = text % {"amount": format_brl(fine)}

    @property
    def due(self) -> Decimal:
        return sum((each.total for each in self.quotes), ZERO)

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Customer"), self.row.bill_to),
            (_("Status"), self.row.get_status_display()),
            (_("Received so far"), reais(self.row.received_amount)),
            (_("Due on %(day)s") % {"day": written(self.on)}, reais(self.due)),
        ]

    def what_will_be(self) -> Sequence[Line]:
        return [
            (_("Status"), _("Fully settled title")),
            (_("Cash and banks"), _("One credit on the cash/bank date, in the short account.")),
        ]

    def tables(self) -> Sequence[Table]:
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

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("received") is not None and self.on == cleaned.get("received_on"):
            self._warn_of_excess(cleaned)
        return cleaned

    def _warn_of_excess(self, cleaned: dict[str, Any]) -> None:
        """What is received above the amount due becomes a credit: never without the person knowing (B.5)."""
        if cleaned["received"] > self._owed(self.quotes, cleaned) and EXCESS not in self.confirmed:
            self.refuse(ConfirmationRequired(codes=[EXCESS]))

    @staticmethod
    def _owed(quotes: Sequence[Quote], cleaned: dict[str, Any]) -> Decimal:
        balance = sum((each.installment.balance for each in quotes), ZERO)
        interest, fine = cleaned.get("interest"), cleaned.get("fine")
        if interest is None:
            interest = sum((each.charges.interest_due for each in quotes), ZERO)
        if fine is None:
            fine = sum((each.charges.fine for each in quotes), ZERO)
        return balance + interest + fine - (cleaned.get("discount") or ZERO)

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
            "may_exceed_limit": self.user.has_perm("receivables.grant_discount_above_limit"),
            "reason": cleaned["reason"],
            "notes": cleaned["notes"],
        }

    def done(self, result: Receipt) -> str:
        return _("Title %(title)s settled by receipt %(receipt)s of %(amount)s. To undo it, use Reverse.") % {
            "title": self.row,
            "receipt": result.label,
            "amount": reais(result.amount),
        }


class SettlePartForm(SettleForm):
    """Liquidação parcial: a part of one installment, charges first (art. 354)."""

    confirm = _("Settle this part")
    confirmations = ()
    field_order: Any = ("installment", *SettleForm.field_order)

    installment = forms.TypedChoiceField(label=_("installment"), coerce=int)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["installment"].choices = [(each.installment.pk, told(each)) for each in self.quotes]
        chosen = [each for each in self.quotes if str(each.installment.pk) == self._asked()] or self.quotes[:1]
        self.fields["installment"].initial = chosen[0].installment.pk if chosen else None
        self.fields["received"].initial = sum((each.total for each in chosen), ZERO)
        self._tell_charges(chosen)

    def _asked(self) -> str | None:
        return (self.data or self.query).get("installment")

    def what_will_be(self) -> Sequence[Line]:
        return [
            (_("Status"), _("Partially settled title; fully settled when this part closes it.")),
            (_("Order"), _("Interest and fine first, then principal.")),
            (_("Cash and banks"), _("One credit on the cash/bank date, in the short account.")),
        ]

    def _warn_of_excess(self, cleaned: dict[str, Any]) -> None:
        """A part may be at most what its installment owes: the service refuses more."""

    def values(self) -> dict[str, Any]:
        return {"installment_id": self.cleaned_data["installment"], **self.amounts()}

    def verify(self, result: Receipt) -> None:
        refuse_two_steps(self)

    def done(self, result: Receipt) -> str:
        title = Title.objects.get(pk=self.row.pk)
        return _("Receipt %(receipt)s of %(amount)s posted. Title %(title)s: %(status)s.") % {
            "receipt": result.label,
            "amount": reais(result.amount),
            "title": title,
            "status": title.get_status_display(),
        }


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
