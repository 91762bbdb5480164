"""The main job on small numbers, without any service: spreadsheet, till, offline receipts, ledger, reversal, books.

The same way with real processes that are killed is in `test_killed_processes`.
"""

import json
from collections.abc import Iterator
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.servers.basehttp import WSGIServer
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.test import Client
from django.test.testcases import LiveServerThread, QuietWSGIRequestHandler
from django.utils import timezone
from pytest_django import Settings

from pos_sync.models import Operation
from pos_sync.simulator import Report, run
from receivables.models import CashMovement, Origin, Receipt, Title, TitleStatus
from tests.admin.pages import page
from tests.journeys.spreadsheets import lines_of_titles, write_csv
from tests.ledger import assert_books_are_clean
from tests.make import REASON

TILL = "09"
RECEIPTS = 30
TITLES = 20


class OneAtATime(LiveServerThread):
    """A server in this process that answers one request at a time: SQLite in memory is one connection for all."""

    def _create_server(self, connections_override: Any = None) -> WSGIServer:
        return WSGIServer((self.host, self.port), QuietWSGIRequestHandler, allow_reuse_address=False)


@pytest.fixture
def url(transactional_db: None, settings: Settings) -> Iterator[str]:
    """The address of the server, which applies what tills bring without a broker."""
    settings.REDIS_URL, settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = "", ["127.0.0.1", "testserver"], False
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    shared = {}
    if connection.vendor == "sqlite":
        shared[DEFAULT_DB_ALIAS] = connections[DEFAULT_DB_ALIAS]
        connection.inc_thread_sharing()
    server = OneAtATime("127.0.0.1", StaticFilesHandler, connections_override=shared)
    server.start()
    server.is_ready.wait(10)
    assert server.error is None
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()
    if shared:
        connection.dec_thread_sharing()


def test_from_a_spreadsheet_through_an_offline_till_to_a_reversal_with_clean_books(url: str, tmp_path: Path) -> None:
    today = timezone.localdate()
    branch = json.loads(told_by("seed_demo", "--json"))["branches"][0]["code"]
    import_spreadsheet(tmp_path / "titulos.csv", branch=branch, today=today)
    report = receive_offline(url, branch=branch, journal=tmp_path / "journal.jsonl")
    assert report.problems == []
    assert report.states == {"applied": Operation.objects.filter(device__till=TILL).count()}
    receipts = Receipt.objects.filter(origin=Origin.TILL, station=TILL)
    assert receipts.count() == RECEIPTS

    title = Title.objects.filter(status=TitleStatus.SETTLED, allocations__receipt__in=receipts).first()
    assert title is not None
    before = CashMovement.objects.balance()
    response = at_the_desk("financeiro").post(page(title, "reverse"), {"reason": REASON}, follow=True)
    title.refresh_from_db()
    assert title.status in (TitleStatus.PENDING, TitleStatus.PARTIALLY_SETTLED), response.content.decode()
    assert CashMovement.objects.balance() < before
    assert_books_are_clean()


def told_by(command: str, *arguments: str) -> str:
    """Run a command in this process and give what it printed."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def import_spreadsheet(path: Path, *, branch: str, today: date) -> None:
    lines = list(lines_of_titles(TITLES, branch=branch, today=today, prefix="PLANILHA"))
    write_csv(path, iter(lines))
    report = json.loads(told_by("import_titles", str(path), "--apply", "--json"))
    assert (report["new"], report["problems"], report["applied"]) == (len(lines), [], True)


def receive_offline(url: str, *, branch: str, journal: Path) -> Report:
    code = json.loads(told_by("pair_device", "--branch", branch, "--till", TILL, "--json"))["code"]
    return run(url=url, code=code, receipts=RECEIPTS, faults=True, seed=1, batch=5, journal=journal, patience=30)


def at_the_desk(username: str) -> Client:
    client = Client()
    user = get_user_model().objects.get(username=username)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client
