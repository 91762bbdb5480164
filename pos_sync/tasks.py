"""When operations are applied: at the doorbell and in the sweep; what applying means is in `services/ingestion`."""

from celery import shared_task
from django.utils import timezone

from pos_sync.services.ingestion import apply_pending


@shared_task(ignore_result=True)
def ingest_operations(device_id: int) -> None:
    """Apply what waits of one device."""
    apply_pending(device_id, now=timezone.now())


@shared_task(ignore_result=True)
def sweep() -> None:
    """Apply what waits of all devices: the guarantee behind every lost message."""
    apply_pending(now=timezone.now())
