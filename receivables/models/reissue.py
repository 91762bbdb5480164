"""Nova Cobrança Bancária: the event that put a slip out of use and restated its installment (S40-S57, G.6, G.12).

The row is the log: who, when, why, from what to what. The arithmetic lives in `domain.reissue`.
"""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Round
from django.utils.translation import gettext_lazy as _

from receivables.domain.money import ZERO
from receivables.models.audited import AppendOnlyModel, money_field
from receivables.models.bank_slip import BankSlip
from receivables.models.installment import Installment


def _percent_field(label: Any) -> models.DecimalField:
    return models.DecimalField(label, max_digits=7, decimal_places=4, default=ZERO)


class BankCollectionReissue(AppendOnlyModel):
    """One Nova Cobrança; the one-to-one link is the law against superseding a slip twice."""

    installment = models.ForeignKey(Installment, models.PROTECT, related_name="reissues", verbose_name=_("installment"))
    slip = models.OneToOneField(BankSlip, models.PROTECT, related_name="reissue", verbose_name=_("previous slip"))
    our_number = models.CharField(_("our number dropped"), max_length=20)
    reissued_on = models.DateField(_("date of the change"))
    old_due_date = models.DateField(_("previous due date"))
    new_due_date = models.DateField(_("new due date"))
    original_amount = money_field(_("original amount"))
    old_amount = money_field(_("previous amount"))
    new_amount = money_field(_("new amount"))
    apply_charges = models.BooleanField(_("interest and fine applied"))
    interest_percent = _percent_field(_("interest % per day"))
    fine_percent = _percent_field(_("fine % per month"))
    days_late = models.PositiveIntegerField(_("days late"))
    months_late = models.PositiveIntegerField(_("months begun"))
    interest = money_field(_("interest"), default=ZERO)
    fine = money_field(_("fine"), default=ZERO)
    reason = models.CharField(_("reason"), max_length=500)
    bank_write_off_requested = models.BooleanField(_("write-off of the previous slip requested from the bank"))

    class Meta:
        verbose_name = _("new bank collection")
        verbose_name_plural = _("new bank collections")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["our_number"], opclasses=["varchar_pattern_ops"], name="reissue_our_number_prefix")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(new_due_date__gte=F("reissued_on")), name="bank_collection_reissue_not_in_the_past"
            ),
            models.CheckConstraint(
                condition=Q(original_amount__gt=0, old_amount__gt=0), name="bank_collection_reissue_amounts_positive"
            ),
            models.CheckConstraint(
                # Rounded, because SQLite adds decimals as floats.
                condition=Q(new_amount=Round(F("original_amount") + F("interest") + F("fine"), 2)),
                name="bank_collection_reissue_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    interest_percent__range=(0, 100), fine_percent__range=(0, 100), interest__gte=0, fine__gte=0
                ),
                name="bank_collection_reissue_charges_in_range",
            ),
            models.CheckConstraint(
                condition=Q(apply_charges=True) | Q(interest_percent=0, fine_percent=0, interest=0, fine=0),
                name="bank_collection_reissue_unticked_is_free",
            ),
            models.CheckConstraint(
                condition=Q(bank_write_off_requested=True), name="bank_collection_reissue_write_off_requested"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.installment} · {self.new_due_date:%d/%m/%Y}"
