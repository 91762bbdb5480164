"""The parts of a device's page: what is at stake, receipt numbers, operations, tokens, states, forerunners."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from pos_sync import words
from pos_sync.figures.monitor import TillLine
from pos_sync.figures.numbers import told
from pos_sync.models import Device, DeviceState, Operation
from pos_sync.protocol import ReceiptSaid, WellFormed, judge_form
from pos_sync.words import in_words
from receivables.admin.explain import reais, written
from receivables.admin.tables import Table, chip, link
from receivables.domain.money import from_cents

OPERATIONS_SHOWN = 50
RECEIPTS_READ = 200
GAPS_TOLD = 200


def exposure_table(line: TillLine) -> Table:
    """Set what the till last told of itself beside the ceilings that the server sends it (contract, limits)."""
    exposure, policy = line.exposure, line.exposure.policy
    largest = _largest_offline(line.device)
    age = exposure.age
    aged = f"{int(age.total_seconds() // 3600)} h" if age else _("never synchronised")
    ceilings = _("warns at %(warn)s h, stops at %(stop)s h") % {
        "warn": policy.warn_age_hours, "stop": policy.stop_age_hours,
    }  # fmt: skip
    word = _("stops") if exposure.must_stop else _("warns") if exposure.is_old else None
    table = Table(
        _("Exposure"), [_("what"), _("at the till"), _("ceiling"), _("word")],
        _("Nothing is known of this till yet."),
    )  # fmt: skip
    return table.fill([
        [_("Largest receipt without the server (of the last 200)"), _money(largest), _money(policy.max_receipt_cents),
         _word(_("passed"), largest is not None and largest > policy.max_receipt_cents)],
        [_("Pending at the till"), _money(exposure.pending_cents), _money(policy.max_pending_cents),
         _word(_("passed"), exposure.holds_too_much)],
        [_("Age of its data"), aged, ceilings, _word(word, word is not None)],
    ])  # fmt: skip


def _money(cents: int | None) -> str:
    return "—" if cents is None else reais(from_cents(cents))


def _word(word: Any, is_passed: bool) -> Any:  # noqa: FBT001 - a cell of the table above
    return chip("held", word) if is_passed else chip("applied", _("within"))


def _largest_offline(device: Device) -> int | None:
    """Give the largest receipt that the till lately took without the server, in cents."""
    raws = device.operations.filter(kind="receipt").order_by("-pk").values_list("raw", flat=True)[:RECEIPTS_READ]
    forms = (judge_form(raw) for raw in raws)
    said = [form.said for form in forms if isinstance(form, WellFormed) and isinstance(form.said, ReceiptSaid)]
    return max((each.received for each in said if each.mode == "offline"), default=None)


def numbers_table(line: TillLine) -> Table:
    """List the receipt numbers that never came, run by run (G.22)."""
    table = Table(
        _("Receipt numbers missing"), [_("numbers"), _("how many")],
        _("No number is missing: all from the first to the last have arrived."),
    )  # fmt: skip
    gaps = line.numbers.gaps
    table.fill([told([gap], begins=line.begins), gap[1] - gap[0] + 1] for gap in gaps[:GAPS_TOLD])
    if len(gaps) > GAPS_TOLD:
        table.fill([[_("and further ones"), line.numbers.missing]])
    if line.numbers.repeated:
        table.fill([[_("numbers that came more than once"), line.numbers.repeated]])
    return table


def operations_table(device: Device) -> Table:
    table = Table(
        _("Operations, newest first"), [_("sequence"), _("kind"), _("state"), _("reason"), _("received at")],
        _("This till has sent nothing yet."),
    )  # fmt: skip
    operations = Operation.objects.filter(device=device).order_by("-pk").defer("raw", "outcome")[:OPERATIONS_SHOWN]
    return table.fill(
        [link(each, written(each.seq)), in_words(words.KINDS, each.kind), chip(each.state, each.get_state_display()),
         in_words(words.REASONS, each.reason), each.received_at]
        for each in operations
    )  # fmt: skip


def tokens_table(device: Device) -> Table:
    """Tell the device's tokens by how they begin; the whole of one is known to the till alone."""
    table = Table(
        _("Tokens"), [_("begins with"), _("given at"), _("last used"), _("state"), _("ended at"), _("ended by")],
        _("This device was given no token."),
    )  # fmt: skip
    return table.fill(
        [str(token), token.created_at, token.last_used_at or _("never"), _token_state(device, token), token.ended_at,
         token.ended_by or None]
        for token in device.tokens.order_by("-pk")
    )  # fmt: skip


def _token_state(device: Device, token: Any) -> Any:
    if token.ended_at is not None:
        return chip("replaced", _("Ended"))
    if device.state == DeviceState.ACTIVE:
        return chip("active", _("Valid"))
    return chip(device.state, _("Delivers only"))


def states_table(device: Device) -> Table:
    """Tell who made the device what it was, when and why."""
    table = Table(
        _("States"), [_("when"), _("state"), _("by"), _("reason")], _("This device has no history.")
    )  # fmt: skip
    labels = dict(DeviceState.choices)
    records = list(device.history.order_by("history_date", "history_id"))
    moves = [
        each
        for before, each in zip([None, *records], records, strict=False)
        if not before or before.state != each.state
    ]
    return table.fill(
        [each.history_date, chip(each.state, labels.get(each.state, each.state)), each.actor or None,
         each.history_change_reason or None]
        for each in reversed(moves)
    )  # fmt: skip


def former_table(device: Device) -> Table:
    """List the other devices of the same till: whom this one replaced, who replaced it."""
    table = Table(
        _("Other devices of this till"), [_("device"), _("state"), _("paired at"), _("replaced at"), _("software")],
        _("No other device was ever paired for this till."),
    )  # fmt: skip
    others = Device.objects.filter(branch=device.branch_id, till=device.till).exclude(pk=device.pk)
    return table.fill(
        [link(each), chip(each.state, each.get_state_display()), each.paired_at, each.replaced_at,
         each.software or None]
        for each in others.select_related("branch").order_by("-pk")
    )  # fmt: skip
