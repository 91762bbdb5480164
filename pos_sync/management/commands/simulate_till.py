"""Edge: run a simulated till against a server over HTTP and print what both sides hold to be true."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pos_sync.simulator import run


class Command(BaseCommand):
    """Pair, download, receive offline, upload and compare; exit 0 only when both sides agree."""

    help = "Simulates a till that knows only HTTP and the protocol; exits 1 with a list when the sides disagree."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", required=True, help="the server, for example http://127.0.0.1:8000")
        parser.add_argument("--code", help="pairing code; not needed when the token file exists")
        parser.add_argument("--receipts", type=int, required=True, help="how many receipts to make offline")
        parser.add_argument("--faults", action="store_true", help="lose answers, cut, repeat, reorder and overlap")
        parser.add_argument("--seed", help="the same seed and snapshot give the same customers")
        parser.add_argument("--journal", help="journal of the till; one that was cut short is carried on")
        parser.add_argument("--batch", type=int, default=25, help="operations a batch, at most what the server allows")
        parser.add_argument("--token-file", help="where the pairing is kept, to run again without a code")
        parser.add_argument("--timeout", type=float, default=120.0, help="seconds to wait for decisions at the end")
        parser.add_argument("--patience", type=float, default=120.0, help="seconds to bear a silent server, each call")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the report as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print, and fail by name."""
        asked = ("url", "code", "receipts", "faults", "seed", "journal", "batch", "token_file", "timeout", "patience")
        report = run(**{name: options[name] for name in asked}, say=self._progress)
        if options["as_json"]:
            self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False))
        else:
            self.stdout.write("\n".join(report.lines()))
        if not report.ok:
            raise CommandError(f"{len(report.problems)} problem(s): {'; '.join(report.problems)}")

    def _progress(self, line: str) -> None:
        self.stderr.write(line, ending="\n")
