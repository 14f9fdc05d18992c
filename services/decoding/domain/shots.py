"""Shots of a segment out of its cuts, and shots of a video out of its segments' shots."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.core.errors import Internal
from services.core.media import Shot, Shots, Transition
from services.core.times import TimeRange
from services.decoding.domain.detection import Cut


def shots_between(whole: TimeRange, cuts: Iterable[Cut]) -> list[Shot]:
    """Shots that cover `whole`; the first goes on from before unless a cut lies at its start."""
    starts = [(whole.start, Transition.NONE)]
    for cut in sorted(cuts):
        if cut.time == whole.start and whole.start > 0:
            starts[0] = (cut.time, cut.transition)
        elif whole.contains(cut.time) and cut.time > starts[-1][0]:
            starts.append((cut.time, cut.transition))
    ends = [*(time for time, _ in starts[1:]), whole.end]
    return [
        Shot(i, TimeRange(start, end), transition)
        for i, ((start, transition), end) in enumerate(zip(starts, ends, strict=True))
    ]


def join(segments: Sequence[Shots]) -> Shots:
    """The video's shots: a segment's first shot joins the one before it when it goes on from there.

    The result does not depend on where the segments lie. A joined shot keeps the thumbnail of its longest part.
    """
    joined: list[Shot] = []
    longest = 0
    for shot in (shot for segment in segments for shot in segment.shots):
        if joined and shot.range.start != joined[-1].range.end:
            raise Internal(f"shots leave a gap at {shot.range.start} ns: a segment's cuts are missing")
        if joined and shot.transition is Transition.NONE:
            last = joined[-1]
            longer = shot.thumbnail is not None and (last.thumbnail is None or shot.range.duration > longest)
            joined[-1] = replace(
                last,
                range=TimeRange(last.range.start, shot.range.end),
                thumbnail=shot.thumbnail if longer else last.thumbnail,
            )
            longest = max(longest, shot.range.duration)
        else:
            joined.append(replace(shot, index=len(joined)))
            longest = shot.range.duration
    return Shots(tuple(joined))
