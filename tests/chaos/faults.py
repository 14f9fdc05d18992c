"""What is done to a running platform, one fault after the other. Each ends with everything allowed to work again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from services.cli.machine.programs import STAGES
from tests.servers.platform import Platform
from tests.servers.relay import Mode, Relay

STOPPED_S = 4.0
"""How long a process stands still, or a connection is bad."""
SERVICES = (*STAGES, "pipeline", "gateway")
PARTS = ("redis", "milvus", "triton")


@dataclass(frozen=True)
class World:
    """The platform, and the S3 server behind a relay."""

    platform: Platform
    relay: Relay
    s3: "list[psutil.Process]"

    def pids(self, name: str) -> list[int]:
        """Processes of a service or a part, with their children."""
        found = []
        for program, process in self.platform.processes().items():
            if program.split("-")[0] == name and process.pid:
                with suppress(psutil.NoSuchProcess):
                    found += [process.pid, *(p.pid for p in psutil.Process(process.pid).children(recursive=True))]
        return found


@dataclass(frozen=True)
class Fault:
    """A name for the table, and what is done."""

    name: str
    strike: Callable[[World], None]


def faults() -> Iterator[Fault]:
    """All of them, in the order in which they come."""
    for name in (*SERVICES, *PARTS):
        yield Fault(f"kill {name}", lambda world, name=name: _kill(world.pids(name)))  # type: ignore[misc]
        yield Fault(f"stop {name} for {STOPPED_S:.0f} s", lambda world, name=name: _stand_still(world.pids(name)))  # type: ignore[misc]
    yield Fault("kill the S3 server", _kill_s3)
    yield Fault(f"stop the S3 server for {STOPPED_S:.0f} s", lambda world: _stand_still([p.pid for p in world.s3]))
    for mode, what in (("cut", "cut"), ("slow", "slow down"), ("garble", "garble")):
        yield Fault(f"{what} the way to S3", lambda world, mode=mode: _spoil(world.relay, mode))  # type: ignore[misc]
    yield Fault("kill everything at once", _kill_everything)


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _stand_still(pids: list[int]) -> None:
    with _signalled(pids):
        time.sleep(STOPPED_S)


@contextmanager
def _signalled(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _kill_s3(world: World) -> None:
    commands = [(process, process.cmdline()) for process in world.s3]
    for process, _ in commands:
        process.kill()
        process.wait(10)
    time.sleep(1)
    world.s3[:] = [
        psutil.Process(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)
        for _, argv in commands
    ]


def _spoil(relay: Relay, mode: Mode) -> None:
    relay.mode = mode
    try:
        time.sleep(STOPPED_S)
    finally:
        relay.mode = "pass"
        if mode == "garble":
            # What was garbled may still be waited for on both sides.
            relay.mode = "cut"
            relay.mode = "pass"


def _kill_everything(world: World) -> None:
    _kill([pid for name in (*SERVICES, *PARTS) for pid in world.pids(name)])
