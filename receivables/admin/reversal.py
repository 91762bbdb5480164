"""What a person is asked to undo receipts: Estornar, and the dialogue of the closed cash (S58-S88, C1-C12, G.1-G.4).

The page stages; nothing is written before “Gravar estorno”, and then everything is decided again under lock.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.widgets import Script
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from receivables.admin.closed_cash import DONE, ENTER, MORE, REASON, STAGED, Dialogue
from receivables.admin.debit_form import DebitForm
from receivables.admin.explain import explain, reais, written
from receivables.admin.forms import ReasonField, show_broken
from receivables.admin.reversal_changes import Section, sections_of
from receivables.admin.reversal_refusals import closed_since, named, reopened_since, signed
from receivables.admin.tables import Table, chip, link
from receivables.admin.title_tables import movements_table
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.errors import (
    CashDayNotClosed,
    ChangedMeanwhile,
    ConfirmationRequired,
    OptionRequired,
    ReasonTooLong,
    ReasonTooShort,
    RuleBroken,
)
from receivables.domain.money import ZERO
from receivables.domain.reversal import ClosedCashOption
from receivables.models import CashMovement, Receipt, Reversal, Title
from receivables.services import access
from receivables.services.reversal import (
    DEBITS_DIFFER,
    ClosedCash,
    lies_in_closed_cash,
    movements_of,
    newest_live_receipt,
)
from receivables.services.reversal_preview import ReversalPreview, preview_reversal

CLOSED_CASH_PERMISSION = "receivables.reverse_receipt_closed_cash"
NO_DEBIT_PERMISSION = "receivables.reverse_without_debit"
STEP = "_step"
"""The button of a step of the dialogue: account, verb and number, like `7:drop:1`. Without it the page saves."""


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
        self.answers: Any = self.data.copy() if self.is_bound else {}
        if self.is_bound:
            self.data = self.answers
        self.receipt = self._receipt()
        self._look()
        if self.is_calculating:
            self.full_clean()  # the step is taken before anything is shown
        if self.asks_confirmation:
            self.ask_to_confirm([DEBITS_DIFFER])
        is_next = not self.answers.get("reason") and not any(each.stage == MORE for each in self.dialogues)
        if self.asks_reason and is_next:
            self.fields["reason"].widget.attrs["autofocus"] = True

    def _receipt(self) -> Receipt | None:
        return newest_live_receipt(title_id=self.row.pk)

    def _look(self) -> None:
        """Read what the share left in cash and banks, and which of it lies in closed cash now (S61, S62)."""
        receipt = self.receipt
        self.movements = movements_of(receipt_id=receipt.pk, title=self.row.pk) if receipt else []
        self.closed: dict[int, list[CashMovement]] = {}
        for row in self.movements:
            if lies_in_closed_cash(row):
                self.closed.setdefault(row.account_id, []).append(row)
        for account_id in self.closed:
            for name in ("option", "stage", "entering"):
                self.fields[f"{name}_{account_id}"] = forms.CharField(required=False, widget=forms.HiddenInput)
        self.fields["closed_seen"].initial = self._closed_now()
        checked = self.is_bound and not self.is_calculating
        self.dialogues = [
            Dialogue(rows, data=self.answers, today=self.today, checked=checked) for rows in self.closed.values()
        ]

    def _closed_now(self) -> str:
        return ",".join(f"{pk}@{max(row.cash_date for row in rows)}" for pk, rows in self.closed.items())

    class Media:
        js: ClassVar = [Script("receivables/stages.js", defer=True)]

    def require(self) -> None:
        if self.closed:
            access.require(self.user, CLOSED_CASH_PERMISSION)
        if any(each.option is ClosedCashOption.NO_DEBIT for each in self.dialogues):
            access.require(self.user, NO_DEBIT_PERMISSION)

    @property
    def may_leave_out_debit(self) -> bool:
        return bool(self.user.has_perm(NO_DEBIT_PERMISSION))

    # A step of the dialogue, which writes nothing (G.2)

    @property
    def is_calculating(self) -> bool:
        return STEP in self.answers

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.is_calculating:
            self._take_step()
        else:
            self._tell_what_changed()
            self._check_answers()
        return cleaned

    def _take_step(self) -> None:
        """Go on with the dialogue; of what is wrong only that is told which Confirmar asked for."""
        wrong = self.errors.as_data().get("reason", [])
        for name in self.errors.keys() - {NON_FIELD_ERRORS}:
            del self.errors[name]
        account, verb, number = [*str(self.answers[STEP]).split(":"), "", ""][:3]
        if verb != "look":
            self.answers.pop("confirmed", None)
        self._tell_what_changed()
        for dialogue in self.dialogues:
            if str(dialogue.account.pk) != account:
                continue
            if verb == "confirm" and dialogue.stage == REASON and wrong:
                self.add_error("reason", wrong)
            else:
                dialogue.take(verb, int(number) if number.isdecimal() else 0)

    # What Gravar asks

    def _check_answers(self) -> None:
        for dialogue in self.dialogues:
            if dialogue.option is None:
                self.add_error(f"option_{dialogue.account.pk}", _option_required(dialogue))
            elif dialogue.stage not in STAGED:
                message = _("Confirm what is open below, then save.")
                self.add_error(None, forms.ValidationError(message, code="not_confirmed"))
            elif dialogue.is_debit and not dialogue.is_valid:
                dialogue.open_first_wrong()
                self.add_error(None, forms.ValidationError(_("Correct the debits below."), code="debits"))

    def _tell_what_changed(self) -> None:
        """Tell of cash that was closed or reopened after the page was shown: what was answered fits no more (G.2)."""
        now = self._closed_now()
        seen, shut = (set(filter(None, each.split(","))) for each in (self.answers.get("closed_seen", now), now))
        for account, day in named(seen - shut):
            self.add_error(None, forms.ValidationError(reopened_since(account, day), code=CashDayNotClosed.code))
        for account, day in named(shut - seen):
            self.add_error(None, forms.ValidationError(closed_since(account, day), code="closed_meanwhile"))
        answered = {name.removeprefix("option_") for name, value in self.answers.items() if value and "option_" in name}
        if seen <= shut and answered - {str(pk) for pk in self.closed}:
            show_broken(self, CashDayNotClosed())
        self.answers["closed_seen"] = now

    def changed_meanwhile(self, seen: int) -> ChangedMeanwhile:
        """Say who changed the title after the page was shown, when and why."""
        newest = self.row.history.filter(version__gt=seen).order_by("-history_id").first()
        if newest is None:
            return super().changed_meanwhile(seen)
        told = signed(newest.actor, newest.history_date, newest.history_change_reason or "")
        return ChangedMeanwhile(what=f"{self.row} ({told})")

    def refuse(self, broken: RuleBroken) -> None:
        """Tell what the service found under lock, beside the page as it looks now."""
        self.receipt = self._receipt()
        self._look()
        self.__dict__.pop("preview", None)
        self.answers["closed_seen"] = self._closed_now()
        super().refuse(broken)

    # What is shown

    @property
    def is_ready(self) -> bool:
        """Say whether nothing is left to answer: Gravar stands on the page."""
        return self.receipt is not None and all(each.is_staged for each in self.dialogues)

    @property
    def can_save(self) -> bool:
        return self.is_ready and not self.out_of_order

    @property
    def out_of_order(self) -> str:
        """Name the receipt to undo first, where another was asked for."""
        return ""

    @property
    def asked(self) -> Sequence[Dialogue]:
        """Give the accounts whose question is on the page: one after the other."""
        done = [each for each in self.dialogues if each.stage == DONE]
        shown = self.dialogues[: len(done) + 1]
        for each in shown:
            each.errors = self.errors.get(f"option_{each.account.pk}", "") if self.is_bound else ""
        return shown

    @property
    def asks_reason(self) -> bool:
        return self.is_ready or any(each.stage == REASON for each in self.dialogues)

    @property
    def asks_confirmation(self) -> bool:
        return self.is_ready and any(each.differs for each in self.dialogues)

    @property
    def confirmed_box(self) -> forms.BoundField:
        return self["confirmed"]

    @property
    def default_step(self) -> str:
        """Give the step that Enter takes where no script moves on: Confirmar of what is open."""
        is_open = (each for each in self.dialogues if each.stage in (ENTER, REASON))
        return next((f"{each.account.pk}:confirm" for each in is_open), "")

    @property
    def status_chip(self) -> Any:
        return chip(self.row.status, self.row.get_status_display())

    @property
    def save_hint(self) -> str:
        return (
            "" if self.out_of_order or self.receipt is None else str(_("Answer and confirm; then you can save here."))
        )

    @property
    def save_label(self) -> str:
        """Name the consequence on the button."""
        debits = sum(len(each.debits) for each in self.dialogues if each.is_debit)
        if debits:
            text = ngettext("%(save)s and %(count)s debit", "%(save)s and %(count)s debits", debits)
            return text % {"save": self.confirm, "count": debits}
        return str(_("%(save)s without debit") % {"save": self.confirm}) if self.dialogues else str(self.confirm)

    @cached_property
    def preview(self) -> ReversalPreview | None:
        if self.receipt is None:
            return None
        debits = {each.account.pk: each.dated_amounts() for each in self.dialogues if each.is_debit}
        return preview_reversal(title_id=self.row.pk, receipt_id=self.receipt.pk, on=self.today, debits=debits)

    def changes(self) -> Sequence[Section]:
        """Give before and after, side by side."""
        if self.preview is None:
            return []
        unanswered = {each.account.pk for each in self.dialogues if each.option is None}
        return sections_of(self.preview, today=self.today, unanswered=unanswered)

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Customer"), self.row.bill_to),
            (_("Receipt"), link(self.receipt)),
            (_("Issue date"), written(self.row.issued_on)),
            (_("Settlement date in cash and banks"), written(sorted({row.cash_date for row in self.movements}))),
            (_("Short account"), ", ".join(sorted({str(row.account) for row in self.movements})) or "—"),
            (_("Settled amount"), reais(sum((row.amount for row in self.movements), ZERO))),
        ]

    def groups(self) -> Sequence[tuple[Any, forms.Form]]:
        """Give the debits of the dialogue; its page shows them, this brings their calendars."""
        return [("", DebitForm())] if self.closed else []

    def tables(self) -> Sequence[Table]:
        return [movements_table(self.row)]

    # What is done

    def closed_cash(self) -> Mapping[int, ClosedCash]:
        """Give the answers to the dialogue, by account."""
        answers = {each.account.pk: each.answer() for each in self.dialogues}
        return {account_id: answer for account_id, answer in answers.items() if answer is not None}

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


def asks_about_closed_cash(form: ReversalForm) -> bool:
    """Say whether a movement of the share lies in closed cash: then the person proves once more who he is."""
    return bool(form.closed)


def _option_required(dialogue: Dialogue) -> forms.ValidationError:
    refusal = OptionRequired(account=str(dialogue.account), day=dialogue.day)
    return forms.ValidationError(explain(refusal), code=refusal.code)
