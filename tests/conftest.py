"""What every test shares: fast passwords, and the tests that need real services kept for those who have them."""

import os
import shutil

import pytest
import redis
from django.conf import settings
from django.db import connection

WITH_SERVICES = os.environ.get("QUITA_SERVICES") == "1"
NEEDS_SERVICES = ("services", "browser")
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_setup"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a second run of the suite, on another database, be about that database."""
    parser.addoption("--only-database", action="store_true", help="leave out the tests that use no database")


def pytest_configure() -> None:
    """Hash passwords cheaply; the real order of hashers is tested in tests/config."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs services unless QUITA_SERVICES=1 promises them, and what --only-database has no use for."""
    only_database = config.getoption("only_database")
    wanted = [
        item for item in items
        if (WITH_SERVICES if _needs_services(item) else _uses_database(item) or not only_database)
    ]  # fmt: skip
    kept = set(wanted)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = wanted


def _needs_services(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in NEEDS_SERVICES)


def _uses_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db") or DATABASE_FIXTURES.intersection(fixtures))


@pytest.fixture(autouse=True)
def promised_services_are_there(request: pytest.FixtureRequest) -> None:
    """Fail, never skip, when QUITA_SERVICES=1 promised a service that does not answer."""
    if request.node.get_closest_marker("services"):
        if connection.vendor != "postgresql":
            pytest.fail("QUITA_SERVICES=1 needs DATABASE_URL to name a PostgreSQL database")
        if not settings.REDIS_URL:
            pytest.fail("QUITA_SERVICES=1 needs REDIS_URL")
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2).ping()
    if request.node.get_closest_marker("browser") and not chromium():
        pytest.fail("QUITA_SERVICES=1 needs Chromium on PATH")


def chromium() -> str | None:
    """Return the path of the system's Chromium, None when there is none; the shell without windows is the lighter."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of the Chromium that browser tests drive."""
    return chromium() or pytest.fail("Chromium is not installed")
