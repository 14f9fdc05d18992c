"""Exact times: integer nanoseconds on a video's timeline, and half-open ranges of them.

A time comes from a PTS and its time base, never from a frame number. Nanoseconds hold every PTS of every container
to within half a nanosecond, so two frames never share a time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


def from_pts(pts: int, time_base: Fraction, start: int = 0) -> int:
    """Nanoseconds of a PTS on the timeline whose zero lies at container time `start` (ns)."""
    return round(pts * time_base * SECOND) - start


def from_seconds(seconds: float | Fraction) -> int:
    """Nanoseconds of a time in seconds, to the nearest."""
    return round(seconds * SECOND)


def to_seconds(ns: int) -> float:
    """Seconds, for figures and messages; never to compute another time with."""
    return ns / SECOND


@dataclass(frozen=True, order=True)
class TimeRange:
    """A half-open range [start, end) in nanoseconds, 0 <= start <= end."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a range: [{self.start}, {self.end})")

    @property
    def duration(self) -> int:
        return self.end - self.start

    def contains(self, time: int) -> bool:
        return self.start <= time < self.end

    def overlaps(self, other: "TimeRange") -> bool:
        """True when the two share an instant; neighbours that only touch do not."""
        return max(self.start, other.start) < min(self.end, other.end)

    def intersection(self, other: "TimeRange") -> "TimeRange | None":
        """What the two share, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return TimeRange(start, end) if start < end else None

    def span(self, other: "TimeRange") -> "TimeRange":
        """The smallest range that holds both."""
        return TimeRange(min(self.start, other.start), max(self.end, other.end))


def covers(ranges: Iterable[TimeRange], whole: TimeRange) -> bool:
    """True when the ranges, in order, fill `whole` without gap or overlap."""
    at = whole.start
    for r in ranges:
        if r.start != at or r.end <= r.start:
            return False
        at = r.end
    return at == whole.end
