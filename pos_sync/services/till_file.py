"""The second channel: what a till that cannot connect any more exported to a file goes through the door of every push.

The same op_ids, batches within the protocol's limits: what the till still delivers later is a duplicate.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pos_sync import doorbell, protocol
from pos_sync.exact_json import write_json
from pos_sync.models import Device
from pos_sync.protocol import Envelope
from pos_sync.services import inbox
from pos_sync.services.devices import is_id
from receivables.domain.errors import RuleBroken, gettext_noop
from receivables.models import Actor
from receivables.services.moves import record_history

logger = logging.getLogger(__name__)

FORMAT = "quita-till-operations"
VERSION = 1
MAX_FILE_MIB = 32
ENVELOPE_BYTES = 1_024

_MUST_BE: dict[str, Promise] = {
    "device_id": _("the number of the device, as text"),
    "epoch": _("an integer from 1 on"),
    "first_seq": _("an integer from 1 on, or absent"),
    "operations": _("a list with at least one operation"),
}


class TillFileTooLarge(RuleBroken):
    message = gettext_noop("The file has more than {most} MiB: no till exports that much. Choose the exported file.")


class TillFileUnreadable(RuleBroken):
    message = gettext_noop("The file is not a JSON object in UTF-8. Export it at the till again and send it as it is.")


class TillFileField(RuleBroken):
    message = gettext_noop("“{field}” must be {rule}. Export the file at the till again and send it as it is.")


class TillFileDevice(RuleBroken):
    message = gettext_noop(
        "“device_id”: there is no device {device} in your branches. Look its number up in the list of tills."
    )


class TillFileEpoch(RuleBroken):
    message = gettext_noop(
        "“epoch” must be at most {current}, that of the device, and is {epoch}. Check that the file is of this system."
    )


class TillFileOperation(RuleBroken):
    message = gettext_noop("“{field}” must have at most {most} bytes, like every operation sent. Call support.")


@dataclass(frozen=True, slots=True)
class TillFile:
    """A file as it came, and the pushes that it makes."""

    name: str
    raw: bytes
    device_id: str
    till: object
    epoch: int
    envelopes: Sequence[Envelope]

    @property
    def count(self) -> int:
        return sum(len(envelope.operations) for envelope in self.envelopes)


# Reading


def read_till_file(raw: bytes, *, name: str) -> TillFile:
    """Read what a till exported, at most MAX_FILE_MIB, and cut it into pushes.

    Raises TillFileTooLarge, TillFileUnreadable, TillFileField and TillFileOperation; what stands inside an operation
    never raises.
    """
    if len(raw) > MAX_FILE_MIB * 2**20:
        raise TillFileTooLarge(most=MAX_FILE_MIB)
    try:
        sent = protocol.read_object(raw)
    except protocol.RequestRefused as refused:
        raise TillFileUnreadable from refused
    _check_format(sent)
    envelopes = list(_envelopes(sent))
    first = envelopes[0]
    for field, value in (("device_id", first.device_id), ("epoch", first.epoch)):
        if value is None:
            raise _bad(field)
    return TillFile(name, raw, str(first.device_id), sent.get("till"), first.epoch or 1, envelopes)


def _check_format(sent: dict[str, object]) -> None:
    if sent.get("format") != FORMAT:
        raise TillFileField(field="format", rule=f"“{FORMAT}”")
    if type(sent.get("v")) is not int or sent["v"] != VERSION:
        raise TillFileField(field="v", rule=str(VERSION))
    if not isinstance(sent.get("operations"), list) or not sent["operations"]:
        raise _bad("operations")


def _bad(field: str) -> TillFileField:
    return TillFileField(field=field, rule=_MUST_BE[field])


def _envelopes(sent: dict[str, object]) -> Iterator[Envelope]:
    """Read each part of the file as the body of a push."""
    head = {name: sent[name] for name in ("device_id", "epoch", "first_seq") if name in sent}
    operations = sent["operations"]
    assert isinstance(operations, list)
    done = 0
    for part in _parts(operations):
        try:
            body = write_json(head | {"operations": part}, ascii_only=False)
            yield protocol.read_envelope(body.encode())
        except protocol.BadField as bad:
            raise _bad(str(bad.field)) from bad
        except protocol.BatchTooLarge as large:
            raise TillFileOperation(field=f"operations[{done}]", most=protocol.MAX_OPERATION_BYTES) from large
        done += len(part)


def _parts(operations: Sequence[object]) -> Iterator[list[object]]:
    """Cut operations, in their order, into lists within the limits of a push."""
    part: list[object] = []
    size = 0
    for each in operations:
        more = len(write_json(each, ascii_only=False).encode()) + 1
        is_full = len(part) == protocol.MAX_BATCH_OPERATIONS or size + more > protocol.MAX_BATCH_BYTES - ENVELOPE_BYTES
        if part and is_full:
            yield part
            part, size = [], 0
        part.append(each)
        size += more
    yield part


# Importing


def import_operations(
    *, file: TillFile, devices: QuerySet[Device], by: Actor, now: datetime, is_rehearsal: bool = False
) -> list[dict[str, object]]:
    """Deliver a file in the place of its till and give each operation's result, in order, as a push is answered.

    `devices` are those within the person's reach. A rehearsal stores nothing. Raises TillFileDevice, TillFileEpoch
    and TillFileField before anything is stored.
    """
    device = _device_of(file, devices)
    if not is_rehearsal:
        return _deliver(file, device, by, now)
    with transaction.atomic():
        told = _tell(_store(file, device, now))
        transaction.set_rollback(True)
    return told


def _device_of(file: TillFile, devices: QuerySet[Device]) -> Device:
    rows = devices.select_related("branch__parameter_set")
    device = rows.filter(pk=int(file.device_id)).first() if is_id(file.device_id) else None
    if device is None:
        raise TillFileDevice(device=file.device_id)
    if file.till is not None and file.till != device.till:
        raise TillFileField(field="till", rule=f"“{device.till}”")
    if file.epoch > device.epoch:
        raise TillFileEpoch(epoch=file.epoch, current=device.epoch)
    return device


def _deliver(file: TillFile, device: Device, by: Actor, now: datetime) -> list[dict[str, object]]:
    """Write down in the device's history who imports what, store it batch by batch, ring, and tell."""
    digest = sha256(file.raw).hexdigest()
    told = {"name": file.name[:200], "count": file.count, "digest": digest}
    why = gettext("Import of a file of the till: %(name)s, %(count)s operations, SHA-256 %(digest)s.") % told
    record_history(Device, [device.pk], by=by, reasons={device.pk: why})
    logger.info("%s imports %s operations of device %s, SHA-256 %s", by.name, file.count, device.pk, digest)
    batches = _store(file, device, now)
    if any(batch.op_ids for batch in batches):
        doorbell.ring(device_id=device.pk, now=now)
    return _tell(batches)


def _store(file: TillFile, device: Device, now: datetime) -> list[inbox.Batch]:
    return [
        inbox.store_batch(device=device, envelope=envelope, raw=file.raw, now=now) for envelope in file.envelopes
    ]  # fmt: skip


def _tell(batches: Sequence[inbox.Batch]) -> list[dict[str, object]]:
    return [result for batch in batches for result in inbox.tell_batch(batch=batch).results]
