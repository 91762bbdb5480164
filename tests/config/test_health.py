"""`/health`: each part, and 503 when one needs a person."""

import socket
import time
from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config import health


@pytest.mark.django_db
def test_a_well_server_answers_200_with_every_part(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = ""
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "ok",
        "broker": "absent",
        "oldest_pending_seconds": None,
        "unapplied_migrations": 0,
    }


@pytest.mark.django_db
def test_a_refusing_broker_is_down(client: Client, settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{free.getsockname()[1]}/0"
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["broker"]) == (503, "down")


@pytest.mark.django_db
def test_a_silent_broker_is_down_after_two_seconds(client: Client, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        asked = time.monotonic()
        answer = client.get("/health")
    assert (answer.status_code, answer.json()["broker"]) == (503, "down")
    assert time.monotonic() - asked < 4


def test_a_database_that_is_down_is_said_not_raised(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = ""
    with mock.patch.object(health, "unapplied_migrations", side_effect=OperationalError("gone")):
        answer = client.get("/health")
    assert (answer.status_code, answer.json()["database"]) == (503, "down")


@pytest.mark.django_db
def test_an_unapplied_migration_is_counted(client: Client, settings: Settings) -> None:
    from django.db.migrations.recorder import MigrationRecorder

    settings.REDIS_URL = ""
    MigrationRecorder.Migration.objects.filter(app="sessions").delete()
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["unapplied_migrations"]) == (503, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "status"), [(30, "ok"), (300, "ok"), (301, "failing")])
def test_an_operation_may_wait_five_minutes(settings: Settings, seconds: int, status: str) -> None:
    settings.REDIS_URL = ""
    with mock.patch.object(health, "oldest_pending_seconds", return_value=seconds):
        report = health.read_health(now=timezone.now())
    assert (report["oldest_pending_seconds"], report["status"]) == (seconds, status)


@pytest.mark.django_db
def test_nothing_is_written_by_asking(client: Client) -> None:
    assert client.post("/health").status_code == 405


@pytest.mark.django_db
def test_no_operation_waits_in_an_empty_inbox() -> None:
    assert health.oldest_pending_seconds(now=timezone.now() + timedelta(days=1)) is None
