"""`manage.py demo`: the whole project on one machine with nothing but SQLite; stops as one on Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

HOST = "127.0.0.1"

WELCOME = gettext_noop("""
Quita is at          {address}/   (admin: {address}/admin/)
The browser till is  {address}/till/   (operator {operator}, PIN {pin})
The tills' API is at {address}/api/pos/v1/   (described at {address}/api/pos/v1/openapi.json)
Health               {address}/health

Log in as
{logins}

Try
  1. Log in, open “Titles”, choose an overdue one and use “Settle”: interest and fine are worked out for you.
  2. Look at “Cash movements” and at the history of the title; then use “Reverse” on it.
  3. Let a till work offline, in another terminal:
       .venv/bin/python manage.py pair_device --branch {branch} --till 09
       .venv/bin/python manage.py simulate_till --url {address} --code THE-CODE --receipts 20 --faults
  4. Or be the cashier yourself: as Gerência, “Tills (POS)”, “Pair a till”; then receive with the network unplugged.
  5. Ask whether every cent is accounted for:
       .venv/bin/python manage.py check_books

Ctrl-C stops everything; the data stays in db.sqlite3.
""")


class Command(BaseCommand):
    """Migrate, seed, serve and apply, then wait."""

    help = "Migrate, seed and serve a demonstration, with the till operations applied beside it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the port."""
        parser.add_argument("--port", type=int, default=8000, help="TCP port on 127.0.0.1 (default: 8000)")

    def handle(self, *_args: Any, port: int, **_options: Any) -> None:
        """Prepare everything, then serve until Ctrl-C or until one part stops."""
        if not settings.DEBUG:
            raise CommandError(_("The demonstration makes logins with known passwords: it runs only with DEBUG on."))
        refuse_taken_port(port)
        self.stdout.write(_("Preparing db.sqlite3; the first time takes a while."))
        self.stdout.flush()
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write(welcome(seed(), address=f"http://{HOST}:{port}"))
        self.stdout.flush()
        parts = [start(command) for command in commands(port)]
        try:
            wait_for_first(parts)
        except KeyboardInterrupt:
            self.stdout.write(_("Stopping."))
        finally:
            stop(parts)


def refuse_taken_port(port: int) -> None:
    """Raise CommandError when somebody else listens on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = _("Port %(port)s is taken (%(cause)s). Try another: make demo PORT=8010")
            raise CommandError(message % {"port": port, "cause": error.strerror}) from None


def seed() -> dict[str, Any]:
    """Make the demonstration's data, once, and return what there is."""
    out = StringIO()
    call_command("seed_demo", "--json", "--divergences", stdout=out)
    made: dict[str, Any] = json.loads(out.getvalue())
    return made


def welcome(made: dict[str, Any], *, address: str) -> str:
    """Say where everything is, who may log in (one of each group) and what to try."""
    one_per_group = {login["group"]: login for login in reversed(made["logins"])}
    width = max(len(group) for group in one_per_group)
    logins = "\n".join(
        f"  {login['group']:<{width}}  {login['user']} / {login['password']}"
        for login in reversed(list(one_per_group.values()))
    )
    branch = made["branches"][0]["code"]
    cashier = next(operator for operator in made["operators"] if operator["branch"] == branch)
    return _(WELCOME).format(
        address=address, logins=logins, branch=branch, operator=cashier["code"], pin=cashier["pin"]
    )


def commands(port: int) -> list[list[str]]:
    """Return the command lines of the parts: the web server and the applier of till operations."""
    gunicorn = ["gunicorn", "config.wsgi", "--bind", f"{HOST}:{port}", "--worker-class", "gthread", "--threads", "8"]
    return [
        [sys.executable, "-m", *gunicorn, "--log-level", "warning", "--no-control-socket"],
        [sys.executable, "manage.py", "apply_pending", "--watch"],
    ]


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start one part, out of reach of the terminal's Ctrl-C: it is stopped by `stop`, in order."""
    environment = {"LOG_LEVEL": "WARNING"} | os.environ | {"PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, env=environment, start_new_session=True)


def wait_for_first(parts: list[subprocess.Popen[bytes]]) -> None:
    """Wait until a part ends by itself, which is always an error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    while all(part.poll() is None for part in parts):
        time.sleep(0.3)
    raise CommandError(_("A part of the demonstration stopped by itself; its last words are above."))


def stop(parts: list[subprocess.Popen[bytes]]) -> None:
    """Ask every part to end, and end those that do not within 10 seconds."""
    for part in parts:
        part.terminate()
    for part in parts:
        with suppress(subprocess.TimeoutExpired):
            part.wait(10)
        if part.poll() is None:
            part.kill()
