"""Run every registered check of the books and tell what does not hold; which checks there are is said in `books`."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from receivables.books import Check, Violation, ordered_checks

SHOWN_OF_EACH = 20


class Command(BaseCommand):
    """`check_books`: exit 0 when the books are clean, 1 when anything is violated."""

    help = "Check that the books add up; exits with 1 and names every violation when they do not."
    # A damaged database is what this is for: no other check stands in its way.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Offer the report as JSON."""
        parser.add_argument("--json", action="store_true", help='Print {"violations": [{"number", "message", "ids"}]}')

    def handle(self, **options: Any) -> None:
        """Run the checks, print the report and exit."""
        with _without_time_limit():
            violations = self._as_json() if options["json"] else self._as_text()
        if violations:
            sys.exit(1)

    def _as_json(self) -> int:
        violations = [asdict(violation) for check in ordered_checks() for violation in check.find()]
        self.stdout.write(json.dumps({"violations": violations}, ensure_ascii=False))
        return len(violations)

    def _as_text(self) -> int:
        total = sum(self._tell(check) for check in ordered_checks())
        self.stdout.write("")
        if total:
            self.stdout.write(self.style.ERROR(_violations(total)))
        else:
            self.stdout.write(self.style.SUCCESS(_("The books are clean.")))
        return total

    def _tell(self, check: Check) -> int:
        started = time.monotonic()
        found = list(check.find())
        verdict = self.style.ERROR(_violations(len(found))) if found else self.style.SUCCESS(_("holds"))
        self.stdout.write(f"{check.number:<4} {_(check.promise)}: {verdict} ({time.monotonic() - started:.1f} s)")
        for violation in found[:SHOWN_OF_EACH]:
            self.stdout.write(f"       {_line(violation)}")
        if len(found) > SHOWN_OF_EACH:
            self.stdout.write(
                "       " + _("and %(more)s more: --json lists all") % {"more": len(found) - SHOWN_OF_EACH}
            )
        return len(found)


def _violations(count: int) -> str:
    return ngettext("%(count)s violation", "%(count)s violations", count) % {"count": count}


def _line(violation: Violation) -> str:
    ids = ", ".join(f"{noun}={value}" for noun, value in violation.ids.items())
    return f"{violation.message} [{ids}]"


@contextmanager
def _without_time_limit() -> Iterator[None]:
    """Let a statement over the whole ledger take longer than one of a request may."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")
