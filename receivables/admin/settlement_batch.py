"""Liquidação múltipla: titles picked by customer, due date and branch, each settled totally, all or none (domain.md B).

What the person saw due travels with each title: what changed meanwhile refuses the whole batch, title by title. Only
another receipt date, and a refusal that shows what is due now, put other amounts in its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.db.models import Q, QuerySet
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import branches_of
from receivables.admin.explain import reais, written
from receivables.admin.forms import DayField, MoneyField
from receivables.admin.pages import Page, add_page
from receivables.admin.settlement_deposit import DepositForm
from receivables.admin.tables import Table
from receivables.admin.title_list import due, next_due_date
from receivables.domain.errors import BatchChanged
from receivables.domain.money import CENT, ZERO, format_brl
from receivables.models import Branch, Customer, Receipt, Title
from receivables.services import access
from receivables.services.settlement import BatchChange, Quote, quote

MOST_AT_ONCE = 200


class PickForm(forms.Form):
    """Which open titles are offered: of a customer, due in a period, of a branch."""

    customer = forms.CharField(label=_("customer"), required=False, max_length=120)
    due_from = DayField(label=_("due from"), required=False)
    due_to = DayField(label=_("due until"), required=False)
    branch = forms.ModelChoiceField(
        Branch.objects.none(), label=_("collecting branch"), required=False, empty_label=_("All")
    )

    def __init__(self, *args: Any, user: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", "auto_id": "pick_%s"} | options)
        self.user = user
        branch: Any = self.fields["branch"]
        branch.queryset = branches_of(user)

    def titles(self, *, ids: Sequence[int]) -> QuerySet:
        """Give the open titles that the user may settle, those of `ids` alone where there are any."""
        rows = may_settle(Title.objects.open(), self.user)
        if ids:
            return rows.filter(pk__in=ids)
        if not self.is_valid():
            return rows.none()
        return self._narrowed(rows)

    def _narrowed(self, rows: QuerySet) -> QuerySet:
        asked = self.cleaned_data
        term = asked["customer"].replace("\x00", "").strip()
        if term:
            rows = rows.filter(bill_to__in=Customer.objects.matching(term))
        if asked["branch"]:
            rows = rows.filter(collecting_branch=asked["branch"])
        span = {"due_date__gte": asked["due_from"], "due_date__lte": asked["due_to"]}
        span = {lookup: day for lookup, day in span.items() if day}
        return due(rows, Q(**span)) if span else rows


def may_settle(titles: Any, user: Any) -> QuerySet:
    """Limit titles to those that the user settles: through their issuing or collecting branch (G.19)."""
    if user.is_superuser:
        return titles
    mine = user.branches.values("pk")
    return titles.filter(Q(issuing_branch__in=mine) | Q(collecting_branch__in=mine))


@dataclass(frozen=True, slots=True)
class Line:
    """A title of the page: what it owes on the receipt date; `due` is what the person sees, in a hidden field."""

    title: Any
    quotes: Sequence[Quote]
    is_chosen: bool
    due: Any

    @property
    def balance(self) -> Decimal:
        return sum((each.installment.balance for each in self.quotes), ZERO)

    @property
    def interest(self) -> Decimal:
        return sum((each.charges.interest_due for each in self.quotes), ZERO)

    @property
    def fine(self) -> Decimal:
        return sum((each.charges.fine for each in self.quotes), ZERO)

    @property
    def total(self) -> Decimal:
        return _total(self.quotes)


class SettleManyForm(DepositForm):
    """One date, account and history code for all the titles that are ticked, with the amounts that were seen."""

    calculates = True
    calculated_from = ("received_on", "title")
    field_order: Any = ("received_on", "cash_date", "method", "account", "history_code", "document_type", "reference",
                   "notes")  # fmt: skip
    notes = forms.CharField(label=_("notes"), required=False, max_length=500)
    form_key = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)
    due_on = DayField(required=False)
    """The day for which the amounts due were seen."""

    class Media:
        js: ClassVar = [Script("receivables/settle_many.js", defer=True)]

    def __init__(self, *args: Any, **options: Any) -> None:
        data, query, user = options.get("data") or (args[0] if args else None), options["query"], options["user"]
        self.pick = PickForm(query or {}, user=user)
        asked = _numbers(query.get("ids", "").split(",") if query else [])
        self.chosen = set(_numbers(data.getlist("title")) if data else asked)
        self.titles = _titles(self.pick, ids=asked, chosen=self.chosen, user=user)
        self.changes: Sequence[BatchChange] = ()
        super().__init__(*args, **options)
        self.quotes = self._quotes(self.on)
        self.fields["due_on"].initial = self.on
        self.fields["due_on"].widget = forms.HiddenInput()
        for title in self.titles:
            self._add_due(title.pk)

    def _quotes(self, on: date) -> Mapping[int, list[Quote]]:
        """Give what each open title owes on a day."""
        quotes: dict[int, list[Quote]] = {}
        for each in quote(title_ids=[title.pk for title in self.titles], on=on):
            quotes.setdefault(each.installment.title_id, []).append(each)
        return quotes

    def _add_due(self, title_id: int) -> None:
        field = MoneyField(least=CENT, initial=self.due(title_id), required=False, widget=forms.HiddenInput())
        self.fields[f"due_{title_id}"] = field

    def due(self, title_id: int) -> Decimal:
        return _total(self.quotes.get(title_id, ()))

    @property
    def lines(self) -> list[Line]:
        """Give the open titles in order of due date."""
        return [
            Line(title, self.quotes[title.pk], title.pk in self.chosen, self[f"due_{title.pk}"])
            for title in self.titles
            if title.pk in self.quotes
        ]

    @property
    def is_cut(self) -> bool:
        return len(self.titles) >= MOST_AT_ONCE

    def branches(self) -> Sequence[Branch]:
        return list({title.collecting_branch_id: title.collecting_branch for title in self.titles}.values())

    def require(self) -> None:
        by_branches = {
            (title.collecting_branch_id, title.issuing_branch_id): title
            for title in self.titles
            if title.pk in self.chosen
        }
        for title in by_branches.values():
            access.require_settlement(self.user, title)

    # What was typed

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.is_calculating:
            for name in set(self.errors) - {"received_on"}:
                del self.errors[name]
            self.follow_day()
            self._tell_changes(cleaned)
        elif not self.chosen:
            self.add_error(None, _("No title was ticked. Tick the titles to settle in the list below."))
        return cleaned

    def _tell_changes(self, cleaned: Mapping[str, Any]) -> None:
        """Let the amounts follow the receipt date; one that was another already before is told, and stays as seen."""
        seen_on = cleaned.get("due_on") or self.on
        before = self.quotes if seen_on == self.on else self._quotes(seen_on)
        seen: dict[int, Decimal] = {title.pk: cleaned.get(f"due_{title.pk}") or ZERO for title in self.titles}
        changed = {pk for pk, due in seen.items() if due and due != _total(before.get(pk, ()))}
        self._show_now(self.quotes.keys() - changed)
        self.changes = [
            BatchChange(title.pk, str(title), title.get_status_display(), seen[title.pk], self.due(title.pk) or None)
            for title in self.titles
            if title.pk in changed & self.chosen
        ]

    def _show_now(self, title_ids: Iterable[int]) -> None:
        """Show these amounts as they are now, so that the next click is on what the person sees."""
        self.data = self.data.copy()
        self.data["due_on"] = written(self.on)
        for title_id in title_ids:
            self.data[f"due_{title_id}"] = format_brl(self.due(title_id))

    def refuse(self, broken: Any) -> None:
        super().refuse(broken)
        if isinstance(broken, BatchChanged):
            changes: Any = broken.facts.get("changes", ())
            self.changes = changes
            self.chosen &= self.quotes.keys()
            self._show_now(self.quotes)

    # What is shown

    def tables(self) -> Sequence[Table]:
        """Tell what changed meanwhile, title by title."""
        if not self.changes:
            return []
        table = Table(
            _("What changed meanwhile"), [_("title"), _("status"), _("was due"), _("is due now")], ""
        )  # fmt: skip
        return [table.fill([each.title, each.status, each.seen, each.due] for each in self.changes)]

    @property
    def changed(self) -> str:
        """Say beside the button that not all is as it was seen."""
        count = len(self.changes)
        told = ngettext(
            "%(count)s title changed: see what is due now", "%(count)s titles changed: see what is due now", count
        )
        return told % {"count": count} if count else ""

    @property
    def confirm(self) -> str:  # type: ignore[override]
        """Say on the button how many titles will be settled."""
        count = len(self.chosen & self.quotes.keys())
        return ngettext("Settle %(count)s title", "Settle %(count)s titles", count) % {"count": count}

    def texts(self) -> Mapping[str, str]:
        told = {}
        for line in self.lines:
            for name in ("balance", "interest", "fine", "total"):
                told[f"{name}-{line.title.pk}"] = written(getattr(line, name))
        sums = {f"sum-{name}": text for name, text in self.sums().items()}
        due_head = gettext("Due on %(day)s") % {"day": written(self.on)}
        return told | sums | {"due-head": due_head, "changed": self.changed}

    def sums(self) -> Mapping[str, str]:
        """Give count, balance and total with charges of what is ticked."""
        ticked = [line for line in self.lines if line.is_chosen]
        return {
            "count": str(len(ticked)),
            "balance": reais(sum((line.balance for line in ticked), ZERO)),
            "total": reais(sum((line.total for line in ticked), ZERO)),
        }

    # What is done

    def values(self) -> dict[str, Any]:
        key = self.cleaned_data.get("form_key")
        return {
            "expected": {pk: self.cleaned_data.get(f"due_{pk}") or ZERO for pk in sorted(self.chosen)},
            "received_on": self.cleaned_data["received_on"],
            "deposit": self.deposit(),
            "notes": self.cleaned_data["notes"],
            "idempotency_key": f"batch-{key}" if key else "",
        }

    def done(self, result: list[Receipt]) -> str:
        return _("%(count)s titles settled, %(amount)s in all.") % {
            "count": len(result),
            "amount": reais(sum((receipt.amount for receipt in result), ZERO)),
        }


def _total(quotes: Iterable[Quote]) -> Decimal:
    return sum((each.total for each in quotes), ZERO)


def _numbers(texts: Sequence[str]) -> list[int]:
    found = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]
    return found[:MOST_AT_ONCE]


def _titles(pick: PickForm, *, ids: Sequence[int], chosen: set[int], user: Any) -> list[Any]:
    """Give the titles that are offered and those that were chosen; one of another branch is not there (404)."""
    wanted = chosen | set(ids)
    known = set(Title.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", flat=True))
    if known != wanted:
        raise Http404(gettext("There is no such row, or it belongs to another branch."))
    offered = pick.titles(ids=ids).annotate(next_due=next_due_date()).order_by("next_due", "pk")
    rows = list(_named(offered)[:MOST_AT_ONCE])
    missing = wanted - {title.pk for title in rows}
    more = Title.objects.filter(pk__in=missing).annotate(next_due=next_due_date()).order_by("pk")
    return [*_named(more), *rows]


def _named(titles: QuerySet) -> QuerySet:
    return titles.select_related("bill_to", "collecting_branch", "issuing_branch")


def settle_many(request: HttpRequest) -> HttpResponse:
    """Serve the page at the place of its move, so that the menu has it."""
    from django.contrib import admin

    titles: Any = admin.site._registry[Title]
    return titles.desk_view(request, name="settle-many")


SETTLE_MANY = add_page(
    Page(
        name="settle_many", address="receivables/title/settle-many/", view=settle_many,
        permissions=("receivables.settle_title",),
    )
)  # fmt: skip


def to_settle_many(_result: Any = None) -> str:
    """Give the address of the page."""
    return reverse(f"admin:{SETTLE_MANY.name}")
