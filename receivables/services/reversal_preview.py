"""What Estornar would leave, before anybody saves it: title, installments, slips, cash (G.1-G.4).

Nothing is written here. The figures come from the same folds as the reversal's own; it decides again under lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from receivables.domain import fold
from receivables.domain.money import ZERO
from receivables.domain.reversal import known_difference
from receivables.domain.standing import standing_from
from receivables.models import (
    BankSlip,
    CashMovement,
    CreditKind,
    Installment,
    LedgerAccount,
    PaymentMethod,
    Receipt,
    ReceiptAllocation,
    SlipStatus,
    Title,
)
from receivables.services.reversal import lies_in_closed_cash, live_pasts, movements_of

DatedAmount = tuple[date, Decimal]


@dataclass(frozen=True, slots=True)
class TitleSide:
    """The head of a title before or after: status, Data do Recbto, Vlr do Recbto and Vlr da Diferença in reais."""

    status: str
    received_on: date | None
    received_amount: Decimal
    difference: Decimal | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """An installment as it stands, and the balance and the status that it falls back to."""

    installment: Installment
    balance: Decimal
    status: str


@dataclass(frozen=True, slots=True)
class Posting:
    """A line of cash and banks: `original` is there already; the others would be posted, with their sign."""

    account: LedgerAccount
    day: date
    amount: Decimal
    original: CashMovement | None = None
    is_shut: bool = False
    """Whether it is an original in closed cash, which stays as it is."""
    is_debit: bool = False
    """Whether it is one of the dialogue's debits; a new line that is none undoes an original or gives credit back."""


@dataclass(frozen=True, slots=True)
class DayBalance:
    """What an account holds at the end of a day, in reais, before and after."""

    account: LedgerAccount
    day: date
    before: Decimal
    after: Decimal


@dataclass(slots=True)
class ReversalPreview:
    """Everything that Estornar touches, before and after."""

    before: TitleSide
    after: TitleSide
    parcels: Sequence[Parcel]
    slips: Sequence[BankSlip]
    originals: Sequence[Posting]
    posted: Sequence[Posting]
    balances: Sequence[DayBalance]
    known_differences: Mapping[int, Decimal]
    """By account id, where the cash is closed: the settled amount less the first debit."""
    credit_kept: Decimal
    """Credit that the receipt granted, which stays the customer's."""
    credit_back: Decimal
    """Credit that had paid the share and becomes the customer's again."""


def preview_reversal(
    *, title_id: int, receipt_id: int, on: date, debits: Mapping[int, Sequence[DatedAmount]] | None = None
) -> ReversalPreview:
    """Tell what undoing a receipt's share of a title would leave, with the debits typed so far by account id.

    `on` is today; debits are positive, in reais, the first of an account first.
    """
    given = debits or {}
    title = Title.objects.get(pk=title_id)
    receipt = Receipt.objects.get(pk=receipt_id)
    movements = movements_of(receipt_id=receipt_id, title=title_id)
    closed = [row for row in movements if lies_in_closed_cash(row)]
    accounts = {row.account_id for row in closed}
    credit_back = sum((row.amount for row in movements if _paid_with_credit(row)), ZERO)
    parcels = _parcels(title, receipt)
    posted = _posted(movements, closed, given, on=on)
    granted = receipt.credits.filter(kind=CreditKind.GRANTED, source=None)
    return ReversalPreview(
        before=TitleSide(title.status, title.received_on, title.received_amount, title.difference_amount),
        after=_after(title, receipt, parcels),
        parcels=parcels,
        slips=_slips(parcels),
        originals=[
            Posting(row.account, row.cash_date, row.amount, original=row, is_shut=row in closed) for row in movements
        ],
        posted=posted,
        balances=_balances(movements, posted, on=on),
        known_differences={pk: _difference(pk, closed, given.get(pk, ())) for pk in sorted(accounts)},
        credit_kept=sum((row.amount for row in granted), ZERO),
        credit_back=credit_back,
    )


def _paid_with_credit(row: CashMovement) -> bool:
    return row.tender is not None and row.tender.method.code == PaymentMethod.CREDIT


def _parcels(title: Title, receipt: Receipt) -> list[Parcel]:
    """Give the installments that the receipt's share touches, refolded without it."""
    live = ReceiptAllocation.objects.live().filter(receipt=receipt, title=title)
    touched = Installment.objects.filter(pk__in=live.values("installment")).select_related("title").order_by("number")
    pasts = live_pasts([row.pk for row in touched], without=receipt.pk)
    parcels = []
    for row in touched:
        standing = standing_from(amount=row.amount, due_date=row.due_date, live=pasts[row.pk])
        status = fold.installment_status(balance=standing.balance, has_live_allocation=bool(pasts[row.pk]))
        parcels.append(Parcel(row, standing.balance, status))
    return parcels


def _after(title: Title, receipt: Receipt, parcels: Sequence[Parcel]) -> TitleSide:
    statuses = dict(title.installments.values_list("pk", "status"))
    statuses |= {parcel.installment.pk: parcel.status for parcel in parcels}
    status = fold.title_status([(each, each != fold.PENDING) for each in statuses.values()])
    others = ReceiptAllocation.objects.live().filter(title=title).exclude(receipt=receipt)
    received = sum((row.money for row in others), ZERO)
    return TitleSide(
        status=status,
        received_on=title.received_on if status == fold.SETTLED else None,
        received_amount=received,
        difference=title.amount - received if received else None,
    )


def _slips(parcels: Sequence[Parcel]) -> list[BankSlip]:
    live = BankSlip.objects.exclude(status=SlipStatus.SUPERSEDED)
    rows = live.filter(installment__in=[parcel.installment.pk for parcel in parcels])
    return list(rows.select_related("installment__title").order_by("installment__number"))


def _posted(
    movements: Sequence[CashMovement],
    closed: Sequence[CashMovement],
    given: Mapping[int, Sequence[DatedAmount]],
    *,
    on: date,
) -> list[Posting]:
    lines = [Posting(row.account, row.cash_date, -row.amount) for row in movements if row not in closed]
    for account in {row.account_id: row.account for row in closed}.values():
        lines += [Posting(account, day, -amount, is_debit=True) for day, amount in given.get(account.pk, ())]
    return lines + [Posting(row.account, on, row.amount) for row in movements if _paid_with_credit(row)]


def _difference(account_id: int, closed: Sequence[CashMovement], debits: Sequence[DatedAmount]) -> Decimal:
    settled = sum((row.amount for row in closed if row.account_id == account_id), ZERO)
    return known_difference(settled_amount=settled, first_debit=debits[0][1] if debits else None)


def _balances(movements: Sequence[CashMovement], posted: Sequence[Posting], *, on: date) -> list[DayBalance]:
    """Give each account's balance at the end of the days of the settlement and of today."""
    accounts = {row.account_id: row.account for row in movements}
    days = sorted({(row.account_id, day) for row in movements for day in (row.cash_date, on)})
    balances = []
    for account_id, day in days:
        before = CashMovement.objects.filter(account=account_id, cash_date__lte=day).balance()
        change = sum((line.amount for line in posted if line.account.pk == account_id and line.day <= day), ZERO)
        balances.append(DayBalance(accounts[account_id], day, before, before + change))
    return balances
