"""Processes that are killed, stand still, forget what they know, or start again."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil
import redis

from tests.chaos.world import PARTS, SERVICES, World


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
    argvs = _end_storage(world)
    time.sleep(1)
    _start_storage(world, argvs)
    return f"{len(argvs)} processes"


def storage_stands_still(world: World, seconds: float) -> str:
    return _stopped([process.pid for process in world.storage], seconds)


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
    argvs = _end_storage(world)
    _signal(pids, signal.SIGKILL)
    _start_storage(world, argvs)
    return f"{len(pids) + len(argvs)} processes"


def everything_stands_still(world: World, seconds: float) -> str:
    """As a machine does that is suspended."""
    return _stopped([*world.pids(*SERVICES, *PARTS), *(process.pid for process in world.storage)], seconds)


def restart(world: World) -> str:
    """In order, as for an upgrade."""
    world.platform.down()
    world.up()
    return ""


def _end_storage(world: World) -> list[list[str]]:
    argvs = [process.cmdline() for process in world.storage]
    for process in world.storage:
        process.kill()
    for process in world.storage:
        process.wait(10)
    return argvs


def _start_storage(world: World, argvs: list[list[str]]) -> None:
    nowhere = subprocess.DEVNULL
    world.storage[:] = [psutil.Process(subprocess.Popen(argv, stdout=nowhere, stderr=nowhere).pid) for argv in argvs]


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
