"""Custody: what a till sends is stored once, for ever, whatever it is worth (contract, POST /operations).

Storing is one short transaction; what an operation does is decided later, in `ingestion`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from django.db import transaction

from pos_sync import protocol
from pos_sync.models import (
    Device,
    DeviceEpoch,
    DeviceState,
    Operation,
    OperationArrival,
    OperationConflict,
    RawBatch,
)
from pos_sync.protocol import BadField, Envelope, ItemRead, OperationRead, Refused, RequestRefused
from pos_sync.services.devices import is_id
from pos_sync.services.sequence import Progress, one_view, read_progress, remember_through
from receivables.models.audited import Actor, signed_by
from receivables.services.rows import insert_absent

Custody = Literal["stored", "duplicate", "conflict", "refused"]


class BadEpoch(RequestRefused):
    """The epoch that a till names has not begun."""

    code = "bad_epoch"


@dataclass(frozen=True, slots=True)
class Source:
    """Whose sequence a batch belongs to, and who answers for its operations."""

    device_id: int
    epoch: int
    judged_as: int


class Item(NamedTuple):
    """One item of a batch, and whether the server took it; `is_foreign` where another branch's device sent it first."""

    read: ItemRead
    custody: Custody
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What was done with a push, in its order."""

    source: Source
    items: list[Item]

    @property
    def is_news(self) -> bool:
        """Say whether something waits to be judged, or a copy to be asked about."""
        return bool(self.op_ids) or any(item.custody == "conflict" for item in self.items)

    @property
    def op_ids(self) -> set[str]:
        """Give the operations whose state the till may be told."""
        return {
            item.read.op_id
            for item in self.items
            if isinstance(item.read, OperationRead) and item.custody in ("stored", "duplicate") and not item.is_foreign
        }


def current_epoch(device: Device, *, asked: int | None) -> int:
    """Give the epoch that is asked for, the device's current one where none is; raises BadEpoch for a future one."""
    if asked is not None and asked > device.epoch:
        raise BadEpoch
    return asked or device.epoch


# Storing


def store_batch(*, device: Device, envelope: Envelope, raw: bytes, now: datetime) -> Batch:
    """Take a push into custody: committed when this returns, the same for ever however often it is sent.

    `raw` is the inflated body. Raises BadEpoch, and BadField for a `device_id` that is no earlier device of the till.
    """
    source = _source_of(device, envelope)
    items = [protocol.read_operation(item, index=index) for index, item in enumerate(envelope.operations)]
    with transaction.atomic():
        _open_epoch(source, envelope.first_seq)
        batch = Batch(source=source, items=_take(items, source, device, now))
        if any(item.custody == "refused" for item in batch.items):
            _keep_bytes(device, raw)
    return batch


def _source_of(device: Device, envelope: Envelope) -> Source:
    """Find whose sequence is sent: the device's own, or that of one which it replaced (contract, "Device states").

    A device that is not in use answers itself for what it brings, whatever device it names. The queue of one that was
    lost in a restore is its own, in the earlier epoch that it names: no sequence of the present one is touched.
    """
    owner = device
    if envelope.device_id is not None and envelope.device_id != str(device.pk):
        owner = device if _is_lost(device, envelope) else _earlier_device(device, envelope.device_id)
    epoch = current_epoch(owner, asked=envelope.epoch)
    judged_as = owner if device.state == DeviceState.ACTIVE else device
    return Source(device_id=owner.pk, epoch=epoch, judged_as=judged_as.pk)


def _is_lost(device: Device, envelope: Envelope) -> bool:
    """Say whether the device that is named can only be one of an earlier life of the database, which we do not know."""
    said, epoch = envelope.device_id or "", envelope.epoch
    is_earlier = epoch is not None and epoch < device.epoch
    return is_earlier and is_id(said) and not Device.objects.filter(pk=int(said)).exists()


def _earlier_device(device: Device, said: str) -> Device:
    if not is_id(said):
        raise BadField(field="device_id")
    found = Device.objects.filter(pk=int(said), branch=device.branch_id, till=device.till, pk__lt=device.pk).first()
    if found is None:
        raise BadField(field="device_id")
    return found


def _open_epoch(source: Source, first_seq: int | None) -> None:
    """Make and lock the epoch's row: the pushes of a sequence are stored one after the other, so arrival has an order.

    The first seq is what the till says, as long as nothing was counted from another.
    """
    first = first_seq if first_seq and source.epoch > 1 else 1
    rows = DeviceEpoch.objects.filter(device=source.device_id, epoch=source.epoch).select_for_update(no_key=True)
    epoch = rows.first()
    if epoch is None:
        row = DeviceEpoch(device_id=source.device_id, epoch=source.epoch, first_seq=first)
        DeviceEpoch.objects.bulk_create([row], ignore_conflicts=True)
        epoch = rows.get()
    if first > 1 and epoch.through_seq == 0 and epoch.first_seq != first:
        epoch.first_seq = first
        epoch.save(update_fields=["first_seq"])


def _take(items: Sequence[ItemRead], source: Source, device: Device, now: datetime) -> list[Item]:
    """Insert what is new, keep copies with other content beside the first, and say what became of each item."""
    readable = [item for item in items if isinstance(item, OperationRead)]
    firsts: dict[str, OperationRead] = {}
    for item in readable:
        firsts.setdefault(item.op_id, item)
    inserted = _insert(firsts.values(), source, now)
    held = {op_id: Held(pk, firsts[op_id].content_hash, device.branch_id) for op_id, pk in inserted.items()}
    held |= _held(firsts.keys() - inserted.keys())
    new = set(inserted)
    taken = [_custody_of(item, held, new, device.branch_id) for item in items]
    copies = [item for item, custody in zip(items, taken, strict=True) if custody.custody == "conflict"]
    _keep_conflicts([copy for copy in copies if isinstance(copy, OperationRead)], held, device)
    _record_arrivals(taken, held, source)
    return taken


def _custody_of(item: ItemRead, held: dict[str, "Held"], new: set[str], branch_id: int) -> Item:
    if isinstance(item, Refused):
        return Item(item, "refused")
    first = held[item.op_id]
    if item.op_id in new:
        # Of two items with one op_id in a batch the first is stored; the second is compared with it.
        new.discard(item.op_id)
        return Item(item, "stored")
    custody: Custody = "duplicate" if first.content_hash == item.content_hash else "conflict"
    return Item(item, custody, is_foreign=first.branch_id != branch_id)


def _insert(operations: Iterable[OperationRead], source: Source, now: datetime) -> dict[str, int]:
    """Insert operations in one statement, in their order; give the keys of those that were not there before."""
    rows = [
        {"op_id": read.op_id, "seq": read.seq, "kind": read.kind, "content_hash": read.content_hash, "raw": read.raw}
        for read in operations
    ]
    common = {
        "device_id": source.device_id, "judged_as_id": source.judged_as, "epoch": source.epoch, "received_at": now,
        "changed_at": now,
    }  # fmt: skip
    return dict(insert_absent(Operation, rows, common=common, unique="op_id", told=("op_id", "id")))


class Held(NamedTuple):
    """What the inbox holds under an op_id."""

    pk: int
    content_hash: str
    branch_id: int


def _held(op_ids: Collection[str]) -> dict[str, Held]:
    if not op_ids:
        return {}
    rows = Operation.objects.filter(op_id__among=op_ids).values_list("op_id", "pk", "content_hash", "device__branch_id")
    return {op_id: Held(pk, content_hash, branch_id) for op_id, pk, content_hash, branch_id in rows}


def _keep_conflicts(copies: Sequence[OperationRead], held: dict[str, Held], device: Device) -> None:
    kept = {
        (held[copy.op_id].pk, copy.content_hash): OperationConflict(
            operation_id=held[copy.op_id].pk, device=device, seq=copy.seq, content_hash=copy.content_hash,
            raw=copy.raw, **_signature(device),
        )
        for copy in copies
    }  # fmt: skip
    OperationConflict.objects.bulk_create([kept[key] for key in sorted(kept)], ignore_conflicts=True)


def _record_arrivals(items: Sequence[Item], held: dict[str, Held], source: Source) -> None:
    """Count every readable seq as received; only what is stored here can hold the sequence up."""
    arrived = {(item.read.seq, _brought(item, held)) for item in items if item.read.seq is not None}
    rows = [
        {"seq": seq, "operation_id": operation_id}
        for seq, operation_id in sorted(arrived, key=lambda pair: (pair[0], pair[1] or 0))
    ]
    common = {"device_id": source.device_id, "epoch": source.epoch}
    insert_absent(OperationArrival, rows, common=common)


def _brought(item: Item, held: dict[str, Held]) -> int | None:
    """Give the operation that an item brought, or brought again, in this sequence."""
    is_ours = isinstance(item.read, OperationRead) and item.custody in ("stored", "duplicate") and not item.is_foreign
    return held[item.read.op_id].pk if is_ours and item.read.op_id else None


def _keep_bytes(device: Device, raw: bytes) -> None:
    if not RawBatch.objects.filter(device=device, body=raw).exists():
        RawBatch.objects.create(device=device, body=raw, **_signature(device))


def _signature(device: Device) -> dict[str, Any]:
    return signed_by(Actor(name=f"{device.branch.code}/{device.till}", channel="till"))


# Telling


@dataclass(frozen=True, slots=True)
class Told:
    """The results of a push, in its order, and how far the sequence has come."""

    results: list[dict[str, object]]
    progress: Progress


def tell_batch(*, batch: Batch) -> Told:
    """Tell what became of each item until now, and how far the sequence has come, from one state of the database."""
    source = batch.source
    with one_view():
        rows = {row["op_id"]: row for row in _judgements().filter(op_id__among=batch.op_ids)}
        progress = read_progress(device_id=source.device_id, epoch=source.epoch)
    remember_through(device_id=source.device_id, epoch=source.epoch, through_seq=progress.through_seq)
    return Told(results=[_result(item, rows) for item in batch.items], progress=progress)


def _judgements() -> Any:
    return Operation.objects.values("op_id", "seq", "state", "reason", "flags", "outcome")


def _result(item: Item, rows: dict[str, dict[str, Any]]) -> dict[str, object]:
    if isinstance(item.read, Refused):
        return protocol.refused_result(item.read)
    if item.is_foreign:
        return protocol.foreign_result(item.read, custody="duplicate" if item.custody == "duplicate" else "conflict")
    if item.custody == "conflict":
        return protocol.conflict_result(item.read)
    row = rows[item.read.op_id] | {"seq": item.read.seq}
    return protocol.operation_result(**row, index=item.read.index, custody=item.custody)


@dataclass(frozen=True, slots=True)
class Page:
    """Results of a device in the order of their seq."""

    results: list[dict[str, object]]
    more: bool


def list_results(*, device: Device, epoch: int | None, after_seq: int, limit: int) -> Page:
    """List what became of a device's operations after a seq (contract, GET /operations).

    Operations of one seq stay on one page, which may pass `limit` for them. Those without a usable seq come first,
    with after_seq 0 only, the newest 1,000 of them. Raises BadEpoch.
    """
    own = _judgements().filter(device=device, epoch=current_epoch(device, asked=epoch))
    with one_view():
        rows = list(own.filter(seq__gt=after_seq).order_by("seq", "pk")[: limit + 1])
        more = len(rows) > limit
        rows = rows[:limit]
        if more:
            last = rows[-1]["seq"]
            rows = [row for row in rows if row["seq"] != last] + list(own.filter(seq=last).order_by("pk"))
            more = own.filter(seq__gt=last).exists()
        if after_seq == 0:
            rows = [*reversed(own.filter(seq=None).order_by("-pk")[: protocol.MAX_PAGE]), *rows]
    return Page(results=[protocol.operation_result(**row) for row in rows], more=more)


def tell_changed(*, device_id: int, ids: Collection[int]) -> list[dict[str, object]]:
    """Tell what became of those of a device's operations, in the order of their arrival."""
    rows = _judgements().filter(device=device_id, pk__among=ids).order_by("pk")
    return [protocol.operation_result(**row) for row in rows]
