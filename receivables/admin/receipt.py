"""Recebimentos, estornos and known differences: append-only rows, shown with all that they made."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.branch_switch import onlooker
from receivables.admin.explain import written
from receivables.admin.finding import find_receipts, find_reversals
from receivables.admin.receipt_print import papers_of
from receivables.admin.tables import Table, chip, link
from receivables.models import (
    MovementStatus,
    PaymentMethod,
    Receipt,
    ReceiptAllocation,
    ReceiptTender,
    Reversal,
    Title,
)
from receivables.reports import total_of


class MethodFilter(admin.SimpleListFilter):
    """Receipts that a means of payment brought, alone or with others."""

    title = _("payment method")
    parameter_name = "method"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(PaymentMethod.objects.values_list("code", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        return queryset.filter(Exists(ReceiptTender.objects.filter(receipt=OuterRef("pk"), method__code=self.value())))


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("label", "received_on", "cash_date", "payer", "branch_code", "amount", "origin", "station",
                    "is_reversed")  # fmt: skip
    list_filter = ("origin", "received_on", "branch", MethodFilter)
    list_select_related = ("customer", "branch")
    search_fields = ("number",)
    search_help_text = _("Receipt number, or customer: 3 letters or more")
    find = staticmethod(find_receipts)
    fields = (
        ("label", "origin", "station", "operator"), ("branch", "customer"), ("received_on", "cash_date", "amount"),
        "session", "notes", ("posted_at", "actor", "told_channel"),
    )  # fmt: skip

    def get_queryset(self, request: Any) -> QuerySet:
        """Those of the user's branches, and those that pay a title that he may see."""
        rows, user = super().get_queryset(request).prefetch_related("reversals"), onlooker(request)
        if user.is_superuser:
            return rows
        # By their ids, not each for itself: the titles of a few branches are sooner found than all that was paid.
        paying = ReceiptAllocation.objects.filter(title__in=Title.objects.visible_to(user)).values("receipt")
        return rows.filter(Q(branch__in=user.branches.values("pk")) | Q(pk__in=paying))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a receipt with the ways to its papers."""
        if object_id is not None:
            extra_context = {"links": papers_of(self.get_row(request, object_id)), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def list_totals(self, rows: QuerySet) -> Sequence[tuple[Any, Decimal]]:
        return [(_("amount"), total_of(rows, "amount"))]

    @admin.display(description=_("receipt number"))
    def label(self, receipt: Receipt) -> str:
        return receipt.label

    @admin.display(description=_("customer"), ordering="customer__name")
    def payer(self, receipt: Receipt) -> str:
        return receipt.customer.name if receipt.customer else "—"

    @admin.display(description=_("branch"), ordering="branch__code")
    def branch_code(self, receipt: Receipt) -> str:
        return receipt.branch.code

    @admin.display(description=_("reversed"))
    def is_reversed(self, receipt: Receipt) -> str:
        is_undone = bool(receipt.reversals.all())
        return chip(MovementStatus.REVERSED, MovementStatus.REVERSED.label) if is_undone else "—"

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        return [_tenders(row), _allocations(row), _credits(row), _movements(row), _reversals(row)]


def _tenders(receipt: Receipt) -> Table:
    table = Table(
        _("Means of payment"),
        [_("payment method"), _("amount"), _("handed over"), pgettext_lazy("money", "change"), _("reference")],
        _("No means of payment."),
    )  # fmt: skip
    rows = receipt.tenders.select_related("method").order_by("position")
    return table.fill([row.method, row.amount, row.tendered_amount, row.change_amount, row.reference] for row in rows)


def _allocations(receipt: Receipt) -> Table:
    table = Table(
        _("What it paid"),
        [_("title"), _("installment"), _("principal"), _("interest"), _("fine"), _("discount"), _("live")],
        _("It paid no installment: see the credits below."),
    )
    rows = receipt.allocations.select_related("title", "installment__title", "reversal_line").order_by("position")
    return table.fill(
        [link(row.title), row.installment.label, row.principal, row.interest, row.fine, row.discount,
         not hasattr(row, "reversal_line")]
        for row in rows
    )  # fmt: skip


def _credits(receipt: Receipt) -> Table:
    table = Table(_("Customer credit"), [_("kind"), _("customer"), _("amount")], _("It left no credit."))
    rows = receipt.credits.select_related("customer").order_by("pk")
    return table.fill([link(row, row.get_kind_display()), row.customer or _("Suspense"), row.amount] for row in rows)


def _movements(receipt: Receipt) -> Table:
    table = Table(
        _("Cash and banks"),
        [_("cash/bank date"), _("short account"), _("history code"), _("title"), _("amount"), _("status")],
        _("Nothing was posted."),
    )
    rows = receipt.movements.select_related("account", "history_code", "title").order_by("pk")
    return table.fill(
        [link(row, written(row.cash_date)), row.account, row.history_code, link(row.title), row.amount,
         row.get_status_display()]
        for row in rows
    )  # fmt: skip


def _reversals(receipt: Receipt) -> Table:
    table = Table(
        _("Reversals"), [_("reversal date"), _("kind"), _("title"), _("reversed amount"), _("reason"), _("actor")],
        _("It was not reversed. A settled title is reversed on its own page."),
    )  # fmt: skip
    rows = receipt.reversals.select_related("title").order_by("pk")
    return table.fill(
        [link(row, written(row.reversed_on)), row.get_kind_display(), link(row.title), row.amount, row.reason,
         row.actor]
        for row in rows
    )  # fmt: skip


@admin.register(Reversal)
class ReversalAdmin(ReadOnlyAdmin):
    branch_lookups = ("receipt__branch",)
    list_display = ("reversed_on", "receipt", "title", "kind", "amount", "reason", "actor")
    list_filter = ("kind", "reversed_on")
    list_select_related = ("receipt", "title")
    search_fields = ("receipt__number",)
    search_help_text = _("Receipt number or document: 3 letters or more")
    find = staticmethod(find_reversals)
    fields = (("receipt", "title"), ("kind", "reversed_on", "amount"), "reason", ("posted_at", "actor", "told_channel"))

    def list_totals(self, rows: QuerySet) -> Sequence[tuple[Any, Decimal]]:
        return [(_("reversed amount"), total_of(rows, "amount"))]

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        table = Table(
            _("Cash and banks"), [_("cash/bank date"), _("short account"), _("amount"), _("notes")],
            _("Nothing was posted: the original stays as it was."),
        )  # fmt: skip
        movements = row.movements.select_related("account").order_by("pk")
        return [
            table.fill(
                [link(each, written(each.cash_date)), each.account, each.amount, each.notes] for each in movements
            )
        ]
