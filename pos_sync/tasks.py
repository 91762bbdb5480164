"""When operations are applied, snapshots prepared, old changes forgotten; what that means is in `services`."""

from celery import shared_task
from django.utils import timezone

from pos_sync.services import daily_sync as daily
from pos_sync.services import feed
from pos_sync.services.ingestion import apply_pending


@shared_task(ignore_result=True)
def ingest_operations(device_id: int) -> None:
    """Apply what waits of one device."""
    apply_pending(device_id, now=timezone.now())


@shared_task(ignore_result=True)
def sweep() -> None:
    """Apply what waits of all devices: the guarantee behind every lost message."""
    apply_pending(now=timezone.now())


@shared_task(ignore_result=True)
def purge_changes() -> None:
    """Forget the changes that no till may ask for any more."""
    feed.purge(now=timezone.now())


@shared_task(ignore_result=True)
def daily_sync() -> None:
    """Prepare the snapshots that today lacks: asked often, done once a branch and day, caught up when missed."""
    daily.prepare_all(now=timezone.now())
