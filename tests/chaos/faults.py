"""What is done to a running platform, one fault after the other. Each ends with everything allowed to work again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos import clock, disks, processes
from tests.chaos.world import PARTS, SERVICES, World
from tests.servers.relay import Mode

BAD_S = 4.0
"""How long a process stands still, a connection is bad, or a disk is full."""
BACK_S = 3600
MODES: dict[Mode, str] = {"cut": "cut", "slow": "slow down", "garble": "garble"}


@dataclass(frozen=True)
class Fault:
    """A name for the table, and what is done; it returns what is to be said of it."""

    name: str
    strike: Callable[[World], str]


def faults() -> Iterator[Fault]:
    """All of them, in the order in which they come."""
    for name in (*SERVICES, *PARTS):
        yield _fault(f"kill {name}", processes.kill, name)
        yield _fault(f"stop {name}", processes.stand_still, BAD_S, name)
    yield _fault("kill the S3 server", processes.kill_storage)
    yield _fault("stop the S3 server", processes.storage_stands_still, BAD_S)
    yield _fault("the queue server loses all", processes.empty_the_queues)
    for way in ("S3", "Redis", "Milvus"):
        for mode, what in MODES.items():
            yield _fault(f"{what} the way to {way}", _spoil, way, mode)
    yield _fault("fill the platform's disk", disks.fill, "platform", BAD_S)
    yield _fault("fill the S3 server's disk", disks.fill, "S3 server", BAD_S)
    yield _fault("kill everything at once", processes.kill_everything)
    yield _fault("stop everything", processes.everything_stands_still, BAD_S)
    yield _fault("vidx down, vidx up", processes.restart)
    # It stays so for what comes after.
    yield _fault("turn the clock back an hour", _turn_back)
    yield _fault("kill everything once more", processes.kill_everything)


def _fault(name: str, act: Callable[..., str], *arguments: Any) -> Fault:
    return Fault(name, lambda world: act(world, *arguments))


def _spoil(world: World, way: str, mode: Mode) -> str:
    relay = world.ways[way]
    relay.mode = mode
    try:
        time.sleep(BAD_S)
    finally:
        if mode == "garble":
            # What was garbled may still be waited for on both sides.
            relay.mode = "cut"
        relay.mode = "pass"
    return ""


def _turn_back(world: World) -> str:
    if world.clock is None:
        return "skipped: libfaketime is not installed"
    world.clock.set_to(-BACK_S)
    time.sleep(clock.READ_EVERY_S + 1)
    return ""
