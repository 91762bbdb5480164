"""Movements of caixa e bancos that no receipt made: a person's credits and debits, and a station's cash in and out."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from receivables.domain.cash_day import check_clearing
from receivables.domain.errors import (
    AlreadyReversed,
    AmountNotPositive,
    DateInFuture,
    MovementBelongsToCredit,
    MovementBelongsToReceipt,
    WrongAccount,
)
from receivables.domain.money import to_cents
from receivables.domain.reversal import checked_reason
from receivables.models import (
    CashDayClosing,
    CashMovement,
    CashSession,
    CashSessionClosing,
    ClosedCashReversal,
    CustomerCredit,
    Direction,
    DocumentType,
    HistoryCode,
    LedgerAccount,
    MovementStatus,
    Origin,
)
from receivables.models.audited import Actor, signed_by
from receivables.services.cash_day import Landing, land
from receivables.services.cash_day_count import still_to_post
from receivables.services.cash_session import number_session_supplements
from receivables.services.moves import create_audited, move
from receivables.services.settlement import check_codes


@transaction.atomic
def record_cash_movement(
    *,
    account_id: int,
    cash_date: date,
    amount: Decimal,
    history_code_id: int,
    document_type_id: int,
    by: Actor,
    now: datetime,
    on: date,
    notes: str = "",
    clears_id: int | None = None,
    difference_of_id: int | None = None,
    idempotency_key: str | None = None,
) -> CashMovement:
    """Post a person's movement, a credit or a debit as its history code says; `amount` is positive, in reais.

    `clears_id` names the known difference that it clears (G.4), `difference_of_id` the closing whose counted
    difference it posts. Raises CashDayClosed, AmountNotPositive, InactiveCode, WrongAccount, AmountAboveDifference.
    """
    account = LedgerAccount.objects.select_related("branch__parameter_set").get(pk=account_id)
    history_code = HistoryCode.objects.get(pk=history_code_id)
    document_type = DocumentType.objects.get(pk=document_type_id)
    check_codes(account=account, history_code=history_code, document_type=document_type,
                direction=history_code.direction)  # fmt: skip
    if amount <= 0:
        raise AmountNotPositive(field="Valor")
    to_cents(amount)
    if cash_date > on:
        raise DateInFuture(field="Data Cxa/Banco", day=cash_date)
    cleared = ClosedCashReversal.objects.get(pk=clears_id) if clears_id else None
    closing = _closing_with_difference(difference_of_id)
    for explained in (cleared.account if cleared else None, closing.cash_day.account if closing else None):
        if explained is not None and explained.pk != account.pk:
            raise WrongAccount(account=str(account), expected=str(explained))
    landing = land(wanted=[(account, cash_date)], by=by)[account.pk, cash_date]
    signed = amount if history_code.direction == Direction.CREDIT else -amount
    if cleared is not None:
        check_clearing(posted=signed, needed=-still_open(cleared))
    if closing is not None:
        check_clearing(posted=signed, needed=still_to_post(closing))
    return post_movement(
        account=account, landing=landing, amount=amount, history_code=history_code, document_type=document_type,
        notes=notes, clears=cleared, difference_of=closing, idempotency_key=idempotency_key, by=by, now=now,
    )  # fmt: skip


def _closing_with_difference(closing_id: int | None) -> CashDayClosing | None:
    if closing_id is None:
        return None
    return CashDayClosing.objects.select_related("cash_day__account", "count").get(pk=closing_id)


def still_open(record: ClosedCashReversal) -> Decimal:
    """Give what posted movements did not clear yet of a known difference, in reais (G.4)."""
    return record.known_difference + record.clearings.filter(status=MovementStatus.POSTED, reverses=None).balance()


def post_movement(
    *,
    account: LedgerAccount,
    landing: Landing,
    amount: Decimal,
    history_code: HistoryCode,
    document_type: DocumentType,
    by: Actor,
    now: datetime,
    notes: str = "",
    clears: ClosedCashReversal | None = None,
    difference_of: CashDayClosing | None = None,
    session: CashSession | None = None,
    session_difference_of: CashSessionClosing | None = None,
    origin: str = Origin.BACK_OFFICE,
    idempotency_key: str | None = None,
) -> CashMovement:
    """Write an ordinary movement on a locked day, signed by the direction of its history code."""
    signed = amount if history_code.direction == Direction.CREDIT else -amount
    movement = CashMovement(
        account=account,
        cash_date=landing.day,
        amount=signed,
        history_code=history_code,
        document_type=document_type,
        notes=notes[:500],
        clears=clears,
        difference_of=difference_of,
        session=session,
        session_difference_of=session_difference_of,
        origin=origin,
        idempotency_key=idempotency_key,
        posted_at=now,
        **landing.supplement(),
        **signed_by(by),
    )
    number_session_supplements([movement])
    return create_audited([movement], by=by, because=notes)[0]


@transaction.atomic
def reverse_cash_movement(
    *, movement_id: int, history_code_id: int, reason: str, by: Actor, now: datetime
) -> CashMovement:
    """Post the opposite of a person's movement on its own day, with a history code of the other direction (G.4).

    Raises MovementBelongsToReceipt, MovementBelongsToCredit, AlreadyReversed, CashDayClosed naming account and day.
    """
    reason = checked_reason(reason)
    found = CashMovement.objects.select_related("account__branch__parameter_set").get(pk=movement_id)
    landing = land(wanted=[(found.account, found.cash_date)], by=by)[found.account_id, found.cash_date]
    original = (
        CashMovement.objects.locked().select_related("account", "receipt", "reversal__receipt").get(pk=movement_id)
    )
    owner = original.reversal.receipt if original.reversal else original.receipt
    if owner is not None:
        raise MovementBelongsToReceipt(receipt=owner.label)
    if CustomerCredit.objects.filter(movement=original).exists():
        raise MovementBelongsToCredit
    if original.status != MovementStatus.POSTED or original.reverses_id is not None:
        raise AlreadyReversed(what=str(original))
    history_code = HistoryCode.objects.get(pk=history_code_id)
    opposite = Direction.DEBIT if original.amount > 0 else Direction.CREDIT
    check_codes(account=original.account, history_code=history_code, document_type=original.document_type,
                direction=opposite)  # fmt: skip
    movement = CashMovement(
        account=original.account,
        cash_date=landing.day,
        amount=-original.amount,
        history_code=history_code,
        document_type=original.document_type,
        notes=reason,
        session=original.session,
        clears=original.clears,
        difference_of_id=original.difference_of_id,
        session_difference_of_id=original.session_difference_of_id,
        reverses=original,
        posted_at=now,
        **landing.supplement(),
        **signed_by(by),
    )
    number_session_supplements([movement])
    create_audited([movement], by=by, because=reason)
    move(original.reverse, by=by, because=reason)
    return movement
