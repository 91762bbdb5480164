"""Título a receber: the fields of Alteração de Títulos (S9-S39), its situação (S10, G.14) and its moves (G.1, G.23)."""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_fsm import transition

from receivables.domain import fold
from receivables.models.account import HistoryCode, LedgerAccount
from receivables.models.audited import AuditedQuerySet, StatusField, VersionedModel, money_field
from receivables.models.branch import Branch, City, Product
from receivables.models.customer import Customer

ZERO = Decimal("0.00")


class TitleStatus(models.TextChoices):
    PENDING = fold.PENDING, _("Pending receipt")
    PARTIALLY_SETTLED = fold.PARTIALLY_SETTLED, _("Partially settled title")
    SETTLED = fold.SETTLED, _("Fully settled title")
    CANCELLED = fold.CANCELLED, _("Cancelled")


class BillingType(models.TextChoices):
    INVOICE = "invoice", _("Invoice")
    TRADE_BILL = "trade_bill", _("Trade bill")
    INVOICE_TRADE_BILL = "invoice_trade_bill", _("Invoice/Trade bill")


class TitleQuerySet(AuditedQuerySet):
    def open(self) -> Self:
        return self.filter(status__in=[TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED])

    def visible_to(self, user: Any) -> Self:
        """Titles whose entry, issuing or collecting branch is one of the user's (G.19).

        The branches are read first: a plan is good when it knows them, and best where nothing is left out.
        """
        if user.is_superuser:
            return self
        mine = list(user.branches.values_list("pk", flat=True))
        if not Branch.objects.exclude(pk__in=mine).exists():
            return self
        return self.filter(Q(entry_branch__in=mine) | Q(issuing_branch__in=mine) | Q(collecting_branch__in=mine))


class Title(VersionedModel):
    BillingType = BillingType

    status = StatusField(_("status"), default=TitleStatus.PENDING, choices=TitleStatus)
    document_number = models.CharField(_("document number"), max_length=30)
    entry_branch = models.ForeignKey(Branch, models.PROTECT, related_name="+", verbose_name=_("entry branch"))
    issuing_branch = models.ForeignKey(
        Branch, models.PROTECT, related_name="issued_titles", verbose_name=_("issuing branch")
    )
    collecting_branch = models.ForeignKey(
        Branch, models.PROTECT, related_name="collected_titles", verbose_name=_("collecting branch")
    )
    issued_on = models.DateField(_("issue date"))
    product = models.ForeignKey(Product, models.PROTECT, null=True, blank=True, verbose_name=_("product"))
    origin_city = models.ForeignKey(
        City, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("origin city")
    )
    destination_city = models.ForeignKey(
        City, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("destination city")
    )
    sender = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("sender")
    )
    recipient = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("recipient")
    )
    bill_to = models.ForeignKey(Customer, models.PROTECT, related_name="titles", verbose_name=_("bill to"))
    billing_type = models.CharField(_("billing type"), max_length=20, choices=BillingType, default=BillingType.INVOICE)
    payable_on_presentation = models.BooleanField(_("payable on presentation"), default=False)
    has_attached_report = models.BooleanField(_("attached report"), default=False)
    pre_invoice_number = models.CharField(_("pre-invoice number"), max_length=30, blank=True)
    history_code = models.ForeignKey(
        HistoryCode, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("history code")
    )
    payment_city = models.ForeignKey(
        City, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("payment city")
    )
    account = models.ForeignKey(
        LedgerAccount, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=pgettext_lazy("title", "short account"),
    )  # fmt: skip
    amount = money_field(_("invoice amount"))
    insurance_amount = money_field(_("insurance amount"), default=ZERO)
    icms_amount = money_field(_("ICMS amount"), default=ZERO)
    freight_bill_count = models.PositiveIntegerField(_("number of freight bills"), default=0)
    notes = models.TextField(_("notes"), blank=True)
    installment_count = models.PositiveSmallIntegerField(_("number of installments"), default=1, editable=False)
    received_on = models.DateField(_("receipt date"), null=True, blank=True, editable=False)
    cash_date = models.DateField(_("cash/bank date"), null=True, blank=True, editable=False)
    received_amount = money_field(_("received amount"), default=ZERO, editable=False)
    cancel_reason = models.CharField(_("cancellation reason"), max_length=500, blank=True, editable=False)

    objects: ClassVar[Any] = TitleQuerySet.as_manager()

    class Meta:
        verbose_name = _("title")
        verbose_name_plural = _("titles")
        ordering = ["-pk"]
        permissions = [
            ("settle_title", _("Can settle titles")),
            ("reverse_receipt", _("Can reverse receipts")),
            ("reverse_receipt_closed_cash", _("Can reverse receipts with the cash closed")),
            ("reverse_without_debit", _("Can reverse with the cash closed without a debit")),
            ("reissue_bank_collection", _("Can make a new bank collection")),
            ("grant_discount_above_limit", _("Can grant a discount above the limit")),
            ("view_audit_log", _("Can see the audit log")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["issuing_branch", "document_number"], name="title_document_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="title_amount_positive"),
            models.CheckConstraint(condition=Q(received_amount__gte=0), name="title_received_not_negative"),
            models.CheckConstraint(
                condition=Q(status=TitleStatus.SETTLED, received_on__isnull=False)
                | (~Q(status=TitleStatus.SETTLED) & Q(received_on__isnull=True)),
                name="title_received_on_means_settled",
            ),
            models.CheckConstraint(condition=Q(status__in=TitleStatus.values), name="title_status_known"),
            models.CheckConstraint(condition=Q(billing_type__in=BillingType.values), name="title_billing_type_known"),
            models.CheckConstraint(
                condition=Q(insurance_amount__gte=0, icms_amount__gte=0), name="title_extras_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["collecting_branch", "status"]),
            models.Index(fields=["bill_to", "status"]),
            models.Index(fields=["document_number"]),
            models.Index(fields=["issued_on"]),
            models.Index(fields=["status", "-id"], name="title_by_status"),
            models.Index(fields=["amount", "-id"], name="title_by_amount"),
        ]

    def __str__(self) -> str:
        return self.document_number

    @property
    def difference_amount(self) -> Decimal | None:
        """Vlr da Diferença = title total − total received (S33, G.18); nothing received, no difference."""
        return self.amount - self.received_amount if self.received_amount else None

    @transition(status, source=[TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED], target=TitleStatus.SETTLED,
                permission="receivables.settle_title")  # fmt: skip
    def settle(self, *, received_on: date, cash_date: date, received_amount: Decimal) -> None:
        """Every installment is settled: the date of the closing receipt is the title's (G.1)."""
        self.received_on, self.cash_date, self.received_amount = received_on, cash_date, received_amount

    @transition(status, source=[TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED],
                target=TitleStatus.PARTIALLY_SETTLED, permission="receivables.settle_title")  # fmt: skip
    def settle_part(self, *, cash_date: date, received_amount: Decimal) -> None:
        self.cash_date, self.received_amount = cash_date, received_amount

    @transition(status, source=[TitleStatus.SETTLED, TitleStatus.PARTIALLY_SETTLED], target=TitleStatus.PENDING,
                permission="receivables.reverse_receipt")  # fmt: skip
    def reopen(self) -> None:
        """No live receipt is left (C4-C10)."""
        self.received_on, self.cash_date, self.received_amount = None, None, ZERO

    @transition(status, source=[TitleStatus.SETTLED, TitleStatus.PARTIALLY_SETTLED],
                target=TitleStatus.PARTIALLY_SETTLED, permission="receivables.reverse_receipt")  # fmt: skip
    def reopen_part(self, *, cash_date: date | None, received_amount: Decimal) -> None:
        """Earlier receipts remain (G.1)."""
        self.received_on, self.cash_date, self.received_amount = None, cash_date, received_amount

    @transition(status, source=TitleStatus.PENDING, target=TitleStatus.CANCELLED, permission="receivables.change_title")
    def cancel(self, *, reason: str) -> None:
        """Only before any receipt (G.14)."""
        self.cancel_reason = reason
