"""Diferenças conhecidas de caixa: what closed-cash reversals left, who answers for it, what clears it (S86, G.4)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.cash_movement import ClearingForm
from receivables.admin.explain import reais, written
from receivables.admin.finding import find_differences
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.domain.errors import OwnerOutOfReach
from receivables.domain.money import round_half_up
from receivables.models import ClosedCashReversal, KnownDifferenceAssignment, LedgerAccount
from receivables.reports import with_open_difference
from receivables.services import access
from receivables.services.cash_movement import record_cash_movement, still_open
from receivables.services.known_difference import assign_difference, possible_owners


class AssignForm(TransitionForm):
    """Who answers for the difference until it is cleared."""

    confirm = _("Make responsible")
    error_fields: ClassVar = {OwnerOutOfReach.code: "owner"}

    owner = forms.ModelChoiceField(get_user_model().objects.none(), label=_("owner"))
    notes = forms.CharField(label=_("notes"), required=False, max_length=500)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["owner"].queryset = possible_owners(self.row)
        newest = self.row.assignments.first()
        self.fields["owner"].initial = newest.owner_id if newest else None

    def what_is(self) -> Sequence[Line]:
        newest = self.row.assignments.select_related("owner").first()
        return [*told(self.row), (_("Owner"), newest.owner if newest else "—")]

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"record_id": self.row.pk, "owner_id": given["owner"].pk, "notes": given["notes"]}

    def done(self, result: KnownDifferenceAssignment) -> str:
        return _("Responsible now: %(owner)s.") % {"owner": result.owner}


class ClearForm(ClearingForm):
    """Regularizar: an ordinary movement that is linked to the difference and brings it towards zero."""

    confirm = _("Clear the difference")

    @property
    def account(self) -> LedgerAccount:
        return self.row.account

    @property
    def needed(self) -> Decimal:
        return -still_open(self.row)

    def what_is(self) -> Sequence[Line]:
        return [*told(self.row), (_("Still open"), reais(-self.needed))]

    def link(self) -> dict[str, int]:
        return {"clears_id": self.row.pk}


def told(record: ClosedCashReversal) -> list[Line]:
    """Tell what a difference is about."""
    return [
        (_("Account"), record.account),
        (_("Settlement date in cash and banks"), written(record.liquidation_date)),
        (_("Title"), record.reversal.title),
        (_("Receipt"), record.reversal.receipt.label),
        (_("Known difference"), reais(record.known_difference)),
        (_("Reason"), record.reason),
    ]


class OpenFilter(admin.SimpleListFilter):
    """Differences that linked movements did not clear yet, unless others are asked for (G.4)."""

    title = _("open difference")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Cleared")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Open"), "selected": self.value() not in ("no", "all")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "all":
            return queryset
        return queryset.filter(open_difference=0) if self.value() == "no" else queryset.exclude(open_difference=0)


def _may(permission: str) -> Any:
    def require(user: Any, record: ClosedCashReversal) -> None:
        access.require(user, permission)
        access.require_branch(user, record.account.branch)

    return require


@admin.register(ClosedCashReversal)
class KnownDifferenceAdmin(TransitionAdmin, ReadOnlyAdmin):
    branch_lookups = ("account__branch",)
    list_display = ("reversal", "account", "title", "status_chip", "still_open", "known_difference", "age", "owner",
                    "reason")  # fmt: skip
    list_display_links = ("reversal",)
    list_filter = (OpenFilter, "account")
    list_select_related = ("account", "reversal__receipt", "reversal__title")
    search_fields = ("reversal__receipt__number",)
    search_help_text = _("Receipt number or document: 3 letters or more")
    find = staticmethod(find_differences)
    ordering = ("posted_at",)
    fields = (
        ("account", "liquidation_date", "title", "reversal"),
        ("settled_amount", "first_debit_amount", "known_difference", "still_open"),
        ("owner", "age"), "reason", ("posted_at", "actor", "told_channel"),
    )  # fmt: skip
    transitions: ClassVar = {
        "clear": Transition(
            label=_("Clear the difference"), form=ClearForm, service=record_cash_movement,
            require=_may("receivables.add_cashmovement"), applies=lambda record: bool(still_open(record)),
        ),
        "assign": Transition(
            label=_("Make responsible"), form=AssignForm, service=assign_difference,
            require=_may("receivables.close_cash"), applies=lambda record: bool(still_open(record)),
        ),
    }  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        newest = KnownDifferenceAssignment.objects.filter(record=OuterRef("pk")).order_by("-pk")
        rows = with_open_difference(super().get_queryset(request))
        return rows.annotate(owner_name=Subquery(newest.values("owner__username")[:1]))

    @admin.display(description=_("status"))
    def status_chip(self, row: Any) -> SafeString:
        return chip("open", _("Open")) if round_half_up(row.open_difference) else chip("settled", _("Cleared"))

    @admin.display(description=_("still open"))
    def still_open(self, row: Any) -> str:
        return written(round_half_up(row.open_difference))

    @admin.display(description=_("title"))
    def title(self, row: Any) -> Any:
        return link(row.reversal.title)

    @admin.display(description=_("owner"), ordering="owner_name")
    def owner(self, row: Any) -> str:
        return row.owner_name or "—"

    @admin.display(description=_("age"), ordering="-posted_at")
    def age(self, row: Any) -> str:
        """Count the days since the reversal left the difference."""
        if not round_half_up(row.open_difference):
            return "—"
        days = (timezone.localdate() - timezone.localdate(row.posted_at)).days
        return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}

    def list_totals(self, rows: QuerySet) -> Sequence[tuple[Any, Decimal]]:
        found = rows.order_by().values_list("open_difference", flat=True)
        return [(_("still open"), round_half_up(sum(found, Decimal(0))))]

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        return [_clearings(row), _assignments(row)]


def _clearings(record: ClosedCashReversal) -> Table:
    table = Table(
        _("Movements that clear it"), [_("cash/bank date"), _("amount"), _("status"), _("notes")],
        _("None yet. Record a cash movement that clears this difference."),
    )  # fmt: skip
    return table.fill(
        [link(each, written(each.cash_date)), each.amount, each.get_status_display(), each.notes]
        for each in record.clearings.order_by("pk")
    )


def _assignments(record: ClosedCashReversal) -> Table:
    table = Table(
        _("Responsible so far"), [_("owner"), _("posted at"), _("actor"), _("notes")],
        _("Nobody answers for this difference yet. Use Make responsible."),
    )  # fmt: skip
    rows = record.assignments.select_related("owner").order_by("pk")
    return table.fill([each.owner, each.posted_at, each.actor, each.notes] for each in rows)
