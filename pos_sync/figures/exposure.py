"""What is at stake at a till: how old its data are, what it holds, which of its ceilings are passed.

The ceilings are those that the server sends; at the till they stop a receipt before money is taken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pos_sync.models import Device, DeviceContact, DeviceState, TillPolicy


@dataclass(frozen=True, slots=True)
class Exposure:
    """A device's last words of itself beside the policy under which it works, at a moment."""

    contact: DeviceContact | None
    policy: TillPolicy
    now: datetime
    is_in_use: bool = True

    @property
    def last_contact_at(self) -> datetime | None:
        return self.contact.last_contact_at if self.contact else None

    @property
    def silence(self) -> timedelta | None:
        """How long nothing was heard of it; None where nothing ever was."""
        return self.now - self.last_contact_at if self.last_contact_at else None

    @property
    def age(self) -> timedelta | None:
        """How old the receivables are that it works with; None where it never took a whole snapshot."""
        as_of = self.contact.snapshot_as_of if self.contact else None
        return self.now - as_of if as_of else None

    @property
    def pending_count(self) -> int:
        return self.contact.pending_count if self.contact else 0

    @property
    def pending_cents(self) -> int:
        return self.contact.pending_sum_cents if self.contact else 0

    @property
    def must_stop(self) -> bool:
        """Its data are older than the hours after which it takes no money without the server."""
        return self.is_in_use and self._is_older_than(self.policy.stop_age_hours)

    @property
    def is_old(self) -> bool:
        """Its data are older than the hours after which it warns."""
        return self.is_in_use and self._is_older_than(self.policy.warn_age_hours)

    @property
    def holds_too_much(self) -> bool:
        """It holds more than the ceiling of what is pending."""
        return self.pending_cents > self.policy.max_pending_cents

    def _is_older_than(self, hours: int) -> bool:
        return self.age is None or self.age > timedelta(hours=hours)


def exposure_of(device: Device, *, policy: TillPolicy, now: datetime) -> Exposure:
    """Tell the exposure of a device whose contact was read with it."""
    is_in_use = device.state in (DeviceState.ACTIVE, DeviceState.SUSPENDED)
    return Exposure(contact=getattr(device, "contact", None), policy=policy, now=now, is_in_use=is_in_use)
