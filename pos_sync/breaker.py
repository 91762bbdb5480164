"""When a neighbour fails, it is left alone for a while: the doorbell and the rate limits must never delay a till."""

import time
from collections.abc import Callable


class Breaker:
    """Rests for `seconds` after each failure; while it rests nobody asks the neighbour."""

    def __init__(self, *, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._monotonic = seconds, monotonic
        self._until = float("-inf")

    @property
    def is_resting(self) -> bool:
        """Say whether the last failure is too fresh to ask again."""
        return self._monotonic() < self._until

    def trip(self) -> None:
        """Begin to rest: the neighbour has just failed."""
        self._until = self._monotonic() + self._seconds

    def close(self) -> None:
        """Ask again at once."""
        self._until = float("-inf")
