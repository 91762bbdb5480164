"""The Celery app and the beat schedule, which is this one table; what a task does lives with its app."""

import logging.config
import os
import time
from threading import Thread
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_embedded_init, beat_init, setup_logging, worker_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

BEAT_SCHEDULE = {
    # The guarantee behind the doorbell: what a lost message left behind is found here.
    "sweep-pending-operations": {"task": "pos_sync.tasks.sweep", "schedule": 30.0, "options": {"expires": 30}},
    # Ready before the tills' day begins; a missed round is caught up by the next (H6).
    "daily-sync": {"task": "pos_sync.tasks.daily_sync", "schedule": 300.0, "options": {"expires": 300}},
    # Tombstones live 90 days; before the tills' day begins.
    "purge-changes": {"task": "pos_sync.tasks.purge_changes", "schedule": crontab(hour=3, minute=40)},
}

broker.install()
app = Celery("quita")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = BEAT_SCHEDULE
app.autodiscover_tasks()


@setup_logging.connect
def use_project_logging(**_signal: Any) -> None:
    """Log like the web process: same lines, same scrubbing."""
    logging.config.dictConfig(settings.LOGGING)


@worker_init.connect
@beat_init.connect
def refuse_half_configured_worker(**_signal: Any) -> None:
    """Stop a worker or a beat whose settings are neither a demonstration nor a production.

    Celery logs the exceptions of its signals and goes on; only an exit stops it.
    """
    from config.checks import refuse_half_configured_start

    try:
        refuse_half_configured_start()
    except ImproperlyConfigured as refusal:
        raise SystemExit(str(refusal)) from refusal


@worker_init.connect
def remember_the_worker(**_signal: Any) -> None:
    """Leave its number to the beat that it may fork: killed soon enough, it is not the beat's parent any more."""
    app.worker_pid = os.getpid()


@beat_embedded_init.connect
def end_with_the_worker(**_signal: Any) -> None:
    """Let a beat inside a worker end when the worker is killed: an orphan would beat beside its successor."""
    Thread(target=_outlive_nobody, args=[app.worker_pid], daemon=True).start()


def _outlive_nobody(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)
