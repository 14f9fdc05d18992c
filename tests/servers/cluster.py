"""The platform as on a cluster: every part and service a process of its own, each at a loopback address of its own.

Catalog and store are what the caller gives: a PostgreSQL and an S3, or the files of one machine. Nobody watches the
processes: what ends stays so until the test starts it again.
"""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.cli.home import Home
from services.cli.machine.programs import PORTS, STAGES, Options, environment, redis_command
from services.packs import tritonserver
from services.runtime.grpc_client import PLAIN, channel
from services.runtime.settings import ClientSettings
from tests.servers.ports import free_ports
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3

PARTS = ("redis", "milvus", "triton")
SERVICES = (*STAGES, "pipeline", "gateway")
HOSTS = {name: f"127.0.0.{number}" for number, name in enumerate((*PARTS, *SERVICES), 11)}
READY_WITHIN_S = 600.0
STOP_WITHIN_S = 240.0


class Cluster:
    """`settings` is what all services are told: `more`, and what follows from `options`.

    `own` is told to a service besides, by its name; `caller` is how health is asked for.
    """

    def __init__(
        self,
        folder: Path,
        pack: Path,
        options: Options,
        more: Mapping[str, str],
        own: Mapping[str, Mapping[str, str]] | None = None,
        caller: ClientSettings = PLAIN,
    ) -> None:
        self._folder = folder
        self._pack = pack
        self._own = own or {}
        self._caller = caller
        self._ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        told = environment(Home(folder), self._ports, pack, options)
        moved = {f"127.0.0.1:{self._ports[name]}": self.address(name) for name in HOSTS if name in self._ports}
        hosts = ",".join(["127.0.0.1", *HOSTS.values()])
        self.settings = {
            **{key: _moved(value, moved) for key, value in told.items()},
            "no_proxy": hosts,
            "NO_PROXY": hosts,
            **more,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def address(self, name: str) -> str:
        """host:port of a part or a service."""
        return f"{HOSTS[name]}:{self._ports[name]}"

    def pid(self, name: str) -> int:
        """The process of a part or a service that runs."""
        return self._processes[name].pid

    def log(self, name: str) -> str:
        """What a process wrote so far, in all its lives."""
        return (self._folder / f"{name}.log").read_text()

    def start(self, name: str) -> None:
        """Start a part or a service; `wait` tells when it is ready."""
        argv, env = self._command(name)
        self.run(name, argv, env)

    def run(self, name: str, argv: list[str], env: dict[str, str], cwd: Path | None = None) -> None:
        """Start a process under a name of its own."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("VIDX_")}
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                argv, env={**inherited, **env}, cwd=cwd or self._folder, stdout=log, stderr=log
            )

    def stop(self, name: str, *, kill: bool = False) -> int:
        """End a process, in order or by force; returns its exit status."""
        process = self._processes.pop(name)
        process.kill() if kill else process.terminate()
        try:
            return process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{name} did not end in order: {self.log(name)[-2000:]}") from None
        finally:
            if name == "triton":
                tritonserver.clear(self._folder / "triton")

    def restart(self, name: str, *, kill: bool = False) -> None:
        """End a process and start it again, until it is ready."""
        self.stop(name, kill=kill)
        self.start(name)
        self.wait(name)

    def wait(self, *names: str) -> None:
        """Until these are ready."""
        deadline = time.monotonic() + READY_WITHIN_S
        for name in names:
            while not self._ready(name):
                process = self._processes[name]
                assert process.poll() is None, f"{name} ended with {process.returncode}: {self.log(name)[-2000:]}"
                assert time.monotonic() < deadline, f"{name} is not ready: {self.log(name)[-2000:]}"
                time.sleep(0.1)

    def close(self) -> None:
        """End all that runs."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        tritonserver.clear(self._folder / "triton")

    def _command(self, name: str) -> tuple[list[str], dict[str, str]]:
        host, port = HOSTS[name], self._ports.get(name, 0)
        if name == "redis":
            return [host if word == "127.0.0.1" else word for word in redis_command(port)], {}
        if name == "milvus":
            data = ["--data-dir", str(self._folder / "milvus"), "--host", host, "--port", str(port)]
            return [sys.executable, "-m", "services.search.lite", *data], {}
        if name == "triton":
            scratch = self._folder / "triton"
            scratch.mkdir(exist_ok=True)
            http, metrics = self._ports["triton_http"], self._ports["triton_metrics"]
            return tritonserver.command(
                self._pack, http_port=http, grpc_port=port, metrics_port=metrics, scratch=scratch, host=host
            )
        own = {"VIDX_SERVER_ADDRESS": f"{host}:{port}"} if port else {}
        return [sys.executable, "-m", f"services.{name}"], {**self.settings, **own, **self._own.get(name, {})}

    def _ready(self, name: str) -> bool:
        checks: dict[str, Callable[[], bool]] = {"redis": self._redis, "triton": self._triton}
        if name not in self._ports:
            return True
        try:
            return checks.get(name, lambda: self._healthy(name))()
        except (OSError, grpc.RpcError, grpc.FutureTimeoutError, redis.RedisError):
            return False

    def _redis(self) -> bool:
        with redis.Redis(HOSTS["redis"], self._ports["redis"], socket_timeout=2) as client:
            return bool(client.ping())

    def _triton(self) -> bool:
        with urllib.request.urlopen(
            f"http://{HOSTS['triton']}:{self._ports['triton_http']}/v2/health/ready", timeout=2
        ):
            return True

    def _healthy(self, name: str) -> bool:
        with channel(self.address(name), PLAIN if name in PARTS else self._caller, retries=False) as connection:
            if name in PARTS:
                grpc.channel_ready_future(connection).result(2)
                return True
            answer = health_pb2_grpc.HealthStub(connection).Check(health_pb2.HealthCheckRequest(), timeout=2)
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _moved(value: str, own: dict[str, str]) -> str:
    for machine, address in own.items():
        value = value.replace(machine, address)
    return value


@contextmanager
def serving(folder: Path, pack: Path, database: Postgres, bucket: S3, more: dict[str, str]) -> Iterator[Cluster]:
    """A ready cluster on a PostgreSQL and an S3."""
    catalog, name = database.settings(database.migrated()).url.get_secret_value(), bucket.new_bucket()
    options = Options(store=bucket.url(name), catalog=catalog)
    with running(Cluster(folder, pack, options, {**bucket.environment(name), **more})) as cluster:
        yield cluster


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster that is ready; all its processes end with the block."""
    try:
        for name in PARTS:
            cluster.start(name)
        cluster.wait("redis", "milvus")
        for name in SERVICES:
            cluster.start(name)
        cluster.wait(*PARTS, *SERVICES)
        yield cluster
    finally:
        cluster.close()
