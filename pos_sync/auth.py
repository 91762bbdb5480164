"""Who asks: `Authorization: Device <token>`, what the device's state allows, and how often (contract, "Device states").

Pushing is open to every known device: money at a till is never refused. Pulling is for the one in use.
"""

from typing import ClassVar

from django.http import HttpRequest
from django.utils import timezone
from ninja.security.base import AuthBase

from pos_sync import rate_limits
from pos_sync.http import Refusal
from pos_sync.models import Device, DeviceState
from pos_sync.rate_limits import Allowance
from pos_sync.services.devices import find_device


class DeviceToken(AuthBase):
    """A known token, within its allowance."""

    openapi_type: str = "http"
    openapi_scheme: str = "Device"
    openapi_description: str = "`Authorization: Device <token>`, the token that pairing gave."
    allowance: ClassVar[Allowance]

    def __call__(self, request: HttpRequest) -> Device:
        """Give the device that asks; raises Refusal unknown_token, RateLimited, and what the state forbids."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        device = None
        if scheme.lower() == "device" and token.strip():
            device = find_device(token=token.strip(), now=timezone.now())
        if device is None:
            raise Refusal("unknown_token", headers={"WWW-Authenticate": "Device"})
        rate_limits.take(self.allowance, key=str(device.pk))
        self.check_state(device)
        return device

    def check_state(self, device: Device) -> None:
        """Accept every state."""


class PushToken(DeviceToken):
    """Delivering, and asking what became of it: allowed in every state."""

    allowance = rate_limits.PUSH


class PullToken(DeviceToken):
    """Downloading: allowed to the device in use; a revoked one is told to wipe its copy."""

    allowance = rate_limits.PULL

    def check_state(self, device: Device) -> None:
        """Raise Refusal device_suspended, device_revoked or device_replaced."""
        if device.state == DeviceState.REVOKED:
            raise Refusal("device_revoked", wipe="snapshot")
        if device.state != DeviceState.ACTIVE:
            raise Refusal(f"device_{device.state}")
