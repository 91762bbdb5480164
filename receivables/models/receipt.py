"""Recebimento: one payment as it happened, the tenders that brought it and where each cent went (G.3, G.5, G.22).

All rows here are append-only; an undone share is a `Reversal` with its lines, never a change.
"""

from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Round
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.domain.money import format_brl
from receivables.models.account import PaymentMethod
from receivables.models.audited import AppendOnlyModel, AppendOnlyQuerySet, money_field
from receivables.models.branch import Branch
from receivables.models.cash_session import CashSession
from receivables.models.customer import Customer
from receivables.models.installment import Installment
from receivables.models.title import Title

ZERO = Decimal("0.00")


class Origin(models.TextChoices):
    BACK_OFFICE = "back_office", _("Back office")
    TILL = "till", _("Till")
    BANK_RETURN = "bank_return", _("Bank return")
    IMPORT = "import", _("Import")


class Receipt(AppendOnlyModel):
    branch = models.ForeignKey(Branch, models.PROTECT, related_name="receipts", verbose_name=_("branch"))
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="receipts", verbose_name=_("customer")
    )
    number = models.CharField(_("receipt number"), max_length=40, blank=True, db_index=True)
    received_on = models.DateField(_("receipt date"))
    cash_date = models.DateField(_("cash/bank date"))
    amount = money_field(_("amount"))
    origin = models.CharField(_("origin"), max_length=11, choices=Origin, default=Origin.BACK_OFFICE)
    station = models.CharField(_("station"), max_length=10, blank=True)
    operator = models.CharField(_("operator"), max_length=60, blank=True)
    session = models.ForeignKey(
        CashSession, models.PROTECT, null=True, blank=True, related_name="receipts", verbose_name=_("session")
    )
    idempotency_key = models.CharField(max_length=140, unique=True, null=True, blank=True, editable=False)
    notes = models.TextField(_("notes"), blank=True)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="receipt_amount_positive")]
        indexes = [
            models.Index(fields=["branch", "received_on"]),
            models.Index(fields=["posted_at"]),
            models.Index(fields=["received_on"], name="receipt_by_day"),
            models.Index(fields=["branch", "number"], condition=Q(origin="till"), name="receipt_till_number"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return receipt_label(self.number, self.pk)


def receipt_label(number: str, pk: int) -> str:
    """Give the printed number of a receipt: a station's own, or six digits of the back office (G.22)."""
    return number or f"{pk:06d}"


class ReceiptTender(AppendOnlyModel):
    """Meio de pagamento lançado: what was handed over and the change given back."""

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="tenders")
    position = models.PositiveSmallIntegerField(_("line"))
    method = models.ForeignKey(PaymentMethod, models.PROTECT, verbose_name=_("payment method"))
    amount = money_field(_("amount"))
    tendered_amount = money_field(_("handed over"), default=ZERO)
    change_amount = money_field(pgettext_lazy("money", "change"), default=ZERO)
    reference = models.CharField(_("reference"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("tender")
        verbose_name_plural = _("tenders")
        constraints = [
            models.UniqueConstraint(fields=["receipt", "position"], name="receipt_tender_position_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="receipt_tender_amount_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.method}: {self.amount}"


class AllocationQuerySet(AppendOnlyQuerySet):
    def live(self) -> Self:
        """Not undone by a reversal."""
        return self.filter(reversal_line__isnull=True)


class ReceiptAllocation(AppendOnlyModel):
    """The share of a receipt that pays one installment, split as art. 354 demands (G.5, G.16)."""

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="allocations")
    position = models.PositiveSmallIntegerField(_("line"))
    title = models.ForeignKey(Title, models.PROTECT, related_name="allocations", verbose_name=_("title"))
    installment = models.ForeignKey(
        Installment, models.PROTECT, related_name="allocations", verbose_name=_("installment")
    )
    principal = money_field(_("principal"), default=ZERO)
    interest = money_field(_("interest"), default=ZERO)
    fine = money_field(_("fine"), default=ZERO)
    discount = money_field(_("discount"), default=ZERO)
    carried_charges = money_field(_("charges left unpaid"), default=ZERO)
    is_late = models.BooleanField(_("paid late"), default=False)

    objects: ClassVar[Any] = AllocationQuerySet.as_manager()

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        constraints = [
            models.UniqueConstraint(fields=["receipt", "position"], name="receipt_allocation_position_once"),
            models.CheckConstraint(
                condition=Q(principal__gte=0, interest__gte=0, fine__gte=0, discount__gte=0, carried_charges__gte=0),
                name="receipt_allocation_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(principal__gt=0) | Q(interest__gt=0) | Q(fine__gt=0) | Q(discount__gt=0),
                name="receipt_allocation_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.installment}: {self.money}"

    @property
    def money(self) -> Decimal:
        return self.principal + self.interest + self.fine

    @property
    def settles(self) -> Decimal:
        return self.principal + self.discount


class ReversalKind(models.TextChoices):
    OPPOSITE = "opposite", _("Opposite movement")
    CLOSED_DEBIT = "closed_debit", _("Cash closed, with debit")
    CLOSED_NO_DEBIT = "closed_no_debit", _("Cash closed, without debit information")
    VOID = "void", _("Void at the station")


class Reversal(AppendOnlyModel):
    """Estorno: the event that undid a title's share of a receipt, or the whole receipt (C4-C10, G.1-G.4)."""

    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="reversals", verbose_name=_("receipt"))
    title = models.ForeignKey(
        Title, models.PROTECT, null=True, blank=True, related_name="reversals", verbose_name=_("title")
    )
    kind = models.CharField(_("kind"), max_length=15, choices=ReversalKind)
    reversed_on = models.DateField(_("reversal date"))
    amount = money_field(_("reversed amount"))
    reason = models.CharField(_("reason"), max_length=500)
    idempotency_key = models.CharField(max_length=140, unique=True, null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("reversal")
        verbose_name_plural = _("reversals")
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="reversal_amount_not_negative")]
        indexes = [models.Index(fields=["posted_at"]), models.Index(fields=["reversed_on"], name="reversal_by_day")]

    def __str__(self) -> str:
        return f"{self.receipt} · {self.reversed_on:%d/%m/%Y}"


class ReversalLine(AppendOnlyModel):
    """One allocation undone; the one-to-one link is the law against undoing it twice."""

    reversal = models.ForeignKey(Reversal, models.PROTECT, related_name="lines")
    allocation = models.OneToOneField(ReceiptAllocation, models.PROTECT, related_name="reversal_line")

    class Meta:
        verbose_name = _("reversed allocation")
        verbose_name_plural = _("reversed allocations")

    def __str__(self) -> str:
        return str(self.allocation)


class ClosedCashReversal(AppendOnlyModel):
    """A reversal with the cash closed: the original stays posted and this row explains the account (G.4, S76, S86).

    The known difference = settled amount − first debit; it stays open until linked movements clear it.
    """

    reversal = models.ForeignKey(Reversal, models.PROTECT, related_name="closed_cash", verbose_name=_("reversal"))
    account = models.ForeignKey("LedgerAccount", models.PROTECT, verbose_name=_("short account"))
    liquidation_date = models.DateField(_("settlement date in cash/banks"))
    settled_amount = money_field(_("settled amount"))
    first_debit_amount = money_field(_("first debit"), default=ZERO)
    known_difference = money_field(_("known difference"))
    reason = models.CharField(_("reason"), max_length=500)

    class Meta:
        verbose_name = _("known cash difference")
        verbose_name_plural = _("known cash differences")
        constraints = [
            models.UniqueConstraint(fields=["reversal", "account"], name="closed_cash_reversal_account_once"),
            models.CheckConstraint(
                # Rounded, because SQLite subtracts decimals as floats: 1000.10 − 990.05 is not its 10.05.
                condition=Q(known_difference=Round(F("settled_amount") - F("first_debit_amount"), 2)),
                name="closed_cash_reversal_difference_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reversal} · {format_brl(self.known_difference)}"
