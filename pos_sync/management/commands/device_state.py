"""Suspend, revoke or activate a till device, as the back office does; the rules are in `services/devices`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pos_sync.services.devices import change_device_state
from receivables.admin.explain import explain
from receivables.domain.errors import RuleBroken
from receivables.models import SYSTEM


class Command(BaseCommand):
    """`device_state DEVICE_ID suspended|revoked|active --reason …`."""

    help = "Suspend, revoke or activate a till device."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask for the device, the state and the reason."""
        parser.add_argument("device_id", help="the device_id that pairing gave")
        parser.add_argument("state", choices=["suspended", "revoked", "active"])
        parser.add_argument("--reason", required=True, help="kept in the device's history")

    def handle(self, *, device_id: str, state: str, reason: str, **_options: Any) -> None:
        """Change the state and print it, or the rule that forbids it."""
        try:
            device = change_device_state(device_id=device_id, state=state, reason=reason, by=SYSTEM)
        except RuleBroken as rule:
            raise CommandError(f"{rule.code}: {explain(rule)}") from rule
        self.stdout.write(f"{device} · {device.get_state_display()}")
