"""What a person is asked to undo receipts: Estornar, and the dialogue of the closed cash (S58-S88, C1-C12, G.1-G.4).

The page stages; nothing is written before “Gravar estorno”, and then everything is decided again under lock.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import explain, reais, written
from receivables.admin.forms import DayField, MoneyField, ReasonField, show_broken
from receivables.admin.tables import Table, link
from receivables.admin.title_tables import movements_table
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.errors import (
    CashDayNotClosed,
    ConfirmationRequired,
    OptionRequired,
    ReasonTooLong,
    ReasonTooShort,
)
from receivables.domain.money import CENT, ZERO
from receivables.domain.reversal import ClosedCashOption
from receivables.models import (
    CashMovement,
    Direction,
    DocumentType,
    HistoryCode,
    Receipt,
    ReceiptAllocation,
    Reversal,
    Title,
)
from receivables.services import access
from receivables.services.cash_day import closes_cash, is_closed
from receivables.services.reversal import DEBITS_DIFFER, ClosedCash, Debit, newest_live_receipt

MOST_DEBITS = 4
CLOSED_CASH_PERMISSION = "receivables.reverse_receipt_closed_cash"
NO_DEBIT_PERMISSION = "receivables.reverse_without_debit"


class DebitForm(forms.Form):
    """A debit of the dialogue (S67-S75); the account is the settlement's own and is not asked (S72)."""

    movement_date = DayField(label=_("movement date"))
    history_code = forms.ModelChoiceField(HistoryCode.objects.none(), label=pgettext_lazy("debit", "history code"))
    document_type = forms.ModelChoiceField(DocumentType.objects.none(), label=_("document type"))
    amount = MoneyField(label=_("amount"), least=CENT)
    notes = forms.CharField(label=_("notes"), required=False, max_length=500)

    fields: Any
    use_required_attribute = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["history_code"].queryset = HistoryCode.objects.filter(direction=Direction.DEBIT, is_active=True)
        self.fields["document_type"].queryset = DocumentType.objects.filter(is_active=True)

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


class ReversalForm(TransitionForm):
    """Estornar on a settled title: the closing receipt's share is undone."""

    confirm = _("Save the reversal")
    confirmations = (DEBITS_DIFFER,)
    error_fields: ClassVar = {
        ConfirmationRequired.code: "confirmed",
        ReasonTooShort.code: "reason",
        ReasonTooLong.code: "reason",
    }

    reason = ReasonField()
    closed_seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.receipt = self._receipt()
        self.movements = self._movements()
        self.closed = self._closed()
        self.fields["closed_seen"].initial = ",".join(str(pk) for pk in self.closed)
        self.debits: dict[int, list[DebitForm]] = {}
        for account_id, rows in self.closed.items():
            self.fields[f"option_{account_id}"] = self._option_field(rows)
            self.debits[account_id] = self._debit_forms(account_id, rows)

    def _receipt(self) -> Receipt | None:
        return newest_live_receipt(title_id=self.row.pk)

    def _movements(self) -> list[CashMovement]:
        """Give the movements that the share left in cash and banks and that were not undone."""
        rows = CashMovement.objects.posted().filter(receipt=self.receipt, title=self.row, reverses=None, reversal=None)
        return list(rows.select_related("account__branch__parameter_set").order_by("pk")) if self.receipt else []

    def _closed(self) -> dict[int, list[CashMovement]]:
        """Give the movements of each account whose cash is closed on their day, with the control on (S61, S62)."""
        closed: dict[int, list[CashMovement]] = {}
        for row in self.movements:
            if closes_cash(row.account) and is_closed(account_id=row.account_id, day=row.cash_date):
                closed.setdefault(row.account_id, []).append(row)
        return closed

    def _option_field(self, rows: Sequence[CashMovement]) -> forms.ChoiceField:
        choices = [(ClosedCashOption.ACCOUNT_DEBIT.value, _("Account debit")),
                   (ClosedCashOption.NO_DEBIT.value, _("Without debit information"))]  # fmt: skip
        label = gettext("The cash of account %(account)s is closed on %(day)s. Reverse all the same?")
        field = forms.ChoiceField(
            label=label % {"account": rows[0].account, "day": written(max(row.cash_date for row in rows))},
            choices=choices,
            required=False,
            widget=forms.RadioSelect,
        )
        if not self.user.has_perm(NO_DEBIT_PERMISSION):
            field.widget.choices = choices[:1]
        return field

    def _debit_forms(self, account_id: int, rows: Sequence[CashMovement]) -> list[DebitForm]:
        data = self.data if self.is_bound else None
        first = {"movement_date": self.today, "amount": _sum(rows)}
        return [
            DebitForm(
                data, prefix=f"debit-{account_id}-{number}", initial=first if number == 0 else None,
                empty_permitted=number > 0,
            )
            for number in range(MOST_DEBITS)
        ]  # fmt: skip

    def option(self, account_id: int) -> ClosedCashOption | None:
        """Give what was answered for an account, from what was typed or what passed the check."""
        chosen = self.data.get(f"option_{account_id}")
        return ClosedCashOption(chosen) if chosen in {each.value for each in ClosedCashOption} else None

    def require(self) -> None:
        if self.closed:
            access.require(self.user, CLOSED_CASH_PERMISSION)
        if any(self.option(account_id) is ClosedCashOption.NO_DEBIT for account_id in self.closed):
            access.require(self.user, NO_DEBIT_PERMISSION)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        seen = {int(pk) for pk in cleaned.get("closed_seen", "").split(",") if pk.isascii() and pk.isdigit()}
        if seen - self.closed.keys():
            show_broken(self, CashDayNotClosed())
        for account_id, rows in self.closed.items():
            if self.option(account_id) is None:
                self.add_error(f"option_{account_id}", _option_required(rows))
            elif self.option(account_id) is ClosedCashOption.ACCOUNT_DEBIT:
                self._check_debits(account_id)
        return cleaned

    def _check_debits(self, account_id: int) -> None:
        if not all([form.is_valid() for form in self.debits[account_id]]):  # noqa: C419 - each form tells its errors
            self.add_error(None, _("Correct the debits below."))

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Customer"), self.row.bill_to),
            (_("Status"), self.row.get_status_display()),
            (_("Receipt"), link(self.receipt)),
            (_("Settled amount"), reais(_sum(self.movements))),
            (_("Settlement date in cash and banks"), written(self._days())),
            (_("Issue date"), written(self.row.issued_on)),
            (_("Short account"), ", ".join(sorted({str(row.account) for row in self.movements})) or "—"),
        ]

    def _days(self) -> list[Any]:
        return sorted({row.cash_date for row in self.movements})

    def what_will_be(self) -> Sequence[Line]:
        others = ReceiptAllocation.objects.live().filter(title=self.row).exclude(receipt=self.receipt)
        status = _("Partially settled title") if others.exists() else _("Pending receipt")
        return [(_("Status"), status), *[(_("Cash and banks"), text) for text in self._in_cash()]]

    def _in_cash(self) -> list[str]:
        told = []
        for row in self.movements:
            if row.account_id in self.closed:
                text = gettext("%(amount)s stays posted in %(account)s on %(day)s, as you answer below.")
            else:
                text = gettext("The opposite of %(amount)s in %(account)s on %(day)s; both lines stay.")
            told.append(text % {"amount": reais(row.amount), "account": row.account, "day": written(row.cash_date)})
        return told

    def groups(self) -> Sequence[tuple[Any, forms.Form]]:
        names = [_("Debit in the account"), *[_("Another debit (if there is one)")] * (MOST_DEBITS - 1)]
        return [pair for forms_of in self.debits.values() for pair in zip(names, forms_of, strict=True)]

    def tables(self) -> Sequence[Table]:
        return [movements_table(self.row)]

    def closed_cash(self) -> Mapping[int, ClosedCash]:
        """Give the answers to the dialogue, by account."""
        answers = {}
        for account_id in self.closed:
            option = self.option(account_id)
            if option is ClosedCashOption.ACCOUNT_DEBIT:
                given = [form.debit for form in self.debits[account_id] if form.cleaned_data]
                answers[account_id] = ClosedCash(option=option, debits=given)
            elif option is not None:
                answers[account_id] = ClosedCash(option=option)
        return answers

    def values(self) -> dict[str, Any]:
        return {
            "title_id": self.row.pk,
            "reason": self.cleaned_data["reason"],
            "closed_cash": self.closed_cash(),
            "confirmed": self.confirmed,
        }

    def done(self, result: Reversal) -> str:
        title = Title.objects.get(pk=self.row.pk)
        return _("Receipt %(receipt)s reversed: %(amount)s. Title %(title)s: %(status)s.") % {
            "receipt": result.receipt.label,
            "amount": reais(result.amount),
            "title": title,
            "status": title.get_status_display(),
        }


class ReversePartForm(ReversalForm):
    """Liquidação parcial, estorno: the newest live receipt of the title goes first (S6, S60, G.1)."""

    confirm = _("Save the reversal of this part")

    receipt_id = forms.TypedChoiceField(label=_("receipt"), coerce=int)
    field_order = ("receipt_id", "reason")

    def _receipt(self) -> Receipt | None:
        """Give the receipt to undo: the one named, else the newest; out of order is the service's to refuse."""
        live = Receipt.objects.filter(allocations__title=self.row, allocations__reversal_line=None).distinct()
        receipts = {str(receipt.pk): receipt for receipt in live.order_by("-pk")}
        self.fields["receipt_id"].choices = [
            (pk, f"{receipt.label} · {written(receipt.received_on)} · {reais(receipt.amount)}")
            for pk, receipt in receipts.items()
        ]
        newest = next(iter(receipts), None)
        self.fields["receipt_id"].initial = newest
        named = (self.data or self.query).get("receipt_id") or newest
        return receipts.get(str(named))

    def values(self) -> dict[str, Any]:
        return {**super().values(), "receipt_id": self.cleaned_data["receipt_id"]}


def _option_required(rows: Sequence[CashMovement]) -> forms.ValidationError:
    refusal = OptionRequired(account=str(rows[0].account), day=max(row.cash_date for row in rows))
    return forms.ValidationError(explain(refusal), code=refusal.code)


def _sum(rows: Sequence[CashMovement]) -> Decimal:
    return sum((row.amount for row in rows), ZERO)
