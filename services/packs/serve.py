"""`python -m services.packs.serve --port HTTP --scratch DIR -- COMMAND` runs a Triton, and ends it when a model died.

Triton's Python backend does not start a model's process again: from its death on every request to the model fails,
while the server stays ready. A cluster's own probes see to that; on one machine this process asks every model for a
tiny inference every few seconds. When one is dead it ends the whole server and exits with 1, and the supervisor starts
both again. It imports little, as it runs for as long as the platform does.
"""

import argparse
import http.client
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from services.packs import probe, tritonserver

INTERVAL_S = 1.0
"""From one look to the next, each at another model."""
DEADLINE_S = 5.0
"""Of one inference. Slow answers are no fault: see `Patience`."""
LIST_S = 1.0
"""Of one question about the models, before the first inference."""
MISSES = 3
IDLE_S = 0.25
"""Of processor time between two misses: a server that spends less is not busy with other requests."""
START_S = 120.0
"""How long a server may load its models without a sign of life."""
STOP_S = 5.0
"""Longest orderly end; with a look under way, within what the supervisor allows."""
FAULT_STOP_S = 1.0
"""The same when a model is dead: then nothing is worth waiting for."""
TICK_S = 0.1


def command(argv: Sequence[str], *, http_port: int, scratch: Path) -> list[str]:
    """The argv that runs and watches the Triton of `argv`, which is `tritonserver.command`'s for these."""
    return [sys.executable, "-m", __name__, "--port", str(http_port), "--scratch", str(scratch), "--", *argv]


class Patience:
    """Counts looks in vain, one after the other, during which the server was idle."""

    def __init__(self) -> None:
        self._misses, self._spent = 0, 0.0

    def answered(self) -> None:
        self._misses = 0

    def missed(self, spent_s: float) -> bool:
        """True when there were too many; `spent_s` is the server's processor time so far, in seconds."""
        busy = spent_s - self._spent > IDLE_S
        self._misses = 1 if busy else self._misses + 1
        self._spent = spent_s
        return self._misses >= MISSES


class Watch:
    """Looks at one model after the other; `spent` gives the server's processor time in seconds."""

    def __init__(self, port: int, spent: Callable[[], float]) -> None:
        self._port, self._spent = port, spent
        self._began = time.monotonic()
        self._probes: deque[tuple[probe.Probe, Patience]] = deque()

    def fault(self) -> str:
        """What makes the server of no use, or nothing, after a look at the next model."""
        if not self._probes:
            try:
                self._probes.extend((each, Patience()) for each in probe.of_models(self._port, LIST_S))
            except (OSError, http.client.HTTPException, ValueError) as error:
                late = time.monotonic() - self._began > START_S
                return f"not ready after {START_S:.0f} s: {error}" if late else ""
        if not self._probes:
            return ""
        next_probe, patience = self._probes[0]
        self._probes.rotate(-1)
        health, answer = next_probe.send(self._port, DEADLINE_S)
        if health == "well":
            patience.answered()
        elif health == "dead" or patience.missed(self._spent()):
            return f"{next_probe.model} is {health}: {answer}"
        return ""


def run(argv: Sequence[str], port: int, scratch: Path) -> int:
    """Run the server until it ends, is asked to end (0), or is of no use (1)."""
    tritonserver.clear(scratch)
    asked = False
    server: subprocess.Popen[bytes] | None = None

    def stop(*_: object) -> None:
        nonlocal asked
        asked = True
        if server is not None:
            server.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # In a group of its own, so that its models' processes can be ended with it.
    server = subprocess.Popen(argv, process_group=0)
    fault = ""
    try:
        watch = Watch(port, lambda: _spent_s(server.pid))
        look_at = time.monotonic() + INTERVAL_S
        while not asked and not fault and server.poll() is None:
            time.sleep(TICK_S)
            if time.monotonic() >= look_at:
                fault = watch.fault()
                look_at = time.monotonic() + INTERVAL_S
    finally:
        if fault and not asked:
            print(f"ending Triton: {fault}", file=sys.stderr, flush=True)
        code = _end(server, STOP_S if asked else FAULT_STOP_S)
        tritonserver.clear(scratch)
    return 0 if asked else 1 if fault else code or 1


def _end(server: "subprocess.Popen[bytes]", within_s: float) -> int:
    """End the server, then whatever of its group is left; its exit code."""
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(within_s)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    return server.wait()


def _spent_s(group: int) -> float:
    """Processor time of a process group so far, in seconds."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # After the name, which may hold anything: state, parent, group; user and system time are 9 and 10 on.
            fields = file.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("argv", nargs="+", metavar="COMMAND")
    args = parser.parse_args()
    return run(args.argv, args.port, args.scratch)


if __name__ == "__main__":
    raise SystemExit(main())
