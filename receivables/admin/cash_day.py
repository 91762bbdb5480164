"""Fechamento de caixa: days close oldest first and reopen newest first, with a reason (S61-S63, G.11)."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q, Sum
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.cash_movement import accounts_of
from receivables.admin.explain import reais, written
from receivables.admin.forms import DayField, MoneyField, ReasonField
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.domain.errors import DateInFuture, EarlierDayOpen, MoveRefused, ReasonTooLong, ReasonTooShort
from receivables.domain.money import ZERO
from receivables.models import CashDay, CashDayClosing, CashMovement, LedgerAccount
from receivables.services import access
from receivables.services.cash_day import close_day, reopen_day


class CloseForm(TransitionForm):
    """Closing the day of an account, with what was counted where it is cash."""

    confirm = _("Close the cash")
    error_fields: ClassVar = {
        DateInFuture.code: "day",
        EarlierDayOpen.code: "day",
        MoveRefused.code: "day",
    }

    counted_amount = MoneyField(
        label=_("counted amount"), required=False, help_text=_("What was counted at the end of the day, if it was.")
    )

    def account_and_day(self) -> dict[str, Any]:
        return {"account_id": self.row.account_id, "day": self.row.day}

    def what_is(self) -> Sequence[Line]:
        movements = CashMovement.objects.filter(account=self.row.account_id)
        sums = movements.filter(cash_date=self.row.day).aggregate(
            credits=Sum("amount", filter=Q(amount__gt=0), default=ZERO),
            debits=Sum("amount", filter=Q(amount__lt=0), default=ZERO),
        )
        return [
            (_("Account"), self.row.account),
            (_("Day"), written(self.row.day)),
            (_("Credits"), reais(sums["credits"])),
            (_("Debits"), reais(sums["debits"])),
            (_("Balance at the end of the day"), reais(movements.filter(cash_date__lte=self.row.day).balance())),
        ]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Status"), _("Closed: nothing more enters this day while the control is on."))]

    def values(self) -> dict[str, Any]:
        return {**self.account_and_day(), "counted_amount": self.cleaned_data["counted_amount"]}

    def done(self, result: CashDayClosing) -> str:
        return _("%(cash_day)s closed with %(total)s. To change it, reopen the day.") % {
            "cash_day": result.cash_day,
            "total": reais(result.total),
        }


class CloseAnyForm(CloseForm):
    """Closing a day that may have no row yet: account and day are asked."""

    account = forms.ModelChoiceField(LedgerAccount.objects.none(), label=_("short account"))
    day = DayField(label=_("day"))
    field_order = ("account", "day", "counted_amount")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["account"].queryset = accounts_of(self.user)
        self.fields["day"].initial = self.today

    def account_and_day(self) -> dict[str, Any]:
        return {"account_id": self.cleaned_data["account"].pk, "day": self.cleaned_data["day"]}

    def what_is(self) -> Sequence[Line]:
        return []


class ReopenForm(TransitionForm):
    """Opening a closed day again, the newest closed one first."""

    confirm = _("Reopen the day")
    error_fields: ClassVar = {ReasonTooShort.code: "reason", ReasonTooLong.code: "reason"}

    reason = ReasonField()

    def what_is(self) -> Sequence[Line]:
        closing = self.row.closings.first()
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


def _may(permission: str) -> Any:
    def require(user: Any, cash_day: CashDay | None) -> None:
        access.require(user, permission)
        if cash_day is not None:
            access.require_branch(user, cash_day.account.branch)

    return require


@admin.register(CashDay)
class CashDayAdmin(TransitionAdmin, ReadOnlyAdmin):
    branch_lookups = ("account__branch",)
    list_display = ("day", "account", "status_chip", "total", "counted", "closed_by")
    list_filter = ("status", "day", "account")
    list_select_related = ("account",)
    fields = (("account", "day", "status_chip"),)
    transitions: ClassVar = {
        "close": Transition(
            label=_("Close the cash"), form=CloseForm, service=close_day, verb="close",
            require=_may("receivables.close_cash"),
        ),
        "reopen": Transition(
            label=_("Reopen the day"), form=ReopenForm, service=reopen_day, verb="reopen",
            require=_may("receivables.reopen_cash"),
        ),
    }  # fmt: skip
    desk_transitions: ClassVar = {
        "close-cash": Transition(
            label=_("Close the cash"), form=CloseAnyForm, service=close_day, require=_may("receivables.close_cash")
        ),
    }

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("closings")

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, cash_day: CashDay) -> SafeString:
        return chip(cash_day.status, cash_day.get_status_display())

    @admin.display(description=_("total of the day"))
    def total(self, cash_day: CashDay) -> str:
        closing = _closing(cash_day)
        return written(closing.total) if closing else "—"

    @admin.display(description=_("counted amount"))
    def counted(self, cash_day: CashDay) -> str:
        closing = _closing(cash_day)
        return written(closing.counted_amount) if closing else "—"

    @admin.display(description=_("closed by"))
    def closed_by(self, cash_day: CashDay) -> str:
        closing = _closing(cash_day)
        return f"{closing.actor} · {written(closing.posted_at)}" if closing else "—"

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        return [_closings(row), _movements(row)]


def _closing(cash_day: CashDay) -> CashDayClosing | None:
    """Give the closing that stands; a reopened day has none."""
    closings = list(cash_day.closings.all())
    return closings[0] if closings and cash_day.status == "closed" else None


def _closings(cash_day: CashDay) -> Table:
    table = Table(
        _("Closings"),
        [_("posted at"), _("actor"), _("opening balance"), _("credits"), _("debits"), _("total of the day"),
         _("counted amount"), _("reopened because")],
        _("This day was not closed yet. Use Close the cash."),
    )  # fmt: skip
    rows = cash_day.closings.select_related("reopening").order_by("pk")
    return table.fill(
        [row.posted_at, row.actor, row.opening_balance, row.credits, row.debits, row.total, row.counted_amount,
         row.reopening.reason if hasattr(row, "reopening") else None]
        for row in rows
    )  # fmt: skip


def _movements(cash_day: CashDay) -> Table:
    table = Table(
        _("Movements of the day"),
        [_("history code"), _("title"), _("receipt"), _("amount"), _("status"), _("supplement"), _("notes")],
        _("Nothing was posted in this day. Settlements and cash movements post here."),
    )
    rows = CashMovement.objects.filter(account=cash_day.account_id, cash_date=cash_day.day)
    return table.fill(
        [link(row, row.history_code), link(row.title), link(row.receipt), row.amount, row.get_status_display(),
         row.supplement_number, row.notes]
        for row in rows.select_related("history_code", "title", "receipt").order_by("pk")[:500]
    )  # fmt: skip
