"""Parcela: due date, amount, balance and the charges it runs up (G.16, G.21). Arithmetic lives in `domain.charges`."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from receivables.domain import charges, due_dates, fold
from receivables.domain.due_dates import HORIZON_DAYS
from receivables.models.audited import AuditedQuerySet, StatusField, VersionedModel, money_field
from receivables.models.branch import Holiday, Terms
from receivables.models.title import Title, TitleStatus

ZERO = Decimal("0.00")


class InstallmentStatus(models.TextChoices):
    PENDING = fold.PENDING, _("Pending")
    PARTIALLY_SETTLED = fold.PARTIALLY_SETTLED, _("Partially settled")
    SETTLED = fold.SETTLED, _("Settled")


OPEN = [InstallmentStatus.PENDING, InstallmentStatus.PARTIALLY_SETTLED]


def in_time_since(on: date) -> date:
    """Give the earliest due date that is not overdue on a day: due on a weekend or holiday, still payable (G.17)."""
    return due_dates.in_time_since(on, extra=Holiday.days())


class InstallmentQuerySet(AuditedQuerySet):
    def open(self) -> Self:
        """What is still owed; cancelled titles are few, and looked up only among themselves."""
        cancelled = Title.objects.filter(pk=OuterRef("title_id"), status=TitleStatus.CANCELLED)
        return self.filter(~Exists(cancelled), status__in=OPEN)

    def overdue(self, *, on: date) -> Self:
        """What is open and no longer payable without charges (G.17)."""
        return self.open().filter(due_date__lt=in_time_since(on))

    def in_window(self, *, today: date) -> Self:
        """Overdue, or due within 30 days, both ends included (H11, G.9)."""
        return self.open().filter(due_date__lte=today + timedelta(days=HORIZON_DAYS))


class Installment(VersionedModel):
    title = models.ForeignKey(Title, models.PROTECT, related_name="installments", verbose_name=_("title"))
    number = models.PositiveSmallIntegerField(_("number"))
    status = StatusField(_("status"), default=InstallmentStatus.PENDING, choices=InstallmentStatus)
    due_date = models.DateField(_("due date"))
    amount = money_field(_("amount"))
    original_amount = money_field(_("original amount"), editable=False)
    balance = money_field(_("balance"), editable=False)
    terms = models.ForeignKey(Terms, models.PROTECT, related_name="+", editable=False, verbose_name=_("terms"))
    interest_from = models.DateField(_("interest counts from"), editable=False)
    fine_charged = models.BooleanField(_("fine charged"), default=False, editable=False)
    carried_charges = money_field(_("charges not yet paid"), default=ZERO, editable=False)

    objects: ClassVar[Any] = InstallmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("installment")
        verbose_name_plural = _("installments")
        ordering = ["title_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["title", "number"], name="installment_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="installment_number_from_one"),
            models.CheckConstraint(
                condition=Q(amount__gt=0, original_amount__gt=0), name="installment_amount_positive"
            ),
            models.CheckConstraint(condition=Q(balance__gte=0), name="installment_balance_not_negative"),
            models.CheckConstraint(condition=Q(balance__lte=F("amount")), name="installment_balance_within_amount"),
            models.CheckConstraint(
                condition=Q(status=InstallmentStatus.SETTLED, balance=0)
                | (~Q(status=InstallmentStatus.SETTLED) & Q(balance__gt=0)),
                name="installment_settled_means_no_balance",
            ),
            models.CheckConstraint(
                condition=~Q(status=InstallmentStatus.PENDING) | Q(balance=F("amount")),
                name="installment_pending_owes_all",
            ),
            models.CheckConstraint(condition=Q(status__in=InstallmentStatus.values), name="installment_status_known"),
            models.CheckConstraint(condition=Q(carried_charges__gte=0), name="installment_carried_not_negative"),
        ]
        indexes = [
            models.Index(fields=["due_date"], condition=Q(status__in=OPEN), name="installment_open_by_due_date"),
            models.Index(fields=["due_date", "id"], name="installment_by_due_date"),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.label}"

    @property
    def label(self) -> str:
        """`2/3`: the number among those of its title."""
        return f"{self.number}/{self.title.installment_count}"

    @property
    def standing(self) -> charges.Standing:
        return charges.Standing(
            balance=self.balance,
            due_date=self.due_date,
            interest_from=self.interest_from,
            fine_charged=self.fine_charged,
            carried_charges=self.carried_charges,
        )

    @transition(status, source=OPEN, target=InstallmentStatus.SETTLED, permission="receivables.settle_title")
    def settle(self, *, standing: charges.Standing) -> None:
        self._stand(standing)

    @transition(status, source=OPEN, target=InstallmentStatus.PARTIALLY_SETTLED, permission="receivables.settle_title")
    def settle_part(self, *, standing: charges.Standing) -> None:
        self._stand(standing)

    @transition(status, source=[InstallmentStatus.SETTLED, InstallmentStatus.PARTIALLY_SETTLED],
                target=InstallmentStatus.PENDING, permission="receivables.reverse_receipt")  # fmt: skip
    def reopen(self, *, standing: charges.Standing) -> None:
        self._stand(standing)

    @transition(status, source=[InstallmentStatus.SETTLED, InstallmentStatus.PARTIALLY_SETTLED],
                target=InstallmentStatus.PARTIALLY_SETTLED, permission="receivables.reverse_receipt")  # fmt: skip
    def reopen_part(self, *, standing: charges.Standing) -> None:
        self._stand(standing)

    def _stand(self, standing: charges.Standing) -> None:
        self.balance = standing.balance
        self.interest_from = standing.interest_from
        self.fine_charged = standing.fine_charged
        self.carried_charges = standing.carried_charges
