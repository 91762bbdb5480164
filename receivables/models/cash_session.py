"""Sessão de caixa: what one operator did at one station between opening and closing (G.11)."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from receivables.models.account import PaymentMethod
from receivables.models.audited import AppendOnlyModel, AuditedModel, StatusField, money_field
from receivables.models.branch import Branch


class SessionStatus(models.TextChoices):
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


class CashSession(AuditedModel):
    branch = models.ForeignKey(Branch, models.PROTECT, verbose_name=_("branch"))
    station = models.CharField(_("station"), max_length=10)
    idempotency_key = models.CharField(max_length=140, unique=True, editable=False)
    operator = models.CharField(_("operator"), max_length=60, blank=True)
    status = StatusField(_("status"), default=SessionStatus.OPEN, choices=SessionStatus)
    opened_at = models.DateTimeField(_("opened at"))
    float_amount = money_field(_("float"), default=0)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("cash session")
        verbose_name_plural = _("cash sessions")
        ordering = ["-opened_at"]
        indexes = [
            models.Index(fields=["branch", "opened_at"], condition=Q(status="open"), name="cash_session_open"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status=SessionStatus.CLOSED, closed_at__isnull=False)
                | Q(status=SessionStatus.OPEN, closed_at__isnull=True),
                name="cash_session_closed_at_means_closed",
            ),
            models.CheckConstraint(condition=Q(float_amount__gte=0), name="cash_session_float_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.branch.code} · {self.station} · {timezone.localtime(self.opened_at):%d/%m/%Y %H:%M}"

    @transition(status, source=SessionStatus.OPEN, target=SessionStatus.CLOSED, permission="receivables.close_cash")
    def close(self, *, at: datetime) -> None:
        self.closed_at = at


class CashSessionClosing(AppendOnlyModel):
    """What was counted when the session closed; later operations become its numbered supplements (G.11)."""

    session = models.OneToOneField(CashSession, models.PROTECT, related_name="closing", verbose_name=_("session"))
    expected_amount = money_field(_("expected amount"))
    pending_count = models.PositiveIntegerField(_("operations pending at the station"), default=0)
    pending_amount = money_field(_("amount pending at the station"), default=0)

    class Meta:
        verbose_name = _("session closing")
        verbose_name_plural = _("session closings")
        indexes = [models.Index(fields=["posted_at"])]

    def __str__(self) -> str:
        return str(self.session)


class CashCount(AppendOnlyModel):
    """The amount counted of one means of payment at a session's closing."""

    closing = models.ForeignKey(CashSessionClosing, models.PROTECT, related_name="counts")
    method = models.ForeignKey(PaymentMethod, models.PROTECT, verbose_name=_("payment method"))
    method_name = models.CharField(_("method as said"), max_length=60, blank=True)
    amount = money_field(_("counted amount"))

    class Meta:
        verbose_name = _("counted amount")
        verbose_name_plural = _("counted amounts")

    def __str__(self) -> str:
        return f"{self.method}: {self.amount}"
