"""What kombu's Redis transport needs so that a worker outlives a lost connection.

By itself, a worker that loses the broker while it holds a message ends: it gives the message back, or acknowledges it,
over the very connection that is gone. Here both are let be; the message is in Redis still, or lost with it, and the
pipeline's reconciler makes up for either. It also makes a client of redis-py for each message that it takes, and for
each that it acknowledges, which costs more than the command; here a channel keeps one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from celery import Celery
from kombu.transport import redis

from services.runtime.queue import under_way


class _QoS(redis.QoS):  # type: ignore[misc]
    restore_at_shutdown = False

    def ack(self, delivery_tag: str) -> None:
        if not self.channel.closed:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if not self.channel.closed:
            super().reject(delivery_tag, requeue)  # type: ignore[no-untyped-call]


class _Channel(redis.Channel):  # type: ignore[misc]
    QoS = _QoS

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        yield client or self._kept_client

    @cached_property
    def _kept_client(self) -> Any:
        return self._create_client()  # type: ignore[no-untyped-call]


def outlive_lost_connections() -> None:
    """Applies to all connections of this process that are made afterwards."""
    redis.Transport.Channel = _Channel


def count_under_way(app: Celery, queue: str) -> None:
    """Keep what the worker has taken off the queue in hashes of the queue's own, for who scales its workers.

    By itself, kombu keeps the messages of all queues in one, and a queue whose last message is being worked on looks
    like one that nobody needs a worker for.
    """
    name = under_way(queue)
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "unacked_key": name,
        "unacked_index_key": f"{name}.index",
        "unacked_mutex_key": f"{name}.mutex",
    }
