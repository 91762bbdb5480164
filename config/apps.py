"""The project as an app of its own, so that its system checks are registered; and the admin with our own site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ProjectConfig(AppConfig):
    """Register the checks of `config/checks.py`."""

    name = "config"

    def ready(self) -> None:
        """Import the checks: importing registers them."""
        from config import checks  # noqa: F401


class BackOfficeConfig(AdminConfig):
    """Django's admin, whose default site is ours."""

    default_site = "receivables.site.BackOffice"
