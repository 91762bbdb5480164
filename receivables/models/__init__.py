"""What the rows of the ledger are; one noun, one file."""

from receivables.models import among  # noqa: F401
from receivables.models.access_event import AccessChange, AccessEvent
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
from receivables.models.cash_day import (
    CashDay,
    CashDayClosing,
    CashDayCount,
    CashDayCountLine,
    CashDayReopening,
    CashDayStatus,
)
from receivables.models.cash_movement import CashMovement, MovementStatus
from receivables.models.cash_session import CashCount, CashSession, CashSessionClosing, SessionStatus
from receivables.models.credit import CreditKind, CustomerCredit
from receivables.models.customer import Customer
from receivables.models.divergence import Divergence, DivergenceStatus, Outcome
from receivables.models.exported_list import ExportedList, FileFormat
from receivables.models.installment import Installment, InstallmentStatus
from receivables.models.known_difference import KnownDifferenceAssignment
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
    "AccessChange",
    "AccessEvent",
    "Actor",
    "AuditBypassed",
    "BankCollectionReissue",
    "BankSlip",
    "Branch",
    "BranchPaymentMethod",
    "CashCount",
    "CashDay",
    "CashDayClosing",
    "CashDayCount",
    "CashDayCountLine",
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
    "ExportedList",
    "FileFormat",
    "HistoryCode",
    "Holiday",
    "Installment",
    "InstallmentStatus",
    "InterestPeriod",
    "KnownDifferenceAssignment",
    "LedgerAccount",
    "MovementStatus",
    "Origin",
    "Outcome",
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
