"""A session's difference becomes money only by a person's decision, once an account, into an open day (G.11).

How much that is, is told by `cash_session_count`.
"""

from datetime import date, datetime

from django.db import transaction

from receivables.domain.errors import DateInFuture, NoDifferenceToPost, SessionDifferencePosted, SessionStillOpen
from receivables.domain.money import ZERO
from receivables.models import CashMovement, CashSession, Direction, DocumentType, HistoryCode, LedgerAccount
from receivables.models.audited import Actor
from receivables.services.cash_day import land
from receivables.services.cash_movement import post_movement
from receivables.services.cash_session_count import AccountDifference, session_figures
from receivables.services.settlement import check_codes


@transaction.atomic
def post_session_difference(
    *,
    session_id: int,
    account_id: int,
    cash_date: date,
    history_code_id: int,
    document_type_id: int,
    by: Actor,
    now: datetime,
    on: date,
    notes: str = "",
    idempotency_key: str | None = None,
) -> CashMovement:
    """Post, whole, the difference that a closed session leaves in an account, into an open day; `on` is today.

    The movement is no part of the session, whose closing stays as it was said. Raises DateInFuture, CashDayClosed,
    SessionStillOpen, NoDifferenceToPost, SessionDifferencePosted, InactiveCode, WrongDirection.
    """
    if cash_date > on:
        raise DateInFuture(field="Data Cxa/Banco", day=cash_date)
    account = LedgerAccount.objects.select_related("branch__parameter_set").get(pk=account_id)
    landing = land(wanted=[(account, cash_date)], by=by)[account.pk, cash_date]
    session = CashSession.objects.locked().get(pk=session_id)
    found = _difference(session, account)
    history_code = HistoryCode.objects.get(pk=history_code_id)
    document_type = DocumentType.objects.get(pk=document_type_id)
    check_codes(account=account, history_code=history_code, document_type=document_type,
                direction=Direction.CREDIT if found.difference > 0 else Direction.DEBIT)  # fmt: skip
    return post_movement(
        account=account, landing=landing, amount=abs(found.difference), history_code=history_code,
        document_type=document_type, notes=notes, session_difference_of=session.closing,
        idempotency_key=idempotency_key, by=by, now=now,
    )  # fmt: skip


def _difference(session: CashSession, account: LedgerAccount) -> AccountDifference:
    """Give what a locked session leaves to be posted in an account."""
    if not hasattr(session, "closing"):
        raise SessionStillOpen(session=str(session))
    differences = {each.account.pk: each for each in session_figures(session).differences()}
    found = differences.get(account.pk, AccountDifference(account, ZERO, None))
    if found.movement is not None:
        raise SessionDifferencePosted(session=str(session), account=str(account))
    if not found.difference:
        raise NoDifferenceToPost(session=str(session), account=str(account))
    return found
