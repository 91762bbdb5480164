"""Why Estornar is refused, and what changed while its page was open: who, when, and where to go (C1, C2, G.2)."""

from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from receivables.admin.explain import written
from receivables.domain.errors import AlreadyReversed, NothingReceived, RuleBroken, TitleNotSettled
from receivables.models import CashDayClosing, CashDayReopening, LedgerAccount, Reversal, Title, TitleStatus

ClosedDay = tuple[LedgerAccount, date]


def nothing_to_reverse(title: Title) -> RuleBroken | None:
    """Name why a title's receipt is not reversed: never received, reversed by somebody already, or only in parts."""
    if title.status == TitleStatus.PARTIALLY_SETTLED:
        return TitleNotSettled(title=str(title), status=title.get_status_display())
    if title.status != TitleStatus.PENDING:
        return None
    newest = Reversal.objects.filter(title=title).select_related("receipt").order_by("-pk").first()
    if newest is None:
        return NothingReceived(title=str(title), status=title.get_status_display())
    told = signed(newest.actor, newest.posted_at, newest.reason)
    return AlreadyReversed(what=f"{newest.receipt} ({told})")


def signed(who: str, when: datetime, why: str) -> str:
    """Write who did something, when, and why if it was said."""
    told = f"{who}, {written(timezone.localtime(when))}"
    return f"{told}: {why}" if why else told


def reopened_since(account: LedgerAccount, day: date) -> str:
    """Tell that a closed day is open again."""
    newest = CashDayReopening.objects.filter(closing__cash_day__account=account, closing__cash_day__day__gte=day)
    facts = _facts(account, day, newest.order_by("-pk").first())
    return _(
        "The cash of account %(account)s on %(day)s was reopened after this page was opened%(told)s. "
        "Nothing was written. See below what the reversal does now, and save it again."
    ) % facts  # fmt: skip


def closed_since(account: LedgerAccount, day: date) -> str:
    """Tell that an open day was closed."""
    newest = CashDayClosing.objects.filter(cash_day__account=account, cash_day__day__gte=day)
    facts = _facts(account, day, newest.order_by("-pk").first())
    return _(
        "The cash of account %(account)s on %(day)s was closed after this page was opened%(told)s. "
        "Nothing was written. Answer the question below, and save it again."
    ) % facts  # fmt: skip


def _facts(account: LedgerAccount, day: date, event: Any) -> dict[str, str]:
    told = f" ({signed(event.actor, event.posted_at, getattr(event, 'reason', ''))})" if event else ""
    return {"account": str(account), "day": written(day), "told": told}


def named(pairs: set[str]) -> list[ClosedDay]:
    """Read account and day of closed cash as the page keeps them, `7@2026-11-20`; what is no such pair is left out."""
    found = []
    for pair in sorted(pairs):
        account_id, _at, day = pair.partition("@")
        account = LedgerAccount.objects.filter(pk=account_id).first() if account_id.isdecimal() else None
        try:
            found += [(account, date.fromisoformat(day))] if account else []
        except ValueError:
            continue
    return found
