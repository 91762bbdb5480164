"""Sessão de caixa: opening and closing at a station; what was counted is written down as said (G.11).

No closing is rewritten: what is posted in a closed session is a numbered supplement of it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count

from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from receivables.domain.money import ZERO
from receivables.models import Branch, CashCount, CashMovement, CashSession, CashSessionClosing, PaymentMethod
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
    told = session_supplements([movement.session_id for movement in movements])
    for movement, numbered in zip(movements, told, strict=True):
        for name, value in numbered.items():
            setattr(movement, name, value)


def session_supplements(sessions: Sequence[int | None]) -> list[dict[str, int]]:
    """Give, for the session of each movement that will be posted, the columns that number it where it is closed (G.11).

    The sessions stay locked, so that none is closed between the look and the posting.
    """
    ids = {pk for pk in sessions if pk}
    if not ids:
        return [{} for _ in sessions]
    list(CashSession.objects.locked().filter(pk__in=ids).only("pk"))
    rows = CashSessionClosing.objects.filter(session__in=ids)
    rows = rows.annotate(last=Coalesce(Max("supplements__session_supplement_number"), 0))
    closings = {session: (pk, count(last + 1)) for session, pk, last in rows.values_list("session", "pk", "last")}
    return [_numbered(*closings[pk]) if pk in closings else {} for pk in sessions]


def _numbered(closing_id: int, numbers: Iterator[int]) -> dict[str, int]:
    return {"session_supplement_of_id": closing_id, "session_supplement_number": next(numbers)}
