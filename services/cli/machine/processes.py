"""Which processes are ours, and how they are ended when their supervisor cannot do it."""

import contextlib
import os
from pathlib import Path

import psutil

TERM_S = 2.0


def is_same(pid: int, started: float) -> bool:
    """True when this process lives and is the one that `started` told of."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(_since_boot(process) - started) < 1.0
    except psutil.Error:
        return False


def started(pid: int) -> float:
    """When a process of ours started, in seconds after the machine did: no setting of the clock changes that."""
    return _since_boot(psutil.Process(pid))


def left_over(supervisor: int, since: float, folder: Path) -> list[psutil.Process]:
    """What a supervisor started and what those started, also after it was killed; itself included.

    They are the processes of its session, which only lets go of its number when all have ended, that work in its
    folder. The environment would not tell: some servers overwrite theirs.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if (
                os.getsid(process.pid) == supervisor
                and _since_boot(process) >= since - 1.0
                and process.cwd().removesuffix(" (deleted)") == str(folder)
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def end(supervisor: int, since: float, folder: Path) -> int:
    """End what is left over: ask first, then kill; returns how many there were."""
    ended = 0
    # More than once, as what is being killed may just have started something.
    for _ in range(3):
        found = left_over(supervisor, since, folder)
        if not found:
            break
        ended += len(found)
        # The supervisor first: it would start again what ends.
        found.sort(key=lambda process: process.pid != supervisor)
        for process in found:
            _signal(process, kill=process.pid == supervisor)
        _, alive = psutil.wait_procs(found, timeout=TERM_S, callback=None)
        for process in alive:
            _signal(process, kill=True)
        psutil.wait_procs(alive, timeout=TERM_S)
    return ended


def memory(pid: int) -> int:
    """Resident bytes of a process and its children; 0 when it has gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


def _since_boot(process: psutil.Process) -> float:
    # The time of day of both moves when the clock is set.
    return float(process.create_time() - psutil.boot_time())


def _signal(process: psutil.Process, kill: bool) -> None:
    with contextlib.suppress(psutil.Error):
        process.kill() if kill else process.terminate()
