"""Apply what waits in the inbox: once, or again and again where no worker runs; applying is in `services/ingestion`."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from pos_sync.services.epochs import begin_if_restored
from pos_sync.services.ingestion import apply_pending
from pos_sync.services.quarantine import retry_readable

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """`apply_pending [--watch] [--interval SECONDS]`: the sweeper without a beat."""

    help = "Apply the operations of tills that wait."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask whether to go on."""
        parser.add_argument("--watch", action="store_true", help="go on until interrupted")
        parser.add_argument("--interval", type=float, default=2.0, help="seconds between rounds with --watch")

    def handle(self, *, watch: bool, interval: float, **_options: Any) -> None:
        """Read what an older version could not, then apply once and print how many were decided, or go on."""
        retry_readable(now=timezone.now())
        if not watch:
            self.stdout.write(str(_sweep()))
            return
        try:
            while True:
                self._round()
                time.sleep(max(interval, 0.1))
        except KeyboardInterrupt:
            return

    def _round(self) -> None:
        """Sweep; what fails is logged and waits for the next round."""
        close_old_connections()
        try:
            decided = _sweep()
        except Exception:
            logger.exception("the round failed; the next one tries again")
            return
        if decided:
            self.stdout.write(str(decided))


def _sweep() -> int:
    begin_if_restored(now=timezone.now())
    return apply_pending(now=timezone.now())
