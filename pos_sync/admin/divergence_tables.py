"""What a till sent, as people read it and as it came; a copy beside the first of its name."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from pos_sync import words
from pos_sync.exact_json import read_json
from pos_sync.models import Operation, OperationConflict
from pos_sync.protocol import ReceiptSaid
from pos_sync.services.copies import copy_of
from pos_sync.services.disputes import said_in
from pos_sync.services.scene import parsed_ids
from pos_sync.words import in_words
from receivables.admin.explain import reais, written
from receivables.admin.tables import Table, chip, link
from receivables.domain.money import from_cents
from receivables.models import Divergence, Installment
from receivables.services import access


def parts(request: HttpRequest, row: Divergence) -> Sequence[Table]:
    """Give what the till sent: its heading, lines and means, the raw operation; for a copy, both side by side."""
    copy = copy_of(row)
    if copy is not None:
        return [*_compared(request, copy), _raw(copy.raw)]
    operation = Operation.objects.filter(op_id=row.source).select_related("device__branch").first()
    if operation is None:
        return []
    return [_heading(operation), *_said(operation, row), _raw(operation.raw)]


def _heading(row: Operation) -> Table:
    said = said_in(row.raw)
    table = Table(
        _("What the till sent"),
        [_("operation"), _("kind"), _("till"), _("sequence"), _("taken at"), _("received at"), _("operator"),
         _("state"), _("flags")], "",
    )  # fmt: skip
    flags = [in_words(words.FLAGS, flag) for flag in row.flags]
    return table.fill([[
        link(row), in_words(words.KINDS, row.kind), link(row.device), written(row.seq), row.effective_at,
        row.received_at, getattr(said, "operator", None), chip(row.state, row.get_state_display()), flags,
    ]])  # fmt: skip


def _said(row: Operation, divergence: Divergence) -> Iterator[Table]:
    said = said_in(row.raw)
    if not isinstance(said, ReceiptSaid):
        return
    lines = Table(
        _("Lines of the receipt"),
        [_("installment"), _("principal"), _("interest"), _("fine"), _("discount"), _("what became of it")],
        _("The receipt has no lines."), joins=True,
    )  # fmt: skip
    rows = Installment.objects.filter(pk__in=parsed_ids({line.installment_id for line in said.lines}))
    known = {str(each.pk): each for each in rows.select_related("title")}
    told = (row.outcome or {}).get("lines") or []
    lines.fill(
        [
            _named(line.installment_id, known.get(line.installment_id or ""), divergence),
            *map(from_cents, (line.principal, line.interest, line.fine, line.discount)),
            _became(told[place]) if place < len(told) else None,
        ]
        for place, line in enumerate(said.lines)
    )
    means = Table(
        _("Means of payment"), [_("payment method"), _("amount"), _("handed over"), _("change"), _("reference")], "",
        joins=True,
    )  # fmt: skip
    means.fill(
        [tender.method, *map(from_cents, (tender.amount, tender.tendered, tender.change)), tender.reference]
        for tender in said.tenders
    )
    yield from (lines, means)


def _named(sent: str | None, found: Installment | None, divergence: Divergence) -> Any:
    """Name an installment of the divergence's branch; of others only what the till sent is shown."""
    if found is None or found.title.collecting_branch_id != divergence.branch_id:
        return sent
    return link(found.title, found)


def _became(told: dict[str, Any]) -> str:
    reasons = [in_words(words.REASONS, reason) for reason in told.get("reasons", [])]
    parts_of = (("credit_cents", _("credit")), ("suspense_cents", _("suspense")))
    money = [f"{label} {reais(from_cents(told[name]))}" for name, label in parts_of if told.get(name)]
    return "; ".join([*reasons, *money]) or "—"


def _raw(raw: str) -> Table:
    table = Table(_("The operation as it came"), [_("raw operation")], "", joins=True)
    return table.fill([[format_html("<pre>{}</pre>", raw)]])


# Copies


def _compared(request: HttpRequest, copy: OperationConflict) -> list[Table]:
    """Show where the copy differs from the first; a first of another branch is told by its number alone."""
    first = copy.operation
    is_ours = access.has_branch(request.user, first.device.branch)
    table = Table(
        _("The first and the copy"), [_("field"), _("first"), _("copy"), _("differs")], "",
    )  # fmt: skip
    here, there = dict(_flat(copy.raw)), dict(_flat(first.raw)) if is_ours else {}
    if not is_ours:
        return [table.fill([(name, _("of another branch"), value, None) for name, value in here.items()])]
    names = list(dict.fromkeys([*there, *here]))
    names.sort(key=lambda name: there.get(name) == here.get(name))
    table.fill(
        [name, there.get(name), here.get(name), _differs() if there.get(name) != here.get(name) else None]
        for name in names
    )
    heading = _heading(first)
    heading.title, heading.joins = _("What became of the first"), True
    return [table, heading]


def _differs() -> SafeString:
    return chip("quarantined", _("differs"))


def _flat(raw: str) -> Iterator[tuple[str, str]]:
    """Yield each value of a raw operation under its path."""
    try:
        sent = read_json(raw)
    except ValueError:
        return
    yield from _walk(sent, "")


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if members is None:
        yield path, "null" if value is None else str(value)
        return
    for name, member in members:
        yield from _walk(member, f"{path}.{name}" if path else str(name))
