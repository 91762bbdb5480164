"""The till synchronisation app: names only; rules live in `protocol`, `decide` and `services`."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PosSyncConfig(AppConfig):
    """Register the tills' door under its name in the back office."""

    name = "pos_sync"
    verbose_name = _("Till synchronisation")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the tills' checks to those of the books."""
        from pos_sync.books import CHECKS as OURS
        from receivables.books import CHECKS

        CHECKS.extend(OURS)
