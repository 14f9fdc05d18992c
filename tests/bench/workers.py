"""Two workers of decoding and of embedding beside one of each, on one film of many segments, on this machine.

    python -m tests.bench.workers [--minutes 6] [--json FILE]

Two platforms, one after the other, as `vidx up` starts them, and again: A B A B. The film is a minute with a hand-held
camera, over and over, and segments last a minute. What counts are the seconds until all vectors of the film are stored;
the cores that were busy meanwhile say how much was left to gain.
"""

import argparse
import statistics
import tempfile
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


def visual_s(home: Path, path: Path, count: int) -> dict[str, Any]:
    """Seconds until the film's vectors are stored, and processor seconds by process, with so many workers a stage."""
    options = [f"--workers={stage}={count}" for stage in STAGES]
    with serving(home, *options, extra={"VIDX_DECODING_SEGMENT_S": str(SEGMENT_S)}) as platform:
        before = processor_s(platform)
        video = indexed(platform, path)
        used = processor_s(platform) - before
        made = datetime.fromisoformat(video["createTime"]).timestamp()
        ended = max(job.ended for job in jobs_of(platform, video["name"]) if "shot_vectors" in job.artifacts) / 1e9
    return {"seconds": ended - made, "processor_s": dict(used)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    runs: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch:
        folder = Path(scratch)
        pictures = (shown.picture for shown in busy(Clip(1280, 720, 25, 60 * 25, seed=3)))
        once = film(folder / "minute.mp4", pictures, gop=50, options={"preset": "veryfast", "crf": "23"})
        long = repeat(once, folder / "film.mp4", args.minutes)
        for round_ in range(args.rounds):
            for count, found in runs.items():
                found.append(visual_s(folder / f"home-{round_}-{count}", long, count))
    wall = {count: statistics.median(run["seconds"] for run in found) for count, found in runs.items()}
    figures = []
    for count, seconds in wall.items():
        cores = statistics.median(sum(r["processor_s"].values()) / r["seconds"] for r in runs[count])
        label = f"{args.minutes} min, {count} worker{'s' if count > 1 else ''} a stage, {cores:.1f} cores busy"
        figures.append(Figure(PART, label, 60 * args.minutes / seconds, "x real time"))
    figures.append(Figure(PART, "two workers beside one, until vectors are stored", wall[1] / wall[2], "times", TARGET))
    print(table(figures))
    if args.json:
        save(args.json, figures, runs=runs)


if __name__ == "__main__":
    main()
