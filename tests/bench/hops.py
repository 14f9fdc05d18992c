"""What a stage costs that does nothing: the way over the queue, artifacts, a change of state.

    python -m tests.bench.hops [--videos 20] [--json FILE]

Real Valkey, the real pipeline's process on SQLite, and a worker process a stage whose steps only write what they give
(1 KiB each): one segment, as a clip of 10 s has. Their sum is the least time to READY that any stages can have.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from services.runtime.queue import Report
from services.runtime.store_folder import FolderStore
from tests.bench.report import Figure, save, short, spread, table
from tests.bench.simulated import Done, simulated
from tests.fakes.house import open_house
from tests.fakes.pipeline import success

PART = "fixed cost"
SIZES = {"1 KiB": 1 << 10, "1 MiB": 1 << 20}


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def artifacts(folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of writing and reading an object of the folder store, the sizes in turns."""
    store = FolderStore(folder)
    took: dict[str, list[float]] = {f"{act} {size}": [] for size in SIZES for act in ("write", "read")}
    for n in range(rounds):
        for name, size in SIZES.items():
            data, key = os.urandom(size), f"collections/c/videos/v{n}/bench/{size}"
            took[f"write {name}"].append(timed(lambda data=data, key=key: store.put(key, data)))
            took[f"read {name}"].append(timed(lambda key=key: store.get(key)))
    return {name: spread(values) for name, values in took.items()}


def changes(folder: Path, videos: int) -> dict[str, dict[str, float]]:
    """Milliseconds of taking in reports of all jobs of a video, each a transaction as the pipeline makes it.

    After "succeeded", what has become due is sent, to a queue that is a list.
    """
    took: dict[str, list[float]] = {"alive": [], "succeeded": []}
    with open_house(folder) as house:
        for n in range(videos):
            house.add(f"v{n}")
            while house.queue.messages:
                job = house.queue.messages.popleft()
                took["alive"].append(timed(lambda job=job: house.pipeline.report(Report(job, "alive", "w"))))
                took["succeeded"].append(timed(lambda job=job: house.pipeline.report(success(job, segments=1))))
    return {name: spread(values) for name, values in took.items()}


def hops(walks: list[list[Done]]) -> dict[str, dict[str, float]]:
    """Milliseconds of each piece of a job's way over the queue and back."""
    jobs = [done for walk in walks for done in walk]
    return {
        "sent -> worker has it": spread([(d.began - d.sent) / 1e6 for d in jobs]),
        "work and artifacts": spread([(d.ended - d.began) / 1e6 for d in jobs]),
        "worker done -> taken in": spread([(d.applied - d.ended) / 1e6 for d in jobs]),
    }


def chain(jobs: list[Done]) -> int:
    """Jobs of the longest chain, in which each was sent after the one before was taken in."""
    longest: list[tuple[int, int]] = []
    for job in sorted(jobs, key=lambda done: done.applied):
        before = [length for applied, length in longest if applied <= job.sent]
        longest.append((job.applied, 1 + max(before, default=0)))
    return max(length for _, length in longest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=100, help="of writing and reading artifacts")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch:
        folder = Path(scratch)
        stored = artifacts(folder / "store-only", args.rounds)
        (folder / "house").mkdir()
        changed = changes(folder / "house", max(1, args.videos // 4))
        (folder / "platform").mkdir()
        with simulated(folder / "platform", nodes=1, segments=1, seconds={}) as platform:
            runs = [platform.index(f"v{n}") for n in range(args.videos)]
    way = hops([walk for _, walk in runs])
    ready = spread([seconds for seconds, _ in runs])
    jobs, longest = len(runs[0][1]), statistics.median(chain(walk) for _, walk in runs)
    figures = [Figure(PART, f"queue hop: {what}", s["p50"], "ms") for what, s in way.items()]
    figures += [Figure(PART, f"artifact: {what}, folder", s["p50"], "ms") for what, s in stored.items()]
    figures += [Figure(PART, f"state change: {what}, SQLite", s["p50"], "ms") for what, s in changed.items()]
    idle = f"a clip's {jobs} jobs that do nothing, {longest:.0f} in a row, to READY"
    figures.append(Figure(PART, idle, ready["p50"], "s"))
    print(table(figures))
    for what, s in (way | stored | changed).items():
        print(f"  {what}: p10 {short(s['p10'])}, p50 {short(s['p50'])}, p90 {short(s['p90'])} ms of {s['n']:.0f}")
    if args.json:
        save(args.json, figures, hops=way, artifacts=stored, changes=changed, ready_s=ready)


if __name__ == "__main__":
    main()
