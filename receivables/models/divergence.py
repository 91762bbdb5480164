"""Divergência: a question about money that a person must answer (G.15). The money itself is already recorded."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from receivables.domain.money import format_brl
from receivables.models.audited import AuditedModel, StatusField, money_field
from receivables.models.branch import Branch
from receivables.models.customer import Customer
from receivables.models.installment import Installment
from receivables.models.receipt import Receipt


class DivergenceStatus(models.TextChoices):
    OPEN = "open", _("Open")
    RESOLVED = "resolved", _("Resolved")


REASONS: dict[str, Any] = {}
"""What each reason is called on the screens; an app adds those that it opens divergences for."""


class Divergence(AuditedModel):
    branch = models.ForeignKey(Branch, models.PROTECT, verbose_name=_("branch"))
    reason = models.CharField(_("kind"), max_length=40, db_index=True)
    status = StatusField(_("status"), default=DivergenceStatus.OPEN, choices=DivergenceStatus)
    receipt = models.ForeignKey(
        Receipt, models.PROTECT, null=True, blank=True, related_name="divergences", verbose_name=_("receipt")
    )
    installment = models.ForeignKey(Installment, models.PROTECT, null=True, blank=True, verbose_name=_("installment"))
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, blank=True, verbose_name=_("customer"))
    amount = money_field(_("amount in question"), default=0)
    source = models.CharField(_("source"), max_length=140, blank=True, db_index=True, editable=False)
    details = models.JSONField(_("details"), default=dict, blank=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now, editable=False)
    resolution = models.CharField(_("resolution"), max_length=500, blank=True, editable=False)

    class Meta:
        verbose_name = _("divergence")
        verbose_name_plural = _("divergences")
        indexes = [models.Index(fields=["branch"], condition=Q(status=DivergenceStatus.OPEN), name="divergence_open")]
        ordering = ["status", "opened_at"]
        permissions = [("resolve_divergences", _("Can resolve divergences"))]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "reason"], condition=~Q(source=""), name="divergence_source_reason_once"
            ),
            models.CheckConstraint(condition=Q(status__in=DivergenceStatus.values), name="divergence_status_known"),
        ]

    def __str__(self) -> str:
        return f"{REASONS.get(self.reason, self.reason)} · {format_brl(Decimal(self.amount))}"

    @transition(status, source=DivergenceStatus.OPEN, target=DivergenceStatus.RESOLVED,
                permission="receivables.resolve_divergences")  # fmt: skip
    def resolve(self, *, resolution: str) -> None:
        self.resolution = resolution
