"""Two workers of decoding and of embedding beside one of each, on one film of many segments, on this machine.

    python -m tests.bench.workers [--minutes 6] [--json FILE]

Platforms, one after the other, as `vidx up` starts them, and again: A B C A B C. The film is a minute with a hand-held
camera, over and over, and segments last a minute. What counts are the seconds until all vectors of the film are stored;
the cores that were busy meanwhile say how much was left to gain. As one worker a stage keeps two cores busy, a platform
whose processes all share one core stands beside those: what a worker more brings that brings its own core.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.pipeline import indexed, jobs_of, processor_s
from tests.bench.report import Figure, save, table
from tests.bench.talk_films import repeat
from tests.media.clips import Clip, busy
from tests.media.films import film
from tests.servers.platform import serving

PART = "workers"
STAGES = ("decoding", "embedding")
TARGET = 1.7
SEGMENT_S = 60


@dataclass(frozen=True)
class Way:
    """So many workers a stage, and the cores that all processes share."""

    workers: int
    cores: int

    @property
    def name(self) -> str:
        return f"{_of(self.workers, 'worker')} a stage on {_of(self.cores, 'core')}"


ONE, TWO, ALONE = Way(1, 2), Way(2, 2), Way(1, 1)


@contextmanager
def on(cores: int) -> Iterator[None]:
    """Processes that start meanwhile run on so many of this machine's cores."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(every)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


def visual_s(home: Path, path: Path, way: Way) -> dict[str, Any]:
    """Seconds until the film's vectors are stored, and processor seconds by process."""
    options = [f"--workers={stage}={way.workers}" for stage in STAGES]
    with on(way.cores), serving(home, *options, extra={"VIDX_DECODING_SEGMENT_S": str(SEGMENT_S)}) as platform:
        before = processor_s(platform)
        video = indexed(platform, path)
        used = processor_s(platform) - before
        made = datetime.fromisoformat(video["createTime"]).timestamp()
        ended = max(job.ended for job in jobs_of(platform, video["name"]) if "shot_vectors" in job.artifacts) / 1e9
    return {"seconds": ended - made, "processor_s": dict(used)}


def _of(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count > 1 else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    runs: dict[Way, list[dict[str, Any]]] = {ONE: [], TWO: [], ALONE: []}
    with tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch:
        folder = Path(scratch)
        pictures = (shown.picture for shown in busy(Clip(1280, 720, 25, 60 * 25, seed=3)))
        once = film(folder / "minute.mp4", pictures, gop=50, options={"preset": "veryfast", "crf": "23"})
        long = repeat(once, folder / "film.mp4", args.minutes)
        for round_ in range(args.rounds):
            for number, (way, found) in enumerate(runs.items()):
                found.append(visual_s(folder / f"home-{round_}-{number}", long, way))
    wall = {way: statistics.median(run["seconds"] for run in found) for way, found in runs.items()}
    figures = []
    for way, seconds in wall.items():
        busy_cores = statistics.median(sum(r["processor_s"].values()) / r["seconds"] for r in runs[way])
        label = f"{args.minutes} min, {way.name}, {busy_cores:.1f} busy"
        figures.append(Figure(PART, label, 60 * args.minutes / seconds, "x real time"))
    label = "two workers beside one, until vectors are stored"
    figures.append(Figure(PART, f"{label}, on the same two cores", wall[ONE] / wall[TWO], "times", TARGET))
    figures.append(Figure(PART, f"{label}, with a core each", wall[ALONE] / wall[TWO], "times"))
    print(table(figures))
    if args.json:
        save(args.json, figures, runs={way.name: found for way, found in runs.items()})


if __name__ == "__main__":
    main()
