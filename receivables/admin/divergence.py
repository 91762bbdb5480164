"""Divergências: the queue of questions about money, and each one's page: what came, what was posted, how it may end.

What a channel knows of a divergence (the raw operation, outcomes of its own) it adds to `PARTS`, `ADVISERS` and
`DivergenceAdmin.transitions` (G.15).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.divergence_forms import (
    AcceptForm,
    ApplyForm,
    AssignForm,
    IdentifyForm,
    KeepForm,
    RefundForm,
    TakeForm,
    found_of,
)
from receivables.admin.divergence_tables import posted_tables
from receivables.admin.explain import reais, written
from receivables.admin.filters import filter_in_words
from receivables.admin.tables import Table, chip
from receivables.admin.transitions import Transition, TransitionAdmin
from receivables.domain import divergence as domain
from receivables.models import Divergence, DivergenceStatus, Installment, Title
from receivables.models.divergence import REASONS
from receivables.reports import total_of
from receivables.services import access
from receivables.services import divergence as service
from receivables.services.divergence import proposal_for

PARTS: list[Callable[[HttpRequest, Divergence], Sequence[Table]]] = []
"""What a channel shows of a divergence, in tables, before what was posted."""

MEANINGS: dict[str, Any] = {}
"""What happened, by reason, in a sentence or two."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is proposed in words, the outcome that does it, and what one click sends; without `values` it is asked."""

    text: str
    outcome: str
    values: Mapping[str, Any] | None = field(default=None)
    label: str = ""
    """What the button says, where the outcome's own label does not tell the consequence."""


ADVISERS: list[Callable[[Divergence], Advice | None]] = []
"""What a channel proposes for its own divergences; the first that knows is heard."""


class QueueFilter(admin.SimpleListFilter):
    """What is open, unless others are asked for."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("Mine")), ("unowned", _("Nobody’s")), ("proposed", _("Waiting for a second person")),
                ("resolved", _("Resolved")), ("all", _("All"))]  # fmt: skip

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        known = {code for code, _label in self.lookup_choices}
        yield {**first, "display": _("Open"), "selected": self.value() not in known}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        is_open = queryset.filter(status=DivergenceStatus.OPEN)
        asked = {
            "mine": lambda: is_open.filter(owner=request.user),
            "unowned": lambda: is_open.filter(owner=None),
            "proposed": lambda: is_open.exclude(proposed=""),
            "resolved": lambda: queryset.filter(status=DivergenceStatus.RESOLVED),
            "all": lambda: queryset,
        }
        return asked.get(self.value() or "", lambda: is_open)()


class AgeFilter(admin.SimpleListFilter):
    """How long it has waited."""

    title = _("age")
    parameter_name = "age"
    bands: ClassVar[dict[str, tuple[int, int | None]]] = {"day": (0, 1), "week": (2, 7), "older": (8, None)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("day", _("Up to 1 day")), ("week", _("2 to 7 days")), ("older", _("More than 7 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        band = self.bands.get(self.value() or "")
        if band is None:
            return queryset
        first, last = band
        today = timezone.localdate()
        rows = queryset.filter(opened_at__date__lte=today - timedelta(first))
        return rows if last is None else rows.filter(opened_at__date__gte=today - timedelta(last))


def may(*permissions: str) -> Callable[[Any, Divergence], None]:
    """Ask for permissions and the divergence's branch."""

    def require(user: Any, row: Divergence) -> None:
        for permission in permissions:
            access.require(user, permission)
        access.require_branch(user, row.branch)

    return require


RESOLVE = "receivables.resolve_divergences"
_MONEY = may(RESOLVE, "receivables.use_credit")


def why_not(row: Divergence) -> Any:
    """Tell who resolved it, where somebody did."""
    return None if row.is_open else service.told(row)


def _answer(
    label: Any, form: Any, act: Callable[..., Any], *, applies: Callable[[Divergence], bool], **options: Any
) -> Transition:
    return Transition(
        label=label, form=form, service=act, why_not=why_not, applies=lambda row: row.is_open and applies(row),
        **{"require": may(RESOLVE)} | options,
    )  # fmt: skip


def _has_credit(row: Divergence) -> bool:
    return bool(found_of(row).credits) and not found_of(row).suspense


@admin.register(Divergence)
class DivergenceAdmin(TransitionAdmin, ReadOnlyAdmin):
    branch_lookups = ("branch",)
    change_form_template = "admin/quita/divergence.html"
    list_display = ("status_chip", "kind", "age", "told_owner", "told_branch", "station", "told_customer", "amount")
    list_display_links = ("kind",)
    list_filter = (QueueFilter, AgeFilter, ("reason", filter_in_words(REASONS)), "branch")
    list_select_related = ("branch", "customer", "owner")
    search_fields = ("customer__name", "source", "receipt__number__istartswith")
    ordering = ("status", "opened_at")
    fields: ClassVar = (("receipt", "installment", "customer", "opened_at"),)
    fields_of_the_end: ClassVar = (("told_outcome", "resolved_by", "resolved_at", "resolution"),)
    transitions: ClassVar[Mapping[str, Transition]] = {
        "apply": _answer(
            _("Pay an installment"), ApplyForm, service.apply_credit, applies=_has_credit, require=_MONEY
        ),
        "identify": _answer(
            _("Identify the customer"), IdentifyForm, service.identify_customer,
            applies=lambda row: bool(found_of(row).suspense), require=_MONEY,
        ),
        "keep": _answer(_("Keep as credit"), KeepForm, service.keep_as_credit, applies=_has_credit),
        "refund": _answer(
            _("Refund"), RefundForm, service.refund_divergence, applies=_has_credit, require=_MONEY
        ),
        "accept": _answer(
            _("Accept the difference"), AcceptForm, service.accept_difference,
            applies=lambda row: row.receipt_id is not None and not found_of(row).suspense,
        ),
        "take": _answer(
            _("Take"), TakeForm, service.assign_divergence, applies=lambda row: True, is_rare=True
        ),
        "assign": _answer(
            _("Make responsible"), AssignForm, service.assign_divergence, applies=lambda row: True, is_rare=True
        ),
    }  # fmt: skip

    # The list

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, row: Divergence) -> SafeString:
        if row.is_open and row.proposed:
            return chip("waiting", _("Second person"))
        return chip(row.status, row.get_status_display() if row.is_open else row.get_outcome_display())

    @admin.display(description=_("reason"), ordering="reason")
    def kind(self, row: Divergence) -> str:
        return str(REASONS.get(row.reason, row.reason))

    @admin.display(description=_("age"), ordering="-opened_at")
    def age(self, row: Divergence) -> str:
        return days_open(row, today=timezone.localdate())

    @admin.display(description=_("owner"), ordering="owner__username")
    def told_owner(self, row: Divergence) -> str:
        return row.owner.get_username() if row.owner else "—"

    @admin.display(description=_("branch"), ordering="branch__code")
    def told_branch(self, row: Divergence) -> str:
        return row.branch.code

    @admin.display(description=_("customer"), ordering="customer__name")
    def told_customer(self, row: Divergence) -> str:
        return row.customer.name if row.customer else "—"

    def list_totals(self, rows: QuerySet) -> Sequence[tuple[Any, Any]]:
        return [(_("amount in question"), total_of(rows, "amount"))]

    # The page

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None or obj.is_open else [*self.fields_of_the_end, *self.fields]

    @admin.display(description=pgettext_lazy("divergence", "outcome"))
    def told_outcome(self, row: Divergence) -> str:
        return str(row.get_outcome_display() or "—")

    def head(self, row: Divergence) -> dict[str, Any]:
        return {
            "chip": self.status_chip(row),
            "subtitle": gettext("%(branch)s · till %(till)s") % {"branch": row.branch, "till": row.station or "—"},
            "numbers": [
                (_("amount in question"), reais(row.amount) if not row.details.get("amount_unknown") else "?"),
                (_("age"), self.age(row)), (_("owner"), self.told_owner(row)), (_("customer"), self.told_customer(row)),
            ],
        }  # fmt: skip

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if object_id:
            row = self.get_row(request, object_id)
            extra_context = {"meaning": MEANINGS.get(row.reason, ""), "advice": self._advice(request, row),
                             **(extra_context or {})}  # fmt: skip
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _advice(self, request: HttpRequest, row: Divergence) -> dict[str, Any] | None:
        """Give what is proposed, and its button where the user may press it."""
        if not row.is_open:
            return None
        advice = next((each for ask in ADVISERS if (each := ask(row))), None) or advise(row, request.user)
        transition = self.transitions.get(advice.outcome)
        if transition is None or not transition.is_offered(row, request.user):
            return {"text": advice.text}
        address = reverse(f"admin:receivables_divergence_{advice.outcome}", args=[row.pk])
        return {"text": advice.text, "label": advice.label or transition.label, "url": address, "values": advice.values}

    def related_tables(self, request: HttpRequest, row: Divergence) -> Sequence[Table]:
        return [*(table for part in PARTS for table in part(request, row)), *posted_tables(row)]


def days_open(row: Divergence, *, today: date) -> str:
    """Count the days that a question waits, or waited."""
    last = timezone.localdate(row.resolved_at) if row.resolved_at else today
    days = (last - timezone.localdate(row.opened_at)).days
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


def advise(row: Divergence, user: Any) -> Advice:
    """Put the domain's proposal for posted money into words, among the titles that the user sees."""
    on = timezone.localdate()
    found = proposal_for(row, on=on, titles=Title.objects.visible_to(user))
    if found.outcome == domain.APPLIED:
        debt = Installment.objects.select_related("title").get(pk=found.installment_id or 0)
        text = gettext("Pay %(amount)s of installment %(installment)s, due %(due_date)s, with the credit.")
        facts = {"amount": reais(found.amount), "installment": debt, "due_date": written(debt.due_date)}
        values = {"installment_id": debt.pk, "amount": written(found.amount), "cash_date": written(on)}
        label = gettext("Pay %(amount)s with the credit") % {"amount": reais(found.amount)}
        return Advice(text % facts, "apply", values, label)
    if found.outcome == domain.KEPT:
        text = gettext("Keep %(amount)s as the customer’s credit: no installment of the customer is open.")
        return Advice(text % {"amount": reais(found.amount)}, "keep", {})
    if found.outcome == domain.IDENTIFIED:
        text = gettext("Find out whose %(amount)s it is: by receipt number, day, till and operator.")
        return Advice(text % {"amount": reais(found.amount)}, "identify")
    return Advice(
        gettext("No money is left to place: look at what happened and accept the difference."), "accept",
        None if row.amount else {},
    )  # fmt: skip


def pretty(content: Any) -> SafeString:
    """Lay JSON out for reading."""
    return format_html("<pre>{}</pre>", json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True))
