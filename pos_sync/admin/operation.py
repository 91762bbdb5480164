"""The inbox, shown as it arrived: operations, copies with other content, batches kept raw."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from pos_sync import words
from pos_sync.models import Operation, OperationConflict, OperationState, RawBatch
from pos_sync.services.late_voids import close_session_now
from pos_sync.words import in_words
from receivables.admin.base import ReadOnlyAdmin
from receivables.admin.divergence import pretty
from receivables.admin.explain import written
from receivables.admin.filters import filter_in_words
from receivables.admin.tables import Table, chip, link
from receivables.admin.transitions import Line, Transition, TransitionAdmin, TransitionForm
from receivables.services import access


class CloseNowForm(TransitionForm):
    """A closing that waits for operations before it closes with what is here."""

    confirm = _("Close the session now")

    def what_is(self) -> Sequence[Line]:
        return [
            (_("Operation"), self.row),
            (_("Till"), self.row.device),
            (_("Received at"), written(self.row.received_at)),
        ]

    def what_will_be(self) -> Sequence[Line]:
        return [(_("Session"), _("It closes without the operations that did not come; they become supplements of it."))]

    def values(self) -> dict[str, Any]:
        return {"operation_id": self.row.pk}

    def done(self, result: Operation) -> str:
        return _("The session of operation %(operation)s is being closed.") % {"operation": result}


def _may_close(user: Any, row: Operation) -> None:
    access.require(user, "pos_sync.approve_quarantined_operations")
    access.require_branch(user, row.device.branch)


class FlagFilter(admin.SimpleListFilter):
    """Operations that bear a flag, whatever else they bear."""

    title = _("flag")
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(words.FLAGS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() is None:
            return queryset
        return queryset.alias(listed=Cast("flags", TextField())).filter(listed__contains=f'"{self.value()}"')


@admin.register(Operation)
class OperationAdmin(TransitionAdmin, ReadOnlyAdmin):
    branch_lookups = ("device__branch",)
    list_display = ("op_id", "device", "seq", "told_kind", "state_chip", "told_reason", "told_flags", "received_at")
    list_filter = ("state", ("kind", filter_in_words(words.KINDS)), ("reason", filter_in_words(words.REASONS)),
                   FlagFilter, "received_at", "device__branch")  # fmt: skip
    list_select_related = ("device__branch",)
    search_fields = ("op_id__startswith",)
    fields = (("op_id", "device", "epoch", "seq"), ("told_kind", "state_chip", "told_reason", "told_flags"),
              ("received_at", "effective_at", "attempts"), "told_outcome", "told_raw")  # fmt: skip
    transitions: ClassVar = {
        "close_now": Transition(
            label=_("Close the session now"), form=CloseNowForm, service=close_session_now, require=_may_close,
            applies=lambda row: row.kind == "session_close" and row.state == OperationState.WAITING,
        ),
    }  # fmt: skip

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, operation: Operation) -> SafeString:
        return chip(operation.state, operation.get_state_display())

    @admin.display(description=_("kind"), ordering="kind")
    def told_kind(self, operation: Operation) -> str:
        return in_words(words.KINDS, operation.kind)

    @admin.display(description=_("reason"), ordering="reason")
    def told_reason(self, operation: Operation) -> str:
        return in_words(words.REASONS, operation.reason)

    @admin.display(description=_("flags"))
    def told_flags(self, operation: Operation) -> str:
        return written([in_words(words.FLAGS, flag) for flag in operation.flags])

    @admin.display(description=_("outcome"))
    def told_outcome(self, operation: Operation) -> SafeString:
        return pretty(operation.outcome)

    @admin.display(description=_("raw operation"))
    def told_raw(self, operation: Operation) -> SafeString:
        return _as_it_came(operation.raw)

    def related_tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        table = Table(
            _("Copies with other content"), [_("posted at"), _("device"), _("sequence")],
            _("No copy with other content arrived."),
        )  # fmt: skip
        rows = row.conflicts.select_related("device__branch").order_by("pk")
        return [table.fill([link(each, written(each.posted_at)), each.device, each.seq] for each in rows)]


def _as_it_came(raw: str) -> SafeString:
    """Show a raw operation character by character: it is evidence."""
    return format_html("<pre>{}</pre>", raw)


@admin.register(OperationConflict)
class OperationConflictAdmin(ReadOnlyAdmin):
    branch_lookups = ("device__branch",)
    list_display = ("operation", "device", "seq", "posted_at")
    list_select_related = ("operation", "device__branch")
    fields = (("operation", "device", "seq", "posted_at"), "told_raw")

    @admin.display(description=_("raw operation"))
    def told_raw(self, conflict: OperationConflict) -> SafeString:
        return _as_it_came(conflict.raw)


@admin.register(RawBatch)
class RawBatchAdmin(ReadOnlyAdmin):
    branch_lookups = ("device__branch",)
    list_display = ("device", "posted_at", "size")
    list_select_related = ("device__branch",)
    fields = ("device", "posted_at", "size")

    @admin.display(description=_("bytes"))
    def size(self, batch: RawBatch) -> int:
        return len(bytes(batch.body))
