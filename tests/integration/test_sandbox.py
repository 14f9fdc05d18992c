"""The sandbox: a child process may crash, hang, take too much or reach for others, and only its own work is lost."""

import ctypes
import hashlib
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.core.errors import BadMedia, Cancelled, Internal, MediaLimit, TimedOut, WorkerLost
from services.runtime import answers, confine, landlock, seccomp
from services.runtime.sandbox import Sandbox

MIB = 1 << 20
TESTS = Path(__file__).parents[1]
has_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
has_seccomp = pytest.mark.skipif(not seccomp.available(), reason="this kernel has no seccomp filters")


def add(a: int, b: int) -> int:
    return a + b


def pid() -> int:
    return os.getpid()


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang() -> None:
    while True:
        time.sleep(1)


def hang_in_a_library() -> None:
    # In C code that does not come back Python's own handler of SIGTERM never runs.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    ctypes.PyDLL(None).sleep(600)


def refuse() -> None:
    raise BadMedia("no video stream", fields={"source": "a video"})


def fail_in_a_library() -> None:
    raise sqlite3.OperationalError("no such table")


class Trap:
    """What makes a folder where it is read from a pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def forge(path: Path) -> None:
    """Take the process over: what it is asked next is answered with a trap."""
    answers.written = lambda value: Trap(path)  # type: ignore[assignment, return-value]


def take(size: int) -> int:
    return len(bytearray(size))


def write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.write(b"x" * size)


def fill(folder: Path, size: int) -> None:
    number = 0
    while True:
        write(folder / str(number), size)
        number += 1


def spin() -> None:
    """Keep two processors busy."""
    for _ in range(2):
        threading.Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"a", b"b", 1 << 30), daemon=True).start()
    hang()


def cpu_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_CPU)[0]


def text(path: Path) -> str:
    return path.read_text()


def environment() -> str:
    return str(dict(os.environ))


def in_a_thread(path: Path) -> str:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(path.read_text()))
    thread.start()
    thread.join()
    return found[0]


def say_and_hang(path: Path) -> None:
    path.write_text("begun")
    hang()


def hang_once(path: Path) -> str:
    if path.exists():
        return "again"
    say_and_hang(path)
    return "at once"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, 2 << 30, 8 * MIB, large="raise THE_SETTING", code=[TESTS]) as found:
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


@pytest.mark.parametrize("stops", [hang, hang_in_a_library])
def test_a_hang_is_ended_and_not_begun_again_and_the_next_work_is_done(
    stops: Callable[[], None], sandbox: Sandbox
) -> None:
    stuck = sandbox.run(pid, timeout_s=60)
    with pytest.raises(TimedOut, match="took more than"):
        sandbox.run(stops, timeout_s=0.5)
    assert sandbox.run(add, 1, 1, timeout_s=60) == 2
    assert not psutil.pid_exists(stuck)


def test_an_error_of_the_platform_comes_back_as_it_was(sandbox: Sandbox) -> None:
    with pytest.raises(BadMedia) as caught:
        sandbox.run(refuse, timeout_s=60)
    assert caught.value.message == "no video stream"
    assert caught.value.fields == {"source": "a video"}


def test_an_error_of_a_library_comes_back_in_words(sandbox: Sandbox) -> None:
    with pytest.raises(Internal, match="OperationalError: no such table"):
        sandbox.run(fail_in_a_library, timeout_s=60)


def test_an_answer_runs_no_code_in_the_service(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(Internal, match=r"names posix\.mkdir"):
        sandbox.run(Trap, tmp_path / "made", timeout_s=60)
    assert not (tmp_path / "made").exists()
    assert sandbox.run(add, 1, 1, timeout_s=60) == 2


def test_a_message_of_a_process_that_was_taken_over_runs_no_code_either(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.run(forge, tmp_path / "made", timeout_s=60)
    with pytest.raises(TimedOut):
        sandbox.run(add, 1, 1, timeout_s=2)
    assert not (tmp_path / "made").exists()
    assert sandbox.run(add, 1, 1, timeout_s=60) == 2


def test_memory_is_bounded_and_a_process_that_wanted_more_is_not_used_again(sandbox: Sandbox) -> None:
    first = sandbox.run(pid, timeout_s=60)
    with pytest.raises(MediaLimit, match="more memory than 2048 MiB; raise THE_SETTING"):
        sandbox.run(take, 4 << 30, timeout_s=60)
    assert sandbox.run(take, 16 * MIB, timeout_s=60) == 16 * MIB
    assert sandbox.run(pid, timeout_s=60) != first


def test_a_file_is_bounded(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises((OSError, WorkerLost)):
        sandbox.run(write, tmp_path / "f", 16 * MIB, timeout_s=60, writes=[tmp_path])
    assert (tmp_path / "f").stat().st_size <= 8 * MIB


@pytest.mark.parametrize("size", [4 * MIB, 0], ids=["large", "empty"])
def test_files_together_are_bounded(size: int, sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(MediaLimit, match="more than 16 MiB or 10000 files"):
        sandbox.run(fill, tmp_path, size, timeout_s=120, writes=[tmp_path])


def test_processor_time_is_bounded(sandbox: Sandbox) -> None:
    stuck = sandbox.run(pid, timeout_s=60)
    with pytest.raises(TimedOut):
        sandbox.run(spin, timeout_s=2)
    assert not psutil.pid_exists(stuck)
    soft = sandbox.run(cpu_limit, timeout_s=60)
    assert 0 < soft <= 61 * len(os.sched_getaffinity(0)) + 60


@has_landlock
def test_a_call_reads_and_writes_what_it_is_given_and_no_other_file(sandbox: Sandbox, tmp_path: Path) -> None:
    given, other, folder = tmp_path / "given", tmp_path / "other", tmp_path / "folder"
    given.write_text("mine")
    other.write_text("another tenant's")
    folder.mkdir()
    assert sandbox.run(text, given, timeout_s=60, reads=[given]) == "mine"
    sandbox.run(write, folder / "f", 10, timeout_s=60, writes=[folder])
    for path in (other, Path("/etc/passwd"), Path("/proc/self/environ"), Path(f"/proc/{os.getppid()}/environ")):
        with pytest.raises(PermissionError):
            sandbox.run(text, path, timeout_s=60, reads=[given], writes=[folder])
    for path in (given, other, tmp_path / "new", Path(__file__), Path("/dev/shm/vidx-test")):
        with pytest.raises(PermissionError):
            sandbox.run(write, path, 10, timeout_s=60, reads=[given], writes=[folder])
    # What one call was given is not left to the next, which the same process works on.
    with pytest.raises(PermissionError):
        sandbox.run(text, given, timeout_s=60)
    (folder / "link").symlink_to(other)
    with pytest.raises(PermissionError):
        sandbox.run(text, folder / "link", timeout_s=60, writes=[folder])


@has_landlock
def test_no_call_reaches_beyond_the_folders_of_the_process(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "f").write_text("words")
    with Sandbox(1, 2 << 30, within=[inside], code=[TESTS]) as narrow:
        assert narrow.run(text, inside / "f", timeout_s=60, reads=[inside]) == "words"
        with pytest.raises(PermissionError):
            narrow.run(text, outside / "f", timeout_s=60, reads=[outside])


def connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


def listen() -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))


def local_socket() -> None:
    socket.socket(socket.AF_UNIX).connect("\0vidx")


def fork() -> None:
    # No process of the bomb goes on.
    if os.fork() == 0:
        os._exit(0)


def start() -> None:
    subprocess.run(["/bin/true"], check=True)


def kill_parent() -> None:
    os.kill(os.getppid(), signal.SIGCONT)


def change_limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def lift_limit() -> None:
    found = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (found[1], found[1]))


def debug() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, os.getppid(), None, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def make_readable() -> None:
    os.chmod("/etc/hosts", 0o644)


@has_seccomp
@pytest.mark.parametrize(
    "reach",
    [listen, local_socket, fork, start, kill_parent, change_limit, lift_limit, debug, make_readable],
    ids=lambda f: f.__name__,
)
def test_a_call_reaches_no_network_no_process_and_no_limit(reach: Callable[[], None], sandbox: Sandbox) -> None:
    # For a limit, Python says ValueError.
    with pytest.raises((OSError, ValueError), match=r"not permitted|Permission denied|not allowed"):
        sandbox.run(reach, timeout_s=60)
    assert sandbox.run(add, 1, 1, timeout_s=60) == 2


@pytest.mark.skipif(not seccomp.available() and landlock.version() < 4, reason="this kernel can deny no network")
def test_a_call_connects_to_no_server(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        with pytest.raises(PermissionError):
            sandbox.run(connect, server.getsockname()[1], timeout_s=60)
        with pytest.raises(TimeoutError):
            server.accept()


def test_no_secret_of_the_service_lies_in_the_process(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDX_STORE_SECRET_KEY", "swordfish")
    with Sandbox(1, 2 << 30, code=[TESTS]) as found:
        assert "swordfish" not in found.run(environment, timeout_s=60)


def test_threads_run_inside_and_hold_no_more_than_the_call(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("words")
    assert sandbox.run(in_a_thread, tmp_path / "f", timeout_s=60, reads=[tmp_path]) == "words"


def test_it_says_what_confines_it() -> None:
    kinds = confine.kinds().split(", ")
    assert kinds[-1] == "rlimits"
    assert ("seccomp" in kinds) == seccomp.available()
    assert (f"landlock v{landlock.version()}" in kinds) == bool(landlock.version())


def test_work_that_is_no_longer_wanted_is_ended(sandbox: Sandbox, tmp_path: Path) -> None:
    def tick() -> None:
        if (tmp_path / "sign").exists():
            raise Cancelled("stopped by a person")

    worker = sandbox.run(pid, timeout_s=60)
    with pytest.raises(Cancelled):
        sandbox.run(say_and_hang, tmp_path / "sign", timeout_s=60, tick=tick, writes=[tmp_path])
    assert sandbox.run(pid, timeout_s=60) != worker
    assert not psutil.pid_exists(worker)


def test_work_whose_process_was_ended_in_place_of_other_work_is_begun_again(sandbox: Sandbox, tmp_path: Path) -> None:
    ended = threading.Event()

    def tick() -> None:
        # As Pebble does for a call that was cancelled, and that its process is done with by then.
        if (tmp_path / "sign").exists() and not ended.is_set():
            pool = sandbox._pool._pool_manager
            (task,) = pool.task_manager.tasks.values()
            if pool.worker_manager.maybe_stop_worker(task.worker_id):
                ended.set()

    found = sandbox.run(hang_once, tmp_path / "sign", timeout_s=30, tick=tick, writes=[tmp_path])
    assert (found, ended.is_set()) == ("again", True)
