"""The back office over many titles: what a page takes, of one `count(*)` of all titles, which stock admin asks twice.

BENCH_TITLES says how many; their database is made once, beside the one that is measured otherwise, and kept.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from statistics import median

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client

from receivables.models import Title
from tests.bench.figures import ms, take_turns, tell

TITLES = int(os.environ.get("BENCH_TITLES", "20000"))
LIST = "/admin/receivables/title/"
PAGES = {
    "dashboard": "/admin/",
    "titles: first page": LIST,
    "titles: search by number": f"{LIST}?q=DEMO-00001",
    "titles: search by name": f"{LIST}?q=transportes",
    "titles: filter overdue": f"{LIST}?due=overdue",
    "titles: filter partial": f"{LIST}?status__exact=partially_settled",
    "titles: filter amount": f"{LIST}?amount_from=1.000,00&amount_to=1.100,00",
}


@pytest.fixture
def many_titles(database: None) -> Iterator[None]:
    name = f"quita_bench_titles_{TITLES}"
    _create(name)
    with _at(name):
        call_command("migrate", verbosity=0, interactive=False)
        call_command("seed_demo", titles=TITLES, stdout=StringIO(), stderr=StringIO())
        yield


def _create(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f'CREATE DATABASE "{name}"')


@contextmanager
def _at(name: str) -> Iterator[None]:
    """Let Django work in another database of the same server."""
    measured = connection.settings_dict["NAME"]
    _move_to(name)
    try:
        yield
    finally:
        _move_to(measured)


def _move_to(name: str) -> None:
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = name


def bench_pages_of_the_back_office(many_titles: None, rounds: int) -> None:
    client = Client()
    client.force_login(get_user_model().objects.get(username="gerencia"))
    ways = {name: lambda address=address: _read(client, address) for name, address in PAGES.items()}
    taken = take_turns({"count": _count} | ways, rounds=rounds, warm_up=2)
    for name in PAGES:
        tell(f"{name}, {TITLES:,} titles, of count(*)", ms(taken[name]), ms(taken["count"]),
             median(taken[name]) / median(taken["count"]))  # fmt: skip


def _read(client: Client, address: str) -> None:
    assert client.get(address).status_code == 200, address


def _count() -> None:
    assert Title.objects.count() >= TITLES
