"""Benches write for real, into a test database of their own, and print what they measured in one table at the end."""

import gc
import logging
import os
import platform
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone

from tests.bench.books import make_books
from tests.bench.figures import table

# The usual size takes some minutes on two cores: installments of the branch that is synchronised, rounds of each way.
INSTALLMENTS = int(os.environ.get("BENCH_INSTALLMENTS", "100000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))


@pytest.fixture(scope="session", autouse=True)
def database(django_db_blocker: object) -> Iterator[None]:
    """Make the test database once for all benches."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        if connection.vendor != "postgresql":
            pytest.exit("The benches measure PostgreSQL: `make bench` starts one where DATABASE_URL names none.")
        made = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
        logging.disable(logging.INFO)
        refuse_to_pretend()
        gc.collect()
        gc.freeze()  # as the web server does when it starts
        yield
        print(f"\n\n{machine()}\n\n{table()}")
        teardown_databases(made, verbosity=0)


def refuse_to_pretend() -> None:
    """A database that does not wait for its disc is no measure: `stored` must mean stored."""
    with connection.cursor() as cursor:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {setting}")
            if cursor.fetchone() != ("on",):
                pytest.exit(f"PostgreSQL runs with {setting} off: nothing that it is quick at would count.")


def machine() -> str:
    """Tell where and when it was measured."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
        cursor.execute("SHOW shared_buffers")
        (buffers,) = cursor.fetchone()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    return (
        f"{timezone.localdate():%Y-%m-%d}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()},"
        f" PostgreSQL {version.split()[0]} (fsync on, shared_buffers {buffers}), {INSTALLMENTS:,} installments"
    )


@pytest.fixture(scope="session")
def branch(database: None) -> object:
    """The branch whose tills are measured, with all its installments in their window."""
    return make_books(installments=INSTALLMENTS)


@pytest.fixture(scope="session")
def rounds() -> int:
    return ROUNDS
