"""The project as an app of its own, so that its system checks are registered."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Register the checks of `config/checks.py`."""

    name = "config"

    def ready(self) -> None:
        """Import the checks: importing registers them."""
        from config import checks  # noqa: F401
