"""The accounts of caixa e bancos and the codes that a posting needs: history, document type, means of payment."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from receivables.models.audited import AuditedModel
from receivables.models.branch import Branch


class Direction(models.TextChoices):
    CREDIT = "credit", _("Credit")
    DEBIT = "debit", _("Debit")


class LedgerAccount(AuditedModel):
    """Conta Reduzida (S32): the short code of a cash or bank account of a branch."""

    class Kind(models.TextChoices):
        CASH = "cash", _("Cash")
        BANK = "bank", _("Bank")

    short_code = models.CharField(_("short account"), max_length=10, unique=True)
    name = models.CharField(_("name"), max_length=80)
    branch = models.ForeignKey(Branch, models.PROTECT, verbose_name=_("branch"))
    kind = models.CharField(_("kind"), max_length=4, choices=Kind, default=Kind.CASH)
    bank_code = models.CharField(_("bank code"), max_length=3, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("ledger account")
        verbose_name_plural = _("ledger accounts")
        ordering = ["short_code"]

    def __str__(self) -> str:
        return f"{self.short_code} · {self.name}"

    def usual_methods(self) -> frozenset[str]:
        """Give the codes of the means of payment whose money goes here; a customer's credit is no money."""
        rows = self.branchpaymentmethod_set.exclude(method__code=PaymentMethod.CREDIT)
        return frozenset(rows.values_list("method__code", flat=True))


class HistoryCode(AuditedModel):
    """Cód. Histórico (S27): a standard text whose direction a posting may not contradict."""

    code = models.CharField(_("history code"), max_length=10, unique=True)
    name = models.CharField(_("text"), max_length=80)
    direction = models.CharField(_("direction"), max_length=6, choices=Direction)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = pgettext_lazy("register", "history code")
        verbose_name_plural = _("history codes")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(direction__in=Direction.values), name="history_code_direction_known")
        ]

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


class DocumentType(AuditedModel):
    """Tipo Docto (S71)."""

    code = models.CharField(_("document type"), max_length=10, unique=True)
    name = models.CharField(_("name"), max_length=60)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = pgettext_lazy("register", "document type")
        verbose_name_plural = _("document types")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


class PaymentMethod(AuditedModel):
    """Meio de pagamento; `outros` takes what a station names and nobody knows."""

    CASH = "cash"
    OTHER = "outros"
    CREDIT = "customer_credit"

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=60)
    gives_change = models.BooleanField(_("gives change"), default=False)
    needs_reference = models.BooleanField(_("needs reference"), default=False)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class BranchPaymentMethod(AuditedModel):
    """Where the money of a means of payment goes in a branch, and under which codes."""

    branch = models.ForeignKey(Branch, models.PROTECT, related_name="payment_methods", verbose_name=_("branch"))
    method = models.ForeignKey(PaymentMethod, models.PROTECT, verbose_name=_("payment method"))
    account = models.ForeignKey(LedgerAccount, models.PROTECT, verbose_name=_("ledger account"))
    credit_history = models.ForeignKey(
        HistoryCode, models.PROTECT, related_name="+", verbose_name=_("credit history code")
    )
    debit_history = models.ForeignKey(
        HistoryCode, models.PROTECT, related_name="+", verbose_name=_("debit history code")
    )
    document_type = models.ForeignKey(DocumentType, models.PROTECT, verbose_name=_("document type"))

    class Meta:
        verbose_name = _("payment method of the branch")
        verbose_name_plural = _("payment methods of the branches")
        constraints = [models.UniqueConstraint(fields=["branch", "method"], name="branch_payment_method_once")]

    def __str__(self) -> str:
        return f"{self.branch.code} · {self.method}"
