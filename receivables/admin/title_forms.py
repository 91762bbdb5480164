"""What is typed of a title: its fields S9-S39 with their courtesy checks, its cancelling and its due dates."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.forms.widgets import Script
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import reais
from receivables.admin.forms import DayField, MoneyField, ReasonField, RuleForm
from receivables.admin.settlement import refuse_two_steps
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.due_dates import PRESENTATION_DAYS, due_on_presentation
from receivables.domain.errors import (
    AmountNotPositive,
    DueAfterPresentation,
    DuplicateTitle,
    PartBelowOneCent,
    PresentationInParts,
    ReasonTooLong,
    ReasonTooShort,
    SeveralInstallments,
)
from receivables.domain.money import CENT
from receivables.models import (
    Direction,
    HistoryCode,
    LedgerAccount,
    Product,
    Title,
    TitleStatus,
)

MOST_PARTS = 120


class TitleForm(RuleForm):
    """S9-S39. Due date and amount stand here for a title of one installment (G.21); a new title may have a plan."""

    error_fields: ClassVar = {
        DuplicateTitle.code: "document_number",
        PartBelowOneCent.code: "parts",
        AmountNotPositive.code: "amount",
        DueAfterPresentation.code: "due_date",
        PresentationInParts.code: "parts",
        SeveralInstallments.code: "due_date",
    }

    due_date = DayField(label=_("due date"))
    amount = MoneyField(label=_("invoice amount"), least=CENT, max_digits=15, decimal_places=2)
    parts = forms.IntegerField(
        label=_("number of installments"), initial=1, min_value=1, max_value=MOST_PARTS,
        help_text=_("Monthly, from the due date on; the cents that do not divide go into the first ones."),
    )  # fmt: skip
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Media:
        js: ClassVar = [Script("receivables/presentation.js", defer=True)]

    class Meta:
        model = Title
        fields: ClassVar = [
            "document_number", "entry_branch", "issuing_branch", "collecting_branch", "issued_on", "product",
            "origin_city", "destination_city", "sender", "recipient", "bill_to", "billing_type",
            "payable_on_presentation", "has_attached_report", "pre_invoice_number", "history_code", "payment_city",
            "account", "amount", "insurance_amount", "icms_amount", "freight_bill_count", "notes",
        ]  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "notes" in self.fields:
            self.fields["notes"].widget.attrs["rows"] = 3
        self._limit_choices()
        self._explain_presentation()
        if self.instance.pk:
            only = self.instance.installments.order_by("number").first()
            for name, value in (("seen_version", self.instance.version), ("due_date", only and only.due_date)):
                if name in self.fields:
                    self.fields[name].initial = value

    def _explain_presentation(self) -> None:
        """Say why the days are few; ticked, the due date may be left to the rule (S21, S22)."""
        if "payable_on_presentation" not in self.fields:
            return
        field = self.fields["payable_on_presentation"]
        field.widget.attrs["data-days"] = PRESENTATION_DAYS
        field.help_text = _(
            "Due at most %(days)s days after the issue: the slip carries a due date factor "
            "(Bacen, Carta-Circular 2926 of 2000)."
        ) % {"days": PRESENTATION_DAYS}
        if self.is_bound and self.data.get("payable_on_presentation") and "due_date" in self.fields:
            self.fields["due_date"].required = False

    def _limit_choices(self) -> None:
        """Offer active codes, and the one that the title has already."""
        active = {"product": Product, "account": LedgerAccount, "history_code": HistoryCode}
        for name, model in active.items():
            if name in self.fields:
                now = getattr(self.instance, f"{name}_id")
                self.fields[name].queryset = model.objects.filter(Q(is_active=True) | Q(pk=now))
        if "history_code" in self.fields:
            self.fields["history_code"].queryset = self.fields["history_code"].queryset.filter(
                direction=Direction.CREDIT
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        due, issued = cleaned.get("due_date"), cleaned.get("issued_on")
        if issued and cleaned.get("payable_on_presentation") and "due_date" in cleaned and due is None:
            cleaned["due_date"] = due_on_presentation(issued)
        elif due and issued and due < issued:
            self.add_error("due_date", _("The due date is before the issue date. Enter that date or a later one."))
        return cleaned


class CancelForm(TransitionForm):
    """Cancelling a whole title before any receipt (G.14)."""

    confirm = _("Cancel the title")
    error_fields: ClassVar = {ReasonTooShort.code: "reason", ReasonTooLong.code: "reason"}

    reason = ReasonField()

    def what_is(self) -> Sequence[Line]:
        return [(_("Customer"), self.row.bill_to), (_("Amount"), reais(self.row.amount)),
                (_("Status"), self.row.get_status_display())]  # fmt: skip

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Status"), TitleStatus.CANCELLED.label), (_("Receipts"), _("None is accepted any more."))]

    def values(self) -> dict[str, Any]:
        return {"title_id": self.row.pk, "reason": self.cleaned_data["reason"]}

    def done(self, result: Title) -> str:
        return _("Title %(title)s cancelled. It is on no till any more.") % {"title": result}


class DueDatesForm(TransitionForm):
    """The due dates of a pending title's installments (S3, G.7)."""

    confirm = _("Save the due dates")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows = list(self.row.installments.order_by("number"))
        for row in self.rows:
            self.fields[f"due_{row.pk}"] = DayField(label=_("due date"), initial=row.due_date)
            self.fields[f"due_{row.pk}"].label = f"{row.label} · {reais(row.amount)}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for row in self.rows:
            day = cleaned.get(f"due_{row.pk}")
            if day and day < self.row.issued_on:
                self.add_error(
                    f"due_{row.pk}", _("The due date is before the issue date. Enter that date or a later one.")
                )
        return cleaned

    def values(self) -> dict[str, Any]:
        days = {row.pk: self.cleaned_data[f"due_{row.pk}"] for row in self.rows}
        return {
            "title_id": self.row.pk,
            "due_dates": {row.pk: days[row.pk] for row in self.rows if days[row.pk] != row.due_date},
        }

    def verify(self, result: Title) -> None:
        refuse_two_steps(self)

    def done(self, result: Title) -> str:
        return _("The due dates of title %(title)s were saved.") % {"title": result}
