"""A till delivers 300 receipts while workers, web servers and Redis die under it; then every cent is looked for.

Custody, once only and the sweeper's guarantee (protocol, "Ingestion"; H13, H23), on PostgreSQL, Redis, gunicorn, Celery.
"""

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import redis
from django.conf import settings

from tests.journeys.running import ROOT, Company, Part, free_port, silent_server, wait_for
from tests.journeys.spreadsheets import lines_of_titles, write_csv, write_xlsx

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("journeys")]

RECEIPTS = 300
TODAY = datetime.now(ZoneInfo("America/Sao_Paulo")).date()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, str]]:
    """A migrated database with the demonstration in it and 500 titles imported; gives its first branch as well."""
    folder = tmp_path_factory.mktemp("company")
    with Company(folder=folder, server_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL) as company:
        company.manage("migrate", "--no-input")
        branch = json.loads(company.manage("seed_demo", "--json"))["branches"][0]["code"]
        write_csv(folder / "titulos.csv", lines_of_titles(500, branch=branch, today=TODAY, prefix="FAT"))
        company.manage("import_titles", str(folder / "titulos.csv"), "--apply")
        yield company, branch


@pytest.fixture
def company(database: tuple[Company, str]) -> Iterator[Company]:
    """The company with nothing running."""
    company, _ = database
    yield company
    company.close()


@pytest.fixture
def branch(database: tuple[Company, str]) -> str:
    return database[1]


@pytest.fixture
def broker() -> Iterator["redis.Redis[bytes]"]:
    """The Redis database of these tests, empty."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
        client.flushdb()
        yield client
        client.flushdb()
