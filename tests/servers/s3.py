"""A real S3 server: OpenStack Swift with its S3 door, as four processes on free loopback ports.

Swift lives in a virtual environment of its own, as it must not choose the platform's libraries; VIDX_TEST_SWIFT names
the environment's bin folder, `.venv-swift/bin` of the repository by default.
"""

import getpass
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from services.runtime.settings import StoreSettings
from tests.servers.ports import free_ports

READY_WITHIN_S = 180.0
RINGS = ("account", "container", "object")

# Waits are long, so that a busy machine never makes the servers put an update off: no daemon runs to catch up on it.
_COMMON = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {etc}
devices = {node}
mount_check = false
workers = 0
fallocate_reserve = 0
log_udp_host =
log_level = WARNING
"""

_STORAGE = """\
[pipeline:main]
pipeline = {ring}-server
[app:{ring}-server]
use = egg:swift#{ring}
log_requests = false
conn_timeout = 20
node_timeout = 30
container_update_timeout = 30
"""

_PROXY = """\
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache bulk s3api tempauth slo versioned_writes proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 20
node_timeout = 30
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{no_cache}
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
allowable_clock_skew = {skew_s}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing123 .admin
[filter:slo]
use = egg:swift#slo
[filter:versioned_writes]
use = egg:swift#versioned_writes
"""

# One device with one replica of 16 partitions. In one process, as each start of Swift's own tool takes a second.
_MAKE_RINGS = """\
import sys
from swift.common.ring import RingBuilder
for argument in sys.argv[1:]:
    file, port = argument.rsplit("=", 1)
    builder = RingBuilder(4, 1, 0)
    builder.add_dev(dict(region=1, zone=1, ip="127.0.0.1", port=int(port), device="d1", weight=1.0))
    builder.rebalance()
    builder.get_ring().save(file)
"""


@dataclass(frozen=True)
class S3:
    """A server that runs, and its one user."""

    endpoint: str
    processes: "Processes"
    access_key: str = "test:tester"
    secret_key: str = "testing123"

    def url(self, bucket: str) -> str:
        """What VIDX_STORE_URL is for a bucket; it need not be there yet."""
        return f"s3://{self.endpoint}/{bucket}"

    def restart(self, *, kill: bool = False) -> None:
        """End all its processes and start them again, with all that they hold."""
        self.processes.stop(kill=kill)
        self.processes.start()

    def new_bucket(self) -> str:
        """A name that no bucket has."""
        return f"b{uuid.uuid4().hex}"

    def settings(self, bucket: str, scratch: Path) -> StoreSettings:
        """How the platform reaches a bucket; local copies of what lies there go to the scratch folder."""
        return StoreSettings(
            url=self.url(bucket),
            access_key=SecretStr(self.access_key),
            secret_key=SecretStr(self.secret_key),
            scratch=str(scratch),
        )

    def environment(self, bucket: str) -> dict[str, str]:
        """What makes a service use the bucket."""
        return {
            "VIDX_STORE_URL": self.url(bucket),
            "VIDX_STORE_ACCESS_KEY": self.access_key,
            "VIDX_STORE_SECRET_KEY": self.secret_key,
        }


class Processes:
    """The server's processes, started anew as often as asked."""

    def __init__(self, folder: Path, ports: dict[str, int], skew_s: int) -> None:
        self._folder, self._ports = folder, ports
        self._programs = _programs()
        self._etc = _configure(folder, ports, self._programs, skew_s)
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start them, and wait until they listen."""
        for name in (*RINGS, "proxy"):
            argv = [self._programs / f"swift-{name}-server", self._etc / f"{name}-server.conf"]
            with (self._folder / f"{name}.log").open("ab") as log:
                self._running.append(subprocess.Popen(argv, stdout=log, stderr=log))
        for name in (*RINGS, "proxy"):
            _wait_listening(self._ports[name], self._running, self._folder)

    def stop(self, *, kill: bool = False) -> None:
        """End those that run, in order or by force."""
        while self._running:
            _stop(self._running.pop(), kill)


@contextmanager
def serving(folder: Path, skew_s: int = 900) -> Iterator[S3]:
    """An S3 server that keeps everything in the folder; its processes end with the block.

    What a client signs may be as old, by the client's clock, as `skew_s`.
    """
    ports = dict(zip((*RINGS, "proxy", "no_cache"), free_ports(5), strict=True))
    processes = Processes(folder, ports, skew_s)
    try:
        processes.start()
        yield S3(f"127.0.0.1:{ports['proxy']}", processes)
    finally:
        processes.stop()


def _programs() -> Path:
    repository = Path(__file__).parents[2]
    programs = Path(os.environ.get("VIDX_TEST_SWIFT") or repository / ".venv-swift/bin")
    if not (programs / "swift-proxy-server").exists():
        raise AssertionError(f"no Swift in {programs}: `make test` installs it, VIDX_TEST_SWIFT names another folder")
    return programs


def _configure(folder: Path, ports: dict[str, int], programs: Path, skew_s: int) -> Path:
    etc, node = folder / "etc", folder / "node"
    (node / "d1").mkdir(parents=True, exist_ok=True)
    etc.mkdir(exist_ok=True)
    (etc / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\ndefault = yes\n")
    for name in (*RINGS, "proxy"):
        common = _COMMON.format(port=ports[name], user=getpass.getuser(), etc=etc, node=node)
        proxy = _PROXY.format(no_cache=ports["no_cache"], skew_s=skew_s)
        own = proxy if name == "proxy" else _STORAGE.format(ring=name)
        (etc / f"{name}-server.conf").write_text(common + own)
    wanted = [f"{etc / ring}.ring.gz={ports[ring]}" for ring in RINGS]
    subprocess.run([programs / "python", "-c", _MAKE_RINGS, *wanted], check=True, capture_output=True, timeout=180)
    return etc


def _wait_listening(port: int, servers: "list[subprocess.Popen[bytes]]", folder: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and all(server.poll() is None for server in servers):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    logs = {log.name: log.read_text()[-800:] for log in folder.glob("*.log")}
    raise AssertionError(f"Swift is not ready: {logs}")


def _stop(process: "subprocess.Popen[bytes]", kill: bool) -> None:
    process.kill() if kill else process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
