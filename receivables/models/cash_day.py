"""Fechamento de caixa: the day of an account, closed oldest first and reopened newest first (S61-S63, G.11)."""

from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_fsm import transition

from receivables.domain.money import format_brl
from receivables.models.account import LedgerAccount, PaymentMethod
from receivables.models.audited import AppendOnlyModel, AuditedModel, AuditedQuerySet, StatusField, money_field


class CashDayStatus(models.TextChoices):
    OPEN = "open", pgettext_lazy("cash day", "Open")
    CLOSED = "closed", pgettext_lazy("cash day", "Closed")


class CashDayQuerySet(AuditedQuerySet):
    def closed(self) -> Self:
        return self.filter(status=CashDayStatus.CLOSED)


class CashDay(AuditedModel):
    account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="days", verbose_name=_("short account"))
    day = models.DateField(_("day"))
    status = StatusField(_("status"), default=CashDayStatus.OPEN, choices=CashDayStatus)

    objects: ClassVar[Any] = CashDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("cash day")
        verbose_name_plural = _("cash days")
        ordering = ["-day", "account"]
        permissions = [("close_cash", _("Can close cash days")), ("reopen_cash", _("Can reopen cash days"))]
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="cash_day_once"),
            models.CheckConstraint(condition=Q(status__in=CashDayStatus.values), name="cash_day_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.account} · {self.day:%d/%m/%Y}"

    @transition(status, source=CashDayStatus.OPEN, target=CashDayStatus.CLOSED, permission="receivables.close_cash")
    def close(self) -> None:
        """The totals of the closing are a `CashDayClosing`."""

    @transition(status, source=CashDayStatus.CLOSED, target=CashDayStatus.OPEN, permission="receivables.reopen_cash")
    def reopen(self) -> None:
        """The reason is a `CashDayReopening`."""


class CashDayCount(AppendOnlyModel):
    """Conferência: what a person counted of an open day, beside what the books expected at that moment.

    A new count never replaces an older one. `opening_amount` is the balance carried into the day, which lies in the
    drawer of a cash account too; without a value it was not counted.
    """

    cash_day = models.ForeignKey(CashDay, models.PROTECT, related_name="counts", verbose_name=_("cash day"))
    number = models.PositiveIntegerField(_("count"))
    is_blind = models.BooleanField(_("counted blind"))
    opening_amount = money_field(_("opening balance"), null=True, blank=True)
    expected_amount = money_field(_("expected amount"))
    counted_amount = money_field(_("counted amount"))

    class Meta:
        verbose_name = _("cash count")
        verbose_name_plural = _("cash counts")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["cash_day", "number"], name="cash_day_count_number_once")]

    def __str__(self) -> str:
        return f"{self.cash_day} · {self.number}"

    @property
    def difference(self) -> Decimal:
        """What is in the drawer less what the books say, in reais."""
        return self.counted_amount - self.expected_amount


class CashDayCountLine(AppendOnlyModel):
    """What was counted of one means of payment."""

    count = models.ForeignKey(CashDayCount, models.PROTECT, related_name="lines", verbose_name=_("cash count"))
    method = models.ForeignKey(PaymentMethod, models.PROTECT, related_name="+", verbose_name=_("payment method"))
    expected_amount = money_field(_("expected amount"))
    counted_amount = money_field(_("counted amount"))

    class Meta:
        verbose_name = _("counted method")
        verbose_name_plural = _("counted methods")
        ordering = ["method__code"]
        constraints = [models.UniqueConstraint(fields=["count", "method"], name="cash_day_count_method_once")]

    def __str__(self) -> str:
        return f"{self.method}: {format_brl(self.counted_amount)}"

    @property
    def difference(self) -> Decimal:
        return self.counted_amount - self.expected_amount


class CashDayClosing(AppendOnlyModel):
    """What a day's movements added up to when it closed; what enters later is a numbered supplement."""

    cash_day = models.ForeignKey(CashDay, models.PROTECT, related_name="closings", verbose_name=_("cash day"))
    opening_balance = money_field(_("opening balance"))
    credits = money_field(_("credits"))
    debits = money_field(_("debits"))
    total = money_field(_("total of the day"))
    counted_amount = money_field(_("counted amount"), null=True, blank=True)
    count = models.OneToOneField(
        CashDayCount, models.PROTECT, null=True, blank=True, related_name="closing", verbose_name=_("cash count")
    )

    class Meta:
        verbose_name = _("day closing")
        verbose_name_plural = _("day closings")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return str(self.cash_day)


class CashDayReopening(AppendOnlyModel):
    """Why a closed day was opened again."""

    closing = models.OneToOneField(CashDayClosing, models.PROTECT, related_name="reopening")
    reason = models.CharField(_("reason"), max_length=500)

    class Meta:
        verbose_name = _("day reopening")
        verbose_name_plural = _("day reopenings")

    def __str__(self) -> str:
        return str(self.closing)
