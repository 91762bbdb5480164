"""WSGI entry point; it refuses to serve with half a configuration, and looks whether the database was restored."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.utils import timezone

from config.checks import refuse_half_configured_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def look_for_a_restore() -> None:
    """Begin the epoch that a restore calls for, and keep no connection: this thread serves nobody."""
    from pos_sync.services.epochs import begin_if_restored

    begin_if_restored(now=timezone.now())
    connections.close_all()


application = get_wsgi_application()
refuse_half_configured_start()
look_for_a_restore()

# What is loaded now stays: looking through it again and again for garbage costs a large answer a tenth of its time.
gc.collect()
gc.freeze()
