"""Divergência: a question about money that a person must answer (G.15). The money itself is already recorded."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_fsm import transition

from receivables.domain import divergence as domain
from receivables.domain.money import format_brl
from receivables.models.audited import AuditedModel, StatusField, money_field
from receivables.models.branch import Branch
from receivables.models.customer import Customer
from receivables.models.installment import Installment
from receivables.models.receipt import Receipt


class DivergenceStatus(models.TextChoices):
    OPEN = "open", _("Open")
    RESOLVED = "resolved", _("Resolved")


class Outcome(models.TextChoices):
    APPLIED = domain.APPLIED, _("Applied to an installment")
    KEPT = domain.KEPT, _("Kept as credit")
    REFUNDED = domain.REFUNDED, _("Refunded")
    IDENTIFIED = domain.IDENTIFIED, _("Customer identified")
    ACCEPTED = domain.ACCEPTED, _("Difference accepted")
    APPROVED = domain.APPROVED, pgettext_lazy("divergence", "Approved")
    REJECTED = domain.REJECTED, pgettext_lazy("divergence", "Rejected")
    RECORDED = domain.RECORDED, _("Recorded as another operation")
    VOIDED = domain.VOIDED, _("Receipt voided")


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
    station = models.CharField(_("till"), max_length=10, blank=True)
    source = models.CharField(_("source"), max_length=140, blank=True, db_index=True, editable=False)
    details = models.JSONField(_("details"), default=dict, blank=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now, editable=False)
    proposed = models.CharField(_("proposed outcome"), max_length=10, blank=True, choices=Outcome, editable=False)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("proposed by"),
    )  # fmt: skip
    outcome = models.CharField(
        pgettext_lazy("divergence", "outcome"), max_length=10, blank=True, choices=Outcome, editable=False
    )
    resolution = models.CharField(_("resolution"), max_length=500, blank=True, editable=False)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("resolved by"),
    )  # fmt: skip
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True, editable=False)

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
            models.CheckConstraint(
                condition=Q(status=DivergenceStatus.OPEN, outcome="", resolved_at=None)
                | Q(status=DivergenceStatus.RESOLVED, outcome__in=Outcome.values, resolved_at__isnull=False),
                name="divergence_resolved_has_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(proposed=F("outcome"), proposed_by=F("resolved_by")), name="divergence_takes_two_persons"
            ),
        ]

    def __str__(self) -> str:
        return f"{REASONS.get(self.reason, self.reason)} · {format_brl(Decimal(self.amount))}"

    @property
    def is_open(self) -> bool:
        return bool(self.status == DivergenceStatus.OPEN)

    @transition(status, source=DivergenceStatus.OPEN, target=DivergenceStatus.OPEN,
                permission="receivables.resolve_divergences")  # fmt: skip
    def assign(self, *, owner_id: int) -> None:
        """A person answers for it from now on."""
        self.owner_id = owner_id

    @transition(status, source=DivergenceStatus.OPEN, target=DivergenceStatus.OPEN)
    def propose(self, *, outcome: str, person_id: int) -> None:
        """The first of two persons; the second one makes it so."""
        self.proposed, self.proposed_by_id = outcome, person_id

    @transition(status, source=DivergenceStatus.OPEN, target=DivergenceStatus.RESOLVED)
    def resolve(self, *, outcome: str, resolution: str, person_id: int | None, at: datetime) -> None:
        """What the outcome posts is done by the service in the same transaction."""
        self.outcome, self.resolution = outcome, resolution
        self.resolved_by_id, self.resolved_at = person_id, at
