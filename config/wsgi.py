"""WSGI entry point; it refuses to serve with half a configuration."""

import os

from django.core.wsgi import get_wsgi_application

from config.checks import refuse_half_configured_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
refuse_half_configured_start()
