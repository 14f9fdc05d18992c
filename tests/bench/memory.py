"""Peak memory of each process after hours of film, beside five minutes of it.

    python -m tests.bench.memory [--minutes 60 180] [--json FILE]        or: make bench-memory

A platform of its own indexes a film of five minutes and then the longer ones, one after another; a peak never falls, so
what a longer film adds is what it needed more. The films are small and quickly made: what grows with the length of a
film grows with its shots, frames and words, not with its pixels. Subtitles give each a voice that never rests. An empty
box at its end makes its file as large as a camera's: what an upload holds grows up to a bound, and the shortest reaches
it. That one is indexed several times: what a process needs when it has worked for a while is no matter of length.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pysubs2
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli.client import Gateway
from services.cli.watching import watch
from services.core.times import MILLISECOND, TimeRange, from_seconds
from tests.bench.chapter_films import made_up
from tests.bench.pipeline import memory
from tests.bench.report import Figure, save, table
from tests.bench.talk_films import long_film
from tests.servers.platform import Platform, serving

PART = "memory"
SHORT = 5
"""Minutes that the others are held against."""
TALKS = 6
"""Made-up ones that are heard before they begin again."""
FILE = 96 << 20
"""Bytes that each file has at least."""
WARMING = 4
"""Times that the short film is indexed."""
MOST = 1.1
"""Times the peak of the short film that are allowed."""
KEEPS_ROWS = ("milvus",)
"""Processes that hold what was indexed, and may grow with it."""


def growth(platform: Platform, minutes: Sequence[int], folder: Path) -> tuple[list[Figure], dict[str, Any]]:
    """Peak memory of each service after films of these lengths, the shortest first."""
    peaks, took = {}, {}
    for length in sorted(minutes):
        film = padded(long_film(folder / f"long-{length}.mp4", length))
        said = subtitles(film.with_suffix(".srt"), length)
        for _ in range(WARMING if length == SHORT else 1):
            took[length] = indexed(platform, film, said)
        peaks[length] = memory(platform, "VmHWM")
        film.unlink()
    first, longest = peaks[min(minutes)], max(minutes)
    figures = []
    for name, size in peaks[longest].items():
        label = f"{name}: peak after {longest} minutes of film ({size >> 20} MiB) by that after {min(minutes)}"
        target = None if name in KEEPS_ROWS else MOST
        figures.append(Figure(PART, label, size / first[name], "times", target, most=True))
    return figures, {"peak_bytes": peaks, "ready_s": took}


def padded(film: Path) -> Path:
    """The film, with a box of zeros at its end that readers pass over."""
    missing = FILE - film.stat().st_size
    if missing > 0:
        with film.open("ab") as file:
            file.write(missing.to_bytes(4, "big") + b"free")
            file.truncate(FILE)
    return film


def subtitles(path: Path, minutes: int) -> Path:
    """What made-up talks say, one after the other and over again, until the film ends; no sentence comes twice."""
    end = from_seconds(60 * minutes)
    made = pysubs2.SSAFile()
    for span, text in itertools.takewhile(lambda said: said[0].end <= end, _talk()):
        made.append(pysubs2.SSAEvent(span.start // MILLISECOND, span.end // MILLISECOND, text))
    made.save(str(path))
    return path


def _talk() -> Iterator[tuple[TimeRange, str]]:
    films, at = made_up(TALKS), 0
    for again in itertools.count():
        for film in films:
            for span, text in film.said:
                yield TimeRange(at + span.start, at + span.end), f"{text} ({again})" if again else text
            at += film.said[-1][0].end


def indexed(platform: Platform, film: Path, said: Path) -> float:
    """Seconds until the film is READY, however long that is."""
    began = time.monotonic()
    name = platform.messages("index", str(film), "--subtitles", str(said), "--duplicate")[-1]["name"]
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
