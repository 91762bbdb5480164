"""Before and after, side by side: what Estornar changes of a title, its installments, slips and cash, line by line.

Only words: the figures are those of `services.reversal_preview`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from receivables.admin.explain import reais, written
from receivables.domain.money import ZERO
from receivables.models import InstallmentStatus, LedgerAccount, SlipStatus, TitleStatus
from receivables.services.reversal_preview import Posting, ReversalPreview

MOST_PARCELS = 6


@dataclass(frozen=True, slots=True)
class Change:
    """A line: what it is, what stands now and what will stand."""

    label: Any
    before: Any
    after: Any
    stays: bool = False
    """Whether nothing changes although the words do."""

    @property
    def is_change(self) -> bool:
        return not self.stays and str(self.before) != str(self.after)


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a title."""

    title: Any
    lines: Sequence[Change]


def sections_of(preview: ReversalPreview, *, today: date, unanswered: Collection[int] = ()) -> list[Section]:
    """Tell a preview: the title, its installments and slips, then each account of cash and banks.

    What is to be of the accounts in `unanswered` depends on an answer that is still missing.
    """
    sections = [Section(_("Title"), list(_title(preview))), Section(_("Installments"), list(_parcels(preview)))]
    cash = _("Cash and banks")
    for pk, account in {line.account.pk: line.account for line in preview.originals}.items():
        lines = _cash(preview, account, today=today, is_open=pk in unanswered)
        sections.append(Section(f"{cash} · {account}", list(lines)))
    return sections


def _title(preview: ReversalPreview) -> Iterator[Change]:
    before, after = preview.before, preview.after
    yield Change(_("Status"), TitleStatus(before.status).label, TitleStatus(after.status).label)
    yield Change(capfirst(_("receipt date")), written(before.received_on), written(after.received_on))
    yield Change(capfirst(_("received amount")), reais(before.received_amount), reais(after.received_amount))
    yield Change(capfirst(_("difference")), reais(before.difference), reais(after.difference))
    if preview.credit_kept:
        kept = reais(preview.credit_kept)
        yield Change(_("Credit that this receipt left"), kept, kept)
    if preview.credit_back:
        yield Change(_("Customer credit that comes back"), "—", reais(preview.credit_back))


def _parcels(preview: ReversalPreview) -> Iterator[Change]:
    for parcel in preview.parcels[:MOST_PARCELS]:
        row = parcel.installment
        before = f"{reais(row.balance)} · {row.get_status_display()}"
        after = f"{reais(parcel.balance)} · {InstallmentStatus(parcel.status).label}"
        yield Change(_("Balance of %(installment)s") % {"installment": row.label}, before, after)
    left = len(preview.parcels) - MOST_PARCELS
    if left > 0:
        yield Change(_("And %(count)s more") % {"count": left}, pgettext("installments", "Settled"), _("Open again"))
    for slip in preview.slips:
        status = SlipStatus(slip.status).label
        label = _("Slip %(our_number)s") % {"our_number": slip.our_number}
        yield Change(label, status, _("%(status)s; Nosso Número kept") % {"status": status})
    if not preview.slips:
        yield Change(_("Bank slip"), _("None"), _("None"))


def _cash(preview: ReversalPreview, account: LedgerAccount, *, today: date, is_open: bool) -> Iterator[Change]:
    is_closed = account.pk in preview.known_differences
    for line in (line for line in preview.originals if line.account == account):
        what = f"{reais(line.amount)} · {line.original.get_status_display() if line.original else '—'}"
        stays = _("%(amount)s · stays posted") if line.is_shut else _("%(amount)s · stays, marked as reversed")
        yield Change(_line(line, _("settlement")), what, stays % {"amount": reais(line.amount)}, stays=line.is_shut)
    for line in (line for line in preview.posted if line.account == account):
        yield Change(_line(line, _kind(line)), "—", _("%(amount)s · new line") % {"amount": reais(line.amount)})
    for balance in (each for each in preview.balances if each.account == account):
        if balance.day == today:
            label = _("Balance today, %(day)s")
        else:
            label = _("Balance of the closed day %(day)s") if is_closed else _("Balance on %(day)s")
        after = _("As you answer") if is_open and balance.day == today else reais(balance.after)
        yield Change(label % {"day": written(balance.day)}, reais(balance.before), after)
    if is_closed:
        left = _("As you answer") if is_open else reais(preview.known_differences[account.pk])
        yield Change(_("Known difference"), reais(ZERO), left)


def _kind(line: Posting) -> str:
    if line.is_debit:
        return _("debit of the reversal")
    return _("opposite movement") if line.amount < 0 else _("credit given back")


def _line(line: Posting, kind: str) -> str:
    return f"{written(line.day)} · {kind}"
