"""Crédito do cliente and money in suspense: append-only entries; nobody spends more than was granted (G.5, B11)."""

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from receivables.domain.money import ZERO, format_brl, round_half_up
from receivables.models.audited import AppendOnlyModel, AppendOnlyQuerySet, money_field
from receivables.models.branch import Branch
from receivables.models.cash_movement import CashMovement
from receivables.models.customer import Customer
from receivables.models.receipt import Receipt, Reversal


class CreditKind(models.TextChoices):
    GRANTED = "granted", _("Granted")
    USED = "used", _("Used")
    REFUNDED = "refunded", _("Refunded")
    REVOKED = "revoked", _("Undone with its receipt")
    IDENTIFIED = "identified", _("Identified: left the suspense")


class CustomerCreditQuerySet(AppendOnlyQuerySet):
    def available(self) -> Decimal:
        """Granted less what left it, in whole cents: SQLite adds decimals as floats."""
        granted = Q(kind=CreditKind.GRANTED)
        sums = self.aggregate(granted=models.Sum("amount", filter=granted), spent=models.Sum("amount", filter=~granted))
        return round_half_up((sums["granted"] or ZERO) - (sums["spent"] or ZERO))


class CustomerCredit(AppendOnlyModel):
    """An entry of a customer's credit; without a customer the money is in suspense until identified."""

    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="credits", verbose_name=_("customer")
    )
    branch = models.ForeignKey(Branch, models.PROTECT, verbose_name=_("branch"))
    kind = models.CharField(_("kind"), max_length=10, choices=CreditKind)
    amount = money_field(_("amount"))
    receipt = models.ForeignKey(
        Receipt, models.PROTECT, null=True, blank=True, related_name="credits", verbose_name=_("receipt")
    )
    source = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="spendings", verbose_name=_("granted entry")
    )
    reversal = models.ForeignKey(Reversal, models.PROTECT, null=True, blank=True, related_name="credits")
    movement = models.OneToOneField(
        CashMovement, models.PROTECT, null=True, blank=True, related_name="credit", verbose_name=_("cash movement")
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects: ClassVar[Any] = CustomerCreditQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer credit")
        verbose_name_plural = _("customer credits")
        ordering = ["-pk"]
        permissions = [("use_credit", _("Can use or refund credits"))]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="customer_credit_amount_positive"),
            models.CheckConstraint(condition=Q(kind__in=CreditKind.values), name="customer_credit_kind_known"),
            models.CheckConstraint(
                condition=~Q(kind=CreditKind.GRANTED) | Q(receipt__isnull=False) | Q(source__isnull=False),
                name="customer_credit_grant_has_origin",
            ),
        ]
        indexes = [models.Index(fields=["posted_at"])]

    def __str__(self) -> str:
        return f"{self.customer or _('Suspense')}: {self.get_kind_display()} {format_brl(self.amount)}"
