"""Cuts a video into units of work."""

from collections.abc import Iterable

from services.core.media import Segment
from services.core.times import TimeRange


def plan_segments(duration: int, keyframes: Iterable[int], length: int) -> tuple[Segment, ...]:
    """Segments of about `length` ns that begin at keyframes and cover [0, duration), duration > 0.

    `keyframes` are times that rise. Each segment ends at the first keyframe at or after its length, so a video whose
    keyframes lie far apart has longer segments; a last piece of less than a quarter of the length joins the one before.
    """
    starts = [0]
    for time in keyframes:
        if time - starts[-1] >= length and time < duration:
            starts.append(time)
    if len(starts) > 1 and duration - starts[-1] < length // 4:
        starts.pop()
    ends = [*starts[1:], duration]
    return tuple(Segment(i, TimeRange(a, b)) for i, (a, b) in enumerate(zip(starts, ends, strict=True)))
