"""Boleto: the bank's collection of one installment. Nosso Número is never edited nor reused (S24, S25, E.3, G.12)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from receivables.models.account import LedgerAccount
from receivables.models.audited import AuditedModel, StatusField, money_field
from receivables.models.installment import Installment


class SlipStatus(models.TextChoices):
    ISSUED = "issued", _("Issued")
    SUPERSEDED = "superseded", _("Superseded")
    PAID = "paid", _("Paid")


class BankSlip(AuditedModel):
    installment = models.ForeignKey(
        Installment, models.PROTECT, related_name="bank_slips", verbose_name=_("installment")
    )
    account = models.ForeignKey(LedgerAccount, models.PROTECT, verbose_name=_("ledger account"))
    our_number = models.CharField(_("our number"), max_length=20)
    due_date = models.DateField(_("due date"))
    amount = money_field(_("amount"))
    status = StatusField(_("status"), default=SlipStatus.ISSUED, choices=SlipStatus)

    class Meta:
        verbose_name = _("bank slip")
        verbose_name_plural = _("bank slips")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "our_number"], name="bank_slip_our_number_once"),
            models.UniqueConstraint(
                fields=["installment"], condition=~Q(status=SlipStatus.SUPERSEDED), name="bank_slip_one_live"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="bank_slip_amount_positive"),
            models.CheckConstraint(condition=Q(status__in=SlipStatus.values), name="bank_slip_status_known"),
        ]
        indexes = [
            models.Index(fields=["our_number"], opclasses=["varchar_pattern_ops"], name="bank_slip_our_number_prefix"),
        ]

    def __str__(self) -> str:
        return self.our_number

    @transition(status, source=SlipStatus.ISSUED, target=SlipStatus.SUPERSEDED,
                permission="receivables.reissue_bank_collection")  # fmt: skip
    def supersede(self) -> None:
        """A new bank collection takes its place; the number stays searchable (S41, G.12)."""

    @transition(status, source=SlipStatus.ISSUED, target=SlipStatus.PAID, permission="receivables.settle_title")
    def pay(self) -> None:
        """The bank reported the payment."""
