"""Caixa e bancos: movements are recorded and reversed by services, never edited (G.4); a receipt's are its own."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from receivables.admin.explain import reais, written
from receivables.admin.forms import MoneyField, ReasonField, RuleForm
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.domain.errors import (
    AmountNotPositive,
    CashDayClosed,
    DateInFuture,
    ReasonTooLong,
    ReasonTooShort,
    WrongAccount,
    WrongDirection,
)
from receivables.domain.money import CENT
from receivables.models import (
    Actor,
    CashMovement,
    ClosedCashReversal,
    Direction,
    DocumentType,
    HistoryCode,
    LedgerAccount,
)
from receivables.reports import total_of
from receivables.services import access
from receivables.services.cash_movement import record_cash_movement, reverse_cash_movement


class RecordForm(RuleForm):
    """A person's credit or debit: the history code says which; the amount is typed without a sign."""

    error_fields: ClassVar = {
        AmountNotPositive.code: "amount",
        CashDayClosed.code: "cash_date",
        DateInFuture.code: "cash_date",
        WrongAccount.code: "clears",
    }

    amount = MoneyField(label=_("amount"), least=CENT, max_digits=15, decimal_places=2)
    form_key = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)

    class Meta:
        model = CashMovement
        fields: ClassVar = ["account", "cash_date", "amount", "history_code", "document_type", "notes", "clears"]


class ReverseForm(TransitionForm):
    """The opposite of a person's movement, on its own day."""

    confirm = _("Save the reversal")
    error_fields: ClassVar = {
        ReasonTooShort.code: "reason",
        ReasonTooLong.code: "reason",
        WrongDirection.code: "history_code",
    }

    history_code = forms.ModelChoiceField(HistoryCode.objects.none(), label=_("history code"))
    reason = ReasonField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        opposite = Direction.DEBIT if self.row.amount > 0 else Direction.CREDIT
        self.fields["history_code"].queryset = HistoryCode.objects.filter(direction=opposite, is_active=True)

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Short account"), self.row.account),
            (_("Day"), written(self.row.cash_date)),
            (_("Amount"), reais(self.row.amount)),
        ]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Cash and banks"), reais(-self.row.amount)), (_("Status"), _("Reversed; both lines stay."))]

    def values(self) -> dict[str, Any]:
        return {
            "movement_id": self.row.pk,
            "history_code_id": self.cleaned_data["history_code"].pk,
            "reason": self.cleaned_data["reason"],
        }

    def done(self, result: CashMovement) -> str:
        return _("Movement reversed: %(amount)s posted in %(account)s on %(day)s.") % {
            "amount": reais(result.amount),
            "account": result.account,
            "day": written(result.cash_date),
        }


def _may_reverse(user: Any, movement: CashMovement) -> None:
    access.require(user, "receivables.reverse_receipt")
    access.require_branch(user, movement.account.branch)


def _is_a_persons(movement: CashMovement) -> bool:
    return movement.receipt_id is None and movement.reversal_id is None and movement.reverses_id is None


@admin.register(CashMovement)
class CashMovementAdmin(TransitionAdmin):
    form = RecordForm
    branch_lookups = ("account__branch",)
    list_display = ("cash_date", "account", "history_code", "document_type", "amount", "status_chip", "title_link",
                    "receipt_link", "origin", "notes")  # fmt: skip
    list_filter = ("status", "origin", "cash_date", "account")
    list_select_related = ("account", "history_code", "document_type", "title", "receipt")
    search_fields = ("notes", "title__document_number__istartswith", "receipt__number__istartswith")
    transitions: ClassVar = {
        "reverse": Transition(
            label=_("Reverse"), form=ReverseForm, service=reverse_cash_movement, verb="reverse",
            require=_may_reverse, applies=_is_a_persons,
        ),
    }  # fmt: skip
    _shown = (
        ("account", "cash_date", "amount", "status_chip"), ("history_code", "document_type"), "notes",
        ("title", "receipt", "session"), ("reverses", "reversal", "clears"), ("supplement_number", "origin"),
        ("posted_at", "actor", "told_channel"),
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._shown if obj else [*RecordForm.Meta.fields, "form_key"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["status_chip", "told_channel"] if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"cash_date": timezone.localdate(), **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer active codes, and the accounts of the user's branches."""
        if db_field.name == "account":
            options["queryset"] = accounts_of(request.user)
        elif db_field.name in ("history_code", "document_type"):
            model = HistoryCode if db_field.name == "history_code" else DocumentType
            options["queryset"] = model.objects.filter(is_active=True)
        elif db_field.name == "clears":
            records = ClosedCashReversal.objects.filter(account__in=accounts_of(request.user))
            options["queryset"] = records.exclude(known_difference=0).select_related("reversal__receipt")
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        given = form.cleaned_data
        key = given.get("form_key")
        movement = record_cash_movement(
            account_id=given["account"].pk,
            cash_date=given["cash_date"],
            amount=given["amount"],
            history_code_id=given["history_code"].pk,
            document_type_id=given["document_type"].pk,
            notes=given["notes"],
            clears_id=given["clears"].pk if given["clears"] else None,
            idempotency_key=f"form-{key}" if key else None,
            by=Actor.person(request.user),
            now=timezone.now(),
            on=timezone.localdate(),
        )
        obj.pk, obj.amount = movement.pk, movement.amount
        obj._state.adding = False

    def list_totals(self, rows: QuerySet) -> Sequence[tuple[Any, Decimal]]:
        return [(_("credits less debits"), total_of(rows, "amount"))]

    @admin.display(description=_("status"), ordering="status")
    def status_chip(self, movement: CashMovement) -> SafeString:
        return chip(movement.status, movement.get_status_display())

    @admin.display(description=_("title"))
    def title_link(self, movement: CashMovement) -> Any:
        return link(movement.title)

    @admin.display(description=_("receipt"))
    def receipt_link(self, movement: CashMovement) -> Any:
        return link(movement.receipt)

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        table = Table(
            _("Reversal"), [_("cash/bank date"), _("amount"), _("notes")], _("This movement was not reversed."),
        )  # fmt: skip
        rows = CashMovement.objects.filter(reverses=row)
        return [table.fill([link(each, written(each.cash_date)), each.amount, each.notes] for each in rows)]


def accounts_of(user: Any) -> Any:
    """Give the active accounts of a user's branches."""
    rows = LedgerAccount.objects.filter(is_active=True)
    return rows if user.is_superuser else rows.filter(branch__in=user.branches.values("pk"))
