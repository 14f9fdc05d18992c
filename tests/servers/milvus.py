"""milvus-lite as one machine runs it, on a free loopback port."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.ports import free_ports

READY_WITHIN_S = 240.0


@contextmanager
def serving(data: Path, port: int = 0, stock: bool = False) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The server's URI, and its process; stopped at the end, if it still runs. `stock`: as milvus-lite starts it."""
    port = port or free_ports(1)[0]
    data.mkdir(parents=True, exist_ok=True)
    log = data.with_suffix(".log")
    program: list[str | Path] = [sys.executable, "-m", "services.search.lite"]
    if stock:
        # One worker: the engine has no lock between writers.
        command = Path(sys.executable).with_name("milvus-lite")
        program = [command, "server", "--host", "127.0.0.1", "--max-workers", "1"]
    with log.open("ab") as out:
        process = subprocess.Popen([*program, "--data-dir", data, "--port", str(port)], stdout=out, stderr=out)
    try:
        _wait_ready(process, port, log)
        yield f"http://127.0.0.1:{port}", process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a server by its process."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"milvus-lite is not ready (exit {process.poll()}): {log.read_text()[-2000:]}")
