"""Every test of the tills' door begins with full buckets, closed breakers and no broker."""

from uuid import uuid4

import pytest
from django.core.cache.backends.locmem import LocMemCache

from pos_sync import doorbell, rate_limits


@pytest.fixture(autouse=True)
def fresh_neighbours(request, monkeypatch, settings):
    """Leave tests marked `services` with their real Redis."""
    monkeypatch.setattr(rate_limits, "cache", LocMemCache(uuid4().hex, {}))
    rate_limits.cache_breaker.close()
    doorbell.broker_breaker.close()
    if not request.node.get_closest_marker("services"):
        settings.REDIS_URL = ""
