"""`up` and `down` with the real supervisord, on small programs in place of the platform's."""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from services.cli.home import Home
from services.cli.machine import platform, processes
from services.cli.machine.programs import PORTS, Program
from services.cli.machine.supervisor import Control
from services.core.errors import Conflict, Unavailable
from tests.servers.platform import with_ports
from tests.servers.processes import ended

WITHIN_S = 120.0
# Listens, and keeps a child of its own that ignores SIGTERM, as model servers do.
SERVER = """
import socket, subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child])
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("up", flush=True)
time.sleep(600)
"""

# Writes what it was called with, whole or not at all.
TELLS = """
import json, os, pathlib, sys, time
told = pathlib.Path(sys.argv[2] + ".new")
told.write_text(json.dumps([sys.argv[1], os.environ["ODD"]]))
told.rename(sys.argv[2])
time.sleep(600)
"""


def _plan(**others: Program):
    def plan(ports):
        found = [Program(n, [sys.executable, "-c", SERVER, str(ports[n])], {}, "tcp", ports[n]) for n in PORTS[:3]]
        return [*found, *others.values()]

    return plan


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # What ignores SIGTERM, as a part of each program here does, need not be waited for long.
    monkeypatch.setattr(processes, "TERM_S", 0.3)
    found = with_ports(tmp_path / "a home")
    yield found
    platform.down(found, print)


def _family(home: Home) -> list[psutil.Process]:
    running = home.state().running
    assert running is not None
    return psutil.Process(running.pid).children(recursive=True)


def _until(condition) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_down_leaves_nothing_and_the_next_up_has_the_same_ports(home):
    assert platform.up(home, _plan(), WITHIN_S, print)
    family, ports = _family(home), home.state().ports
    assert len(family) == 6
    assert platform.down(home, print)
    assert all(ended(process) for process in family)
    assert not platform.down(home, print)
    assert platform.up(home, _plan(), WITHIN_S, print)
    assert home.state().ports == ports


def test_second_up_changes_nothing(home):
    platform.up(home, _plan(), WITHIN_S, print)
    running = home.state().running
    assert not platform.up(home, _plan(), WITHIN_S, print)
    assert home.state().running == running


def test_a_full_disk_does_not_end_the_supervisor(home):
    platform.up(home, _plan(), WITHIN_S, print)
    running = home.state().running
    control, supervisor = Control(running), psutil.Process(running.pid)
    supervisor.rlimit(psutil.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    before = control.processes()[0]
    # Their ends, and what they print, are written to logs.
    os.kill(before.pid, signal.SIGKILL)
    _until(lambda: control.processes()[0].pid not in (0, before.pid))
    _until(lambda: control.processes()[0].state == "RUNNING")
    supervisor.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert platform.running(home) == running


def test_killed_program_is_started_again(home):
    platform.up(home, _plan(), WITHIN_S, print)
    control = Control(home.state().running)
    before = control.processes()[0]
    os.kill(before.pid, signal.SIGKILL)
    _until(lambda: control.processes()[0].pid not in (0, before.pid))


@pytest.mark.parametrize("again", ["down", "up"])
def test_nothing_is_left_when_the_supervisor_was_killed(home, again):
    platform.up(home, _plan(), WITHIN_S, print)
    family = _family(home)
    os.kill(home.state().running.pid, signal.SIGKILL)
    if again == "down":
        assert platform.down(home, print)
    else:
        assert platform.up(home, _plan(), WITHIN_S, print)
    assert all(ended(process) for process in family)


def test_program_that_does_not_start_ends_up_with_its_log(home):
    told: list[str] = []
    bad = Program("bad", [sys.executable, "-c", "print('the cause'); raise SystemExit(3)"], {}, "tcp", 1)
    with pytest.raises(Unavailable, match="bad does not start"):
        platform.up(home, _plan(bad=bad), 60, told.append)
    assert "bad | the cause" in told
    assert home.state().running is None


def test_program_that_is_never_ready_ends_up_in_time(home):
    slow = Program("slow", [sys.executable, "-c", "import time; time.sleep(600)"], {}, "tcp", 1)
    with pytest.raises(Unavailable, match="slow is not ready in time"):
        platform.up(home, lambda ports: [slow], 10, print)
    assert home.state().running is None


def test_two_at_a_time_are_refused(home):
    with platform._lock(home), pytest.raises(Conflict, match="another"):
        platform.up(home, _plan(), 5, print)


def test_odd_values_reach_the_program_unchanged(home, tmp_path):
    text = "%(x)s ; # \"'\n$HOME é"
    out = tmp_path / "out.json"
    odd = Program("odd", [sys.executable, "-c", TELLS, text, str(out)], {"ODD": text}, "alive")
    platform.up(home, _plan(odd=odd), WITHIN_S, print)
    _until(out.exists)  # An alive program need not have come as far.
    assert json.loads(out.read_text()) == [text, text]
