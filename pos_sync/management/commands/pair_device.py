"""Make the code that pairs a till, as the back office does; the rules are in `services/pairing`."""

import json
from io import StringIO
from typing import Any

import segno
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from pos_sync.services.pairing import make_pairing_code
from receivables.admin.explain import explain
from receivables.domain.errors import RuleBroken
from receivables.models import SYSTEM


class Command(BaseCommand):
    """`pair_device --branch CODE --till 03 [--json]`: the code is shown this once."""

    help = "Make a pairing code for a till, valid for ten minutes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the branch and the till."""
        parser.add_argument("--branch", required=True, help="code of the branch")
        parser.add_argument("--till", required=True, help="number of the till, like 03")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *, branch: str, till: str, json: bool, **_options: Any) -> None:
        """Print the code, or the rule that forbids it."""
        try:
            fresh = make_pairing_code(branch_code=branch, till=till, by=SYSTEM, now=timezone.now())
        except RuleBroken as rule:
            raise CommandError(f"{rule.code}: {explain(rule)}") from rule
        if json:
            self.stdout.write(_as_json(fresh.code, fresh.expires_at.isoformat(), fresh.branch.code, fresh.till))
            return
        until = timezone.localtime(fresh.expires_at)
        self.stdout.write(f"{fresh.branch} · {fresh.till}\n{fresh.code}\n{until:%d/%m/%Y %H:%M:%S}\n")
        drawing = StringIO()
        segno.make(fresh.code).terminal(drawing, compact=True)
        self.stdout.write(drawing.getvalue())


def _as_json(code: str, expires_at: str, branch: str, till: str) -> str:
    return json.dumps({"code": code, "expires_at": expires_at, "branch": branch, "till": till})
