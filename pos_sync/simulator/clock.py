"""The till's clock, set by the server's, and the ids that are made from it. São Paulo has had one offset since 2019."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from uuid import UUID

SAO_PAULO = timezone(timedelta(hours=-3))


def system_now() -> datetime:
    return datetime.now(UTC)


class TillClock:
    """Tells São Paulo time, never backwards, corrected by what the server said."""

    def __init__(self, *, now: Callable[[], datetime] = system_now) -> None:
        self._now = now
        self._offset = timedelta(0)
        self._last = datetime.min.replace(tzinfo=UTC)

    def set_by(self, server_time: datetime) -> None:
        self._offset = server_time - self._now()

    def not_before(self, instant: datetime) -> None:
        self._last = max(self._last, instant)

    def now(self) -> datetime:
        self._last = max(self._last, self._now() + self._offset)
        return self._last.astimezone(SAO_PAULO)


def uuid7(*, at: datetime, rng: Random) -> str:
    """Return a UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then random bits."""
    milliseconds = int(at.timestamp() * 1000) & (2**48 - 1)
    value = milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    return str(UUID(int=value))
