"""The till synchronisation app: its name, and what it adds to the ledger's lists of checks, questions, permissions."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PosSyncConfig(AppConfig):
    """Register the tills' door under its name in the back office."""

    name = "pos_sync"
    verbose_name = _("Tills (POS)")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the tills' checks, questions, words and permissions to those of the ledger (G.19)."""
        from pos_sync import words
        from pos_sync.books import CHECKS as OURS
        from pos_sync.reports import QUESTIONS, at_till
        from pos_sync.services import divergences, feed
        from pos_sync.triggers import feed_triggers
        from receivables.books import CHECKS
        from receivables.figures.receipt import STATIONS
        from receivables.models import divergence, triggers
        from receivables.reports import WAITING
        from receivables.services import groups
        from receivables.services.divergence import FOLLOWERS

        CHECKS.extend(OURS)
        WAITING.extend(QUESTIONS)
        STATIONS.append(at_till)
        divergence.REASONS.update(words.REASONS | words.QUESTIONS)
        FOLLOWERS.append(divergences.FOLLOWER)
        groups.GRANTS[groups.GERENCIA] |= {
            "pos_sync.manage_devices",
            "pos_sync.approve_quarantined_operations",
            *(f"pos_sync.{verb}_{noun}" for verb in ("add", "change") for noun in ("tillpolicy", "tilloperator")),
        }
        triggers.SOURCES.append(feed_triggers)
        post_migrate.connect(groups.sync, sender=self, dispatch_uid="quita_groups_sync_tills")
        post_migrate.connect(
            feed.forget_what_was_not_written, sender=self, dispatch_uid="quita_feed_forgets_what_was_not_written"
        )
