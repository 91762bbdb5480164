"""Pushing goes on whatever the cache does: a Redis that is dead, or one that accepts and never answers."""

import socket
import threading

import pytest
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

from pos_sync import rate_limits
from pos_sync.rate_limits import Allowance
from tests.pos_sync.door import Till, operation

pytestmark = pytest.mark.django_db

IMPATIENT = {"OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "retry": Retry(NoBackoff(), 0)}}
"""As config.settings has it."""


@pytest.fixture
def silent_redis():
    """A port that takes every connection and says nothing, for ever."""
    listening = socket.create_server(("127.0.0.1", 0))
    taken, is_over = [], threading.Event()

    def take():
        listening.settimeout(0.1)
        while not is_over.is_set():
            try:
                taken.append(listening.accept()[0])
            except TimeoutError:
                continue

    thread = threading.Thread(target=take)
    thread.start()
    yield listening.getsockname()[1], taken
    is_over.set()
    thread.join()
    for each in [*taken, listening]:
        each.close()


@pytest.fixture
def dead_redis():
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def lean_on(port, monkeypatch):
    monkeypatch.setattr(rate_limits, "cache", RedisCache(f"redis://127.0.0.1:{port}/0", IMPATIENT))
    monkeypatch.setattr("pos_sync.auth.PushToken.allowance", Allowance("push", per_minute=1, burst=1))


def test_a_silent_redis_stops_no_push_and_is_asked_once(silent_redis, monkeypatch):
    till = Till()
    port, taken = silent_redis
    lean_on(port, monkeypatch)
    for number in range(1, 6):
        assert till.push(operation(f"op-{number}", number)).status_code == 200
    assert len(taken) == 1
    assert rate_limits.cache_breaker.is_resting


def test_a_dead_redis_stops_no_push(dead_redis, monkeypatch):
    till = Till()
    lean_on(dead_redis, monkeypatch)
    results = [till.results(operation(f"op-{number}", number))[0]["custody"] for number in range(1, 6)]
    assert results == ["stored"] * 5


def test_the_allowance_counts_again_once_the_cache_answers(dead_redis, monkeypatch):
    till = Till()
    with monkeypatch.context() as leaning:
        leaning.setattr(rate_limits, "cache", RedisCache(f"redis://127.0.0.1:{dead_redis}/0", IMPATIENT))
        assert till.push().status_code == 200
    rate_limits.cache_breaker.close()
    monkeypatch.setattr("pos_sync.auth.PushToken.allowance", Allowance("push", per_minute=1, burst=1))
    assert [till.push().status_code for _try in range(2)] == [200, 429]
