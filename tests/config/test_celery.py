"""The clockwork: what beats, and what a worker accepts."""

import pytest
from kombu import Connection
from pytest_django import Settings

from config import broker
from config.celery import BEAT_SCHEDULE, app, refuse_half_configured_worker


def test_the_sweeper_beats_every_thirty_seconds() -> None:
    sweep = BEAT_SCHEDULE["sweep-pending-operations"]
    assert (sweep["task"], sweep["schedule"]) == ("pos_sync.tasks.sweep", 30.0)


def test_every_beat_names_a_task_that_exists() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in BEAT_SCHEDULE.values()} <= set(app.tasks)


def test_messages_are_json_only_and_no_result_is_kept() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.task_ignore_result is True


def test_a_half_configured_worker_stops(settings: Settings) -> None:
    settings.DEBUG, settings.REDIS_URL = False, ""
    with pytest.raises(SystemExit):
        refuse_half_configured_worker()


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_redis_is_spoken_to_by_the_transport_that_bears_its_loss(scheme: str) -> None:
    assert Connection(f"{scheme}://127.0.0.1/0").get_transport_cls() is broker.Transport


def test_a_channel_whose_connection_is_gone_says_so_as_a_connection_error() -> None:
    channel = object.__new__(broker.Channel)
    channel.connection = broker.Transport(Connection("redis://127.0.0.1/0"))
    channel.connection.client = None
    with pytest.raises(broker.Transport.connection_errors):
        channel._connparams()
