"""Movimento de caixa e bancos: a signed posting in an account's day; only its status changes, posted → reversed (G.4).

Credits are positive, debits negative: an account's balance is the sum of all its movements, whatever their status.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from receivables.domain.money import ZERO, format_brl, round_half_up
from receivables.models.account import Direction, DocumentType, HistoryCode, LedgerAccount, PaymentMethod
from receivables.models.audited import AuditedModel, AuditedQuerySet, StatusField, money_field
from receivables.models.cash_day import CashDayClosing
from receivables.models.cash_session import CashSession, CashSessionClosing
from receivables.models.plain_text import Plain, has_words
from receivables.models.receipt import ClosedCashReversal, Origin, Receipt, ReceiptTender, Reversal
from receivables.models.title import Title


class MovementStatus(models.TextChoices):
    POSTED = "posted", _("Posted")
    REVERSED = "reversed", _("Reversed")


@dataclass(frozen=True, slots=True)
class Moved:
    """What came in and what went out, in reais; debits are negative."""

    credits: Decimal = ZERO
    debits: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.credits + self.debits


class CashMovementQuerySet(AuditedQuerySet):
    def posted(self) -> Self:
        return self.filter(status=MovementStatus.POSTED)

    def noted(self, text: str) -> Self:
        """Those whose notes have every word of the text, accents and case apart; one has three letters at least."""
        return self.alias(plain_notes=Plain("notes")).filter(~Q(notes=""), has_words("plain_notes", text))

    def with_method(self) -> Self:
        """Annotate the `code` of the means of payment.

        Both legs of a credit that was spent are the customer's credit. What no tender brought is cash in a cash
        account, `outros` in a bank account.
        """
        method = Case(
            When(credit__kind__in=("used", "granted"), then=Value(PaymentMethod.CREDIT)),
            When(tender__isnull=False, then=F("tender__method__code")),
            When(account__kind=LedgerAccount.Kind.CASH, then=Value(PaymentMethod.CASH)),
            default=Value(PaymentMethod.OTHER),
        )
        return self.annotate(code=method)

    def by_method(self) -> dict[str, Moved]:
        """Give what came in and went out by the code of the means of payment, in whole cents."""
        rows = self.with_method().order_by().values("code").annotate(
            credits=models.Sum("amount", filter=Q(amount__gt=0)), debits=models.Sum("amount", filter=Q(amount__lt=0))
        )  # fmt: skip
        return {
            row["code"]: Moved(round_half_up(row["credits"] or ZERO), round_half_up(row["debits"] or ZERO))
            for row in rows
        }

    def balance(self) -> Decimal:
        """Σ of all movements (G.4), in whole cents: SQLite adds decimals as floats."""
        return round_half_up(self.aggregate(total=models.Sum("amount"))["total"] or ZERO)


class CashMovement(AuditedModel):
    account = models.ForeignKey(
        LedgerAccount, models.PROTECT, related_name="movements", verbose_name=_("short account")
    )
    cash_date = models.DateField(_("cash/bank date"))
    amount = money_field(_("amount"))
    status = StatusField(_("status"), default=MovementStatus.POSTED, choices=MovementStatus)
    history_code = models.ForeignKey(HistoryCode, models.PROTECT, related_name="+", verbose_name=_("history code"))
    document_type = models.ForeignKey(DocumentType, models.PROTECT, related_name="+", verbose_name=_("document type"))
    notes = models.CharField(_("notes"), max_length=500, blank=True)
    origin = models.CharField(_("origin"), max_length=11, choices=Origin, default=Origin.BACK_OFFICE)
    receipt = models.ForeignKey(
        Receipt, models.PROTECT, null=True, blank=True, related_name="movements", verbose_name=_("receipt")
    )
    tender = models.ForeignKey(
        ReceiptTender, models.PROTECT, null=True, blank=True, related_name="movements", verbose_name=_("tender")
    )
    title = models.ForeignKey(
        Title, models.PROTECT, null=True, blank=True, related_name="movements", verbose_name=_("title")
    )
    session = models.ForeignKey(
        CashSession, models.PROTECT, null=True, blank=True, related_name="movements", verbose_name=_("session")
    )
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by", verbose_name=_("reverses")
    )
    reversal = models.ForeignKey(
        Reversal, models.PROTECT, null=True, blank=True, related_name="movements", verbose_name=_("reversal")
    )
    first_debit_of = models.OneToOneField(
        ClosedCashReversal, models.PROTECT, null=True, blank=True, related_name="first_debit",
        verbose_name=_("first debit of the known difference"),
    )  # fmt: skip
    clears = models.ForeignKey(
        ClosedCashReversal, models.PROTECT, null=True, blank=True, related_name="clearings",
        verbose_name=_("clears the known difference"),
    )  # fmt: skip
    supplement_of = models.ForeignKey(
        CashDayClosing, models.PROTECT, null=True, blank=True, related_name="supplements",
        verbose_name=_("supplement of the closing"),
    )  # fmt: skip
    supplement_number = models.PositiveIntegerField(_("supplement"), null=True, blank=True)
    session_supplement_of = models.ForeignKey(
        CashSessionClosing, models.PROTECT, null=True, blank=True, related_name="supplements",
        verbose_name=_("supplement of the session's closing"),
    )  # fmt: skip
    session_supplement_number = models.PositiveIntegerField(_("supplement of the session"), null=True, blank=True)
    difference_of = models.ForeignKey(
        CashDayClosing, models.PROTECT, null=True, blank=True, related_name="difference_movements",
        verbose_name=_("posts the difference of the closing"),
    )  # fmt: skip
    session_difference_of = models.ForeignKey(
        CashSessionClosing, models.PROTECT, null=True, blank=True, related_name="difference_movements",
        verbose_name=_("posts the difference of the session"),
    )  # fmt: skip
    idempotency_key = models.CharField(max_length=140, unique=True, null=True, blank=True, editable=False)
    posted_at = models.DateTimeField(_("posted at"), default=timezone.now, editable=False)
    actor = models.CharField(_("actor"), max_length=150, default="", editable=False)
    channel = models.CharField(_("channel"), max_length=20, default="", editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("user"),
    )  # fmt: skip

    objects: ClassVar[Any] = CashMovementQuerySet.as_manager()

    class Meta:
        verbose_name = _("cash movement")
        verbose_name_plural = _("cash movements")
        ordering = ["-cash_date", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="cash_movement_moves_something"),
            models.CheckConstraint(condition=Q(status__in=MovementStatus.values), name="cash_movement_status_known"),
            models.CheckConstraint(
                condition=Q(supplement_of__isnull=True, supplement_number__isnull=True)
                | Q(supplement_of__isnull=False, supplement_number__isnull=False),
                name="cash_movement_supplement_is_numbered",
            ),
            models.UniqueConstraint(
                fields=["supplement_of", "supplement_number"], name="cash_movement_supplement_once"
            ),
            models.CheckConstraint(
                condition=Q(session_supplement_of__isnull=True, session_supplement_number__isnull=True)
                | Q(session_supplement_of__isnull=False, session_supplement_number__isnull=False),
                name="cash_movement_session_supplement_numbered",
            ),
            models.UniqueConstraint(
                fields=["session_supplement_of", "session_supplement_number"],
                name="cash_movement_session_supplement_once",
            ),
            models.UniqueConstraint(
                fields=["session_difference_of", "account"],
                condition=Q(session_difference_of__isnull=False, status="posted", reverses__isnull=True),
                name="cash_movement_session_difference_once",
            ),
            models.CheckConstraint(
                condition=Q(session_difference_of__isnull=True) | Q(session__isnull=True),
                name="cash_movement_session_difference_is_outside",
            ),
        ]
        # In the order of a statement, the amount with it: balances are summed from the index alone.
        indexes = [
            models.Index(fields=["account", "cash_date", "id", "amount"], name="cash_movement_statement"),
            models.Index(fields=["cash_date", "id"], name="cash_movement_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.account} · {self.cash_date:%d/%m/%Y} · {format_brl(self.amount)}"

    @property
    def direction(self) -> str:
        return Direction.CREDIT if self.amount > 0 else Direction.DEBIT

    @transition(status, source=MovementStatus.POSTED, target=MovementStatus.REVERSED,
                permission="receivables.reverse_receipt")  # fmt: skip
    def reverse(self) -> None:
        """The opposite movement points here; the row itself stays as it was posted."""
