"""Chapters as files name them, made into a list that can be relied on."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from services.core.media import FileChapter
from services.core.times import MILLISECOND, TimeRange, from_pts

VERSION = 1
"""Grows when the same file gives other chapters."""
MOST = 500
LONGEST_TITLE = 200
SHORTEST = MILLISECOND


def listed(entries: Iterable[Mapping[str, Any]], zero: int, duration: int) -> tuple[FileChapter, ...]:
    """At most 500 chapters in order of time, without overlap, within [0, duration).

    `entries` are FFmpeg's: `start`, `end` and `time_base`, and `title` in their `metadata`; `zero` is the container
    time of the timeline's zero. Where two overlap, the one that begins first ends where the next begins; of two that
    begin together the shorter stays. What is absurd is left out: a file's chapters never keep it from being read.
    """
    found = sorted(_entries(entries, zero, duration), key=lambda c: (c.range.start, -c.range.end))
    nexts = [*(b.range.start for _, b in pairwise(found)), duration]
    kept = (
        FileChapter(TimeRange(one.range.start, min(one.range.end, end)), one.title)
        for one, end in zip(found, nexts, strict=False)
        if min(one.range.end, end) - one.range.start >= SHORTEST
    )
    return tuple(kept)[:MOST]


def one_line(title: str) -> str:
    """A title on one line, of printable characters, cut off at 200."""
    return " ".join("".join(c if c.isprintable() else " " for c in title).split())[:LONGEST_TITLE].rstrip()


def _entries(entries: Iterable[Mapping[str, Any]], zero: int, duration: int) -> Iterator[FileChapter]:
    for entry in entries:
        base = Fraction(entry.get("time_base") or 0)
        if base <= 0:
            continue
        start, end = (min(max(0, from_pts(entry[edge], base, zero)), duration) for edge in ("start", "end"))
        if start < end:
            yield FileChapter(TimeRange(start, end), one_line(str(entry.get("metadata", {}).get("title", ""))))
