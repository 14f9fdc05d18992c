"""Who looks after a worker tells one that works, waits or tries from one that hangs, by the file that it writes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.runtime.alive import TELL_S
from tests.servers import redis
from tests.servers.ports import free_ports

SILENT_S = 3 * TELL_S
DEADLINE_S = 120.0
WORKER = """
import signal, sys, time
from pydantic import SecretStr
from services.runtime import worker
from services.runtime.queue import celery_app
from services.runtime.settings import QueueSettings

signal.signal(signal.SIGUSR2, lambda *_: time.sleep(1000))
app = celery_app(QueueSettings(url=SecretStr(sys.argv[1])))
worker.run(app, "decoding", 1, sys.argv[2])
"""
"""Its main thread hangs at SIGUSR2, as a fault in Celery's loop would have it; its other threads go on."""


def probe(sign: Path, *within: float) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "services.runtime.alive", str(sign), *(f"--within={s}" for s in within)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def until(answer: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not answer():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def told(sign: Path) -> str:
    return sign.read_text() if sign.exists() else ""


def tells_again(sign: Path) -> None:
    """Two signs more: the first may have been on its way."""
    for _ in range(2):
        last = told(sign)
        until(lambda last=last: told(sign) not in ("", last), "no sign of life")  # type: ignore[misc]


@contextmanager
def working(url: str, folder: Path) -> "Iterator[tuple[subprocess.Popen[bytes], Path]]":
    """A worker, and the file of its signs."""
    sign = folder / "alive"
    worker = subprocess.Popen([sys.executable, "-c", WORKER, url, str(sign)])
    try:
        yield worker, sign
    finally:
        worker.kill()
        worker.wait()


def test_a_worker_that_stands_still_or_hangs_is_found(tmp_path: Path) -> None:
    with redis.serving(tmp_path) as (url, _), working(url, tmp_path) as (worker, sign):
        tells_again(sign)
        well = probe(sign)
        assert well.returncode == 0, well.stdout + well.stderr
        worker.send_signal(signal.SIGSTOP)
        until(lambda: probe(sign, SILENT_S).returncode == 1, "it stands still, and passes for alive")
        worker.send_signal(signal.SIGCONT)
        tells_again(sign)
        assert probe(sign).returncode == 0
        worker.send_signal(signal.SIGUSR2)
        until(lambda: probe(sign, SILENT_S).returncode == 1, "it hangs, and passes for alive")


def test_a_worker_that_waits_for_its_broker_is_not_to_blame(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    with working(f"redis://127.0.0.1:{port}/0", tmp_path) as (worker, sign):
        # Before there was one, with it, when it is lost, and with the next.
        tells_again(sign)
        with redis.serving(tmp_path, port) as (_, broker):
            redis.wait_for_workers(port)
            tells_again(sign)
            broker.kill()
            broker.wait()
            tells_again(sign)
        with redis.serving(tmp_path, port):
            redis.wait_for_workers(port)
            tells_again(sign)
            worker.terminate()
            assert worker.wait(60) == 0


def test_a_sign_of_before_the_machine_started_is_none(tmp_path: Path) -> None:
    (tmp_path / "alive").write_text(f"{time.monotonic() + 1000}")
    assert probe(tmp_path / "alive").returncode == 1


@pytest.mark.parametrize("content", [None, "", "yesterday\n"])
def test_without_a_sign_nobody_is_alive(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "alive").write_text(content)
    found = probe(tmp_path / "alive")
    assert found.returncode == 1
    assert "no sign of life" in found.stderr
