"""The two sides of the comparison with peers: their process and a platform, and the films that both are given."""

import json
import os
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.search.v1 import search_service_pb2 as search_pb

from services.cli import upload as uploads
from services.cli.client import Gateway
from services.cli.watching import watch
from services.runtime.media_proto import nanoseconds
from tests.bench.pipeline import jobs_of, processor_s
from tests.media.clips import Clip, Shown, busy, calm
from tests.media.films import film
from tests.servers.platform import Platform

RATE = 25
LIMIT = 10
CUT_S, DISSOLVE_S = 0.12, 0.5
"""How far a found shot may begin from the true cut: three frames, and about the length of a dissolve."""


@dataclass(frozen=True)
class Made:
    """A film and its true cuts: seconds, and how far off one may be."""

    path: Path
    seconds: float
    cuts: tuple[tuple[float, float], ...]


class Peer:
    """The peers' process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, **asked: Any) -> tuple[float, float, Any]:
        """Seconds that it took there, processor seconds, and the answer."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the peers' process ended ({self._process.wait()}) when asked {asked['do']}")
        answer = json.loads(line)
        return answer["s"], answer["cpu"], answer["found"]


@contextmanager
def peer(python: Path, pack: Path, home: Path) -> Iterator[Peer]:
    root = Path(__file__).parents[2]
    env = {**os.environ, "PIXELTABLE_HOME": str(home), "VIDX_BENCH_PACK": str(pack), "PYTHONPATH": str(root)}
    env |= {"PIXELTABLE_VERBOSITY": "0", "PIXELTABLE_FILE_CACHE_SIZE_G": "4"}
    log = home.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [python, "-m", "tests.bench.peer_worker"],
            env=env, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True,
        )  # fmt: skip
        try:
            yield Peer(process)
        except SystemExit as ended:
            raise SystemExit(f"{ended}:\n{log.read_text()[-3000:]}") from ended
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait(60)


def make(path: Path, seconds: int, seed: int, size: tuple[int, int], moving: bool) -> Made:
    cuts: list[tuple[float, float]] = []

    def pictures() -> Iterator[Any]:
        clip = Clip(*size, RATE, seconds * RATE, seed)
        shown: Shown
        for i, shown in enumerate((busy if moving else calm)(clip)):
            if shown.begins:
                cuts.append((i / RATE, DISSOLVE_S if shown.begins == "dissolve" else CUT_S))
            yield shown.picture

    film(path, pictures(), rate=RATE, gop=2 * RATE, options={"preset": "veryfast", "crf": "23"})
    return Made(path, seconds, tuple(cuts))


class Vidx:
    """A platform and a collection on it."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._gateway = Gateway(platform.address)
        request = pb.CreateCollectionRequest(collection_id="bench")
        self._parent = self._gateway.call(self._gateway.stub.CreateCollection, request).name

    def index(self, path: Path) -> tuple[float, float, float, pb.Video]:
        """Seconds from the first byte to READY, until the vectors were stored, and of decoding; and the video."""
        began, stop = time.time(), threading.Event()
        measured = uploads.measure(str(path), stop, lambda done, size: None)
        video = uploads.upload(
            self._gateway, measured, self._parent, pb.VideoSpec(), uuid.uuid4().hex, stop, lambda done, size: None
        )
        for now in watch(self._gateway, video.name):
            video = now
        took = time.time() - began
        assert video.state == pb.Video.READY, video
        jobs = jobs_of(self._platform, video.name)
        vectors = max(job.ended for job in jobs if "shot_vectors" in job.artifacts) / 1e9 - began
        decoding = sum(job.busy for job in jobs if job.queue == "decoding") / 1e9
        return took, vectors, decoding, video

    def search(self, query: str, *tracks: int) -> tuple[float, list[tuple[str, float, float]]]:
        """Seconds, and (video, start, end) of the moments."""
        weights = [search_pb.TrackWeight(track=track) for track in tracks]
        request = pb.SearchRequest(parent=self._parent, query=query, page_size=LIMIT, tracks=weights)
        began = time.perf_counter()
        answer = self._gateway.call(self._gateway.stub.Search, request)
        took = time.perf_counter() - began
        ranges = [(m.video, nanoseconds(m.range.start) / 1e9, nanoseconds(m.range.end) / 1e9) for m in answer.moments]
        return took, ranges

    def cuts(self, video: str) -> list[float]:
        """Seconds at which shots begin, but for the first."""
        asked = pb.ListShotsRequest(parent=video, page_size=10_000)
        shots = [s for page in self._gateway.pages(self._gateway.stub.ListShots, asked) for s in page.shots]
        return [nanoseconds(shot.range.start) / 1e9 for shot in shots][1:]

    def processor_s(self) -> Counter[str]:
        """Processor seconds of each process so far."""
        return processor_s(self._platform)

    def close(self) -> None:
        self._gateway.close()
