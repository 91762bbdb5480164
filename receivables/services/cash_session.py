"""Sessão de caixa: opening and closing at a station; what was counted is written down as said (G.11).

No closing is rewritten: what is posted in a closed session is a numbered supplement of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Self

from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from receivables.domain.money import ZERO
from receivables.models import (
    Branch,
    CashCount,
    CashMovement,
    CashSession,
    CashSessionClosing,
    PaymentMethod,
    SessionStatus,
)
from receivables.models.audited import Actor, signed_by
from receivables.services.moves import move


@transaction.atomic
def open_session(
    *,
    idempotency_key: str,
    branch: Branch,
    station: str,
    operator: str,
    opened_at: datetime,
    float_amount: Decimal,
    by: Actor,
) -> CashSession:
    """Open a session once; the same key again is the same session."""
    known = CashSession.objects.filter(idempotency_key=idempotency_key).first()
    if known is not None:
        return known
    session = CashSession(
        idempotency_key=idempotency_key,
        branch=branch,
        station=station,
        operator=operator,
        opened_at=opened_at,
        float_amount=float_amount,
    )
    session.save_as(by)
    return session


@transaction.atomic
def close_session(
    *,
    session_id: int,
    counted: Sequence[tuple[PaymentMethod, str, Decimal]],
    pending_count: int,
    pending_amount: Decimal,
    by: Actor,
    at: datetime,
    now: datetime,
) -> CashSessionClosing:
    """Close a session with the amounts counted per means of payment; raises MoveRefused when it is closed already.

    The expected amount is the float and all movements of the session so far, in reais.
    """
    session = CashSession.objects.locked().get(pk=session_id)
    moved = CashMovement.objects.filter(session=session).aggregate(total=Sum("amount"))["total"] or ZERO
    move(session.close, at=at, by=by)
    stamp = {"posted_at": now, **signed_by(by)}
    closing = CashSessionClosing.objects.create(
        session=session,
        expected_amount=session.float_amount + moved,
        pending_count=pending_count,
        pending_amount=pending_amount,
        **stamp,
    )
    CashCount.objects.bulk_create(
        CashCount(closing=closing, method=method, method_name=name, amount=amount, **stamp)
        for method, name, amount in counted
    )
    return closing


def number_session_supplements(movements: Sequence[CashMovement]) -> None:
    """Number movements, not written yet, whose session is closed: supplements of its closing, 1 to n (G.11)."""
    supplements = SessionSupplements.of({movement.session_id for movement in movements})
    for movement in movements:
        for name, value in supplements.next(movement.session_id).items():
            setattr(movement, name, value)


class SessionSupplements:
    """The numbers that movements get whose session is closed: supplements of its closing, 1 to n (G.11)."""

    def __init__(self, closings: dict[int, tuple[int, Iterator[int]]]) -> None:
        self._closings = closings

    @classmethod
    def of(cls, sessions: Iterable[int | None]) -> Self:
        """Lock the sessions, so that none is closed between the look and the posting."""
        locked = CashSession.objects.locked().filter(pk__in={pk for pk in sessions if pk})
        closed = [pk for pk, status in locked.values_list("pk", "status") if status == SessionStatus.CLOSED]
        if not closed:
            return cls({})
        rows = CashSessionClosing.objects.filter(session__in=closed)
        rows = rows.annotate(last=Coalesce(Max("supplements__session_supplement_number"), 0))
        return cls({session: (pk, count(last + 1)) for session, pk, last in rows.values_list("session", "pk", "last")})

    def next(self, session_id: int | None) -> dict[str, int]:
        """Give the columns that number the next movement of a session, none where it is open."""
        if session_id not in self._closings:
            return {}
        closing_id, numbers = self._closings[session_id]
        return {"session_supplement_of_id": closing_id, "session_supplement_number": next(numbers)}
