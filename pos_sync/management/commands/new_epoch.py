"""Begin a new epoch after the database was put back: every till takes a new snapshot and resends."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from pos_sync.services.epochs import begin
from receivables.models import Actor


class Command(BaseCommand):
    help = "Begin a new epoch, after the database was restored from a backup: tills take a snapshot and resend."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", default="", help="why, for the history of the devices")

    def handle(self, *, reason: str, **_options: Any) -> None:
        by = Actor(name="manage.py", channel="system")
        number = begin(because=reason or _("The database was restored."), by=by, now=timezone.now())
        self.stdout.write(_("Epoch %(number)s has begun.") % {"number": number})
