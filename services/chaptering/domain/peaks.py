"""Local maxima of a curve, and the moments around them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.curves import Steps
from services.chaptering.domain.material import Material
from services.core.chapters import Highlight
from services.core.text import Track
from services.core.times import SECOND, TimeRange

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

LOWEST = 0.01
"""Lower maxima are none."""
PROMINENT = 0.25
"""Share of its height that a maximum rises at least above the way to a higher one. What rises less belongs to that."""
SHORTEST, LONGEST = 2 * SECOND, 60 * SECOND
"""Of a moment: a clip that can be judged (the unit of QVHighlights, Lei et al. 2021), and what a person watches to see
whether it is what he looked for."""
NEAR = 3 * SECOND
"""A moment begins and ends with a shot or a sentence that begins or ends no further away."""


@dataclass(frozen=True)
class Peak:
    """A local maximum: its place, in the middle of a plateau; its height; and the lowest that one has to go from there
    to reach a higher one (0 for the highest of all)."""

    place: int
    height: float
    saddle: float


def peaks(curve: F64) -> list[Peak]:
    """All local maxima, the highest first; of equal ones the earlier.

    Places are taken in from the highest down, and those that touch belong together; where two peaks meet, the lower one
    ends (persistent homology of a function, Edelsbrunner et al. 2002).
    """
    n = len(curve)
    peak_of: list[int] = [-1] * n
    saddles: dict[int, float] = {}

    def root(place: int) -> int:
        while peak_of[place] != place:
            peak_of[place] = peak_of[peak_of[place]]
            place = peak_of[place]
        return place

    for place in np.argsort(-curve, kind="stable").tolist():
        beside = [root(p) for p in (place - 1, place + 1) if 0 <= p < n and peak_of[p] >= 0]
        if not beside:
            peak_of[place] = place
            saddles[place] = 0.0
            continue
        higher = min(beside, key=lambda p: (-curve[p], p))
        for lower in beside:
            peak_of[lower] = higher
            if lower != higher:
                saddles[lower] = float(curve[place])
        peak_of[place] = higher
    found = [Peak(_middle(curve, at), float(curve[at]), saddle) for at, saddle in saddles.items()]
    # Two parts of one plateau met at its own height.
    found = [peak for peak in found if peak.height > peak.saddle]
    return sorted(found, key=lambda peak: (-peak.height, peak.place))


def highlights(curve: F64, material: Material, limit: int) -> tuple[Highlight, ...]:
    """At most so many moments around the prominent maxima of a curve over `Steps(material.duration)`, best first.

    Each reaches as far as the curve stays above half of what its maximum rises above its saddle and the curve's usual
    height. They do not overlap.
    """
    if not len(curve):
        return ()
    steps, edges, usual = Steps(material.duration), _edges(material), float(np.median(curve))
    risen = [p for p in peaks(curve) if p.height >= LOWEST and p.height - p.saddle >= PROMINENT * p.height]
    taken: list[TimeRange] = []
    found: list[Highlight] = []
    for peak in risen:
        if len(found) == limit:
            break
        left, right = _reach(curve, peak, usual)
        step = TimeRange(peak.place * steps.length, min((peak.place + 1) * steps.length, material.duration))
        time = step.start + step.duration // 2
        room = _room(taken, time, material.duration)
        if room is None:
            continue
        range_ = _snapped(TimeRange(left * steps.length, min(right * steps.length, material.duration)), time, edges)
        range_ = _fitted(range_, time, room)
        taken.append(range_)
        found.append(Highlight(range_, time, peak.height))
    return tuple(found)


def _middle(curve: F64, place: int) -> int:
    """The middle of the values around a place that are the same."""
    first = after = place
    while first > 0 and curve[first - 1] == curve[place]:
        first -= 1
    while after < len(curve) and curve[after] == curve[place]:
        after += 1
    return (first + after - 1) // 2


def _reach(curve: F64, peak: Peak, usual: float) -> tuple[int, int]:
    """Places [first, after) around a peak that are above half of what it rises."""
    above = max(peak.saddle, usual) if usual < peak.height else peak.saddle
    low = curve <= (peak.height + above) / 2
    before, behind = np.flatnonzero(low[: peak.place]), np.flatnonzero(low[peak.place :])
    first = int(before[-1]) + 1 if len(before) else 0
    return first, peak.place + int(behind[0]) if len(behind) else len(curve)


def _edges(material: Material) -> I64:
    """Where shots and sentences begin and end."""
    ranges = [shot.range for shot in material.shots]
    ranges += [material.passages[i].range for i in material.rows(Track.SPEECH)]
    times = {0, material.duration, *(r.start for r in ranges), *(r.end for r in ranges)}
    return np.array(sorted(t for t in times if 0 <= t <= material.duration), np.int64)


def _snapped(range_: TimeRange, time: int, edges: I64) -> TimeRange:
    """The range from an edge to an edge, where there is one near that leaves the time inside."""

    def near(wanted: int, able: I64) -> int:
        if not len(able):
            return wanted
        best = int(able[np.abs(able - wanted).argmin()])
        return best if abs(best - wanted) <= NEAR else wanted

    return TimeRange(near(range_.start, edges[edges <= time]), near(range_.end, edges[edges > time]))


def _room(taken: Sequence[TimeRange], time: int, duration: int) -> TimeRange | None:
    """What is free around a time; None when the time, or all but a moment around it, is taken."""
    start = max((r.end for r in taken if r.end <= time), default=0)
    end = min((r.start for r in taken if r.start > time), default=duration)
    free = not any(r.contains(time) for r in taken) and end - start >= min(SHORTEST, duration)
    return TimeRange(start, end) if free else None


def _fitted(range_: TimeRange, time: int, room: TimeRange) -> TimeRange:
    """The range within its room, neither too short nor too long, around the time."""
    start, end = max(range_.start, room.start), min(range_.end, room.end)
    if end - start > LONGEST:
        start = max(start, min(time - LONGEST // 2, end - LONGEST))
        end = start + LONGEST
    elif end - start < SHORTEST:
        start = max(room.start, min((start + end - SHORTEST) // 2, room.end - SHORTEST))
        end = min(room.end, start + SHORTEST)
    return TimeRange(start, end)
