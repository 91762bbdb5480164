"""Writing receipts into the ledger, one or hundreds alike, in a fixed number of statements (G.3, G.5).

Judging is not done here: drafts say where each cent goes, on rows that the caller has locked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from receivables.domain import fold
from receivables.domain.allocation import Allocation, spread_tenders
from receivables.domain.charges import Standing
from receivables.domain.money import ZERO
from receivables.models import (
    Branch,
    CashMovement,
    CashSession,
    CreditKind,
    CustomerCredit,
    DocumentType,
    HistoryCode,
    Installment,
    InstallmentStatus,
    LedgerAccount,
    Origin,
    PaymentMethod,
    Receipt,
    ReceiptAllocation,
    ReceiptTender,
    Title,
)
from receivables.models.audited import Actor, signed_by
from receivables.services.cash_day import Landing
from receivables.services.cash_session import session_supplements
from receivables.services.moves import Step, move_many, record_history
from receivables.services.rows import insert_new, insert_rows

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TenderDraft:
    """A means of payment, where its money goes and the codes of the posting; amounts in reais."""

    method: PaymentMethod
    amount: Decimal
    account: LedgerAccount
    cash_date: date
    history_code: HistoryCode
    document_type: DocumentType
    tendered_amount: Decimal = ZERO
    change_amount: Decimal = ZERO
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ShareDraft:
    """What one installment takes, and how it stands after it."""

    installment: Installment
    allocation: Allocation
    after: Standing
    is_late: bool


@dataclass(frozen=True, slots=True)
class CreditDraft:
    """Money without an installment: a customer's credit, or in suspense when there is no customer."""

    customer_id: int | None
    amount: Decimal


@dataclass(slots=True)
class ReceiptDraft:
    branch: Branch
    customer_id: int | None
    received_on: date
    tenders: Sequence[TenderDraft]
    shares: Sequence[ShareDraft]
    credits: Sequence[CreditDraft] = ()
    origin: str = Origin.BACK_OFFICE
    number: str = ""
    station: str = ""
    operator: str = ""
    session: CashSession | None = None
    idempotency_key: str | None = None
    notes: str = ""
    because: str = ""
    receipt: Receipt = field(init=False)

    @property
    def amount(self) -> Decimal:
        return sum((tender.amount for tender in self.tenders), ZERO)


def post_receipts(
    drafts: Sequence[ReceiptDraft], *, landings: dict[tuple[int, date], Landing], by: Actor, now: datetime
) -> list[Receipt]:
    """Write receipts, tenders, allocations, credits and movements, and move installments and titles.

    `landings` are the locked days by (account, wanted day). Tenders must add up to shares and credits (ValueError).
    """
    stamp = {"posted_at": now, **signed_by(by)}
    _write_receipts(drafts, landings, stamp)
    tenders = _write_tenders(drafts, stamp)
    insert_rows(ReceiptAllocation, _allocations(drafts), common=stamp)
    insert_rows(CustomerCredit, _credits(drafts), common=stamp)
    movements = insert_rows(CashMovement, _movements(drafts, tenders, landings), common=stamp)
    record_history(CashMovement, movements, by=by, kind="+")
    _move_installments(drafts, by=by)
    _move_titles(drafts, landings, by=by)
    return [draft.receipt for draft in drafts]


def _write_receipts(drafts: Sequence[ReceiptDraft], landings: dict, stamp: dict) -> None:
    for draft in drafts:
        first = draft.tenders[0]
        draft.receipt = Receipt(
            branch=draft.branch,
            customer_id=draft.customer_id,
            number=draft.number,
            received_on=draft.received_on,
            cash_date=landings[first.account.pk, first.cash_date].day,
            amount=draft.amount,
            origin=draft.origin,
            station=draft.station,
            operator=draft.operator,
            session=draft.session,
            idempotency_key=draft.idempotency_key,
            notes=draft.notes,
            **stamp,
        )
    insert_new([draft.receipt for draft in drafts])


def _write_tenders(drafts: Sequence[ReceiptDraft], stamp: Row) -> dict[tuple[int, int], int]:
    """Give the keys of the tenders by receipt and position."""
    rows = [
        {
            "receipt_id": draft.receipt.pk,
            "position": position,
            "method_id": tender.method.pk,
            "amount": tender.amount,
            "tendered_amount": tender.tendered_amount,
            "change_amount": tender.change_amount,
            "reference": tender.reference,
        }
        for draft in drafts
        for position, tender in enumerate(draft.tenders)
    ]
    keys = insert_rows(ReceiptTender, rows, common=stamp)
    places = [(draft.receipt.pk, position) for draft in drafts for position in range(len(draft.tenders))]
    return dict(zip(places, keys, strict=True))


def _allocations(drafts: Sequence[ReceiptDraft]) -> list[Row]:
    return [
        {
            "receipt_id": draft.receipt.pk,
            "position": position,
            "title_id": share.installment.title_id,
            "installment_id": share.installment.pk,
            "principal": share.allocation.principal,
            "interest": share.allocation.interest,
            "fine": share.allocation.fine,
            "discount": share.allocation.discount,
            "carried_charges": share.after.carried_charges,
            "is_late": share.is_late,
        }
        for draft in drafts
        for position, share in enumerate(draft.shares)
    ]


def _credits(drafts: Sequence[ReceiptDraft]) -> list[Row]:
    return [
        {
            "customer_id": credit.customer_id,
            "branch_id": draft.branch.pk,
            "kind": CreditKind.GRANTED,
            "amount": credit.amount,
            "receipt_id": draft.receipt.pk,
        }
        for draft in drafts
        for credit in draft.credits
    ]


def _movements(
    drafts: Sequence[ReceiptDraft], tenders: dict[tuple[int, int], int], landings: dict[tuple[int, date], Landing]
) -> list[Row]:
    """One per (tender, title), and one per tender for its share of credit or suspense (G.3)."""
    rows = [row for draft in drafts for row in _movements_of(draft, tenders, landings)]
    numbered = session_supplements([row["session_id"] for row in rows])
    return [row | numbers for row, numbers in zip(rows, numbered, strict=True)]


def _movements_of(
    draft: ReceiptDraft, tenders: dict[tuple[int, int], int], landings: dict[tuple[int, date], Landing]
) -> Iterator[Row]:
    shares = _money_by_title(draft)
    slices = spread_tenders(tenders=[t.amount for t in draft.tenders], shares=[money for _, money in shares])
    for piece in slices:
        tender = draft.tenders[piece.tender]
        landing = landings[tender.account.pk, tender.cash_date]
        yield {
            "account_id": tender.account.pk,
            "cash_date": landing.day,
            "amount": piece.amount,
            "history_code_id": tender.history_code.pk,
            "document_type_id": tender.document_type.pk,
            "notes": draft.notes[:500],
            "origin": draft.origin,
            "receipt_id": draft.receipt.pk,
            "tender_id": tenders[draft.receipt.pk, piece.tender],
            "title_id": shares[piece.share][0],
            "session_id": draft.receipt.session_id,
            **landing.supplement(),
        }


def _money_by_title(draft: ReceiptDraft) -> list[tuple[int | None, Decimal]]:
    """Give (title, money) in line order, the credit and suspense share last, under no title."""
    by_title: dict[int | None, Decimal] = {}
    for share in draft.shares:
        title_id = share.installment.title_id
        by_title[title_id] = by_title.get(title_id, ZERO) + share.allocation.money
    surplus = sum((credit.amount for credit in draft.credits), ZERO)
    return [*by_title.items(), (None, surplus)]


def _move_installments(drafts: Sequence[ReceiptDraft], *, by: Actor) -> None:
    steps = []
    for draft in drafts:
        for share in draft.shares:
            verb = share.installment.settle_part if share.after.balance else share.installment.settle
            steps.append(Step(verb, {"standing": share.after}, _because(draft)))
    move_many(steps, by=by)


def _because(draft: ReceiptDraft) -> str:
    return draft.because or _("Receipt %(number)s") % {"number": draft.receipt.label}


def _move_titles(drafts: Sequence[ReceiptDraft], landings: dict, *, by: Actor) -> None:
    statuses = statuses_of_titles({share.installment.title_id for draft in drafts for share in draft.shares})
    titles: dict[int, Title] = {}
    last: dict[int, ReceiptDraft] = {}
    received: dict[int, Decimal] = {}
    for draft in drafts:
        for share in draft.shares:
            title = titles.setdefault(share.installment.title_id, share.installment.title)
            received[title.pk] = received.get(title.pk, title.received_amount) + share.allocation.money
            last[title.pk] = draft
    steps = []
    for title_id, title in titles.items():
        draft = last[title_id]
        values = {"cash_date": draft.receipt.cash_date, "received_amount": received[title_id]}
        if fold.title_status(statuses[title_id]) == fold.SETTLED:
            steps.append(Step(title.settle, {"received_on": draft.received_on, **values}, _because(draft)))
        else:
            steps.append(Step(title.settle_part, values, _because(draft)))
    move_many(steps, by=by)


def statuses_of_titles(ids: Iterable[int]) -> dict[int, list[tuple[str, bool]]]:
    """Give what `fold.title_status` needs of each title: an installment has a live allocation unless it is pending."""
    rows = Installment.objects.filter(title__among=set(ids)).values_list("title_id", "status")
    statuses: dict[int, list[tuple[str, bool]]] = {}
    for title_id, status in rows:
        statuses.setdefault(title_id, []).append((status, status != InstallmentStatus.PENDING))
    return statuses
