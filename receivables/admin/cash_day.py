"""Fechamento de caixa: days are counted, close oldest first and reopen newest first, with a reason (S61-S63, G.11).

What is asked is in `cash_day_forms`; the figures are those of `receivables.statement`.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.cash_day_forms import (
    ChooseDayForm,
    CloseForm,
    CountForm,
    PostDifferenceForm,
    ReopenForm,
    count_table,
    difference_left,
    fresh_count,
)
from receivables.admin.explain import written
from receivables.admin.statement import origin_of, statement_address
from receivables.admin.tables import Table, change_url, chip, link
from receivables.admin.transitions import Transition, TransitionAdmin
from receivables.domain.errors import CountRequired, RuleBroken
from receivables.models import CashDay, CashDayStatus, LedgerAccount
from receivables.services import access
from receivables.services.cash_day import close_day, count_day, reopen_day
from receivables.services.cash_day_count import counts_blind
from receivables.services.cash_movement import record_cash_movement
from receivables.statement import DayFigures, day_figures, standing_closing

MOVEMENTS_SHOWN = 500


def _is_blind(cash_day: CashDay) -> bool:
    return counts_blind(LedgerAccount.objects.select_related("branch__parameter_set").get(pk=cash_day.account_id))


def hides_expected(cash_day: CashDay) -> bool:
    """Say whether nothing is told of what the books expect: counted blind, open, and not counted yet."""
    return cash_day.status == CashDayStatus.OPEN and _is_blind(cash_day) and fresh_count(cash_day) is None


def _may_close_now(cash_day: CashDay) -> bool:
    return not _is_blind(cash_day) or fresh_count(cash_day) is not None


def _not_counted(cash_day: CashDay) -> RuleBroken | None:
    """Tell why an open day is not for closing yet; what is closed already is told by its status."""
    if cash_day.status == CashDayStatus.CLOSED:
        return None
    return CountRequired(account=str(cash_day.account), day=cash_day.day)


def close_address(cash_day: CashDay) -> str:
    """Give the address at which a day is closed."""
    return reverse("admin:receivables_cashday_close", args=[cash_day.pk])


def _may_count_now(cash_day: CashDay) -> bool:
    return cash_day.status == CashDayStatus.OPEN and _is_blind(cash_day)


def _has_difference(cash_day: CashDay) -> bool:
    closing = standing_closing(cash_day)
    return closing is not None and bool(difference_left(closing))


def _may(permission: str) -> Any:
    def require(user: Any, cash_day: CashDay | None) -> None:
        access.require(user, permission)
        if cash_day is not None:
            access.require_branch(user, cash_day.account.branch)

    return require


@admin.register(CashDay)
class CashDayAdmin(TransitionAdmin, ReadOnlyAdmin):
    branch_lookups = ("account__branch",)
    list_display = ("day", "account", "status_chip", "total", "counted", "difference", "closed_by")
    list_filter = ("status", "day", "account")
    list_select_related = ("account",)
    fields = (("account", "day", "status_chip", "statement_link"),)
    readonly_fields = ("status_chip", "statement_link")
    transitions: ClassVar = {
        "close": Transition(
            label=_("Close the cash"), form=CloseForm, service=close_day, verb="close",
            require=_may("receivables.close_cash"), applies=_may_close_now, why_not=_not_counted,
        ),
        "count": Transition(
            label=_("Count the cash"), form=CountForm, service=count_day, require=_may("receivables.close_cash"),
            applies=_may_count_now, goes_to=lambda count: close_address(count.cash_day),
        ),
        "post-difference": Transition(
            label=_("Post the difference"), form=PostDifferenceForm, service=record_cash_movement,
            require=_may("receivables.add_cashmovement"), applies=_has_difference,
        ),
        "reopen": Transition(
            label=_("Reopen the day"), form=ReopenForm, service=reopen_day, verb="reopen",
            require=_may("receivables.reopen_cash"), step_up=True,
        ),
    }  # fmt: skip
    desk_transitions: ClassVar = {
        "close-cash": Transition(
            label=_("Close the cash"), form=CloseForm, service=close_day, require=_may("receivables.close_cash"),
            goes_to=lambda closing: change_url(closing.cash_day),
        ),
        "count-cash": Transition(
            label=_("Count the cash"), form=CountForm, service=count_day, require=_may("receivables.close_cash"),
            goes_to=lambda count: close_address(count.cash_day), applies=lambda row: False,
        ),
    }  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("closings__count", "closings__reopening")

    def desk_view(self, request: HttpRequest, *, name: str) -> HttpResponse:
        """Ask for account and day first; a day that has a row is counted and closed on its own pages."""
        chooser = ChooseDayForm(
            request.POST or (request.GET if "account" in request.GET else None),
            user=request.user, today=timezone.localdate(),
        )  # fmt: skip
        transition = self.desk_transitions[name]
        if not transition.is_offered(None, request.user) and name == "close-cash":
            return super().desk_view(request, name=name)
        if not chooser.is_valid():
            return self._choose(request, chooser, title=transition.label)
        account = chooser.cleaned_data["account"]
        row = CashDay.objects.filter(account=account, day=chooser.cleaned_data["day"]).first()
        if request.method != "POST" and row is not None:
            move = "close" if row.status == CashDayStatus.CLOSED or _may_close_now(row) else "count"
            return HttpResponseRedirect(reverse(f"admin:receivables_cashday_{move}", args=[row.pk]))
        if request.method != "POST" and counts_blind(account):
            name = "count-cash"
        return super().desk_view(request, name=name)

    def _choose(self, request: HttpRequest, chooser: ChooseDayForm, *, title: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request), "title": title, "chooser": chooser, "opts": self.opts,
            "media": self.media + chooser.media, "back": reverse("admin:receivables_cashday_changelist"),
        }  # fmt: skip
        return TemplateResponse(request, "admin/quita/choose_day.html", context)

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, cash_day: CashDay) -> SafeString:
        return chip(cash_day.status, cash_day.get_status_display())

    @admin.display(description=_("total of the day"))
    def total(self, cash_day: CashDay) -> str:
        closing = standing_closing(cash_day)
        return written(closing.total) if closing else "—"

    @admin.display(description=_("counted amount"))
    def counted(self, cash_day: CashDay) -> str:
        closing = standing_closing(cash_day)
        return written(closing.counted_amount) if closing else "—"

    @admin.display(description=_("over or short"))
    def difference(self, cash_day: CashDay) -> str:
        closing = standing_closing(cash_day)
        return written(closing.count.difference) if closing and closing.count else "—"

    @admin.display(description=_("closed by"))
    def closed_by(self, cash_day: CashDay) -> str:
        closing = standing_closing(cash_day)
        return f"{closing.actor} · {written(closing.posted_at)}" if closing else "—"

    def head(self, row: Any) -> dict[str, Any]:
        """Give the day's sums, unless it is to be counted blind first."""
        if hides_expected(row):
            return super().head(row)
        figures = day_figures(row.account, row.day)
        numbers = [
            (_("opening balance"), written(figures.opening)), (_("credits"), written(figures.moved.credits)),
            (_("debits"), written(figures.moved.debits)),
            (_("balance at the end of the day"), written(figures.balance)),
        ]  # fmt: skip
        return {**super().head(row), "numbers": numbers}

    @admin.display(description=_("statement"))
    def statement_link(self, cash_day: CashDay) -> SafeString:
        address = statement_address(cash_day.account_id, first=cash_day.day, last=cash_day.day)
        paper = reverse("admin:reports_one", args=["cash-day"])
        query = urlencode({"account": cash_day.account_id, "day": written(cash_day.day)})
        return format_html(
            '<a href="{}">{}</a> · <a href="{}?{}">{}</a>', address, _("Statement of the day"), paper, query,
            _("Cash of the day"),
        )  # fmt: skip

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        if hides_expected(row):
            return [_closings(row)]
        figures = day_figures(row.account, row.day)
        counts = row.counts.order_by("-number")
        return [_methods(figures), _movements(figures), _closings(row), *(count_table(count) for count in counts)]


def _methods(figures: DayFigures) -> Table:
    table = Table(
        _("By means of payment"),
        [_("payment method"), _("opening balance"), _("credits"), _("debits"), _("expected amount"),
         _("counted amount"), _("over or short")],
        _("No means of payment goes to this account. Set it up under payment methods of the branches."),
    )  # fmt: skip
    return table.fill(
        [each.method, each.opening, each.moved.credits, each.moved.debits, each.expected, each.counted, each.difference]
        for each in figures.methods
    )


def _closings(cash_day: CashDay) -> Table:
    table = Table(
        _("Closings"),
        [_("posted at"), _("actor"), _("opening balance"), _("credits"), _("debits"), _("total of the day"),
         _("counted amount"), _("over or short"), _("reopened because")],
        _("This day was not closed yet. Use Close the cash."),
    )  # fmt: skip
    rows = cash_day.closings.select_related("reopening", "count").order_by("pk")
    return table.fill(
        [row.posted_at, row.actor, row.opening_balance, row.credits, row.debits, row.total, row.counted_amount,
         row.count.difference if row.count else None, row.reopening.reason if hasattr(row, "reopening") else None]
        for row in rows
    )  # fmt: skip


def _movements(figures: DayFigures) -> Table:
    table = Table(
        _("Movements of the day"),
        [_("history code"), _("origin"), _("title"), _("amount"), _("balance"), _("status"), _("supplement"),
         _("notes")],
        _("Nothing was posted in this day. Settlements and cash movements post here."),
    )  # fmt: skip
    return table.fill(
        [link(line.movement, line.movement.history_code), origin_of(line.movement), link(line.movement.title),
         line.movement.amount, line.balance, line.movement.get_status_display(), line.movement.supplement_number,
         line.movement.notes]
        for line in islice(figures.lines(), MOVEMENTS_SHOWN)
    )  # fmt: skip
