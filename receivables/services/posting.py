"""Writing receipts into the ledger, one or hundreds alike, in a fixed number of statements (G.3, G.5).

Judging is not done here: drafts say where each cent goes, on rows that the caller has locked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Model
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
from receivables.models.receipt import receipt_label
from receivables.services.cash_day import Landing
from receivables.services.cash_session import SessionSupplements
from receivables.services.moves import Step, move_many, record_history
from receivables.services.rows import draw_keys, insert_rows, sent_ahead

Row = dict[str, Any]


class TenderDraft(NamedTuple):
    """A means of payment, where its money goes and the codes of the posting; amounts in reais."""

    method: PaymentMethod
    amount: Decimal
    account: LedgerAccount
    cash_date: date
    history_code_id: int
    document_type_id: int
    tendered_amount: Decimal = ZERO
    change_amount: Decimal = ZERO
    reference: str = ""


class ShareDraft(NamedTuple):
    """What one installment takes, and how it stands after it."""

    installment: Installment
    allocation: Allocation
    after: Standing
    is_late: bool


class CreditDraft(NamedTuple):
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
    # Of the receipt, once it is posted:
    key: int = field(init=False)
    cash_date: date = field(init=False)
    told: str = field(init=False)

    @property
    def session_id(self) -> int | None:
        return self.session.pk if self.session else None

    @property
    def label(self) -> str:
        return receipt_label(self.number, self.key)

    @property
    def amount(self) -> Decimal:
        return sum((tender.amount for tender in self.tenders), ZERO)


def post_receipts(
    drafts: Sequence[ReceiptDraft],
    *,
    installments: Mapping[int, Installment],
    landings: Mapping[tuple[int, date], Landing],
    by: Actor,
    now: datetime,
) -> list[int]:
    """Write receipts, tenders, allocations, credits and movements, move installments and titles; give receipts' keys.

    `installments` are all those of the titles that are paid, `landings` the days by (account, wanted day), both locked.
    Tenders must add up to shares and credits (ValueError).
    """
    posting = ReceiptPosting(
        installments=installments,
        landings=landings,
        sessions={draft.session_id for draft in drafts},
        receipts=len(drafts),
        tenders=sum(len(draft.tenders) for draft in drafts),
        shares=sum(len(draft.shares) for draft in drafts),
        by=by,
        now=now,
    )
    return posting.post(drafts)


class ReceiptPosting:
    """Receipts to be posted, lot by lot: all that has to be read for them is read first, their keys included.

    `receipts`, `tenders` and `shares` are how many there will be at most; the rest is as for `post_receipts`.
    """

    def __init__(
        self,
        *,
        installments: Mapping[int, Installment],
        landings: Mapping[tuple[int, date], Landing],
        sessions: Iterable[int | None],
        receipts: int,
        tenders: int,
        shares: int,
        by: Actor,
        now: datetime,
    ) -> None:
        self._installments, self._landings = installments, landings
        self._by, self._stamp = by, {"posted_at": now, **signed_by(by)}
        self._supplements = SessionSupplements.of(sessions)
        most = tenders + shares  # a slice, and so a movement, ends a tender or what one title or the credit gets (G.3)
        drawn = draw_keys((Receipt, receipts), (ReceiptTender, tenders), (CashMovement, most))
        self._receipt_keys, self._tender_keys, self._movement_keys = drawn
        self._told = _("Receipt %(number)s")

    def post(self, drafts: Sequence[ReceiptDraft]) -> list[int]:
        """Write a lot; give the receipts' keys."""
        keys = _taken(self._receipt_keys, len(drafts))
        for draft, key in zip(drafts, keys, strict=True):
            first = draft.tenders[0]
            draft.key, draft.cash_date = key, self._landings[first.account.pk, first.cash_date].day
            draft.told = draft.because or self._told % {"number": draft.label}
        with sent_ahead():
            _move_installments(drafts, by=self._by)
            _move_titles(drafts, self._installments, by=self._by)
            self._insert(Receipt, [_receipt(draft) for draft in drafts], keys)
            tenders = _tenders(drafts)
            tender_keys = _taken(self._tender_keys, len(tenders))
            self._insert(ReceiptTender, tenders, tender_keys)
            movements = _movements(drafts, tender_keys, self._landings, self._supplements)
            movement_keys = _taken(self._movement_keys, len(movements))
            self._insert(CashMovement, movements, movement_keys)
            record_history(CashMovement, movement_keys, by=self._by, kind="+")
            self._insert(ReceiptAllocation, _allocations(drafts))
            self._insert(CustomerCredit, _credits(drafts))
        return keys

    def _insert(self, model: type[Model], rows: Sequence[Row], keys: Sequence[int] | None = None) -> None:
        insert_rows(model, rows, common=self._stamp, keys=keys)


def _taken(keys: list[int], how_many: int) -> list[int]:
    """Take the first keys out of those that were drawn."""
    taken = keys[:how_many]
    del keys[:how_many]
    return taken


def _receipt(draft: ReceiptDraft) -> Row:
    return {
        "branch_id": draft.branch.pk,
        "customer_id": draft.customer_id,
        "number": draft.number,
        "received_on": draft.received_on,
        "cash_date": draft.cash_date,
        "amount": draft.amount,
        "origin": draft.origin,
        "station": draft.station,
        "operator": draft.operator,
        "session_id": draft.session_id,
        "idempotency_key": draft.idempotency_key,
        "notes": draft.notes,
    }


def _tenders(drafts: Sequence[ReceiptDraft]) -> list[Row]:
    return [
        {
            "receipt_id": draft.key,
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


def _allocations(drafts: Sequence[ReceiptDraft]) -> list[Row]:
    return [
        {
            "receipt_id": draft.key,
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
            "receipt_id": draft.key,
        }
        for draft in drafts
        for credit in draft.credits
    ]


def _movements(
    drafts: Sequence[ReceiptDraft],
    tender_keys: Sequence[int],
    landings: Mapping[tuple[int, date], Landing],
    supplements: SessionSupplements,
) -> list[Row]:
    """One per (tender, title), and one per tender for its share of credit or suspense (G.3)."""
    keys = iter(tender_keys)
    rows = []
    for draft in drafts:
        own = list(islice(keys, len(draft.tenders)))
        rows += [row | supplements.next(draft.session_id) for row in _movements_of(draft, own, landings)]
    return rows


def _movements_of(
    draft: ReceiptDraft, tender_keys: Sequence[int], landings: Mapping[tuple[int, date], Landing]
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
            "history_code_id": tender.history_code_id,
            "document_type_id": tender.document_type_id,
            "notes": draft.notes[:500],
            "origin": draft.origin,
            "receipt_id": draft.key,
            "tender_id": tender_keys[piece.tender],
            "title_id": shares[piece.share][0],
            "session_id": draft.session_id,
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
            steps.append(Step(verb, {"standing": share.after}, draft.told))
    move_many(steps, by=by)


def _move_titles(drafts: Sequence[ReceiptDraft], installments: Mapping[int, Installment], *, by: Actor) -> None:
    titles: dict[int, Title] = {}
    last: dict[int, ReceiptDraft] = {}
    received: dict[int, Decimal] = {}
    for draft in drafts:
        for share in draft.shares:
            title = titles.setdefault(share.installment.title_id, share.installment.title)
            received[title.pk] = received.get(title.pk, title.received_amount) + share.allocation.money
            last[title.pk] = draft
    statuses = statuses_of_titles(row for row in installments.values() if row.title_id in titles)
    steps = []
    for title_id, title in titles.items():
        draft = last[title_id]
        values = {"cash_date": draft.cash_date, "received_amount": received[title_id]}
        if fold.title_status(statuses[title_id]) == fold.SETTLED:
            steps.append(Step(title.settle, {"received_on": draft.received_on, **values}, draft.told))
        else:
            steps.append(Step(title.settle_part, values, draft.told))
    move_many(steps, by=by)


def statuses_of_titles(installments: Iterable[Installment]) -> dict[int, list[tuple[str, bool]]]:
    """Give what `fold.title_status` needs of each title: an installment has a live allocation unless it is pending."""
    statuses: dict[int, list[tuple[str, bool]]] = {}
    for row in installments:
        statuses.setdefault(row.title_id, []).append((row.status, row.status != InstallmentStatus.PENDING))
    return statuses
