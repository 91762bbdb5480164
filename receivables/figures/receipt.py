"""A receipt as it is handed to the customer: what was paid, with what, to whom, and what was undone since (G.22).

The notes of titles and receipts are the house's own and never come here (S39).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from receivables.domain.documents import format_document
from receivables.domain.errors import InvalidDocument
from receivables.domain.money import ZERO
from receivables.figures.sheet import added
from receivables.models import Branch, CreditKind, Customer, Receipt, Reversal


@dataclass(frozen=True, slots=True)
class AtStation:
    """What only the channel of a receipt knows: when it was taken, by whom, and a remark to print."""

    taken_at: datetime | None = None
    operator: str = ""
    remark: Any = ""


STATIONS: list[Callable[[Receipt], AtStation | None]] = []
"""Each is asked about a receipt that a station made; apps append theirs when they are ready."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What one installment took, in reais; `reversed_on` is the day on which it was undone."""

    document: str
    installment: str
    due_date: date
    principal: Decimal
    interest: Decimal
    fine: Decimal
    discount: Decimal
    total: Decimal
    reversed_on: date | None


@dataclass(frozen=True, slots=True)
class Means:
    """A means of payment; what was handed over and the change are None where nobody noted them."""

    name: str
    amount: Decimal
    tendered: Decimal | None
    change: Decimal | None
    reference: str


@dataclass(frozen=True, slots=True)
class Undone:
    """A reversal of the receipt or of one title's share in it."""

    number: str
    on: date
    amount: Decimal
    document: str


@dataclass(frozen=True, slots=True)
class Party:
    """Whose name, document and place stand on the paper."""

    name: str
    document: str
    place: str


@dataclass(frozen=True, slots=True)
class ReceiptPaper:
    """Every fact of a printed receipt; lines, credit and suspense add up to `amount`, and so do the means."""

    number: str
    standing: Literal["live", "partly_reversed", "reversed"]
    issuer: Party
    customer: Party | None
    received_on: date
    taken_at: datetime
    operator: str
    station: str
    remark: Any
    lines: Sequence[Paid]
    means: Sequence[Means]
    credit: Decimal
    suspense: Decimal
    amount: Decimal
    undone: Sequence[Undone]

    def total(self, column: str) -> Decimal:
        return added(getattr(line, column) for line in self.lines)


def receipt_paper(receipt: Receipt) -> ReceiptPaper:
    """Read all that the paper of a receipt tells, in a fixed number of statements."""
    lines, reversals = _lines(receipt), list(receipt.reversals.select_related("title").order_by("pk"))
    credits = list(receipt.credits.all())
    granted = [row for row in credits if row.kind == CreditKind.GRANTED and row.source_id is None]
    taken_back = {row.source_id: row.amount for row in credits if row.kind == CreditKind.REVOKED}
    moved_on = {row.source_id for row in credits if row.kind == CreditKind.IDENTIFIED}
    owned = [row for row in credits if row.kind == CreditKind.GRANTED and row.pk not in moved_on]
    said = _at_station(receipt)
    return ReceiptPaper(
        number=receipt.label,
        standing=_standing(lines, reversals, all(taken_back.get(row.pk) == row.amount for row in owned)),
        issuer=issuer_of(receipt.branch),
        customer=_customer(receipt.customer),
        received_on=receipt.received_on,
        taken_at=said.taken_at or receipt.posted_at,
        operator=said.operator or receipt.operator or receipt.actor,
        station=receipt.station,
        remark=said.remark,
        lines=lines,
        means=_means(receipt),
        credit=added(row.amount for row in granted if row.customer_id),
        suspense=added(row.amount for row in granted if not row.customer_id),
        amount=receipt.amount,
        undone=[_undone(row) for row in reversals],
    )


def _at_station(receipt: Receipt) -> AtStation:
    asked = (ask(receipt) for ask in STATIONS) if receipt.station else ()
    return next((said for said in asked if said is not None), AtStation())


def _standing(lines: Sequence[Paid], reversals: Sequence[Reversal], credit_is_gone: Any) -> Any:
    """A void undoes the whole receipt; shares undone one by one do so once nothing of it is left."""
    if not reversals:
        return "live"
    is_gone = credit_is_gone and all(line.reversed_on for line in lines)
    return "reversed" if is_gone or any(row.title_id is None for row in reversals) else "partly_reversed"


def _lines(receipt: Receipt) -> list[Paid]:
    rows = receipt.allocations.select_related("title", "installment__title", "reversal_line__reversal")
    return [
        Paid(
            document=row.title.document_number, installment=row.installment.label, due_date=row.installment.due_date,
            principal=row.principal, interest=row.interest, fine=row.fine, discount=row.discount, total=row.money,
            reversed_on=row.reversal_line.reversal.reversed_on if hasattr(row, "reversal_line") else None,
        )
        for row in rows.order_by("position")
    ]  # fmt: skip


def _means(receipt: Receipt) -> list[Means]:
    return [
        Means(
            name=row.method.name, amount=row.amount, reference=row.reference,
            tendered=row.tendered_amount if row.tendered_amount > ZERO else None,
            change=row.change_amount if row.tendered_amount > ZERO else None,
        )
        for row in receipt.tenders.select_related("method").order_by("position")
    ]  # fmt: skip


def _undone(row: Reversal) -> Undone:
    document = row.title.document_number if row.title else ""
    return Undone(number=f"{row.pk:06d}", on=row.reversed_on, amount=row.amount, document=document)


def issuer_of(branch: Branch) -> Party:
    """Tell who receives: the branch by its name, CNPJ and city, the last two empty where nobody wrote them down."""
    return Party(branch.name, masked(branch.document), str(branch.city or ""))


def _customer(customer: Customer | None) -> Party | None:
    if customer is None:
        return None
    place = " · ".join(str(part) for part in (customer.address, customer.city) if part)
    return Party(customer.name, masked(customer.document), place)


def masked(document: str) -> str:
    """Write a CPF or CNPJ for reading; what is neither stays as it is."""
    try:
        return format_document(document)
    except InvalidDocument:
        return document
