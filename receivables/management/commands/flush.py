"""Django's flush, which test databases need: the guards of append-only rows are lifted for it and put back."""

from typing import Any

from django.core.management.commands.flush import Command as Flush

from receivables.models import triggers


class Command(Flush):
    def handle(self, **options: Any) -> None:
        triggers.drop()
        try:
            super().handle(**options)
        finally:
            triggers.install()
