"""What being watched costs: a search and a job's way over the queue, with traces and metrics and without, in turns.

    python -m tests.bench.overhead [--searches 200] [--videos 20] [--json FILE]

Both sides run at the same time on the same parts, so that what else the machine does meets both alike. The search: one
platform's Triton and Milvus, and of gateway, search and embedding two more processes each, with nothing on and with
everything. The queue: two simulated platforms. The collector is a real OTLP receiver in this process.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.cli.machine.launch import FILE
from services.runtime.grpc_client import channel
from tests.bench.report import Figure, save, table
from tests.bench.simulated import simulated
from tests.media.films import film
from tests.media.pictures import pan
from tests.servers import collector, redis
from tests.servers.platform import Platform, serving
from tests.servers.ports import free_ports

PART = "being watched"
WATCHED = ("gateway", "search", "embedding")
READY_S = 240.0
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


def hops(folder: Path, url: str, videos: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each job's way, from its sending until its report was taken in, without its work."""
    took: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        sides = []
        for name, extra in (("plain", OFF), ("watched", on(url))):
            (folder / name).mkdir()
            sides.append(stack.enter_context(simulated(folder / name, 1, 1, {}, extra)))
        for n in range(videos):
            for side in (0, 1) if n % 2 else (1, 0):
                _, jobs = sides[side].index(f"v{n}")
                took[side].extend((d.began - d.sent + d.applied - d.ended) / 1e6 for d in jobs)
    return took


def figure(what: str, took: tuple[list[float], list[float]]) -> Figure:
    plain, watched = (statistics.median(side) for side in took)
    return Figure(PART, f"{what}, p50, by the same unwatched ({plain:.2f} ms)", watched, "ms", ratio=watched / plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch, collector.serving() as traces:
        folder = Path(scratch)
        if args.videos:
            (folder / "hops").mkdir()
            figures.append(figure("a queue hop", hops(folder / "hops", traces.url, args.videos)))
        if args.searches:
            path = film(folder / "film.mp4", pan(5, 75, 160, 90))
            with serving(folder / "home") as platform:
                platform.run("index", str(path), "--collection", "c", "--wait")
                with another(platform, OFF) as unwatched, another(platform, on(traces.url)) as watched:
                    figures.append(figure("a search", searches(unwatched, watched, args.searches)))
        spans = len(traces.spans())
    print(table(figures))
    print(f"  {spans} spans came to the collector")
    if args.json:
        save(args.json, figures, spans=spans)


if __name__ == "__main__":
    main()
