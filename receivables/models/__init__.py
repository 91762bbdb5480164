"""What the rows of the ledger are; one noun, one file."""

from receivables.models.account import (
    BranchPaymentMethod,
    Direction,
    DocumentType,
    HistoryCode,
    LedgerAccount,
    PaymentMethod,
)
from receivables.models.audited import SYSTEM, Actor, AuditBypassed
from receivables.models.bank_slip import BankSlip, SlipStatus
from receivables.models.branch import Branch, City, Holiday, InterestPeriod, ParameterSet, Product, Terms
from receivables.models.cash_day import CashDay, CashDayClosing, CashDayReopening, CashDayStatus
from receivables.models.cash_movement import CashMovement, MovementStatus
from receivables.models.cash_session import CashCount, CashSession, CashSessionClosing, SessionStatus
from receivables.models.credit import CreditKind, CustomerCredit
from receivables.models.customer import Customer
from receivables.models.divergence import Divergence, DivergenceStatus
from receivables.models.installment import Installment, InstallmentStatus
from receivables.models.receipt import (
    ClosedCashReversal,
    Origin,
    Receipt,
    ReceiptAllocation,
    ReceiptTender,
    Reversal,
    ReversalKind,
    ReversalLine,
)
from receivables.models.reissue import BankCollectionReissue
from receivables.models.title import Title, TitleStatus

__all__ = [
    "SYSTEM",
    "Actor",
    "AuditBypassed",
    "BankCollectionReissue",
    "BankSlip",
    "Branch",
    "BranchPaymentMethod",
    "CashCount",
    "CashDay",
    "CashDayClosing",
    "CashDayReopening",
    "CashDayStatus",
    "CashMovement",
    "CashSession",
    "CashSessionClosing",
    "City",
    "ClosedCashReversal",
    "CreditKind",
    "Customer",
    "CustomerCredit",
    "Direction",
    "Divergence",
    "DivergenceStatus",
    "DocumentType",
    "HistoryCode",
    "Holiday",
    "Installment",
    "InstallmentStatus",
    "InterestPeriod",
    "LedgerAccount",
    "MovementStatus",
    "Origin",
    "ParameterSet",
    "PaymentMethod",
    "Product",
    "Receipt",
    "ReceiptAllocation",
    "ReceiptTender",
    "Reversal",
    "ReversalKind",
    "ReversalLine",
    "SessionStatus",
    "SlipStatus",
    "Terms",
    "Title",
    "TitleStatus",
]
