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
from receivables.admin.finding import find_movements
from receivables.admin.forms import DayField, MoneyField, ReasonField, RuleForm
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.domain.errors import (
    AmountAboveDifference,
    AmountNotPositive,
    CashDayClosed,
    DateInFuture,
    InactiveCode,
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
from receivables.reports import total_of, with_open_difference
from receivables.services import access
from receivables.services.cash_movement import record_cash_movement, reverse_cash_movement


class RecordForm(RuleForm):
    """A person's credit or debit: the history code says which; the amount is typed without a sign."""

    error_fields: ClassVar = {
        AmountAboveDifference.code: "amount",
        AmountNotPositive.code: "amount",
        CashDayClosed.code: "cash_date",
        DateInFuture.code: "cash_date",
        InactiveCode.code: "history_code",
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


class ClearingForm(TransitionForm):
    """A movement that brings a difference towards zero: all of it is proposed, today, with the codes used last."""

    error_fields: ClassVar = {
        AmountAboveDifference.code: "amount",
        AmountNotPositive.code: "amount",
        CashDayClosed.code: "cash_date",
        DateInFuture.code: "cash_date",
    }

    amount = MoneyField(label=_("amount"), least=CENT, max_digits=15, decimal_places=2)
    cash_date = DayField(label=_("cash/bank date"))
    history_code = forms.ModelChoiceField(HistoryCode.objects.none(), label=_("history code"))
    document_type = forms.ModelChoiceField(DocumentType.objects.none(), label=_("document type"))
    notes = forms.CharField(label=_("notes"), required=False, max_length=500)
    form_key = forms.UUIDField(required=False, initial=uuid4, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        direction = Direction.CREDIT if self.needed > 0 else Direction.DEBIT
        codes = HistoryCode.objects.filter(direction=direction, is_active=True)
        self.fields["history_code"].queryset = codes
        self.fields["document_type"].queryset = DocumentType.objects.filter(is_active=True)
        self.initial = {
            "amount": abs(self.needed), "cash_date": self.today, **proposed_codes(self.account, direction=direction),
        }  # fmt: skip

    @property
    def account(self) -> LedgerAccount:
        raise NotImplementedError

    @property
    def needed(self) -> Decimal:
        """Give the signed movement that ends the difference, in reais."""
        raise NotImplementedError

    def link(self) -> dict[str, int]:
        """Give what the movement is linked by."""
        raise NotImplementedError

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Cash and banks"), _("%(amount)s in %(account)s, linked to this difference.") % {
            "amount": reais(self.needed), "account": self.account,
        })]  # fmt: skip

    def values(self) -> dict[str, Any]:
        given = self.cleaned_data
        key = given.get("form_key")
        return {
            "account_id": self.account.pk,
            "cash_date": given["cash_date"],
            "amount": given["amount"],
            "history_code_id": given["history_code"].pk,
            "document_type_id": given["document_type"].pk,
            "notes": given["notes"],
            "idempotency_key": f"form-{key}" if key else None,
            **self.link(),
        }

    def done(self, result: CashMovement) -> str:
        return _("%(amount)s posted in %(account)s on %(day)s.") % {
            "amount": reais(result.amount),
            "account": result.account,
            "day": written(result.cash_date),
        }


def proposed_codes(account: LedgerAccount, *, direction: str) -> dict[str, int]:
    """Propose the codes of the last movement that a person recorded in the account, else those of its usual means."""
    by_hand = CashMovement.objects.filter(
        account=account, receipt=None, reversal=None, reverses=None, session=None,
        history_code__direction=direction, history_code__is_active=True, document_type__is_active=True,
    )  # fmt: skip
    last = by_hand.order_by("-pk").values("history_code_id", "document_type_id").first()
    if last:
        return {"history_code": last["history_code_id"], "document_type": last["document_type_id"]}
    usual = account.branchpaymentmethod_set.order_by("method__code").first()
    if usual is None:
        return {}
    history = usual.credit_history_id if direction == Direction.CREDIT else usual.debit_history_id
    return {"history_code": history, "document_type": usual.document_type_id}


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
    search_fields = ("notes",)
    search_help_text = _("Document, receipt number or words of the notes: 3 letters or more")
    find = staticmethod(find_movements)
    transitions: ClassVar = {
        "reverse": Transition(
            label=_("Reverse"), form=ReverseForm, service=reverse_cash_movement, verb="reverse",
            require=_may_reverse, applies=_is_a_persons,
        ),
    }  # fmt: skip
    _shown = (
        ("account", "cash_date", "amount", "status_chip"), ("history_code", "document_type"), "notes",
        ("title", "receipt", "session"), ("reverses", "reversal"), ("clears", "difference_of", "session_difference_of"),
        ("supplement_number", "session_supplement_number", "origin"), ("posted_at", "actor", "told_channel"),
    )  # fmt: skip

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._shown if obj else [*RecordForm.Meta.fields, "form_key"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["status_chip", "told_channel"] if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Propose today, an account of the user's and the codes that were used there last; the address may say more."""
        asked = super().get_changeform_initial_data(request)
        accounts = accounts_of(request.user).order_by("-kind", "short_code")
        known = accounts.filter(pk=asked["account"]) if str(asked.get("account", "")).isdecimal() else accounts
        account = known.first()
        if account is None:
            return {"cash_date": timezone.localdate(), **asked}
        direction = _direction_asked(request) or Direction.CREDIT
        proposed = {"account": account.pk, **proposed_codes(account, direction=direction)}
        return {"cash_date": timezone.localdate(), **proposed, **asked}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer active codes, and the accounts of the user's branches."""
        if db_field.name == "account":
            options["queryset"] = accounts_of(request.user)
        elif db_field.name in ("history_code", "document_type"):
            model = HistoryCode if db_field.name == "history_code" else DocumentType
            options["queryset"] = model.objects.filter(is_active=True)
            if model is HistoryCode and (direction := _direction_asked(request)):
                options["queryset"] = options["queryset"].filter(direction=direction)
        elif db_field.name == "clears":
            records = ClosedCashReversal.objects.filter(account__in=accounts_of(request.user))
            still_open = with_open_difference(records).exclude(open_difference=0)
            options["queryset"] = still_open.select_related("reversal__receipt")
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


def _direction_asked(request: HttpRequest) -> str:
    asked = request.GET.get("direction", "")
    return asked if asked in Direction.values else ""


def accounts_of(user: Any) -> Any:
    """Give the active accounts of a user's branches."""
    rows = LedgerAccount.objects.filter(is_active=True)
    return rows if user.is_superuser else rows.filter(branch__in=user.branches.values("pk"))
