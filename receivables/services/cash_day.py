"""Closing and reopening an account's day, and where money lands when a day is closed (S61-S63, G.11, G.13)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Q, Sum

from receivables.domain.errors import (
    CashDayClosed,
    CashDayNotClosed,
    ConfirmationRequired,
    DateInFuture,
    EarlierDayOpen,
    LaterDayClosed,
)
from receivables.domain.money import ZERO
from receivables.domain.reversal import checked_reason
from receivables.models import (
    CashDay,
    CashDayClosing,
    CashDayCount,
    CashDayReopening,
    CashDayStatus,
    CashMovement,
    LedgerAccount,
)
from receivables.models.audited import Actor, signed_by
from receivables.services.cash_day_count import count_to_close_with, counts_blind, write_count
from receivables.services.locks import lock_accounts
from receivables.services.moves import move, record_history

COUNT_DIFFERS = "count_differs"


@dataclass(slots=True)
class Landing:
    """The locked day that takes a movement; in a closed one (control off) it is a supplement of that closing."""

    cash_day: CashDay
    closing: CashDayClosing | None = None
    last_number: int = 0

    @property
    def day(self) -> date:
        return self.cash_day.day

    def supplement(self) -> dict[str, object]:
        """Number the next movement, when the day is closed."""
        if self.closing is None:
            return {}
        self.last_number += 1
        return {"supplement_of_id": self.closing.pk, "supplement_number": self.last_number}


def is_closed(*, account_id: int, day: date) -> bool:
    """Say whether the account is closed on `day`: closing a day closes all before it (G.11)."""
    return CashDay.objects.closed().filter(account=account_id, day__gte=day).exists()


def closes_cash(account: LedgerAccount) -> bool:
    """Say whether Controle de Fechamento de Caixa is on in the set of the account's branch (S61, G.13)."""
    return account.branch.parameter_set.cash_closing_control


def land(*, wanted: Iterable[tuple[LedgerAccount, date]], by: Actor) -> dict[tuple[int, date], Landing]:
    """Lock the days that a person names; raises CashDayClosed, naming account and day, when one is closed (G.11)."""
    pairs = {(account.pk, day): account for account, day in wanted}
    days = lock_days(pairs, by=by)
    landings = {}
    for (account_id, day), account in pairs.items():
        if is_closed(account_id=account_id, day=day) and closes_cash(account):
            raise CashDayClosed(account=str(account), day=day)
        landings[account_id, day] = _landing(days[account_id, day])
    return landings


def land_later(*, wanted: Iterable[tuple[LedgerAccount, date]], by: Actor) -> dict[tuple[int, date], Landing]:
    """Lock, for each wanted day, the first one from it on that is not closed (G.11, K8): money is never refused."""
    pairs = {(account.pk, day): account for account, day in wanted}
    lock_accounts({account_id for account_id, _ in pairs})
    target = first_open_days(pairs)
    days = _locked_days({(account_id, target[account_id, day]) for account_id, day in pairs}, by=by)
    landed = {key: _landing(day) for key, day in days.items()}
    return {(account_id, day): landed[account_id, target[account_id, day]] for account_id, day in pairs}


def first_open_days(pairs: Mapping[tuple[int, date], LedgerAccount]) -> dict[tuple[int, date], date]:
    """Give each day, or with the control on the first later one that is not closed, by (account, day)."""
    rows = CashDay.objects.closed().filter(account__in={account_id for account_id, _ in pairs})
    last_closed = dict(rows.values_list("account").annotate(last=Max("day")))
    return {pair: _open_after(last_closed.get(pair[0]), account, pair[1]) for pair, account in pairs.items()}


def _open_after(last_closed: date | None, account: LedgerAccount, day: date) -> date:
    if last_closed is None or day > last_closed or not closes_cash(account):
        return day
    return last_closed + timedelta(days=1)


def _landing(cash_day: CashDay) -> Landing:
    if cash_day.status != CashDayStatus.CLOSED:
        return Landing(cash_day=cash_day)
    closing = cash_day.closings.latest("pk")
    last = closing.supplements.aggregate(last=Max("supplement_number"))["last"] or 0
    return Landing(cash_day=cash_day, closing=closing, last_number=last)


def lock_days(pairs: Iterable[tuple[int, date]], *, by: Actor) -> dict[tuple[int, date], CashDay]:
    """Lock the accounts, then their days in one order; those that are missing are inserted (G.11).

    Whether a day is closed depends on its neighbours too, which may not be there yet: the account is what guards them.
    """
    wanted = set(pairs)
    lock_accounts({account_id for account_id, _ in wanted})
    return _locked_days(wanted, by=by)


def _locked_days(pairs: Iterable[tuple[int, date]], *, by: Actor) -> dict[tuple[int, date], CashDay]:
    """Lock, on locked accounts, the days that are there and those that are made for it."""
    wanted = sorted(pairs)
    days = _lock_days(wanted)
    missing = [pair for pair in wanted if pair not in days]
    if missing:
        _insert_days(missing, by=by)
        days = _lock_days(wanted)
    return days


def _lock_days(pairs: list[tuple[int, date]]) -> dict[tuple[int, date], CashDay]:
    if not pairs:
        return {}
    chosen = Q()
    for account_id, day in pairs:
        chosen |= Q(account=account_id, day=day)
    rows = CashDay.objects.locked().filter(chosen).order_by("account_id", "day")
    return {(row.account_id, row.day): row for row in rows}


def _insert_days(pairs: list[tuple[int, date]], *, by: Actor) -> None:
    places = ", ".join(["(%s, %s, %s)"] * len(pairs))
    values = [value for account_id, day in pairs for value in (account_id, day, CashDayStatus.OPEN.value)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO receivables_cashday (account_id, day, status) VALUES {places} "
            "ON CONFLICT (account_id, day) DO NOTHING RETURNING id",
            values,
        )
        created = [pk for (pk,) in cursor.fetchall()]
    record_history(CashDay, created, by=by, kind="+")


@transaction.atomic
def count_day(
    *, account_id: int, day: date, counted: Mapping[str, Decimal], by: Actor, now: datetime, on: date
) -> CashDayCount:
    """Write down what was counted of an open day, in reais by code of the means, beside what is expected now.

    A new count leaves the older ones as they are. Raises DateInFuture, CashDayClosed, MethodNotCounted,
    PaymentMethodNotSetUp.
    """
    if day > on:
        raise DateInFuture(field="day", day=day)
    cash_day = lock_days([(account_id, day)], by=by)[account_id, day]
    account = _account(account_id)
    if is_closed(account_id=account_id, day=day):
        raise CashDayClosed(account=str(account), day=day)
    return write_count(cash_day, account, counted, stamp={"posted_at": now, **signed_by(by)})


@transaction.atomic
def close_day(
    *,
    account_id: int,
    day: date,
    by: Actor,
    now: datetime,
    on: date,
    counted: Mapping[str, Decimal] | None = None,
    count_id: int | None = None,
    confirmed: frozenset[str] = frozenset(),
) -> CashDayClosing:
    """Close an account's day and write down what it added up to; `on` is today.

    `counted` is counted now, in reais by code of the means; `count_id` names the count that was seen before, as blind
    counting demands. The difference is written down, no money moves. Raises DateInFuture, EarlierDayOpen (oldest
    first), MoveRefused when it is closed already (G.11), CountRequired, CountOutdated, ConfirmationRequired.
    """
    if day > on:
        raise DateInFuture(field="day", day=day)
    cash_day = lock_days([(account_id, day)], by=by)[account_id, day]
    earlier = CashDay.objects.filter(account=account_id, day__lt=day, status=CashDayStatus.OPEN).order_by("day").first()
    if earlier is not None:
        raise EarlierDayOpen(account=str(cash_day.account), day=day, earlier=earlier.day)
    move(cash_day.close, by=by)
    stamp = {"posted_at": now, **signed_by(by)}
    count = _counted(cash_day, counted, count_id=count_id, stamp=stamp)
    if count is not None and count.difference and COUNT_DIFFERS not in confirmed:
        raise ConfirmationRequired(codes=[COUNT_DIFFERS])
    return _write_closing(cash_day, count, stamp=stamp)


def _counted(
    cash_day: CashDay, counted: Mapping[str, Decimal] | None, *, count_id: int | None, stamp: dict[str, Any]
) -> CashDayCount | None:
    account = _account(cash_day.account_id)
    if counted is not None and not counts_blind(account):
        return write_count(cash_day, account, counted, stamp=stamp)
    return count_to_close_with(cash_day=cash_day, account=account, count_id=count_id)


def _account(account_id: int) -> LedgerAccount:
    return LedgerAccount.objects.select_related("branch__parameter_set").get(pk=account_id)


def _write_closing(cash_day: CashDay, count: CashDayCount | None, *, stamp: dict[str, Any]) -> CashDayClosing:
    movements = CashMovement.objects.filter(account=cash_day.account_id)
    sums = movements.filter(cash_date=cash_day.day).aggregate(
        credits=Sum("amount", filter=Q(amount__gt=0)), debits=Sum("amount", filter=Q(amount__lt=0))
    )
    credits, debits = sums["credits"] or ZERO, sums["debits"] or ZERO
    return CashDayClosing.objects.create(
        cash_day=cash_day,
        opening_balance=movements.filter(cash_date__lt=cash_day.day).balance(),
        credits=credits,
        debits=debits,
        total=credits + debits,
        counted_amount=count.counted_amount if count else None,
        count=count,
        **stamp,
    )


@transaction.atomic
def reopen_day(*, account_id: int, day: date, reason: str, by: Actor, now: datetime) -> CashDay:
    """Open a closed day again; the newest closed day goes first (G.11).

    Raises ReasonTooShort/ReasonTooLong, CashDayNotClosed or LaterDayClosed.
    """
    reason = checked_reason(reason)
    lock_accounts([account_id])
    cash_day = CashDay.objects.locked().filter(account=account_id, day=day).first()
    if cash_day is None or cash_day.status != CashDayStatus.CLOSED:
        raise CashDayNotClosed
    later = CashDay.objects.closed().filter(account=account_id, day__gt=day).order_by("-day").first()
    if later is not None:
        raise LaterDayClosed(account=str(cash_day.account), day=day, later=later.day)
    CashDayReopening.objects.create(
        closing=cash_day.closings.latest("pk"), reason=reason, posted_at=now, **signed_by(by)
    )
    return move(cash_day.reopen, by=by, because=reason)
