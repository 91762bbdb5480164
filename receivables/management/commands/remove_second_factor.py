"""`manage.py remove_second_factor`: for the last manager who lost his phone and his recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from receivables.domain.errors import RuleBroken
from receivables.models import SYSTEM
from receivables.services.second_factor import remove_factor


class Command(BaseCommand):
    help = "Remove a person's second factor, with a reason that the changes of access keep."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--reason", required=True, help="15 to 500 characters")

    def handle(self, *_args: Any, username: str, reason: str, **_options: Any) -> None:
        """Remove it and say so."""
        person = get_user_model().objects.filter(username=username).first()
        if person is None:
            raise CommandError(_("There is no user “%(username)s”.") % {"username": username})
        try:
            remove_factor(user_id=person.pk, reason=reason, by=SYSTEM)
        except RuleBroken as broken:
            raise CommandError(broken.explain(translate=_)) from broken
        self.stdout.write(_("%(person)s logs in with the password alone now.") % {"person": username})
