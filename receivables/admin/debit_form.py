"""A debit of the closed-cash dialogue: its fields, what is proposed in them, what Confirmar tells at once (S67-S75)."""

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.admin.forms import DayField, MoneyField, show_broken
from receivables.domain.errors import (
    AmountNotPositive,
    CashDayClosed,
    DateInFuture,
    InactiveCode,
    MovementDateBeforeLiquidation,
    RuleBroken,
    WrongDirection,
)
from receivables.domain.money import CENT
from receivables.models import BranchPaymentMethod, CashMovement, Direction, DocumentType, HistoryCode
from receivables.services.cash_day import closes_cash, is_closed
from receivables.services.reversal import Debit, check_debit
from receivables.services.reversal_preview import DatedAmount


class DebitForm(forms.Form):
    """A debit of the dialogue (S67-S75); the account is the settlement's own and is not asked (S72)."""

    error_fields: ClassVar = {
        AmountNotPositive.code: "amount",
        CashDayClosed.code: "movement_date",
        DateInFuture.code: "movement_date",
        InactiveCode.code: "history_code",
        MovementDateBeforeLiquidation.code: "movement_date",
        WrongDirection.code: "history_code",
    }

    movement_date = DayField(label=_("movement date"))
    history_code = forms.ModelChoiceField(HistoryCode.objects.none(), label=pgettext_lazy("debit", "history code"))
    document_type = forms.ModelChoiceField(DocumentType.objects.none(), label=_("document type"))
    amount = MoneyField(label=_("amount"), least=CENT)
    notes = forms.CharField(label=_("notes"), required=False, max_length=500)

    fields: Any
    use_required_attribute = False

    def __init__(
        self, *args: Any, rows: Sequence[CashMovement] = (), today: date | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.rows, self.today = rows, today
        self.fields["history_code"].queryset = HistoryCode.objects.filter(direction=Direction.DEBIT, is_active=True)
        self.fields["document_type"].queryset = DocumentType.objects.filter(is_active=True)

    def clean(self) -> dict[str, Any]:
        """Tell at Confirmar what the service would refuse at Gravar."""
        cleaned = super().clean() or self.cleaned_data
        if self.today is not None and not self.errors:
            try:
                self._check(self.debit, on=self.today)
            except RuleBroken as broken:
                show_broken(self, broken)
        return cleaned

    def _check(self, debit: Debit, *, on: date) -> None:
        check_debit(debit, rows=self.rows, on=on)
        account = self.rows[0].account
        if closes_cash(account) and is_closed(account_id=account.pk, day=debit.movement_date):
            raise CashDayClosed(account=str(account), day=debit.movement_date)

    @property
    def debit(self) -> Debit:
        cleaned = self.cleaned_data
        return Debit(
            movement_date=cleaned["movement_date"],
            amount=cleaned["amount"],
            history_code_id=cleaned["history_code"].pk,
            document_type_id=cleaned["document_type"].pk,
            notes=cleaned["notes"],
        )

    @property
    def dated_amount(self) -> DatedAmount | None:
        """Give day and amount as they were typed, for what will be; None while they cannot be read."""
        read = []
        for name in ("movement_date", "amount"):
            try:
                read.append(self.fields[name].clean(self[name].value()))
            except forms.ValidationError:
                return None
        return read[0], read[1]

    def told(self) -> dict[str, Any]:
        """Give what was typed in words, whether it is right or not."""
        values = {name: self[name].value() for name in self.fields}
        for name in ("history_code", "document_type"):
            chosen = self.fields[name].queryset.filter(pk=values[name]) if str(values[name]).isdecimal() else ()
            values[name] = next(iter(chosen), "—")
        return values


def usual_codes(row: CashMovement) -> tuple[int | None, int | None]:
    """Propose history code and document type of a debit: those of the branch's means of payment, else the only ones."""
    debits = HistoryCode.objects.filter(direction=Direction.DEBIT, is_active=True)
    types = DocumentType.objects.filter(is_active=True)
    usual = BranchPaymentMethod.objects.filter(
        branch=row.receipt.branch_id if row.receipt else None, method=row.tender.method_id if row.tender else None
    ).first()
    return (
        _one_of(debits, usual.debit_history_id if usual else None),
        _one_of(types, usual.document_type_id if usual else None),
    )


def _one_of(rows: Any, wanted: int | None) -> int | None:
    if wanted is not None and rows.filter(pk=wanted).exists():
        return wanted
    only = list(rows.values_list("pk", flat=True)[:2])
    return only[0] if len(only) == 1 else None
