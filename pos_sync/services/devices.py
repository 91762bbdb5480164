"""Devices in use: who holds a token, what its state allows, what a branch's policy limits (contract, "Device states").

How a device comes to be is in `pairing`.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pos_sync import protocol
from pos_sync.models import Device, DeviceContact, DeviceState, DeviceToken, TillPolicy
from receivables.domain.errors import RuleBroken, gettext_noop
from receivables.models import Actor, Branch
from receivables.services.moves import move

logger = logging.getLogger(__name__)

TOKEN_USE_RECORDED_EVERY = timedelta(hours=1)


class UnknownDevice(RuleBroken):
    message = gettext_noop("There is no device {device}. Look its number up in the list of tills.")


class UnknownDeviceState(RuleBroken):
    message = gettext_noop("A device cannot be made “{state}”. Choose suspended, revoked or active.")


class DeviceReasonMissing(RuleBroken):
    message = gettext_noop("The reason is missing. Write why the state of this device changes.")


class TillInUse(RuleBroken):
    message = gettext_noop("Till {till} is in use by device {device}. Pair this device again instead of activating it.")


# Tokens


def token_hash(token: str) -> str:
    """Give what the server keeps of a token: its SHA-256 in 64 hex digits."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def find_device(*, token: str, now: datetime) -> Device | None:
    """Find the device that holds a token, with its branch and parameter set; None for an unknown one."""
    found = (
        DeviceToken.objects.select_related("device__branch__parameter_set").filter(token_hash=token_hash(token)).first()
    )
    if found is None or found.ended_at is not None:
        return None
    if found.is_rotated and found.last_used_at is None:
        _end_earlier(found, now)
    _record_use(found, now)
    return found.device


def _end_earlier(token: DeviceToken, now: datetime) -> None:
    """Use a rotated token for the first time: those that the device was given before it open nothing any more."""
    with transaction.atomic():
        if DeviceToken.objects.filter(pk=token.pk, last_used_at=None).update(last_used_at=now):
            earlier = DeviceToken.objects.filter(device=token.device_id, pk__lt=token.pk, ended_at=None)
            earlier.update(ended_at=now, ended_by=_("first use of %(prefix)s…") % {"prefix": token.prefix})
            logger.info("device %s uses its new token", token.device_id)
    token.last_used_at = now


def rotate_token(*, device: Device, now: datetime) -> str:
    """Give a device another token; the one that it has works until the new one is first used (contract, rotate)."""
    return new_token(device=device, now=now, is_rotated=True)


def new_token(*, device: Device, now: datetime, is_rotated: bool = False) -> str:
    """Draw a token of 256 bits for a device and keep its hash."""
    token = secrets.token_urlsafe(32)
    DeviceToken.objects.create(
        device=device, token_hash=token_hash(token), prefix=token[:8], created_at=now, is_rotated=is_rotated
    )
    return token


def _record_use(token: DeviceToken, now: datetime) -> None:
    if token.last_used_at is None or now - token.last_used_at > TOKEN_USE_RECORDED_EVERY:
        _without_fail(lambda: DeviceToken.objects.filter(pk=token.pk).update(last_used_at=now))


# States


def change_device_state(*, device_id: str, state: str, reason: str, by: Actor) -> Device:
    """Suspend, revoke or activate a device, as the admin and `manage.py device_state` do.

    Raises UnknownDeviceState, DeviceReasonMissing, UnknownDevice, TillInUse, MoveRefused.
    """
    if state not in (DeviceState.SUSPENDED, DeviceState.REVOKED, DeviceState.ACTIVE):
        raise UnknownDeviceState(state=state)
    if not reason.strip():
        raise DeviceReasonMissing
    with transaction.atomic():
        device = _locked_device(device_id)
        verbs = {
            DeviceState.SUSPENDED: device.suspend,
            DeviceState.REVOKED: device.revoke,
            DeviceState.ACTIVE: device.activate,
        }
        if state == DeviceState.ACTIVE:
            _check_till_is_free(device)
        move(verbs[DeviceState(state)], by=by, because=reason.strip(), reason=reason.strip())
    logger.warning("device %s is now %s", device.pk, state)
    return device


def _locked_device(device_id: str) -> Device:
    rows = Device.objects.locked().select_related("branch")
    device = rows.filter(pk=int(device_id)).first() if is_id(device_id) else None
    if device is None:
        raise UnknownDevice(device=device_id)
    return device


def is_id(text: str) -> bool:
    """Say whether a text can be one of our ids."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def _check_till_is_free(device: Device) -> None:
    others = in_use(branch_id=device.branch_id, till=device.till).exclude(pk=device.pk)
    if other := others.first():
        raise TillInUse(till=device.till, device=other.pk)


def in_use(*, branch_id: int, till: str) -> QuerySet[Device]:
    """Lock and give the device that a till is worked with now: one at most, a constraint says."""
    states = [DeviceState.ACTIVE, DeviceState.SUSPENDED]
    rows: QuerySet[Device] = Device.objects.locked()
    return rows.filter(branch_id=branch_id, till=till, state__in=states)


# What a device tells of itself


def record_contact(
    *,
    device_id: int,
    now: datetime,
    snapshot_as_of: datetime | None = None,
    pending_count: int | None = None,
    pending_sum_cents: int | None = None,
) -> None:
    """Remember when a device was heard of and what it told; the last one wins, a failure is nobody's concern."""
    told = {
        "snapshot_as_of": snapshot_as_of, "pending_count": pending_count, "pending_sum_cents": pending_sum_cents,
    }  # fmt: skip
    values = {"last_contact_at": now} | {name: value for name, value in told.items() if value is not None}
    contact = DeviceContact(device_id=device_id, **values)
    _without_fail(
        lambda: DeviceContact.objects.bulk_create(
            [contact], update_conflicts=True, unique_fields=["device"], update_fields=list(values)
        )
    )


def _without_fail(write: Callable[[], object]) -> None:
    """Write a courtesy in a transaction of its own; the request goes on without it."""
    try:
        with transaction.atomic():
            write()
    except DatabaseError:
        logger.warning("a contact could not be recorded", exc_info=True)


# Policies


def policy_of(branch: Branch) -> TillPolicy:
    """Give the till policy of a branch's parameter set as it was first read for it, or the defaults (G.13)."""
    try:
        return branch.parameter_set.till_policy
    except TillPolicy.DoesNotExist:
        return TillPolicy(parameter_set=branch.parameter_set)


def limits_of(policy: TillPolicy) -> dict[str, object]:
    """Build the `limits` that a till is told."""
    return protocol.limits(
        max_receipt_cents=policy.max_receipt_cents,
        max_pending_cents=policy.max_pending_cents,
        warn_age_hours=policy.warn_age_hours,
        stop_age_hours=policy.stop_age_hours,
        blind_close=policy.parameter_set.blind_closing,
    )
