"""A person's phone in the tests: the codes that it shows, and how it is enrolled."""

from typing import Any

from django_otp.oath import totp

from receivables.models import Actor
from receivables.services.second_factor import begin_enrolment, confirm_enrolment


def shown_by(device: Any, *, later: int = 0) -> str:
    """Give the code that the phone shows now, or `later` steps of 30 seconds later."""
    return f"{totp(device.bin_key, drift=later):06d}"


def enrol(user: Any) -> tuple[Any, list[str]]:
    """Enrol a phone; give the device and the recovery codes. The code of now is spent by it: `later=1` is the next."""
    device = begin_enrolment(user=user)
    return confirm_enrolment(user=user, code=shown_by(device), by=Actor.person(user))
