"""The second factor: a code from the person's phone, and recovery codes; enrolled, asked for, removed (G.19).

Secrets and throttling are django-otp's; recovery codes are kept as keyed hashes and are good for one use each.
"""

import secrets
from base64 import b32encode
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp import verify_token
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from receivables.domain.errors import CodeTooSoon, FactorAlreadyThere, FactorMissing, WrongCode
from receivables.domain.reversal import checked_reason
from receivables.models import AccessChange, AccessEvent, Actor
from receivables.models.audited import signed_by

RECOVERY_CODES = 10
_HASH_CHARACTERS = 16  # all that django-otp's column holds: 64 bits, keyed with SECRET_KEY
_RECOVERY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_RECOVERY_LENGTH = 10


def has_factor(user: Any) -> bool:
    """Say whether a person's logins ask for a code."""
    return TOTPDevice.objects.filter(user=user.pk, confirmed=True).exists()


def must_enrol(user: Any) -> bool:
    """Say whether a person may do nothing before he has a second factor: SECOND_FACTOR_GROUPS, and administrators."""
    groups = settings.SECOND_FACTOR_GROUPS
    if not groups or has_factor(user):
        return False
    return user.is_superuser or user.groups.filter(name__in=groups).exists()


@transaction.atomic
def begin_enrolment(*, user: Any) -> TOTPDevice:
    """Give the device that waits for its first code, with a new secret each time; raises FactorAlreadyThere."""
    _locked(user.pk)
    _refuse_second(user)
    TOTPDevice.objects.filter(user=user.pk, confirmed=False).delete()
    return TOTPDevice.objects.create(user_id=user.pk, name="totp", confirmed=False)


def waiting_device(user: Any) -> TOTPDevice | None:
    """Give the device that was begun and not confirmed yet."""
    return TOTPDevice.objects.filter(user=user.pk, confirmed=False).first()


def confirm_enrolment(*, user: Any, code: str, by: Actor) -> tuple[TOTPDevice, list[str]]:
    """Take the waiting device into use by its first code; give it and the recovery codes, told only now.

    Raises FactorMissing without a waiting device, FactorAlreadyThere, WrongCode or CodeTooSoon.
    """
    device = waiting_device(user)
    if device is None:
        raise FactorMissing(person=user.get_username())
    _try(user, device, _digits(code))
    with transaction.atomic():
        _locked(user.pk)
        _refuse_second(user)
        TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
        device.refresh_from_db()
        codes = _new_codes(user)
        _tell(user, AccessChange.FACTOR_ENROLLED, by=by)
    return device, codes


def check_code(*, user: Any, code: str, by: Actor) -> TOTPDevice:
    """Accept a code of the person's phone or a recovery code, once; give the device that vouches for him.

    Raises WrongCode, CodeTooSoon after wrong ones (1, 2, 4, 8… s), or FactorMissing.
    """
    device = TOTPDevice.objects.filter(user=user.pk, confirmed=True).first()
    if device is None:
        raise FactorMissing(person=user.get_username())
    digits = _digits(code)
    if digits.isdigit() and len(digits) == device.digits:
        _try(user, device, digits)
    else:
        spare = StaticDevice.objects.filter(user=user.pk, confirmed=True).first()
        if spare is None:
            raise WrongCode
        _try(user, spare, _hashed(code))
        _tell(user, AccessChange.RECOVERY_CODE_USED, by=by, details=str(spare.token_set.count()))
    return device


def codes_left(user: Any) -> int:
    """Count the recovery codes that were not used yet."""
    device = StaticDevice.objects.filter(user=user.pk).first()
    return device.token_set.count() if device else 0


@transaction.atomic
def renew_codes(*, user: Any, by: Actor) -> list[str]:
    """Give ten new recovery codes, told only now; the former ones are good no more. The edge asks for a code first."""
    codes = _new_codes(user)
    _tell(user, AccessChange.CODES_RENEWED, by=by)
    return codes


@transaction.atomic
def remove_own_factor(*, user: Any, by: Actor) -> None:
    """Remove a person's second factor at his own wish; the edge asks for a code first. Raises FactorMissing."""
    _remove(user, by=by)


@transaction.atomic
def remove_factor(*, user_id: int, reason: str, by: Actor) -> Any:
    """Remove the second factor of somebody who lost his phone, with a reason (G.18, G.19); give the person.

    Raises ReasonTooShort, ReasonTooLong or FactorMissing.
    """
    reason = checked_reason(reason)
    user = _locked(user_id)
    _remove(user, by=by, reason=reason)
    return user


def _remove(user: Any, *, by: Actor, reason: str = "") -> None:
    devices, _each = TOTPDevice.objects.filter(user=user.pk).delete()
    StaticDevice.objects.filter(user=user.pk).delete()
    if not devices:
        raise FactorMissing(person=user.get_username())
    _tell(user, AccessChange.FACTOR_REMOVED, by=by, reason=reason)


def _try(user: Any, device: Any, token: str) -> None:
    """Verify a token under the device's lock; a wrong one is written down, so nothing may be undone around this."""
    allowed, facts = device.verify_is_allowed()
    if not allowed:
        left = (facts["locked_until"] - timezone.now()).total_seconds()
        raise CodeTooSoon(seconds=max(1, round(left)))
    if verify_token(user, device.persistent_id, token) is None:
        raise WrongCode


def _locked(user_id: int) -> Any:
    return get_user_model().objects.select_for_update().get(pk=user_id)


def _refuse_second(user: Any) -> None:
    if has_factor(user):
        raise FactorAlreadyThere(person=user.get_username())


def _new_codes(user: Any) -> list[str]:
    StaticDevice.objects.filter(user=user.pk).delete()
    device = StaticDevice.objects.create(user_id=user.pk, name="recovery")
    codes = [_random_code() for _each in range(RECOVERY_CODES)]
    device.token_set.bulk_create(device.token_set.model(device=device, token=_hashed(code)) for code in codes)
    return codes


def _random_code() -> str:
    text = "".join(secrets.choice(_RECOVERY_ALPHABET) for _each in range(_RECOVERY_LENGTH))
    return f"{text[:5]}-{text[5:]}"


def _hashed(code: str) -> str:
    plain = "".join(character for character in code.lower() if character.isalnum())
    return salted_hmac("quita.recovery_code", plain, algorithm="sha256").hexdigest()[:_HASH_CHARACTERS]


def _digits(code: str) -> str:
    return "".join(code.split())


def _tell(user: Any, kind: AccessChange, *, by: Actor, details: str = "", reason: str = "") -> None:
    AccessEvent.objects.create(person_id=user.pk, kind=kind, details=details, reason=reason, **signed_by(by))


def secret_in_groups(device: TOTPDevice) -> str:
    """Write a device's secret as people type it: groups of four."""
    text = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))
