"""How often a device may ask (contract, "Conventions"): token buckets in the cache, which open when the cache is down.

The buckets are exact inside one process; processes that share a cache may let a few requests more pass.
"""

import logging
import math
import time
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

from django.core.cache import cache

from pos_sync.breaker import Breaker

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Allowance:
    """A bucket of `burst` requests that is refilled with `per_minute` requests a minute."""

    name: str
    per_minute: int
    burst: int

    @property
    def interval(self) -> float:
        """Give the seconds that refill one request."""
        return 60 / self.per_minute


PULL = Allowance("pull", per_minute=600, burst=200)
PUSH = Allowance("push", per_minute=1200, burst=400)
FAILED_PAIRING = Allowance("failed_pairing", per_minute=20, burst=20)

LONGEST_LOCK_WAIT_SECONDS = 0.1
_lock = Lock()
cache_breaker = Breaker(seconds=30)


class RateLimited(Exception):
    """The bucket is empty; `retry_after` whole seconds refill one request."""

    code = "rate_limited"

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(self.code)
        self.retry_after = retry_after


def take(allowance: Allowance, *, key: str) -> None:
    """Take one request out of the bucket of `key`; raises RateLimited when it is empty (contract, "Rate").

    A cache that fails, or is too slow, lets everything pass and is left alone for half a minute.
    """
    if cache_breaker.is_resting or not _lock.acquire(timeout=LONGEST_LOCK_WAIT_SECONDS):
        return
    try:
        if not cache_breaker.is_resting:
            _take(allowance, key=f"rate:{allowance.name}:{sha256(key.encode()).hexdigest()[:32]}")
    except RateLimited:
        raise
    except Exception as failure:  # noqa: BLE001 - whatever the cache does, tills are served
        cache_breaker.trip()
        logger.warning("rate limits are open: the cache failed (%s)", type(failure).__name__)
    finally:
        _lock.release()


def _take(allowance: Allowance, *, key: str) -> None:
    """Generic cell rate: the cache keeps the instant at which the bucket would be full again."""
    now = time.time()
    whole = allowance.burst * allowance.interval
    full_at = min(max(cache.get(key) or now, now), now + whole) + allowance.interval
    wait = full_at - now - whole
    if wait > 1e-6:
        raise RateLimited(retry_after=max(1, math.ceil(wait)))
    cache.set(key, full_at, timeout=math.ceil(whole) + 1)
