"""The sandbox: a child process may crash, hang or take too much, and only its own work is lost."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.core.errors import BadMedia, Cancelled, TimedOut, WorkerLost
from services.runtime.sandbox import Sandbox

MIB = 1 << 20


def add(a: int, b: int) -> int:
    return a + b


def pid() -> int:
    return os.getpid()


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang() -> None:
    while True:
        time.sleep(1)


def refuse() -> None:
    raise BadMedia("no video stream", fields={"source": "a video"})


def take(size: int) -> int:
    return len(bytearray(size))


def write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.write(b"x" * size)


def say_and_hang(path: Path) -> None:
    path.write_text("begun")
    hang()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, 2 << 30, 8 * MIB) as found:
        yield found


def test_work_is_done_in_another_process_that_is_kept(sandbox: Sandbox) -> None:
    assert sandbox.run(add, 2, 3, timeout_s=60) == 5
    first = sandbox.run(pid, timeout_s=60)
    assert first != os.getpid()
    assert sandbox.run(pid, timeout_s=60) == first


def test_a_crash_is_an_error_and_the_next_work_is_done(sandbox: Sandbox) -> None:
    with pytest.raises(WorkerLost, match="died"):
        sandbox.run(crash, timeout_s=60)
    assert sandbox.run(add, 1, 1, timeout_s=60) == 2


def test_a_hang_is_ended_and_the_next_work_is_done(sandbox: Sandbox) -> None:
    stuck = sandbox.run(pid, timeout_s=60)
    with pytest.raises(TimedOut, match="took more than"):
        sandbox.run(hang, timeout_s=0.5)
    assert sandbox.run(add, 1, 1, timeout_s=60) == 2
    assert not psutil.pid_exists(stuck)


def test_an_error_of_the_platform_comes_back_as_it_was(sandbox: Sandbox) -> None:
    with pytest.raises(BadMedia) as caught:
        sandbox.run(refuse, timeout_s=60)
    assert caught.value.message == "no video stream"
    assert caught.value.fields == {"source": "a video"}


def test_memory_is_bounded(sandbox: Sandbox) -> None:
    with pytest.raises(MemoryError):
        sandbox.run(take, 4 << 30, timeout_s=60)
    assert sandbox.run(take, 16 * MIB, timeout_s=60) == 16 * MIB


def test_files_are_bounded(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises((OSError, WorkerLost)):
        sandbox.run(write, tmp_path / "f", 16 * MIB, timeout_s=60)
    assert (tmp_path / "f").stat().st_size <= 8 * MIB


def test_work_that_is_no_longer_wanted_is_ended(sandbox: Sandbox, tmp_path: Path) -> None:
    def tick() -> None:
        if (tmp_path / "sign").exists():
            raise Cancelled("stopped by a person")

    worker = sandbox.run(pid, timeout_s=60)
    with pytest.raises(Cancelled):
        sandbox.run(say_and_hang, tmp_path / "sign", timeout_s=60, tick=tick)
    assert sandbox.run(pid, timeout_s=60) != worker
    assert not psutil.pid_exists(worker)
