"""What may be cut out of a video, and where each frame and sample of it lies in what it is joined to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.core.errors import InvalidInput
from services.core.times import MILLISECOND, SECOND, TimeRange, to_seconds

T = TypeVar("T")
MOST = 500
LONGEST = 3600 * SECOND
"""Of all ranges together."""
SHORTEST = MILLISECOND
"""Of one range."""
TICKS = 720_000
"""A second of the cut: a whole multiple of 24, 25, 30, 50, 60 and 1,000 a second, of 24,000, 48,000 and 90,000."""


@dataclass(frozen=True)
class Part:
    """A range of the video, and the time (ns) in the cut at which it begins."""

    range: TimeRange
    at: int

    @property
    def end(self) -> int:
        """Its end in the cut."""
        return self.at + self.range.duration


@dataclass(frozen=True)
class Stretch:
    """Samples [first, first + count) of the video's timeline."""

    first: int
    count: int


def parts(ranges: Sequence[TimeRange]) -> tuple[Part, ...]:
    """The ranges, one after another.

    Raises InvalidInput for none or more than 500, one shorter than a millisecond, one that begins before the one before
    it ends, or more than an hour together.
    """
    if not 1 <= len(ranges) <= MOST:
        raise _wrong("ranges", f"1 to {MOST}")
    found: list[Part] = []
    for i, one in enumerate(ranges):
        if one.duration < SHORTEST:
            raise _wrong(f"ranges[{i}]", "it is shorter than a millisecond")
        if found and one.start < found[-1].range.end:
            raise _wrong(f"ranges[{i}]", "it begins before the range in front of it ends")
        found.append(Part(one, found[-1].end if found else 0))
    if found[-1].end > LONGEST:
        raise _wrong("ranges", f"at most {LONGEST // SECOND} s together, not {to_seconds(found[-1].end):.3f} s")
    return tuple(found)


def check_end(found: Sequence[Part], duration: int) -> None:
    """Refuse ranges that do not lie within [0, duration]."""
    for i, part in enumerate(found):
        if part.range.end > duration:
            ends = f"{to_seconds(part.range.end):.3f} s"
            raise _wrong(f"ranges[{i}]", f"it ends at {ends}, but the video at {to_seconds(duration):.3f} s")


def tick(time: int) -> int:
    """The tick nearest to a time (ns) in the cut."""
    return (2 * time * TICKS + SECOND) // (2 * SECOND)


def timed(part: Part, frames: Iterable[tuple[int, T]]) -> Iterator[tuple[int, int, T]]:
    """(tick, ticks shown, frame) of a part's frames, which fill it without gap or overlap.

    `frames` are (time, frame) with times that rise: the one shown at the range's start, which may have begun before it,
    and those that begin before its end; the first is shown from the range's start in any case. One that would be
    shown for less than a tick gives way to the next.
    """
    held: T | None = None
    at, end = tick(part.at), tick(part.end)
    for time, frame in frames:
        begins = tick(part.at + max(0, time - part.range.start)) if held is not None else at
        if begins >= end:
            break
        if held is not None and begins > at:
            yield at, begins - at, held
        at, held = begins, frame
    if held is not None:
        yield at, end - at, held


def stretches(found: Sequence[Part], rate: int) -> Iterator[Stretch]:
    """The samples of each part; a part's first lies within half a sample of its time, however many are before it."""
    for part in found:
        first, last = (_sample(time, rate) for time in (part.at, part.end))
        yield Stretch(_sample(part.range.start, rate), last - first)


def _sample(time: int, rate: int) -> int:
    return (2 * time * rate + SECOND) // (2 * SECOND)


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", fields={field: rule})
