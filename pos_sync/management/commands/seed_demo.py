"""`manage.py seed_demo`: lifelike data to try everything with, once; what it made is printed."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from pos_sync import demo_till
from pos_sync.demo import ForeignTitles, seed

MOST_TITLES = 5_000_000


class Command(BaseCommand):
    help = "Make the demonstration's data. Run again, it adds nothing and prints the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--titles", type=_title_count, default=0, help="add plain titles up to this many in all")
        parser.add_argument("--divergences", action="store_true", help="add a till whose receipts people must look at")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *_args: Any, titles: int, divergences: bool, as_json: bool, **_options: Any) -> None:
        """Seed as of today and print what there is."""
        try:
            made = seed(today=timezone.localdate(), upto=titles)
        except ForeignTitles as refusal:
            raise CommandError(refusal.explain(translate=_)) from refusal
        if divergences:
            demo_till.tell(today=timezone.localdate())
        if not settings.DEBUG:
            self.stderr.write(_("Anyone can look up the passwords of these logins: change them before real use."))
        self.stdout.write(json.dumps(made, ensure_ascii=False) if as_json else as_text(made))


def _title_count(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_TITLES:
        raise ArgumentTypeError(f"a whole number up to {MOST_TITLES}")
    return int(text)


def as_text(made: dict[str, Any]) -> str:
    """Give what was made as a person reads it."""
    lines = [_("Branches")]
    lines += [f"  {branch['code']}  {branch['name']}" for branch in made["branches"]]
    lines.append(_("Logins"))
    lines += [f"  {login['group']:<11} {login['user']} / {login['password']}" for login in made["logins"]]
    lines.append(_("Till operators"))
    lines += [
        f"  {operator['branch']}  {operator['code']} {operator['name']}: {operator['pin']}"
        for operator in made["operators"]
    ]
    lines.append(_("Titles: %(count)d") % {"count": made["titles"]})
    return "\n".join(lines)
