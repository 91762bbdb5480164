"""The doorbell after a push: it tells a worker which device has operations waiting. The sweeper is the guarantee.

With a broker a thread of its own rings, so that no answer waits for Redis; without one the operations are applied here.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import datetime

from django.conf import settings

from pos_sync.breaker import Breaker

logger = logging.getLogger(__name__)

broker_breaker = Breaker(seconds=30)
_ringer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="doorbell")
_waiting: set[int] = set()


def ring(*, device_id: int, now: datetime) -> None:
    """Have a device's operations applied soon, or at once without a broker; never raises, never waits for a broker."""
    if not settings.REDIS_URL:
        _apply_here(device_id, now)
    elif not broker_breaker.is_resting and device_id not in _waiting:
        _waiting.add(device_id)
        # A process that is ending rings no more: the sweeper's case.
        with suppress(RuntimeError):
            _ringer.submit(copy_context().run, _ring, device_id)


def _apply_here(device_id: int, now: datetime) -> None:
    try:
        from pos_sync.services.ingestion import apply_pending

        apply_pending(device_id, now=now)
    except Exception:
        logger.exception("operations of device %s were stored and wait for the sweeper", device_id)


def _ring(device_id: int) -> None:
    # Forgotten before the message leaves: what is stored from here on rings again.
    _waiting.discard(device_id)
    if broker_breaker.is_resting:
        return
    try:
        from pos_sync.tasks import ingest_operations

        ingest_operations.delay(device_id)
    except Exception as failure:  # noqa: BLE001 - a silent or broken broker is the sweeper's case
        broker_breaker.trip()
        logger.warning("the broker did not take the message (%s): the sweeper will", type(failure).__name__)
