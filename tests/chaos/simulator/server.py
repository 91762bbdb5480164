"""The server: the production code behind a line, with processes that die and a database that comes back old.

The broker is a list that loses, repeats and forgets; workers, sweeper and beat run when the world's time has come.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from pos_sync import doorbell, tasks
from pos_sync.simulator.line import Answer, LineDown, Request
from tests.chaos.simulator.chance import World

SWEEP_EVERY, DAILY_EVERY = timedelta(seconds=30), timedelta(minutes=5)
LONGEST_BUSY_SECONDS = 90
MOST_STATEMENTS = 60
MOST_BACKUPS = 3


class Killed(BaseException):
    """SIGKILL: no handler of the production code catches it."""


class Guillotine:
    """Ends the process at its nth statement; then only what undoes a transaction is let through."""

    def __init__(self, *, after: int) -> None:
        self._left, self._has_fallen = after, False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self._has_fallen and sql.startswith(("ROLLBACK", "RELEASE")):
            return execute(sql, params, many, context)
        if self._has_fallen or self._left == 0:
            self._has_fallen = True
            raise Killed
        self._left -= 1
        return execute(sql, params, many, context)


class Server:
    """Answers requests, applies what waits, keeps backups."""

    def __init__(self, world: World) -> None:
        self.world, self._lot = world, world.lot("server")
        self._rung: list[tuple[datetime, int]] = []
        self._swept_at = self._synced_at = timezone.now()
        self._purged_on = timezone.localdate()
        self._backups: list[tuple[datetime, sqlite3.Connection]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the doorbell of the production code ring here."""
        with patch.object(doorbell, "ring", self.ring):
            yield

    # Requests

    def answer(self, request: Request) -> Answer:
        """Answer as gunicorn would; raises LineDown where its worker dies in the middle."""
        kept = {name: value for name, value in request.headers.items() if name != "Content-Type"}
        client = Client(raise_request_exception=False)
        with self._mortal("web_killed", chance=0.02):
            response = client.generic(
                request.method, request.target, request.body, headers=kept,
                content_type=request.headers.get("Content-Type", "application/octet-stream"),
            )  # fmt: skip
            if response.status_code >= 500:
                self.world.wrong(f"{request.method} {request.target} was answered with {response.status_code}")
            return Answer(response.status_code, dict(response.headers), response.content)
        raise LineDown("the server died")

    @contextmanager
    def _mortal(self, fault: str, *, chance: float) -> Iterator[None]:
        """Let the process that does this die now and then."""
        if not self.world.strikes(self._lot, chance=chance):
            yield
            return
        try:
            with connection.execute_wrapper(Guillotine(after=self._lot.randint(0, MOST_STATEMENTS))):
                yield
        except Killed:
            self.world.fault(fault)

    # Work behind the requests

    def ring(self, *, device_id: int, now: datetime) -> None:
        """Take the message of a push: into the queue, twice, or into nothing."""
        if self.world.strikes(self._lot, chance=0.1):
            self.world.fault("message_lost", device_id)
            return
        times = 1
        if self.world.strikes(self._lot, chance=0.05):
            self.world.fault("message_twice", device_id)
            times = 2
        for _ in range(times):
            self._rung.append((now + timedelta(seconds=self._lot.uniform(0, LONGEST_BUSY_SECONDS)), device_id))

    def work(self) -> None:
        """Do what is due: messages, sweeper, daily synchronisation, purge."""
        now = timezone.now()
        if self._rung and self.world.strikes(self._lot, chance=0.01):
            self.world.fault("broker_flushed", len(self._rung))
            self._rung.clear()
        due = sorted(message for message in self._rung if message[0] <= now)
        self._rung = [message for message in self._rung if message[0] > now]
        for _, device_id in due:
            with self._mortal("worker_killed", chance=0.05):
                tasks.ingest_operations(device_id)
        if now - self._swept_at >= SWEEP_EVERY:
            self._swept_at = now
            with self._mortal("worker_killed", chance=0.03):
                tasks.sweep()
        if now - self._synced_at >= DAILY_EVERY:
            self._synced_at = now
            with self._mortal("worker_killed", chance=0.05):
                tasks.daily_sync()
        if self._purged_on < timezone.localdate(now):
            self._purged_on = timezone.localdate(now)
            tasks.purge_changes()

    # Backups

    def back_up(self) -> None:
        copy = sqlite3.connect(":memory:")
        connection.ensure_connection()
        connection.connection.backup(copy)
        self._backups = [*self._backups[-MOST_BACKUPS + 1 :], (timezone.now(), copy)]
        self.world.trace.tell("backup")

    def forget_backups(self) -> None:
        """A till that was paired or got a token since would not be known to an older database."""
        self._backups = []

    def restore(self) -> bool:
        """Put an old database back and begin an epoch, as the operations manual says; False without a backup."""
        if not self._backups:
            return False
        taken_at, copy = self._lot.choice(self._backups)
        copy.backup(connection.connection)
        self._backups, self._rung = [], []
        self.world.fault("database_restored", f"of {taken_at:%d %H:%M}")
        call_command("new_epoch", reason="Restaurado da cópia de segurança", stdout=StringIO())
        return True
