"""How much work waits and when it will be done, measured in seconds of media. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.core.times import SECOND


@dataclass(frozen=True)
class Done:
    """A video that became READY. Times are nanoseconds since the epoch, the duration is of the media."""

    created: int
    ready: int
    duration: int


@dataclass(frozen=True)
class Waiting:
    """A video that is not READY yet. Its duration is 0 while it is not known; `share` of its work is done, 0 to 1."""

    created: int
    duration: int
    size_bytes: int
    share: float


def speed(done: Sequence[Done], waiting: Sequence[Waiting], since: int, now: int) -> float:
    """Media seconds indexed in a second in which there was something to index, from `since` on; 0 when nothing was.

    Told by the videos that became READY; while there are none, by what is done of the others.
    """
    if done:
        busy = [(max(since, d.created), d.ready) for d in done] + [(max(since, w.created), now) for w in waiting]
        media = float(sum(d.duration for d in done))
    else:
        begun = [w for w in waiting if w.share > 0]
        busy = [(max(since, w.created), now) for w in begun]
        media = sum(w.duration * w.share for w in begun)
    took = _union(busy)
    return media / took if took > 0 else 0.0


def left_s(waiting: Sequence[Waiting]) -> float:
    """Seconds of media still to be indexed. Durations that are not known yet are taken from the bytes of the others.

    When none is known, nothing can be told of them, and they count nothing.
    """
    known = [w for w in waiting if w.duration > 0]
    size = sum(w.size_bytes for w in known)
    a_byte = sum(w.duration for w in known) / size if size else 0.0
    return sum((w.duration or w.size_bytes * a_byte) * (1 - w.share) for w in waiting) / SECOND


def _union(spans: Sequence[tuple[int, int]]) -> int:
    """Time that is covered by any of the spans."""
    covered, at = 0, 0
    for start, end in sorted(spans):
        start = max(start, at)
        if end > start:
            covered += end - start
            at = end
    return covered
