"""What the tills add to the trail of the back office: operations as they arrived, copies, batches, and the tills."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pos_sync import words
from pos_sync.models import Device, Operation, OperationConflict, RawBatch
from receivables.admin.history import CHANNELS, Names
from receivables.admin.trail import ACTIONS, Line, Source, Touched, address_of, touching
from receivables.admin.trail.reader import ACTORS
from receivables.admin.trail.sources import DEEDS, LedgerSource, Told, add_source
from receivables.models import CashMovement, Divergence, Receipt, Reversal
from receivables.reports import of_branches

TILL = "till"
ARRIVE = "pos_sync.operation.arrive"
ACTIONS[ARRIVE] = gettext_lazy("Arrive from the till")

DEEDS.update({
    "pos_sync.device.+": gettext_lazy("paired till %(row)s"),
    "pos_sync.device.suspend": gettext_lazy("suspended till %(row)s"),
    "pos_sync.device.revoke": gettext_lazy("revoked till %(row)s"),
    "pos_sync.device.activate": gettext_lazy("activated till %(row)s"),
    "pos_sync.device.replace": gettext_lazy("replaced till %(row)s"),
})  # fmt: skip


def actor_of(device: Device) -> str:
    """Give the name by which a till signs what it posts."""
    return f"PDV {device.branch.code}/{device.till}"


class OperationSource(Source):
    """The inbox: what each till sent and what became of it. Its id is the key of the row that it posted."""

    at = "received_at"

    @property
    def actions(self) -> frozenset[str]:
        return frozenset({ARRIVE})

    def about(self, rows: QuerySet, touched: Touched) -> QuerySet | None:
        """Find operations by what they posted, or by the divergence that they opened."""
        posted = [
            model._base_manager.filter(found).order_by().values(key)
            for model, key in _POSTED
            if (found := touching(model, touched)) is not None
        ]
        if not posted:
            return None
        every = [Operation.objects.filter(op_id__in=keys).order_by().values("pk") for keys in posted]
        return rows.filter(pk__in=every[0].union(*every[1:]))

    def by(self, rows: QuerySet, actors: Collection[str]) -> QuerySet:
        """A till's name in the trail is made of its branch and its own."""
        named = [actor.removeprefix("PDV ").partition("/") for actor in actors if "/" in actor]
        chosen = Q(pk__in=[])
        for branch, _slash, till in named:
            chosen |= Q(device__branch__code=branch, device__till=till)
        return rows.filter(chosen)

    def through(self, rows: QuerySet, channel: str) -> QuerySet:
        return rows if channel == TILL else rows.none()

    def load(self, keys: Collection[int]) -> Sequence[Any]:
        return list(Operation.objects.filter(pk__in=keys).select_related("device__branch").defer("raw"))

    def tell(self, rows: Sequence[Any], names: Names) -> Iterator[Line]:
        for row in rows:
            reason = str(words.REASONS.get(row.reason, row.reason))
            flags = [str(words.FLAGS.get(flag, flag)) for flag in row.flags]
            yield Line(
                at=row.received_at, actor=actor_of(row.device), user_id=None, channel=CHANNELS[TILL], noun=self.label,
                action=ACTIONS[ARRIVE], row=row.op_id, address=address_of(Operation, row.pk),
                deed=_("sent: %(kind)s") % {"kind": words.KINDS.get(row.kind, row.kind)},
                facts=[str(row.get_state_display()), *([reason] if reason else []), *flags],
                where="" if row.seq is None else _("sequence %(seq)s") % {"seq": row.seq},
            )  # fmt: skip


_POSTED: tuple[tuple[Any, str], ...] = (
    (Receipt, "idempotency_key"),
    (Reversal, "idempotency_key"),
    (CashMovement, "idempotency_key"),
    (Divergence, "source"),
)


def _conflict(row: OperationConflict) -> Told:
    return Told(deed=_("sent another content under the operation %(row)s") % {"row": row.operation})


def _batch(row: RawBatch) -> Told:
    return Told(deed=_("sent a batch that was kept raw"), facts=[str(row.device)])


def _tills(request: HttpRequest) -> Iterable[tuple[str, str]]:
    """Give the tills of one's branches by their names in the trail."""
    devices = of_branches(Device.objects.all(), request.user, "branch").select_related("branch")
    return sorted({(actor_of(device), actor_of(device)) for device in devices})


add_source(OperationSource(Operation))
add_source(LedgerSource(OperationConflict, tells=_conflict, reads=("operation", "device__branch"), moves=(ARRIVE,)))
add_source(LedgerSource(RawBatch, tells=_batch, reads=("device__branch",), moves=(ARRIVE,)))
ACTORS.append(_tills)
