"""Extrato and Contas: an account's statement by period, and how every account stands today (G.4, G.11, S36, S82).

The sums are those of `receivables.statement`; here they get a place on the page and links to where they come from.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.branch_switch import at_branch
from receivables.admin.explain import written
from receivables.admin.forms import DayField
from receivables.admin.pages import Page, add_page
from receivables.admin.tables import link
from receivables.models import CashMovement, LedgerAccount
from receivables.statement import LONGEST_PERIOD, Mark, Statement, account_figures, accounts_of, statement

Origin = tuple[Any, Any]

_MARK = re.compile(r"(\d{4}-\d{2}-\d{2})\.(\d{1,18})")


class PeriodForm(forms.Form):
    """Which account, from which day to which; by itself this month of the first account."""

    account = forms.ModelChoiceField(LedgerAccount.objects.none(), label=_("short account"), empty_label=None)
    first = DayField(label=_("from"))
    last = DayField(label=_("to"))

    fields: Any

    def __init__(self, query: Any, *, user: Any, onlooker: Any, today: date) -> None:
        self.accounts = _in_order(accounts_of(user))
        asked = {name: query.get(name) for name in ("account", "first", "last")}
        usual = this_month(today)
        first = _in_order(accounts_of(onlooker)).values_list("pk", flat=True).first()
        chosen = asked["account"] or first or ""
        super().__init__(
            {"account": chosen, "first": asked["first"] or written(usual[0]),
             "last": asked["last"] or written(usual[1])},
            label_suffix="",
        )  # fmt: skip
        self.fields["account"].queryset = self.accounts

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", _("The period ends before it begins. Enter a later day."))
        elif first and last and last - first > LONGEST_PERIOD:
            self.add_error("last", _("A statement spans a year at most. Enter a shorter period."))
        return cleaned


def _in_order(accounts: Any) -> Any:
    """Cash accounts in use first: what is looked at most."""
    return accounts.select_related("branch").order_by("-is_active", "-kind", "short_code")


def this_month(today: date) -> tuple[date, date]:
    """Give the first and the last day of the month."""
    return today.replace(day=1), today.replace(day=monthrange(today.year, today.month)[1])


def statement_address(account_id: int, *, first: date | None = None, last: date | None = None) -> str:
    """Give the address of an account's statement."""
    query = {"account": account_id} | ({"first": written(first), "last": written(last)} if first and last else {})
    return f"{reverse('admin:statement')}?{urlencode(query)}"


def statement_view(request: HttpRequest) -> dict[str, Any]:
    """Show a page of an account's statement; another branch's account is not there."""
    form = PeriodForm(request.GET, user=request.user, onlooker=at_branch(request), today=timezone.localdate())
    context = {"title": gettext("Statement"), "form": form, "media": form.media}
    if not form.is_valid():
        if "account" in form.errors and request.GET.get("account"):
            raise Http404
        return context
    cleaned = form.cleaned_data
    found = statement(cleaned["account"], first=cleaned["first"], last=cleaned["last"], after=_asked_mark(request))
    days = [
        (day, [(line, origin_of(line.movement), opposite_of(line.movement)) for line in day.lines])
        for day in found.days
    ]
    return context | {"found": found, "days": days, "is_continued": "after" in request.GET, **_addresses(found)}


def _asked_mark(request: HttpRequest) -> Mark | None:
    match = _MARK.fullmatch(request.GET.get("after", ""))
    if match is None:
        return None
    try:
        return date.fromisoformat(match[1]), int(match[2])
    except ValueError as odd:
        raise Http404 from odd


def _addresses(found: Statement) -> dict[str, str]:
    here = statement_address(found.account.pk, first=found.first, last=found.last)
    onward = f"{here}&after={found.onward[0].isoformat()}.{found.onward[1]}" if found.onward else ""
    add = reverse("admin:receivables_cashmovement_add")
    return {
        "first_page": here, "next_page": onward,
        **{f"add_{way}": f"{add}?{urlencode({'account': found.account.pk, 'direction': way})}"
           for way in ("credit", "debit")},
    }  # fmt: skip


def origin_of(movement: CashMovement) -> SafeString:
    """Tell where a movement comes from, linked: reversal, receipt with its till, session, credit, or a person."""
    kind, what = next(tell(movement) for fits, tell in _ORIGINS if fits(movement))
    return format_html("{} · {}", kind, what or "—")


def _of_receipt(movement: CashMovement) -> Origin:
    receipt: Any = movement.receipt
    return _at_till(receipt.station) if receipt.station else receipt.get_origin_display(), link(receipt, receipt.label)


def _of_session(movement: CashMovement) -> Origin:
    session: Any = movement.session
    return _at_till(session.station), link(session, gettext("session"))


def _at_till(station: str) -> str:
    return gettext("Till %(station)s") % {"station": station}


def _of_difference(movement: CashMovement) -> Origin:
    closing: Any = movement.difference_of
    cash_day = closing.cash_day
    return _("Difference"), link(cash_day, written(cash_day.day))


def _of_session_difference(movement: CashMovement) -> Origin:
    closing: Any = movement.session_difference_of
    return _("Difference"), link(closing.session)


_ORIGINS: tuple[tuple[Callable[[CashMovement], Any], Callable[[Any], Origin]], ...] = (
    (lambda row: row.reversal_id, lambda row: (_("Reversal"), link(row.reversal, row.reversal.receipt.label))),
    (lambda row: row.reverses_id, lambda row: (_("Reversal"), opposite_of(row))),
    (lambda row: row.receipt_id, _of_receipt),
    (lambda row: row.session_id, _of_session),
    (lambda row: getattr(row, "credit", None), lambda row: (_("Customer’s credit"), link(row.credit.customer))),
    (lambda row: row.difference_of_id, _of_difference),
    (lambda row: row.session_difference_of_id, _of_session_difference),
    (lambda row: row.clears_id, lambda row: (_("Known difference"), link(row.clears, gettext("cleared")))),
    (lambda row: True, lambda row: (_("By hand"), row.actor)),
)
"""The first that fits."""


def opposite_of(movement: CashMovement) -> SafeString | None:
    """Link to the other of the two lines of a reversal."""
    by = getattr(movement, "reversed_by", None)
    other = by.pk if by is not None else movement.reverses_id
    if other is None:
        return None
    said = _("reversed by %(number)s") if by is not None else _("reverses %(number)s")
    address = reverse("admin:receivables_cashmovement_change", args=[other])
    return format_html('<a href="{}">{}</a>', address, said % {"number": other})


def accounts_view(request: HttpRequest) -> dict[str, Any]:
    """Show how each account stands today."""
    today = timezone.localdate()
    rows = [
        {"figures": each, "statement": statement_address(each.account.pk), "days": _days_of(each.account),
         "differences": _differences_of(each.account)}
        for each in account_figures(at_branch(request), on=today)
    ]  # fmt: skip
    return {"title": gettext("Accounts"), "today": today, "rows": rows}


def _days_of(account: LedgerAccount) -> str:
    return f"{reverse('admin:receivables_cashday_changelist')}?{urlencode({'account__id__exact': account.pk})}"


def _differences_of(account: LedgerAccount) -> str:
    query = {"account__id__exact": account.pk, "open": "yes"}
    return f"{reverse('admin:receivables_closedcashreversal_changelist')}?{urlencode(query)}"


SEES_CASH = ("receivables.view_cashmovement",)

add_page(Page("accounts", "accounts/", accounts_view, SEES_CASH, "admin/quita/accounts.html"))
add_page(Page("statement", "statement/", statement_view, SEES_CASH, "admin/quita/statement.html"))
