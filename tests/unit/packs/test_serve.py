"""The launcher of a model server, on small programs in place of Triton."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from services.packs import serve, tritonserver
from tests.servers.processes import ended

# A server with a child, as Triton has one a model: both ignore SIGTERM when told so, and say who they are.
SERVER = """
import os, signal, subprocess, sys, time
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, os.getpgid(0), flush=True)
if "fails" in sys.argv:
    sys.exit(7)
time.sleep(600)
"""


def start(scratch: Path, *told: str) -> "tuple[subprocess.Popen[str], list[psutil.Process]]":
    argv = serve.command([sys.executable, "-c", SERVER, *told], http_port=1, scratch=scratch)
    launcher = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    server, child, group = map(int, launcher.stdout.readline().split())
    assert server == group != os.getpgid(launcher.pid)
    processes = []
    for pid in (server, child):
        # One that fails may have gone by now.
        with suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    return launcher, processes


def gone(processes: list[psutil.Process]) -> bool:
    """Whether they end: a process that was killed needs a moment for it."""
    until = time.monotonic() + 60
    while not all(map(ended, processes)) and time.monotonic() < until:
        time.sleep(0.01)
    return all(map(ended, processes))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_ends_the_server_and_what_that_left(tmp_path: Path, number: int) -> None:
    launcher, processes = start(tmp_path)
    launcher.send_signal(number)
    assert launcher.wait(60) == 0
    assert gone(processes)


def test_a_server_that_fails_is_a_failure_and_leaves_no_child_and_no_memory(tmp_path: Path) -> None:
    left = Path("/dev/shm") / f"{tritonserver.region(tmp_path)}x"
    left.write_text("")
    launcher, processes = start(tmp_path, "fails")
    assert launcher.wait(60) == 7
    assert gone(processes)
    assert not left.exists()


def test_a_server_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "FAULT_STOP_S", 0.1)
    server = subprocess.Popen([sys.executable, "-c", SERVER, "deaf"], process_group=0, stdout=subprocess.PIPE)
    assert server.stdout is not None
    pids = server.stdout.readline().split()[:2]
    processes = [psutil.Process(int(pid)) for pid in pids]
    assert serve._end(server, serve.FAULT_STOP_S) == -signal.SIGKILL
    assert gone(processes)


def test_clearing_touches_no_other_server(tmp_path: Path) -> None:
    other = Path("/dev/shm") / f"{tritonserver.region(tmp_path / 'other')}x"
    other.write_text("")
    try:
        tritonserver.clear(tmp_path)
        assert other.exists()
    finally:
        tritonserver.clear(tmp_path / "other")
    assert not other.exists()


def test_processor_time_of_a_group_counts_its_members() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", busy], process_group=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert serve._spent_s(process.pid) >= 0.28
        process.kill()
    assert serve._spent_s(process.pid) == 0


def test_the_launcher_stays_small() -> None:
    heavy = {"torch", "numpy", "pydantic", "grpc", "tritonclient", "google.protobuf"}
    code = f"import sys, services.packs.serve; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
