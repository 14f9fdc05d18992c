"""Peak memory of each process after hours of film, beside five minutes of it.

    python -m tests.bench.memory [--minutes 60 180] [--json FILE]        or: make bench-memory

A platform of its own indexes a film of five minutes and then the longer ones, one after another; a peak never falls, so
what a longer film adds is what it needed more. The films are small and quickly made: what grows with the length of a
film grows with its shots, frames and words, not with its pixels.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli.client import Gateway
from services.cli.watching import watch
from tests.bench.pipeline import memory
from tests.bench.report import Figure, save, table
from tests.bench.talk_films import long_film
from tests.servers.platform import Platform, serving

PART = "memory"
SHORT = 5
"""Minutes that the others are held against."""
MOST = 1.1
"""Times the peak of the short film that are allowed."""
KEEPS_ROWS = ("milvus",)
"""Processes that hold what was indexed, and may grow with it."""


def growth(platform: Platform, minutes: Sequence[int], folder: Path) -> tuple[list[Figure], dict[str, Any]]:
    """Peak memory of each service after films of these lengths, the shortest first."""
    peaks, took = {}, {}
    for length in sorted(minutes):
        film = long_film(folder / f"long-{length}.mp4", length)
        took[length] = indexed(platform, film)
        peaks[length] = memory(platform, "VmHWM")
        film.unlink()
    first, longest = peaks[min(minutes)], max(minutes)
    figures = []
    for name, size in peaks[longest].items():
        label = f"{name}: peak after {longest} minutes of film ({size >> 20} MiB) by that after {min(minutes)}"
        target = None if name in KEEPS_ROWS else MOST
        figures.append(Figure(PART, label, size / first[name], "times", target, most=True))
    return figures, {"peak_bytes": peaks, "ready_s": took}


def indexed(platform: Platform, film: Path) -> float:
    """Seconds until the film is READY, however long that is."""
    began = time.monotonic()
    name = platform.messages("index", str(film))[-1]["name"]
    gateway = Gateway(platform.address)
    try:
        *_, last = watch(gateway, name)
    finally:
        gateway.close()
    assert last.state == pb.Video.READY, last
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, nargs="+", default=[60, 180], help=f"of film, besides {SHORT}")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch:
        folder = Path(scratch)
        with serving(folder / "home") as platform:
            figures, raw = growth(platform, [SHORT, *args.minutes], folder)
    print(table(figures))
    if args.json:
        save(args.json, figures, **raw)


if __name__ == "__main__":
    main()
