"""What tills add to Divergências: the operation that opened one, and the outcomes of quarantine, copies, late voids."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pos_sync import words
from pos_sync.admin.divergence_tables import parts
from pos_sync.models import Operation, OperationState
from pos_sync.services import copies, late_voids, quarantine
from pos_sync.services.devices import policy_of
from receivables.admin.divergence import ADVISERS, MEANINGS, PARTS, RESOLVE, Advice, DivergenceAdmin, may, why_not
from receivables.admin.divergence_forms import REASON_ERRORS, DivergenceForm
from receivables.admin.explain import reais
from receivables.admin.forms import ReasonField
from receivables.admin.transitions import Line, Transition
from receivables.domain.money import from_cents
from receivables.models import Divergence, Outcome

MEANINGS.update(words.MEANINGS)
PARTS.append(parts)

APPROVE = "pos_sync.approve_quarantined_operations"


class ReasonedForm(DivergenceForm):
    """An outcome that needs nothing but its reason."""

    error_fields: ClassVar = REASON_ERRORS
    outcome: ClassVar[str] = ""
    effect: ClassVar[Any] = ""

    reason = ReasonField()

    def must_be_seen(self) -> str:
        """Who only wanted to propose does not decide because another proposed it meanwhile."""
        return self.row.proposed or "-"

    def what_is(self) -> Sequence[Line]:
        lines: list[Line] = [(_("Divergence"), self.row), (_("Branch"), self.row.branch), (_("Till"), self.row.station)]
        if self.row.proposed:
            lines.append((_("Proposed"), f"{self.row.get_proposed_display()} · {self.row.proposed_by}"))
        return lines

    def what_will_be(self) -> Sequence[Line]:
        if self.is_first:
            return [(_("Second person"), _("You propose it; another person confirms it, and only then it is done."))]
        return [(_("Books"), self.effect)]

    @property
    def is_first(self) -> bool:
        """Say whether this person only proposes."""
        return self.takes_two and self.row.proposed != self.outcome

    @property
    def takes_two(self) -> bool:
        return False

    @property
    def confirm(self) -> Any:  # type: ignore[override]
        return gettext("Propose: %(outcome)s") % {"outcome": self.verb} if self.is_first else self.verb

    verb: ClassVar[Any] = _("Confirm")


class _QuarantineForm(ReasonedForm):
    @property
    def takes_two(self) -> bool:
        return quarantine.is_for_two(self.row, quarantine.quarantined_of(self.row))

    def what_is(self) -> Sequence[Line]:
        limit = from_cents(policy_of(self.row.branch).second_person_above_cents)
        return [*super().what_is(), (_("One person decides up to"), reais(limit))]


class ApproveForm(_QuarantineForm):
    outcome = Outcome.APPROVED
    effect = _("The operation is judged as if its till were active, and posted.")
    verb = _("Approve")


class RejectForm(_QuarantineForm):
    outcome = Outcome.REJECTED
    effect = _("Nothing is posted, now or later. The till is told that the office resolved it.")
    verb = _("Reject")


class KeepFirstForm(ReasonedForm):
    outcome = Outcome.REJECTED
    effect = _("The first stands, the copy is kept beside it and posts nothing.")
    verb = _("Keep the first")


class RecordCopyForm(ReasonedForm):
    outcome = Outcome.RECORDED
    effect = _("The copy’s money is posted as an operation of its own, beside the first.")
    verb = _("Record the copy")

    @property
    def takes_two(self) -> bool:
        return True


class CloseVoidForm(ReasonedForm):
    outcome = Outcome.REJECTED
    effect = _("Nothing is posted. Should the receipt come after all, you are asked again.")
    verb = _("Close the void")


class VoidForm(ReasonedForm):
    outcome = Outcome.VOIDED
    effect = _("The receipt is voided on the first open day, as its till asked.")
    verb = _("Void the receipt")


def _answer(label: Any, form: type[ReasonedForm], act: Callable[..., Any], applies: Callable[[Divergence], bool],
            *permissions: str) -> Transition:  # fmt: skip
    return Transition(
        label=label, form=form, service=act, require=may(*permissions), why_not=why_not,
        applies=lambda row: row.is_open and applies(row),
    )  # fmt: skip


def _is_quarantined(row: Divergence) -> bool:
    quarantined = Operation.objects.filter(op_id=row.source, state=OperationState.QUARANTINED)
    return row.receipt_id is None and quarantined.exists()


def _waits(row: Divergence) -> bool:
    return row.reason == late_voids.MISSING


def _is_copy(row: Divergence) -> bool:
    return row.reason == copies.REASON


def _is_recordable(row: Divergence) -> bool:
    copy = copies.copy_of(row)
    return copy is not None and copies.brings_money(copy)


DivergenceAdmin.transitions = {
    "approve": _answer(
        _("Approve"), ApproveForm, quarantine.approve_operation,
        lambda row: row.reason in quarantine.OF_DEVICES and _is_quarantined(row), APPROVE,
    ),
    "reject": _answer(_("Reject"), RejectForm, quarantine.reject_operation, _is_quarantined, APPROVE),
    "keep_first": _answer(_("Keep the first"), KeepFirstForm, copies.keep_first, _is_copy, APPROVE),
    "record_copy": _answer(_("Record the copy"), RecordCopyForm, copies.record_copy, _is_recordable, APPROVE),
    "close_void": _answer(_("Close the void"), CloseVoidForm, late_voids.close_late_void, _waits, RESOLVE),
    "void": _answer(
        _("Void the receipt"), VoidForm, late_voids.void_after_all, lambda row: row.reason == late_voids.CAME, RESOLVE
    ),
    **DivergenceAdmin.transitions,
}  # fmt: skip


def advise(row: Divergence) -> Advice | None:
    """Propose for what the ledger does not know; money that is posted is the ledger's own to propose for."""
    if row.proposed and row.is_open:
        text = gettext("%(person)s proposed: %(outcome)s. Another person confirms it, or proposes otherwise.")
        facts = {"person": row.proposed_by, "outcome": row.get_proposed_display()}
        name = _BUTTONS.get(row.proposed, "reject")
        return Advice(text % facts, name)
    found = _ADVICE.get(row.reason)
    return Advice(str(found[0]), found[1]) if found else None


_BUTTONS = {Outcome.APPROVED.value: "approve", Outcome.RECORDED.value: "record_copy"}

_ADVICE: dict[str, tuple[Any, str]] = {
    "device_suspended": (_("Ask the operator. If the money was received, approve it."), "approve"),
    "device_replaced": (_("Ask the operator. If the money was received, approve it."), "approve"),
    "device_revoked": (
        _("Approve it only if the customer shows the receipt, or the money is in the drawer."),
        "approve",
    ),
    "malformed": (_("Record what was received by hand, then reject this and say where."), "reject"),
    "unknown_kind": (_("Wait for the upgrade; reject it only if nothing was received."), "reject"),
    "unknown_version": (_("Wait for the upgrade; reject it only if nothing was received."), "reject"),
    copies.REASON: (_("Keep the first, unless the till received twice."), "keep_first"),
    late_voids.MISSING: (_("Ask the till for the receipt; close the void if it is lost."), "close_void"),
    late_voids.CAME: (_("Void the receipt, if the money was given back."), "void"),
}

ADVISERS.append(advise)
