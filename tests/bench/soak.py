"""An hour of a whole platform at half load: searches over many rows, while videos come, are indexed, and go.

    python -m tests.bench.soak [--minutes 60] [--rows 100000] [--json FILE]        or: make soak MINUTES=60

A platform as `vidx up` starts it, with made rows in its index. Films of six seconds follow each other as fast as they
are indexed; twenty are kept: the oldest goes when one comes. Once they go, clients ask as fast as they can for a while,
of which half as many queries and films a second is the first load. From then on it follows what half of the processors'
time can do, as a machine that others share does not keep its speed.

Every five minutes: queries a second, p50 and p99 in milliseconds, films that became READY, the percent of the
processors' time that was used in every ten seconds, and the processor seconds and the resident memory of each process.
A query that is late by its turn counts from its turn, so a stall shows in all that it held up. Growth is told between
the second stretch, for the first warms up, and the last; of latencies in the work that the machine did meanwhile, which
is milliseconds times queries a second. At the end every film must be READY, and `vidx doctor` must find nothing.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.runtime.grpc_client import channel
from services.search.settings import SearchSettings
from tests.bench.pipeline import memory, processor_s
from tests.bench.report import Figure, about, save, table
from tests.bench.search_parts import await_indexes, encoder, fill
from tests.bench.search_rows import ASKED, Subjects
from tests.bench.search_steady import LARGER, SLOWER, STRETCH_S, Load, stretch
from tests.chaos.load import Uploader, films
from tests.servers.platform import Platform, serving

PART = "soak"
KEPT, MADE, UNDER_WAY, TURNING_S, TRIED_S = 20, 60, 4, 120.0, 30.0
HALF, LOOK_S, STEP = 50.0, 10.0, 1.25
"""Percent of the processors' time; how often the load follows it, and how far it goes at once."""


class Asked:
    """A platform whose collection of made rows is asked."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._stub = VideoIndexServiceStub(channel(platform.address))
        self._stub.CreateCollection(pb.CreateCollectionRequest(collection_id=ASKED), timeout=30)

    def search(self, text: str) -> pb.SearchResponse:
        return self._stub.Search(pb.SearchRequest(parent=f"collections/{ASKED}", query=text), timeout=60)

    def memory_mib(self) -> dict[str, float]:
        """Resident memory of each process with its children's."""
        return {name: round(size / 2**20, 1) for name, size in memory(self._platform, "VmRSS").items()}


class Turnover(threading.Thread):
    """Films that come and go, one every `pace` seconds, and never more than a few under way."""

    def __init__(self, platform: Platform, made: Sequence[Path]) -> None:
        super().__init__(daemon=True)
        self._uploader = Uploader(platform.address)
        self._uploader.collections()
        self._made = made
        self._over = threading.Event()
        self.turning = threading.Event()
        """Set when the first film has gone."""
        self.pace = 0.0
        self.ready = 0
        self.fault: Exception | None = None

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self.fault = error

    def _work(self) -> None:
        number, done, due = 0, set[str](), time.monotonic()
        while not self._over.wait(0.2):
            videos = self._uploader.videos()
            done |= {name for name, video in videos.items() if video.state == pb.Video.READY}
            self.ready = len(done)
            if len(videos.keys() - done) >= UNDER_WAY or time.monotonic() < due:
                continue
            due = max(time.monotonic(), due + self.pace)
            self._uploader.add(self._made[number % len(self._made)], number)
            number += 1
            if len(self._uploader.accepted) > KEPT and self._uploader.accepted[0] in done:
                self._uploader.remove(self._uploader.accepted[0])
                self.turning.set()

    def stop(self) -> list[str]:
        """End it; the videos that do not become READY."""
        self._over.set()
        self.join(120)
        deadline = time.monotonic() + 120
        while True:
            waiting = [name for name, v in self._uploader.videos().items() if v.state != pb.Video.READY]
            if not waiting or time.monotonic() > deadline:
                return waiting
            time.sleep(1)


class Half(threading.Thread):
    """Keeps half of the processors' time in use, by films and queries in the proportion that was tried."""

    def __init__(self, load: Load, clients: int, turnover: Turnover) -> None:
        super().__init__(daemon=True)
        self._turnover = turnover
        self._over = threading.Event()
        before = turnover.ready
        self.rate = len(load.run(clients, lambda: 0, TRIED_S)) / TRIED_S / 2
        """Queries a second."""
        self.used: list[float] = []
        """Percent of the processors' time, look by look."""
        turnover.pace = 2 * TRIED_S / max(turnover.ready - before, 1)

    def run(self) -> None:
        psutil.cpu_percent()
        while not self._over.wait(LOOK_S):
            self.used.append(psutil.cpu_percent())
            change = min(max(HALF / max(self.used[-1], 1), 1 / STEP), STEP)
            self.rate *= change
            self._turnover.pace /= change

    def stop(self) -> None:
        self._over.set()
        self.join()


def figures(told: Sequence[dict[str, Any]], rows: int) -> list[Figure]:
    """How much slower and larger the last stretch is than the second; nothing while there is none after it."""
    if len(told) < 3:
        return []
    early, late = told[1], told[-1]
    over = "last five minutes by the second"
    grown = {p: late[p] * late["per_s"] / (early[p] * early["per_s"]) for p in ("p50", "p99")}
    found = [
        Figure(PART, f"{rows} rows: {p} x queries a second, {over}", by, "times", SLOWER, True)
        for p, by in grown.items()
    ]
    found.append(Figure(PART, "p99 by p50, the worst five minutes", max(s["p99"] / s["p50"] for s in told), "times"))
    for name, size in late["memory_mib"].items():
        label = f"memory of {name} ({size:.0f} MiB), {over}"
        found.append(Figure(PART, label, size / early["memory_mib"][name], "times", LARGER, True))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vidx-soak-") as folder, serving(Path(folder) / "home") as platform:
        settings = SearchSettings(
            milvus_uri=f"http://{platform.address_of('milvus')}", embedding_address=platform.address_of("embedding")
        )
        rows, _ = fill(settings, Subjects.make(encoder(platform.address_of("embedding"))), args.rows)
        await_indexes(platform.home)
        asked, turnover = Asked(platform), Turnover(platform, films(Path(folder), MADE))
        load = Load(asked)
        turnover.start()
        turnover.turning.wait(TURNING_S)
        half = Half(load, args.clients, turnover)
        half.start()
        told, left = [], 60 * args.minutes
        while left > 0 and turnover.fault is None:
            seconds, before, spent, half.used = min(left, STRETCH_S), turnover.ready, processor_s(platform), []
            found = stretch(load, asked, args.clients, lambda: half.rate, seconds)
            told.append({
                "per_s": round(found["queries"] / seconds, 2), "films": turnover.ready - before, "used": half.used,
                "processor_s": {n: round(s, 1) for n, s in (processor_s(platform) - spent).most_common()}, **found,
            })  # fmt: skip
            left -= STRETCH_S
            print(f"after {args.minutes - max(left, 0) / 60:.0f} min: {told[-1]}", flush=True)
        half.stop()
        waiting = turnover.stop()
        looked = [json.loads(line) for line in platform.vidx("doctor", "--json").stdout.splitlines()]
    # The made rows belong to no video, which the doctor says.
    problems = [line["finding"] for line in looked if "finding" in line and ASKED.split("-")[0] not in str(line)]
    measured = figures(told, rows)
    print(table(measured))
    print(f"{turnover.ready} films READY, {len(waiting)} not: {waiting}; the doctor found {len(problems)}: {problems}")
    if args.json:
        save(args.json, measured, about=about(), stretches=told)
    if turnover.fault:
        raise turnover.fault
    return 1 if waiting or problems else 0


if __name__ == "__main__":
    sys.exit(main())
