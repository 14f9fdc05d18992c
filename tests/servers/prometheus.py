"""A real Prometheus on a free loopback port, and promtool.

VIDX_TEST_PROMETHEUS names the folder of the two programs, `.prometheus/bin` of the repository by default, which
`make test` fills.
"""

import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.ports import free_ports

REPOSITORY = Path(__file__).parents[2]
WITHIN_S = 120.0


def program(name: str) -> Path:
    """The program's path; skips the test where `make` could not get it."""
    folder = Path(os.environ.get("VIDX_TEST_PROMETHEUS") or REPOSITORY / ".prometheus/bin")
    if not (folder / name).exists():
        pytest.skip(
            f"no {name} in {folder}: `make .prometheus/.ready` gets it, VIDX_TEST_PROMETHEUS names another folder"
        )
    return folder / name


@dataclass(frozen=True)
class Prometheus:
    """A server that runs."""

    port: int

    def get(self, path: str, **query: str) -> Any:
        """`data` of an answer of the HTTP API."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.loads(answer.read())["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series now."""
        found = self.get("query", query=expression)["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def wait(self, what: str, until: Callable[[], bool]) -> None:
        """Look until it is so."""
        deadline = time.monotonic() + WITHIN_S
        while not until():
            assert time.monotonic() < deadline, f"{what}: never"
            time.sleep(0.1)


@contextmanager
def serving(folder: Path, configuration: str) -> Iterator[Prometheus]:
    """A Prometheus with this configuration, whose relative paths begin in `folder`."""
    port = free_ports(1)[0]
    (folder / "prometheus.yaml").write_text(configuration)
    argv = [program("prometheus"), f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    log = folder / "prometheus.log"
    with log.open("ab") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out)
    try:
        found = Prometheus(port)
        _wait_ready(process, port, log)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"Prometheus is not ready (exit {process.poll()}): {log.read_text()[-2000:]}")
