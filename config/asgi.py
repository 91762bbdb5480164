"""ASGI entry point; it refuses to serve with half a configuration."""

import os

from django.core.asgi import get_asgi_application

from config.checks import refuse_half_configured_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_asgi_application()
refuse_half_configured_start()
