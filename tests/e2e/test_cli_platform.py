"""The real platform under `vidx up`: it starts, says what it is, and leaves nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.cli.machine.programs import PARTS, STAGES
from tests.servers.platform import Platform
from tests.servers.processes import ended


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    # A long path: what lies in it must not depend on the length that Unix allows a socket's.
    found = Platform(tmp_path / ("a-long-name" * 8) / "home")
    yield found
    found.down()


def _processes(platform: Platform) -> list[psutil.Process]:
    supervisor = json.loads((platform.home / "run/state.json").read_text())["running"]["pid"]
    return [psutil.Process(supervisor), *psutil.Process(supervisor).children(recursive=True)]


def test_platform_starts_twice_says_what_runs_and_leaves_nothing(platform):
    platform.up("--workers", "decoding=2")
    processes = _processes(platform)
    assert "running already" in platform.run("up", "--detach")
    services = platform.services()
    assert set(services) == {*PARTS, *STAGES, "decoding-2", "pipeline", "gateway"}
    assert {row["state"] for row in services.values()} == {"RUNNING"}
    assert all(row["memory_bytes"] > 0 for row in services.values())
    for process in processes:
        for connection in process.net_connections("inet"):
            assert connection.status != psutil.CONN_LISTEN or connection.laddr.ip.removeprefix("::ffff:") == "127.0.0.1"
    assert platform.messages("collections", "list") == []
    assert '"event": "serving"' in platform.run("logs", "gateway")
    platform.down()
    assert all(ended(process) for process in processes)
    assert platform.vidx("status").returncode == 1
    assert "`vidx up`" in platform.vidx("list").stderr


def test_nothing_is_left_after_the_supervisor_was_killed(platform):
    platform.up()
    processes = _processes(platform)
    os.kill(processes[0].pid, signal.SIGKILL)
    platform.down()
    assert all(ended(process) for process in processes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_foreground_platform_stops_when_asked(platform, number):
    command = [sys.executable, "-m", "services.cli", "up", "--timeout=600"]
    with subprocess.Popen(command, env=platform.env, stdout=subprocess.PIPE, text=True) as up:
        while "Ctrl-C" not in up.stdout.readline():
            assert up.poll() is None
        processes = _processes(platform)
        up.send_signal(number)
        assert up.wait(240) == 0
    assert all(ended(process) for process in processes)
