"""Import what a till that cannot connect any more exported to a file, as the back office does."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from pos_sync.models import Device
from pos_sync.services.till_file import import_operations, read_till_file
from pos_sync.words import told_of
from receivables.admin.explain import explain
from receivables.domain.errors import RuleBroken
from receivables.models import Actor


class Command(BaseCommand):
    """`import_operations FILE [--dry-run]`."""

    help = "Import the operations that a till exported to a file; what is here already is told as a duplicate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask for the file."""
        parser.add_argument("file", type=Path, help="the JSON file that the till exported")
        parser.add_argument("--dry-run", action="store_true", help="store nothing, only say what would be")

    def handle(self, *, file: Path, dry_run: bool, **_options: Any) -> None:
        """Import the file and print one line for each operation, or the rule that forbids it."""
        try:
            results = import_operations(
                file=read_till_file(file.read_bytes(), name=file.name), devices=Device.objects.all(),
                by=Actor(name="import_operations", channel="import"), now=timezone.now(), is_rehearsal=dry_run,
            )  # fmt: skip
        except OSError as missing:
            raise CommandError(str(missing)) from missing
        except RuleBroken as rule:
            raise CommandError(f"{rule.code}: {explain(rule)}") from rule
        for result in results:
            self.stdout.write(" · ".join(filter(None, told_of(result))))
        if dry_run:
            self.stdout.write(_("Nothing was stored: this was a rehearsal."))
