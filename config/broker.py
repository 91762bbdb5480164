"""Redis as Celery's broker, mended: a worker survives the loss of its broker while a task is running.

Kombu 5.7 closes the lost connection first and then wants to give the messages of running tasks back through it; its
AttributeError ends the worker. Here that is what it is, a connection error, which Celery bears; such messages come back
by the visibility timeout, and the sweeper does not wait for them.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as ConnectionGone


class Channel(redis.Channel):
    """Says by its right name that its connection is gone."""

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - kombu's signature
        if self.connection.client is None:
            raise ConnectionGone("the connection of this channel is gone")
        params: dict[str, Any] = super()._connparams(asynchronous=asynchronous)
        return params


class Transport(redis.Transport):
    Channel = Channel


def install() -> None:
    """Have addresses that begin with `redis://` and `rediss://` spoken to by this transport."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
