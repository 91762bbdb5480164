"""What every settlement asks: when it was received, when and where the money enters, under which codes (S27-S36).

What the page proposed and the person left alone follows what is typed elsewhere.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import written
from receivables.admin.forms import DayField
from receivables.admin.transitions import TransitionForm
from receivables.domain.errors import (
    AmountAboveBalance,
    AmountNotClosing,
    AmountNotPositive,
    CashDayClosed,
    ChargesAboveDue,
    ConfirmationRequired,
    DateInFuture,
    DateTooFarAhead,
    DiscountAboveLimit,
    InstallmentNotOpen,
    PartialNotAllowed,
    PaymentMethodNotSetUp,
    ReasonTooLong,
    ReasonTooShort,
    ReceiptBeforeIssue,
    WrongDirection,
)
from receivables.models import (
    Branch,
    BranchPaymentMethod,
    Direction,
    DocumentType,
    HistoryCode,
    LedgerAccount,
    PaymentMethod,
)
from receivables.services.settlement import Deposit


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
        DateTooFarAhead.code: "cash_date",
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
    proposed_cash_date = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.on = self._day_asked() or self.today
        self.fields["received_on"].initial = self.fields["cash_date"].initial = self.on
        self.fields["proposed_cash_date"].initial = written(self.on)
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

    def is_as_proposed(self, name: str) -> bool:
        """Say whether the person left what the page had proposed for a field, or nothing at all."""
        return self.data.get(name, "") in ("", self.data.get(f"proposed_{name}"))

    def propose(self, name: str, text: str) -> None:
        """Write what the page proposes now into a field that was left as proposed."""
        self.errors.pop(name, None)
        self.data[name] = self.data[f"proposed_{name}"] = text

    def follow_day(self) -> None:
        """Let the day on which the money enters follow the receipt date, where it was left as proposed."""
        self.data = self.data.copy()
        if "received_on" not in self.errors and self.is_as_proposed("cash_date"):
            self.propose("cash_date", written(self.on))

    def proposals(self) -> Mapping[str, str]:
        names = [name.removeprefix("proposed_") for name in self.fields if name.startswith("proposed_")]
        return {name: self.data[name] for name in names if name in self.data and self.is_as_proposed(name)}

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
