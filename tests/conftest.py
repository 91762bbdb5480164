"""What every test shares: fast passwords, and the tests that need real services kept for those who have them."""

import os
import shutil

import pytest
import redis
from django.conf import settings
from django.db import connection

WITH_SERVICES = os.environ.get("QUITA_SERVICES") == "1"
NEEDS_SERVICES = ("services", "browser")


def pytest_configure() -> None:
    """Hash passwords cheaply; the real order of hashers is tested in tests/config."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs services unless QUITA_SERVICES=1 promises them."""
    if WITH_SERVICES:
        return
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in NEEDS_SERVICES)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


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
    """Return the path of the system's Chromium, None when there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of the Chromium that browser tests drive."""
    return chromium() or pytest.fail("Chromium is not installed")
