"""What a person is asked to count, close and reopen an account's day, and to post what a count found (S61-S63, G.11).

Where the account is counted blind, nothing that the books expect is told before it was counted.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.cash_movement import ClearingForm, accounts_of
from receivables.admin.explain import explain, reais, written
from receivables.admin.forms import DayField, MoneyField, ReasonField
from receivables.admin.tables import Table, link
from receivables.admin.transitions import Line, TransitionForm
from receivables.domain.errors import (
    CashDayClosed,
    ChangedMeanwhile,
    ConfirmationRequired,
    DateInFuture,
    DifferenceCountedAgain,
    EarlierDayOpen,
    MethodNotCounted,
    MoveRefused,
    ReasonTooLong,
    ReasonTooShort,
)
from receivables.domain.money import LARGEST, ZERO
from receivables.models import CashDay, CashDayClosing, CashDayCount, LedgerAccount
from receivables.services.cash_day import COUNT_DIFFERS
from receivables.services.cash_day_count import counts_blind, still_to_post
from receivables.statement import ClosedAlong, DayFigures, closed_along, day_figures

COUNTED = "counted_"
DAYS_NAMED = 12


class ChooseDayForm(forms.Form):
    """Which account and which day, where no row was opened."""

    account = forms.ModelChoiceField(LedgerAccount.objects.none(), label=_("short account"))
    day = DayField(label=_("day"))

    fields: Any

    def __init__(self, data: Any, *, user: Any, today: date) -> None:
        super().__init__(data, initial={"day": today}, label_suffix="")
        self.fields["account"].queryset = accounts_of(user).select_related("branch__parameter_set")


class DayForm(TransitionForm):
    """An account's day, of the row that was opened or as it was chosen."""

    class Media:
        js: ClassVar = ["receivables/counting.js"]

    account: LedgerAccount
    day: date
    error_fields: ClassVar = {
        CashDayClosed.code: "day", DateInFuture.code: "day", EarlierDayOpen.code: "day", MoveRefused.code: "day",
        ConfirmationRequired.code: "confirmed",
    }  # fmt: skip

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.account, self.day = self._account_and_day()
        self.fields["account"] = forms.IntegerField(required=False, initial=self.account.pk, widget=forms.HiddenInput)
        self.fields["day"] = DayField(required=False, initial=written(self.day))
        self.fields["day"].widget = forms.HiddenInput()
        self.is_blind = counts_blind(self.account)
        self.figures: DayFigures = day_figures(self.account, self.day)

    def _account_and_day(self) -> tuple[LedgerAccount, date]:
        if self.row is not None:
            account = LedgerAccount.objects.select_related("branch__parameter_set").get(pk=self.row.account_id)
            return account, self.row.day
        chooser = ChooseDayForm(self.data or self.query, user=self.user, today=self.today)
        if not chooser.is_valid():
            raise ValueError("account and day are asked for before")
        return chooser.cleaned_data["account"], chooser.cleaned_data["day"]

    def add_counts(self, *, required: bool) -> None:
        """Ask for what was counted of each means of payment; what is expected is told unless that is blind."""
        self.names = {f"{COUNTED}{each.method.code}": str(each.method) for each in self.figures.methods}
        for each in self.figures.methods:
            help_text = "" if self.is_blind else _("Expected: %(amount)s") % {"amount": reais(each.expected)}
            expected = {} if self.is_blind else {"data-expected": written(each.expected)}
            field = MoneyField(
                label=_("Counted: %(method)s") % {"method": each.method}, required=required, least=-LARGEST,
                help_text=help_text, max_digits=15, decimal_places=2,
            )  # fmt: skip
            field.widget.attrs |= expected
            self.fields[f"{COUNTED}{each.method.code}"] = field

    def counted(self) -> Mapping[str, Decimal]:
        """Give what was typed by code of the means of payment."""
        typed = {
            name.removeprefix(COUNTED): self.cleaned_data[name] for name in self.fields if name.startswith(COUNTED)
        }
        return {code: amount for code, amount in typed.items() if amount is not None}

    def where(self) -> list[Line]:
        """Tell the account and the day."""
        return [(_("Account"), self.account), (_("Day"), written(self.day))]

    def sums(self) -> list[Line]:
        """Tell what the books say of the day."""
        return [
            (_("Opening balance"), reais(self.figures.opening)),
            (_("Credits"), reais(self.figures.moved.credits)),
            (_("Debits"), reais(self.figures.moved.debits)),
            (_("Balance at the end of the day"), reais(self.figures.balance)),
        ]


class CountForm(DayForm):
    """Conferência às cegas: what there is of each means of payment, before the books say what there should be."""

    confirm = _("Save the count")
    notices = (
        _("Count first. What the books expect is shown once the count is saved; a saved count is never changed."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.add_counts(required=True)

    def what_is(self) -> Sequence[Line]:
        return self.where()

    def what_will_be(self) -> Sequence[Line]:
        number = self.row.counts.count() + 1 if self.row is not None else 1
        return [(_("Cash count"), _("Number %(number)s, with your name and the time.") % {"number": number})]

    def values(self) -> dict[str, Any]:
        return {"account_id": self.account.pk, "day": self.day, "counted": self.counted()}

    def done(self, result: CashDayCount) -> str:
        if not result.difference:
            return _("Counted: %(amount)s, as the books expect.") % {"amount": reais(result.counted_amount)}
        return _("Counted: %(amount)s. Difference: %(difference)s.") % {
            "amount": reais(result.counted_amount),
            "difference": reais(result.difference),
        }


class CloseForm(DayForm):
    """Closing the day of an account, with what was counted of each means of payment."""

    confirm = _("Close the cash")
    confirmations = (COUNT_DIFFERS,)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.count = fresh_count(self.row) if self.is_blind else None
        if self.is_blind:
            self.fields["count_id"] = forms.IntegerField(
                required=False, initial=self.count.pk if self.count else None, widget=forms.HiddenInput
            )
            self._tell_the_count()
        else:
            self.add_counts(required=False)
            self.fields["seen_balance"] = forms.CharField(
                required=False, initial=written(self.figures.balance), widget=forms.HiddenInput
            )
        self.fields["confirmed"] = self.fields.pop("confirmed")  # it stands beside the button, after the counts

    def _tell_the_count(self) -> None:
        if self.count is None:
            self.notices = (_("This account is counted blind. Count the day first, then close it."),)
            return
        if self.count.difference:
            self.ask_to_confirm([COUNT_DIFFERS])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        typed = [name for name in self.fields if name.startswith(COUNTED) and name not in self.errors]
        missing = [name for name in typed if cleaned.get(name) is None]
        if missing and len(missing) < len(typed):
            for name in missing:
                broken = MethodNotCounted(method=self.names[name])
                self.add_error(name, forms.ValidationError(explain(broken), code=broken.code))
        return cleaned

    def what_is(self) -> Sequence[Line]:
        if self.is_blind and self.count is None:
            return self.where()
        return [*self.where(), *self.sums(), *self._count()]

    def _count(self) -> list[Line]:
        """Tell which count closes the day, and the way to another one."""
        if self.count is None:
            return []
        again = reverse("admin:receivables_cashday_count", args=[self.row.pk])
        number = _("Number %(number)s") % {"number": self.count.number}
        return [(_("Cash count"), format_html('{} · <a href="{}">{}</a>', number, again, _("Count again")))]

    def what_will_be(self) -> Sequence[Line]:
        return [
            (_("Status"), _("Closed: nothing more enters this day while the control is on.")),
            *closes_as_well(closed_along(self.account, self.day)),
        ]

    def tables(self) -> Sequence[Table]:
        return [count_table(self.count)] if self.count is not None else []

    def values(self) -> dict[str, Any]:
        return {
            "account_id": self.account.pk,
            "day": self.day,
            "counted": None if self.is_blind else self.counted() or None,
            "count_id": self.cleaned_data.get("count_id"),
            "confirmed": self.confirmed,
        }

    def verify(self, result: CashDayClosing) -> None:
        seen = self.cleaned_data.get("seen_balance")
        if seen and seen != written(result.opening_balance + result.total):
            raise ChangedMeanwhile(what=str(result.cash_day))

    def done(self, result: CashDayClosing) -> str:
        told = _("%(cash_day)s closed with %(total)s. To change it, reopen the day.") % {
            "cash_day": result.cash_day,
            "total": reais(result.total),
        }
        if result.count is None or not result.count.difference:
            return told
        difference = _("Counted %(counted)s: a difference of %(difference)s is recorded.") % {
            "counted": reais(result.count.counted_amount),
            "difference": reais(result.count.difference),
        }
        return f"{told} {difference}"


class ReopenForm(TransitionForm):
    """Opening a closed day again, the newest closed one first."""

    confirm = _("Reopen the day")
    error_fields: ClassVar = {ReasonTooShort.code: "reason", ReasonTooLong.code: "reason"}

    reason = ReasonField()

    @cached_property
    def closing(self) -> CashDayClosing | None:
        found: CashDayClosing | None = self.row.closings.first()
        return found

    def must_be_seen(self) -> str:
        """The closing that is undone is the one that was shown: the day may have been closed anew meanwhile."""
        return str(self.closing.pk) if self.closing else ""

    def what_is(self) -> Sequence[Line]:
        closing = self.closing
        return [
            (_("Account"), self.row.account),
            (_("Day"), written(self.row.day)),
            (_("Total of the day"), reais(closing.total if closing else None)),
            (_("Closed by"), closing.actor if closing else "—"),
        ]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Status"), _("Open: it takes movements again, until it is closed once more."))]

    def values(self) -> dict[str, Any]:
        return {"account_id": self.row.account_id, "day": self.row.day, "reason": self.cleaned_data["reason"]}

    def done(self, result: CashDay) -> str:
        return _("%(cash_day)s is open again. Close it when you are done.") % {"cash_day": result}


class PostDifferenceForm(ClearingForm):
    """Posting what a count found too much or too little: an ordinary movement of a person, linked to the closing."""

    confirm = _("Post the difference")

    def __init__(self, *args: Any, **options: Any) -> None:
        self.closing = options["row"].closings.select_related("count", "cash_day__account").first()
        super().__init__(*args, **options)

    @property
    def account(self) -> LedgerAccount:
        return self.row.account

    @property
    def needed(self) -> Decimal:
        return difference_left(self.closing)

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Account"), self.row.account),
            (_("Day"), written(self.row.day)),
            (_("Expected amount"), reais(self.closing.count.expected_amount)),
            (_("Counted amount"), reais(self.closing.count.counted_amount)),
            (_("Still to post"), reais(self.needed)),
        ]

    def link(self) -> dict[str, int]:
        return {"difference_of_id": self.closing.pk}


def fresh_count(cash_day: CashDay | None) -> CashDayCount | None:
    """Give the newest count of a day by which it was not closed yet."""
    newest = cash_day.counts.select_related("closing").first() if cash_day is not None else None
    return None if newest is None or hasattr(newest, "closing") else newest


def difference_left(closing: CashDayClosing | None) -> Decimal:
    """Give what is still to be posted of a closing's difference; nothing where a later count found it again."""
    if closing is None:
        return ZERO
    try:
        return still_to_post(closing)
    except DifferenceCountedAgain:
        return ZERO


def count_table(count: CashDayCount) -> Table:
    """Tell a count by means of payment: expected, counted, difference."""
    title = gettext("Count %(number)s · %(when)s · %(actor)s") % {
        "number": count.number, "when": written(count.posted_at), "actor": count.actor,
    }  # fmt: skip
    table = Table(
        title, [_("payment method"), _("expected amount"), _("counted amount"), _("over or short")],
        _("Nothing was counted."),
    )  # fmt: skip
    lines = count.lines.select_related("method").order_by("method__code")
    table.fill([line.method, line.expected_amount, line.counted_amount, line.difference] for line in lines)
    return table.fill([[capfirst(gettext("total")), count.expected_amount, count.counted_amount, count.difference]])


def closes_as_well(along: ClosedAlong) -> list[Line]:
    """Tell which older days a closing closes with it, and which ask to be closed before (ADR 0007, G.11)."""
    told: list[Line] = []
    if along.open_days:
        links = format_html_join(", ", "{}", ((link(row, written(row.day)),) for row in along.open_days[:DAYS_NAMED]))
        told.append((_("Close before"), links))
    if along.since is None:
        told.append((_("Closes as well"), _("every day before it, on which nothing was posted")))
    elif along.silent_days:
        told.append((_("Closes as well"), _named(along.silent_days)))
    return told


def _named(days: Sequence[date]) -> str:
    """Name the days one by one, or many of them by the first and the last."""
    if len(days) <= DAYS_NAMED:
        return ", ".join(written(day) for day in days)
    return gettext("%(first)s to %(last)s (%(count)s days)") % {
        "first": written(days[0]), "last": written(days[-1]), "count": len(days),
    }  # fmt: skip
