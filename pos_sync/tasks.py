"""When operations are applied, snapshots prepared, old changes forgotten; what that means is in `services`."""

from functools import cache

from celery import shared_task
from django.utils import timezone

from pos_sync.services import daily_sync as daily
from pos_sync.services import epochs, feed
from pos_sync.services.ingestion import apply_pending
from pos_sync.services.quarantine import retry_readable


@shared_task(ignore_result=True)
def ingest_operations(device_id: int) -> None:
    """Apply what waits of one device."""
    apply_pending(device_id, now=timezone.now())


@shared_task(ignore_result=True)
def sweep() -> None:
    """Apply what waits of all devices: the guarantee behind every lost message; and look for a restore."""
    retry_once()
    epochs.begin_if_restored(now=timezone.now())
    apply_pending(now=timezone.now())


@cache
def retry_once() -> None:
    """Look once in each process, thus after every upgrade, at what an older version could not read."""
    retry_readable(now=timezone.now())


@shared_task(ignore_result=True)
def purge_changes() -> None:
    """Forget the changes that no till may ask for any more."""
    feed.purge(now=timezone.now())


@shared_task(ignore_result=True)
def daily_sync() -> None:
    """Prepare the snapshots that today lacks: asked often, done once a branch and day, caught up when missed."""
    daily.prepare_all(now=timezone.now())
