"""Nova Cobrança Bancária: the dialogue with its preview and its warnings, and the log of what was done (S40-S57, G.12).

Courtesy only: the service computes and decides again under lock.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.explain import reais, written
from receivables.admin.finding import find_by_our_number
from receivables.admin.forms import DayField, PercentField, ReasonField, show_broken
from receivables.admin.settlement import refuse_two_steps
from receivables.admin.tables import Table, link
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.errors import (
    AmountTooLarge,
    ConfirmationRequired,
    NewDueDateBeforeToday,
    NothingToReissue,
    ReasonTooLong,
    ReasonTooShort,
    RuleBroken,
    WriteOffNotRequested,
)
from receivables.domain.money import ZERO
from receivables.domain.reissue import PERCENT_PLACES, ReissueTotals
from receivables.models import BankCollectionReissue, BankSlip, Installment, SlipStatus, Terms, Title
from receivables.services.reissue import ABOVE_CUSTOM, preview_reissue, reissuable


def nothing_to_reissue(title: Title) -> RuleBroken:
    """Name why a title gets no new bank collection."""
    return NothingToReissue(title=str(title))


class ReissueForm(TransitionForm):
    """The dialogue: new due date and reason, interest and fine if wanted, and the total before Confirmar."""

    confirm = _("Confirm the new bank collection")
    confirmations = (ABOVE_CUSTOM,)
    calculates = True
    calculated_from = ("installment", "new_due_date", "apply_charges", "interest_percent", "fine_percent")
    notices: Sequence[Any] = (
        _(
            "If the collection is registered, go through the formalities at the bank, "
            "so that the customer is not charged twice."
        ),
        _("This procedure is entirely the responsibility of the user who confirms it."),
    )
    error_fields: ClassVar = {
        ConfirmationRequired.code: "confirmed",
        NewDueDateBeforeToday.code: "new_due_date",
        ReasonTooShort.code: "reason",
        ReasonTooLong.code: "reason",
        WriteOffNotRequested.code: "write_off_requested",
        AmountTooLarge.code: "interest_percent",
    }

    totals: ReissueTotals | None = None

    installment = forms.TypedChoiceField(label=_("installment"), coerce=int)
    new_due_date = DayField(label=_("new due date"))
    reason = ReasonField(label=_("reason of the new collection"))
    apply_charges = forms.BooleanField(label=_("apply interest and fine"), required=False)
    interest_percent = PercentField(
        label=_("interest % (per day)"), required=False, help_text=_("Of the original amount, per day late.")
    )
    fine_percent = PercentField(
        label=_("fine % (per month)"), required=False, help_text=_("Of the original amount, per month begun.")
    )
    write_off_requested = forms.BooleanField(
        label=_("the write-off of the previous slip was requested from the bank"),
        error_messages={
            "required": _("Request the write-off of the previous slip from the bank and tick that you did.")
        },
    )

    class Media:
        js: ClassVar = [Script("receivables/reissue.js", defer=True)]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows = list(reissuable(self.row.pk).select_related("title", "terms"))
        field = self.fields["installment"]
        field.choices = [(row.pk, _told(row)) for row in self.rows]
        if len(self.rows) == 1:
            field.widget = forms.HiddenInput()
        field.initial = self.chosen.pk
        self.fields["interest_percent"].initial = _percent_per_day(self.chosen.terms)
        self.fields["fine_percent"].initial = self.chosen.terms.fine_percent

    @cached_property
    def chosen(self) -> Installment:
        """Give the installment asked for, else the first."""
        asked = str((self.data or self.query).get("installment", ""))
        return next((row for row in self.rows if str(row.pk) == asked), self.rows[0])

    @cached_property
    def slip(self) -> BankSlip:
        return self.chosen.bank_slips.exclude(status=SlipStatus.SUPERSEDED).get()

    # What was typed

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("apply_charges"):
            self._require_percents(cleaned)
        else:
            self._forget_percents(cleaned)
        if self.is_calculating:
            for name in set(self.errors) - set(self.calculated_from):
                del self.errors[name]
        self.totals = self._totals(cleaned)
        return super().clean()

    def must_be_seen(self) -> str:
        return str(self.totals.total) if self.totals else ""

    @property
    def not_seen(self) -> str:  # type: ignore[override]
        amount = reais(self.totals.total if self.totals else None)
        return gettext("The new amount is %(amount)s. Check it and confirm again.") % {"amount": amount}

    def _require_percents(self, cleaned: dict[str, Any]) -> None:
        for name in ("interest_percent", "fine_percent"):
            if cleaned.get(name) is None and name not in self.errors:
                self.add_error(name, forms.ValidationError(_("Enter the percentage, or 0."), code="required"))

    def _forget_percents(self, cleaned: dict[str, Any]) -> None:
        """Unticked, the percents are disabled: what they hold is not asked (S50, S52, S54)."""
        for name in ("interest_percent", "fine_percent"):
            self.errors.pop(name, None)
            cleaned[name] = ZERO

    def _totals(self, cleaned: dict[str, Any]) -> ReissueTotals | None:
        """Give days, months and reais with what was typed, None while they cannot be computed."""
        names = ("new_due_date", "apply_charges", "interest_percent", "fine_percent")
        asked: dict[str, Any] = {name: cleaned.get(name) for name in names}
        if any(value is None for value in asked.values()) or "installment" in self.errors:
            return None
        try:
            return preview_reissue(installment_id=self.chosen.pk, on=self.today, **asked)
        except RuleBroken as broken:
            show_broken(self, broken)
            return None

    # What is shown

    def what_is(self) -> Sequence[Line]:
        row = self.chosen
        return [
            (_("Customer"), self.row.bill_to),
            (_("Installment"), row.label),
            (_("Our number"), self.slip.our_number),
            (_("Current due date"), written(row.due_date)),
            (_("Amount"), reais(row.amount)),
            (_("Original amount"), reais(row.original_amount)),
            (_("Responsible"), self.user.get_full_name() or self.user.get_username()),
            (_("Date of the change"), written(self.today)),
        ]

    def what_will_be(self) -> Sequence[Line]:
        first = (_("Our number"), _("Removed; the title is free for a new slip."))
        labels = (_("Days late"), _("Months begun"), _("Interest"), _("Fine"), _("New amount"), _("Invoice total"))
        if self.totals is None:
            return [first, *((label, "—") for label in labels)]
        told = self.totals
        invoice = self.row.amount - self.chosen.amount + told.total
        shown = [told.days_late, told.months_late, *map(reais, (told.interest, told.fine, told.total, invoice))]
        return [first, *zip(labels, shown, strict=True)]

    # What is done

    def values(self) -> dict[str, Any]:
        names = ("new_due_date", "reason", "apply_charges", "interest_percent", "fine_percent", "write_off_requested")
        asked = {name: self.cleaned_data[name] for name in names}
        return {"installment_id": self.chosen.pk, **asked, "confirmed": self.confirmed}

    def verify(self, result: BankCollectionReissue) -> None:
        refuse_two_steps(self)

    def done(self, result: BankCollectionReissue) -> str:
        return _(
            "New bank collection of %(installment)s: %(amount)s, due %(due_date)s. "
            "%(our_number)s was removed; the title is free for a new slip."
        ) % {
            "installment": result.installment,
            "amount": reais(result.new_amount),
            "due_date": written(result.new_due_date),
            "our_number": result.our_number,
        }


def _told(row: Installment) -> str:
    return f"{row.label} · {written(row.due_date)} · {reais(row.amount)}"


def _percent_per_day(terms: Terms) -> Decimal:
    """Propose the installment's own terms: a month's interest is a thirtieth of it a day (E.6)."""
    days = 1 if terms.interest_per == "day" else 30
    return round(terms.interest_percent / days, PERCENT_PLACES)


def reissues_table(title: Title) -> Table:
    """Give the log of a title's new bank collections (S45, S47, S56)."""
    table = Table(
        _("New bank collections"),
        [_("date of the change"), _("installment"), _("our number dropped"), _("previous due date"), _("new due date"),
         _("previous amount"), _("new amount"), _("user"), _("reason")],
        _("None yet. Use New bank collection on a pending installment with a bank slip."),
        joins=True,
    )  # fmt: skip
    rows = BankCollectionReissue.objects.filter(installment__title=title).select_related("installment__title")
    return table.fill(
        [link(row, written(row.posted_at)), row.installment.label, row.our_number, row.old_due_date, row.new_due_date,
         row.old_amount, row.new_amount, row.actor, row.reason]
        for row in rows.order_by("-pk")
    )  # fmt: skip


@admin.register(BankCollectionReissue)
class BankCollectionReissueAdmin(ReadOnlyAdmin):
    list_display = ("posted_at", "installment", "our_number", "old_due_date", "new_due_date", "new_amount", "actor")
    list_display_links = ("installment",)
    list_filter = ("reissued_on",)
    list_select_related = ("installment__title",)
    search_fields = ("our_number",)
    search_help_text = _("Document or Nosso Número")
    find = staticmethod(find_by_our_number)
    fields = (
        ("installment", "slip", "our_number"), ("old_due_date", "new_due_date", "reissued_on"),
        ("original_amount", "old_amount", "new_amount"),
        ("apply_charges", "interest_percent", "fine_percent", "days_late", "months_late", "interest", "fine"),
        "bank_write_off_requested", "reason", ("posted_at", "actor", "told_channel"),
    )  # fmt: skip

    def get_queryset(self, request: Any) -> QuerySet:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(installment__title__in=Title.objects.visible_to(request.user))
