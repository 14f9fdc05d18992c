"""Where chapters may begin: a video cut into atoms, which no chapter divides.

An atom begins with a sentence; where nobody speaks, with a shot or with text that comes up.
"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.material import Material
from services.core.text import Track
from services.core.times import SECOND

I64 = npt.NDArray[np.int64]
NEAR = 3 * SECOND
"""Nanoseconds within which a cut and the start of a sentence are one event."""

CELLS = 8_000_000
"""Gains that are held at a time, eight bytes each: places where a chapter may end, times those where it may begin."""


@dataclass(frozen=True)
class Atoms:
    """`times` [n+1]: when each atom begins, from 0, and the end of the video; ns, strictly growing."""

    times: I64

    @property
    def count(self) -> int:
        return len(self.times) - 1

    def nearest(self, time: int) -> int:
        """The atom whose start is nearest to a time, when it is near; else the one that holds the time."""
        after = int(np.searchsorted(self.times[:-1], time, side="right"))
        near = min((i for i in (after - 1, after) if 0 <= i < self.count), key=lambda i: abs(int(self.times[i]) - time))
        return near if abs(int(self.times[near]) - time) <= NEAR else max(0, after - 1)

    def holding(self, time: int) -> int:
        """The atom that holds a time."""
        return min(self.count - 1, max(0, int(np.searchsorted(self.times[:-1], time, side="right")) - 1))


def atoms(material: Material, forced: Iterable[int] = (), at_least: int = 1, reach: int = 0) -> Atoms:
    """The atoms of a video longer than 0.

    `forced` times (ns, inside the video) begin atoms of their own, and none begin near them. When there are fewer than
    `at_least`, the longest are halved. So many that chapters of up to `reach` ns would need more than `CELLS` gains
    are thinned out.
    """
    spoken = [material.passages[i].range for i in material.rows(Track.SPEECH)]
    starts = np.array(sorted({r.start for r in spoken}), np.int64)
    # ends[i]: until when somebody speaks of those who began by starts[i].
    ends = np.zeros(len(starts), np.int64)
    for r in spoken:
        i = int(np.searchsorted(starts, r.start))
        ends[i] = max(ends[i], r.end)
    ends = np.maximum.accumulate(ends) if len(ends) else ends
    silent: list[int] = []
    for time in sorted({shot.range.start for shot in material.shots} | {r.range.start for r in material.readings}):
        before = int(np.searchsorted(starts, time, side="right")) - 1
        speaking = before >= 0 and time < ends[before]
        soon = before + 1 < len(starts) and starts[before + 1] - time < NEAR
        just = before >= 0 and time - starts[before] < NEAR
        if not (speaking or soon or just) and (not silent or time - silent[-1] >= SECOND):
            silent.append(time)
    kept = sorted(t for t in forced if 0 < t < material.duration)
    free = {int(t) for t in (*starts, *silent) if 0 < t < material.duration and all(abs(t - f) >= NEAR for f in kept)}
    times = [0, *_thinned(sorted(free | set(kept)), set(kept), material.duration, reach), material.duration]
    return Atoms(np.array(_halved(times, at_least), np.int64))


def _thinned(times: list[int], kept: set[int], duration: int, reach: int) -> list[int]:
    """Times of which none but the kept ones follows another within what keeps the gains to `CELLS`."""
    reach = min(reach, duration)
    if len(times) ** 2 * reach <= CELLS * duration:
        return times
    gap, found = math.isqrt(duration * reach // CELLS), [0]
    for time in times:
        if time in kept or time - found[-1] >= gap:
            found.append(time)
    return found[1:]


def _halved(times: list[int], at_least: int) -> list[int]:
    """Times with the longest gap halved until there are so many gaps, or nothing is left to halve."""
    while len(times) - 1 < at_least:
        length, i = max((b - a, -i) for i, (a, b) in enumerate(itertools.pairwise(times)))
        if length < 2:
            break
        times.insert(1 - i, times[-i] + length // 2)
    return times
