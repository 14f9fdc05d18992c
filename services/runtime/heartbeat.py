"""Who works on which queue, told over the broker itself: workers say that they live, and others count them.

A worker that is idle reports nothing else, and one that died takes nothing back: so it says so every few seconds, and
is forgotten when it does not. The times are the broker's own, whatever the machines' clocks say.
"""

import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from celery import Celery

from services.runtime import metrics, telemetry
from services.runtime.queue import LOST

TELL_S = 5.0
FORGET_S = 20.0
"""A worker that has told nothing for so long is not counted any more."""
ACQUIRE_S = 10.0
"""Longest wait for one of the process's connections to the broker."""
_KEY = "vidx:workers"
"""A sorted set: what a worker says of itself, by when it last said so."""
_log = telemetry.log(__name__)


@dataclass(frozen=True)
class Seen:
    """What the broker knows: messages that no worker has taken, workers, and jobs that they can do at a time."""

    messages: int = 0
    workers: int = 0
    slots: int = 0


def look(app: Celery, queues: Sequence[str]) -> dict[str, Seen]:
    """The queues by name. Raises what the transport raises."""
    with app.pool.acquire(block=True, timeout=ACQUIRE_S) as connection:
        client = connection.default_channel.client
        with client.pipeline(transaction=False) as asked:
            for queue in queues:
                asked.llen(queue)
            asked.zrangebyscore(_KEY, client.time()[0] - FORGET_S, "+inf")
            *depths, told = asked.execute()
    workers: dict[str, list[int]] = {}
    for line in told:
        queue, slots, _ = line.decode().split(" ", 2)
        workers.setdefault(queue, []).append(int(slots))
    return {
        queue: Seen(depth, len(workers.get(queue, [])), sum(workers.get(queue, [])))
        for queue, depth in zip(queues, depths, strict=True)
    }


def tell(app: Celery, queue: str, slots: int) -> None:
    """Say that this process works on the queue, `slots` jobs at a time. Raises what the transport raises."""
    with app.pool.acquire(block=True, timeout=ACQUIRE_S) as connection:
        client = connection.default_channel.client
        now = client.time()[0]
        with client.pipeline(transaction=False) as asked:
            asked.zadd(_KEY, {f"{queue} {slots} {socket.gethostname()}:{os.getpid()}": now})
            asked.zremrangebyscore(_KEY, "-inf", now - FORGET_S)
            asked.execute()
    metrics.HEARTBEAT.set_to_current_time()


def keep_telling(app: Celery, queue: str, slots: int, over: threading.Event) -> None:
    """Tell until it is over; while the broker is away nobody counts workers."""
    while True:
        try:
            tell(app, queue, slots)
        except LOST as error:
            _log.debug("heartbeat_lost", message=str(error)[:200])
        if over.wait(TELL_S):
            return
