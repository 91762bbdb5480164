"""A database that was away: its return is noticed by the first who asks, however long it was gone."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import ConnectionHandler, Error
from django.db.backends.base.base import BaseDatabaseWrapper

from config.settings import database
from tests.chaos.real.servers import Cluster

pytestmark = pytest.mark.services

REFUSED = 9  # each waits two seconds for the pool, which would double its pauses meanwhile


@pytest.fixture(autouse=True)
def _a_server_of_our_own(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def connected_to(cluster: Cluster) -> BaseDatabaseWrapper:
    """Pools go by alias: under the usual one this process already has the suite's."""
    return ConnectionHandler({"default": {}, "returning": database(cluster.url)})["returning"]


def answers(connection: BaseDatabaseWrapper) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    finally:
        connection.close()
    return True


def test_a_database_that_returns_serves_the_first_who_asks() -> None:
    with Cluster() as cluster:
        connection = connected_to(cluster)
        assert answers(connection)
        cluster.stop()
        assert not any(answers(connection) for _ in range(REFUSED))
        cluster.start()
        assert answers(connection)
        connection.close_pool()


def test_connections_that_the_database_cut_are_not_handed_out() -> None:
    with Cluster() as cluster:
        connection = connected_to(cluster)
        assert answers(connection)
        cluster.stop()
        cluster.start()
        assert answers(connection)
        connection.close_pool()
