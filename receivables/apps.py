"""The accounts receivable app: its name, its system checks, and the installers that run around every migrate."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class ReceivablesConfig(AppConfig):
    name = "receivables"
    verbose_name = _("Accounts receivable")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from receivables import checks  # noqa: F401
        from receivables.models import triggers
        from receivables.services import groups

        pre_migrate.connect(triggers.before_migrate, sender=self, dispatch_uid="quita_triggers_drop")
        post_migrate.connect(triggers.install, sender=self, dispatch_uid="quita_triggers_install")
        post_migrate.connect(groups.sync, sender=self, dispatch_uid="quita_groups_sync")
