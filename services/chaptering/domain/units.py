"""What a short version of a video is put together from: stretches that can be shown by themselves."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.material import Material
from services.core.text import Track
from services.core.times import SECOND, TimeRange

I64 = npt.NDArray[np.int64]

SHORTEST = 3 * SECOND // 2
"""Less is not understood: shorter shots are shown with those beside them. A shorter video is one unit."""
LONGEST = 12 * SECOND
"""Of a unit in which somebody speaks; sentences are seldom longer."""
PART = 5 * SECOND
"""About as long is each part of a longer stretch in which nobody speaks and nothing is cut."""
PAUSE = SECOND // 2
"""A shorter silence belongs to the sentence before it."""


@dataclass(frozen=True)
class Unit:
    """A stretch, and whether somebody speaks in it."""

    range: TimeRange
    spoken: bool


def units(material: Material, longest: int = LONGEST) -> list[Unit]:
    """Units in order that cover the video without gap or overlap, each at least `SHORTEST` long.

    One begins with a sentence, or with a shot or a silence that nobody speaks over. No sentence of up to `longest` ns
    lies in two of them; where several speak at once, one goes on until the next begins.
    """
    if material.duration <= 0:
        return []
    starts, ends = _sentences(material)
    silences = ends[np.append(starts[1:], material.duration) - ends >= PAUSE] if len(ends) else ends
    cuts = np.array(sorted({shot.range.start for shot in material.shots}), np.int64)
    before = np.searchsorted(starts, cuts, side="left") - 1
    inside = (before >= 0) & (cuts < np.append(ends, 0)[before])
    times = np.unique(np.concatenate([starts, silences, cuts[~inside]]))
    found: list[Unit] = []
    for a, b in itertools.pairwise(_apart(times.tolist(), material.duration)):
        spoken = bool(np.searchsorted(starts, b, side="left") > np.searchsorted(ends, a, side="right"))
        count = -(-(b - a) // longest) if spoken else max(1, round((b - a) / PART))
        edges = [a + (b - a) * i // count for i in range(count + 1)]
        found += [Unit(TimeRange(c, d), spoken) for c, d in itertools.pairwise(edges)]
    return found


def _sentences(material: Material) -> tuple[I64, I64]:
    """When each sentence begins, strictly growing, and when it ends, at the latest as the next one begins."""
    said: dict[int, int] = {}
    for i in material.rows(Track.SPEECH):
        r = material.passages[i].range
        said[r.start] = max(said.get(r.start, 0), min(r.end, material.duration))
    starts = np.array(list(said), np.int64)
    ends = np.array(list(said.values()), np.int64)
    return starts, np.minimum(ends, np.append(starts[1:], material.duration)) if len(starts) else ends


def _apart(times: Sequence[int], duration: int) -> list[int]:
    """0, those of the times that leave at least `SHORTEST` between any two, and the duration."""
    found = [0]
    for time in times:
        if time - found[-1] >= SHORTEST and duration - time >= SHORTEST:
            found.append(time)
    return [*found, duration]
