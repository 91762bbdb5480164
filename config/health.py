"""What `/health` answers: database, broker, waiting operations, migrations; it reads and never repairs.

A monitor alarms on 503. A load balancer asks `/api/pos/v1/ping`: tills may still deliver while the broker is down.
"""

from datetime import datetime

import redis
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

BROKER_TIMEOUT_SECONDS = 2
OLDEST_PENDING_LIMIT_SECONDS = 300


@never_cache
@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Report on every part; 503 when one of them needs a person."""
    report = read_health(now=timezone.now())
    return JsonResponse(report, status=200 if report["status"] == "ok" else 503)


def read_health(*, now: datetime) -> dict[str, str | int | None]:
    """Return the report; ages in whole seconds at `now`."""
    broker, database = broker_state(), "ok"
    migrations: int | None = None
    oldest: int | None = None
    try:
        migrations = unapplied_migrations()
        oldest = None if migrations else oldest_pending_seconds(now=now)
    except DatabaseError:
        database = "down"
    is_well = database == "ok" and broker != "down" and not migrations and (oldest or 0) <= OLDEST_PENDING_LIMIT_SECONDS
    return {
        "status": "ok" if is_well else "failing",
        "database": database,
        "broker": broker,
        "oldest_pending_seconds": oldest,
        "unapplied_migrations": migrations,
    }


def broker_state() -> str:
    """Return `ok`, `down`, or `absent` where tasks run in the process that asks for them."""
    if not settings.REDIS_URL:
        return "absent"
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=BROKER_TIMEOUT_SECONDS,
        socket_connect_timeout=BROKER_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    except redis.RedisError:
        return "down"
    finally:
        client.close()
    return "ok"


def unapplied_migrations() -> int:
    """Count the migrations that this code has and the database has not."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def oldest_pending_seconds(*, now: datetime) -> int | None:
    """Return the age of the oldest operation that waits for the worker, None when none waits."""
    operations = apps.get_model("pos_sync", "Operation")._default_manager
    oldest = operations.filter(state="pending").aggregate(at=Min("received_at"))["at"]
    return None if oldest is None else max(0, int((now - oldest).total_seconds()))
