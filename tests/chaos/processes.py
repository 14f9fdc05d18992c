"""Processes that are killed, stand still, forget what they know, or start again."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

import redis

from tests.chaos.world import PARTS, SERVICES, World

AWAY_S = 1.0


def kill(world: World, *names: str) -> str:
    """SIGKILL to services or parts; the platform's supervisor starts them again."""
    pids = world.pids(*names)
    _signal(pids, signal.SIGKILL)
    return f"{len(pids)} processes"


def stand_still(world: World, seconds: float, *names: str) -> str:
    """Services or parts that live and do not answer."""
    return _stopped(world.pids(*names), seconds)


def kill_storage(world: World) -> str:
    """The S3 server, which comes back a second later with what it has on its disk."""
    count = len(world.storage())
    world.server.processes.stop(kill=True)
    time.sleep(AWAY_S)
    world.server.processes.start()
    return f"{count} processes"


def storage_stands_still(world: World, seconds: float) -> str:
    return _stopped(world.storage(), seconds)


def empty_the_queues(world: World) -> str:
    """What is queued and under way is gone in the midst of the work, and again with the process that held it."""
    with redis.Redis.from_url(f"redis://{world.platform.address_of('redis')}/0", socket_timeout=5) as server:
        keys = server.dbsize()
        server.flushall()
    kill(world, "redis")
    return f"{keys} keys"


def kill_everything(world: World) -> str:
    """All services and parts, and the S3 server."""
    pids = world.pids(*SERVICES, *PARTS)
    count = len(pids) + len(world.storage())
    _signal(pids, signal.SIGKILL)
    world.server.processes.stop(kill=True)
    world.server.processes.start()
    return f"{count} processes"


def everything_stands_still(world: World, seconds: float) -> str:
    """As a machine does that is suspended."""
    return _stopped([*world.pids(*SERVICES, *PARTS), *world.storage()], seconds)


def restart(world: World) -> str:
    """In order, as for an upgrade."""
    world.platform.down()
    world.up()
    return ""


def _stopped(pids: Iterable[int], seconds: float) -> str:
    pids = list(pids)
    _signal(pids, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        _signal(pids, signal.SIGCONT)
    return f"{len(pids)} processes, {seconds:.0f} s"


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
