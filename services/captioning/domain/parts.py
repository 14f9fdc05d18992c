"""Which shots belong to a segment, which of its frames show a shot, and which of those a captioner is shown."""

from collections.abc import Sequence

from services.core.media import SampledFrame, Shot
from services.core.times import TimeRange


def beginning_in(shots: Sequence[Shot], segment: TimeRange) -> list[Shot]:
    """The shots whose range starts in a segment: every shot of a video is in just one."""
    return [shot for shot in shots if segment.contains(shot.range.start)]


def rows_of(shot: Shot, frames: Sequence[SampledFrame]) -> list[int]:
    """Places of the frames whose time lies in a shot; else of the one that stands for most of it; else none."""
    inside = [row for row, frame in enumerate(frames) if shot.range.contains(frame.time)]
    if inside:
        return inside
    covered = {row: part.duration for row, f in enumerate(frames) if (part := shot.range.intersection(f.range))}
    return [max(covered, key=lambda row: (covered[row], -row))] if covered else []


def weights_of(shot: Shot, frames: Sequence[SampledFrame], rows: Sequence[int]) -> list[float]:
    """How long each frame stands for within a shot, in nanoseconds; at least 1."""
    parts = [shot.range.intersection(frames[row].range) for row in rows]
    return [float(max(1, part.duration)) if part else 1.0 for part in parts]


def spread(rows: Sequence[int], count: int) -> list[int]:
    """At most `count` of the rows, evenly spread, the middle one when it is a single one."""
    if len(rows) <= count:
        return list(rows)
    return [rows[(2 * i + 1) * len(rows) // (2 * count)] for i in range(count)]
