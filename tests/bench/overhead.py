"""What being watched costs: a search and a job's way over the queue, with traces and metrics and without, in turns.

    python -m tests.bench.overhead [--searches 200] [--hops 500] [--json FILE]

Both sides run at the same time on the same parts, so that what else the machine does meets both alike. The search: one
platform's Triton and Milvus, and of gateway, search and embedding two more processes each, with nothing on and with
everything. The queue: two workers of one broker. The collector is a real OTLP receiver in this process.
"""

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from opentelemetry.trace import NoOpTracer
from pydantic import SecretStr
from redis import Redis
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.cli.machine.launch import FILE
from services.core.jobs import Job, Outputs
from services.core.names import VideoName
from services.runtime import service, tracing, worker
from services.runtime.grpc_client import channel
from services.runtime.queue import REPORT_QUEUE, celery_app, send
from services.runtime.settings import QueueSettings, Tracing
from tests.bench.report import Figure, save, table
from tests.media.films import film
from tests.media.pictures import pan
from tests.servers import collector, redis
from tests.servers.platform import Platform, serving
from tests.servers.ports import free_ports

PART = "being watched"
WATCHED = ("gateway", "search", "embedding")
READY_S = 240.0
SIDES = ("plain", "watched")
OFF = {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "VIDX_METRICS_ADDRESS": ""}
QUERIES = ("a dog on a beach", "stones", "a man with a hat", "the sea at night")


def on(url: str) -> dict[str, str]:
    """Environment of a process that is watched."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "VIDX_METRICS_ADDRESS": "127.0.0.1:0"}


@contextmanager
def another(platform: Platform, extra: dict[str, str]) -> Iterator[str]:
    """A gateway, search and embedding more, with `extra`; yields the gateway's address."""
    programs = json.loads((platform.home / "run" / FILE).read_text())
    ports = dict(zip(WATCHED, free_ports(len(WATCHED)), strict=True))
    with ExitStack() as stack:
        log = stack.enter_context((platform.home / "logs" / "watched.log").open("ab"))
        for name in WATCHED:
            env = {**os.environ, **programs[name]["env"], **extra, "VIDX_SERVER_ADDRESS": f"127.0.0.1:{ports[name]}"}
            for caller, called in (("GATEWAY", "search"), ("SEARCH", "embedding")):
                env[f"VIDX_{caller}_{called.upper()}_ADDRESS"] = f"127.0.0.1:{ports[called]}"
            argv = [arg if arg != "all" else "serve" for arg in programs[name]["argv"]]
            process = subprocess.Popen(argv, env=env, stdout=log, stderr=log, cwd=platform.home / "run")
            stack.callback(redis.stop, process)
        yield f"127.0.0.1:{ports['gateway']}"


def searches(unwatched: str, watched: str, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each search, without and with."""
    with channel(unwatched) as plain, channel(watched) as other:
        stubs = VideoIndexServiceStub(plain), VideoIndexServiceStub(other)
        deadline = time.monotonic() + READY_S
        for stub in stubs:
            stub.GetCollection(
                pb.GetCollectionRequest(name="collections/c"), timeout=deadline - time.monotonic(), wait_for_ready=True
            )
            for n in range(10):
                ask(stub, f"warm {n}")
        took: tuple[list[float], list[float]] = ([], [])
        for n in range(count):
            # No query is asked twice, as embeddings of known ones are kept.
            for side in (0, 1) if n % 2 else (1, 0):
                took[side].append(ask(stubs[side], f"{QUERIES[n % len(QUERIES)]} {n} {'ab'[side]}"))
    return took


def ask(stub: VideoIndexServiceStub, query: str) -> float:
    began = time.perf_counter()
    stub.Search(pb.SearchRequest(parent="collections/c", query=query), timeout=60, wait_for_ready=True)
    return (time.perf_counter() - began) * 1000


def hops(folder: Path, url: str, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each job that does nothing: from its sending until its worker's report is on the queue."""
    took: tuple[list[float], list[float]] = ([], [])
    tracing.configure("pipeline", Tracing(endpoint=url))
    tracers = NoOpTracer(), tracing._tracer
    with ExitStack() as stack:
        broker, _ = stack.enter_context(redis.serving(folder))
        log = stack.enter_context((folder / "workers.log").open("ab"))
        for side, extra in zip(SIDES, (OFF, on(url)), strict=True):
            env = {**os.environ, "VIDX_QUEUE_URL": broker, "VIDX_LOG_LEVEL": "warning", **extra}
            argv = [sys.executable, "-m", "tests.bench.overhead", "--work", side]
            stack.callback(redis.stop, subprocess.Popen(argv, env=env, stdout=log, stderr=log))
        app = celery_app(QueueSettings(url=SecretStr(broker)))
        client = stack.enter_context(Redis.from_url(broker))
        for n in range(-20, count):
            for side in (0, 1) if n % 2 else (1, 0):
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(tracing, "_tracer", tracers[side])
                    began = time.perf_counter()
                    send(app, Job(VideoName("c", f"v{n + 20}"), f"{SIDES[side]}.nothing"))
                    _await_report(client, f"v{n + 20}")
                    if n >= 0:
                        took[side].append((time.perf_counter() - began) * 1000)
    return took


def _await_report(client: "Redis[bytes]", video: str) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        found = client.brpop([REPORT_QUEUE], timeout=1)
        if found is None:
            continue
        _, told, _ = json.loads(base64.b64decode(json.loads(found[1])["body"]))
        report = told["report"]
        if report["event"] == "succeeded" and report["job"]["video"].endswith(f"/{video}"):
            return
    raise SystemExit("no worker reports")


def work(side: str) -> None:
    """A worker whose one step does nothing."""
    service.begin(side)
    app = celery_app(QueueSettings())
    worker.register(app, {f"{side}.nothing": lambda job, progress: Outputs()})
    worker.run(app, side, 1)


def figure(what: str, took: tuple[list[float], list[float]]) -> Figure:
    plain, watched = (statistics.median(side) for side in took)
    return Figure(PART, f"{what}, p50, by the same unwatched ({plain:.2f} ms)", watched, "ms", ratio=watched / plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--hops", type=int, default=500)
    parser.add_argument("--work", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.work:
        work(args.work)
        return
    figures = []
    with tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch, collector.serving() as traces:
        folder = Path(scratch)
        if args.searches:
            path = film(folder / "film.mp4", pan(5, 75, 160, 90))
            with serving(folder / "home") as platform:
                platform.run("index", str(path), "--collection", "c", "--wait")
                with another(platform, OFF) as unwatched, another(platform, on(traces.url)) as watched:
                    figures.append(figure("a search", searches(unwatched, watched, args.searches)))
        # Last, for it is from then on that this process records spans itself.
        if args.hops:
            figures.append(figure("a queue hop", hops(folder, traces.url, args.hops)))
        spans = len(traces.spans())
    print(table(figures))
    print(f"  {spans} spans came to the collector")
    if args.json:
        save(args.json, figures, spans=spans)


if __name__ == "__main__":
    main()
