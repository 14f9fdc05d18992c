"""What to keep of a video in a short version of it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.choosing import choose, gathered
from services.chaptering.domain.curves import Steps
from services.chaptering.domain.material import Material
from services.chaptering.domain.pictures import Pictures
from services.chaptering.domain.units import LONGEST, SHORTEST, Unit, units
from services.core.chapters import Skim
from services.core.times import SECOND, TimeRange

F64 = npt.NDArray[np.float64]

IN_FOCUS = 8.0
"""How much more saliency counts when somebody has said what the skim is to be about."""
MOST = 2000
"""Units that are weighed against each other; of more, the most salient of every part of the video."""
LEFT = SECOND
"""What is left of the length is filled with a part of a unit when it is more than this."""
ENOUGH = 0.5
"""A sentence is cut only when whole ones would fill less than this share of the length."""


def skim(
    material: Material,
    pictures: Pictures,
    saliency: F64,
    chapters: Sequence[TimeRange],
    length: int,
    *,
    focused: bool = False,
) -> Skim:
    """Ranges in order of time, without overlap, of at most `length` ns together, which is more than 0.

    `saliency` [n] is a curve over `Steps(material.duration)`; `focused` says that it is of what somebody looks for.
    `chapters` cover the video. There is a range whenever the video has any length; the whole video where it fits. No
    range is shorter than `units.SHORTEST`, unless the length is. A sentence is cut only as `ENOUGH` says.
    """
    if material.duration <= length:
        return Skim((TimeRange(0, material.duration),) if material.duration else ())
    found = units(material, max(LONGEST, length // 3))
    height = _mean(saliency, found, Steps(material.duration))
    kept = _thinned(found, height, material.duration)
    found, height = [found[i] for i in kept], height[kept]
    worth = height * IN_FOCUS if focused else height
    chosen = choose(found, gathered(found, material, pictures, worth, chapters, length), length)
    ranges = _filled(found, height, chosen, length)
    return Skim(tuple(_joined(ranges)))


def _mean(curve: F64, found: Sequence[Unit], steps: Steps) -> F64:
    """The mean of a curve over each unit."""
    edges = steps.edges().astype(np.float64)
    area = np.concatenate([[0.0], np.cumsum(curve * np.diff(edges))])
    starts, ends = np.array([[u.range.start, u.range.end] for u in found], np.float64).T
    mean: F64 = (np.interp(ends, edges, area) - np.interp(starts, edges, area)) / (ends - starts)
    return np.clip(mean, 0.0, None)


def _thinned(found: Sequence[Unit], height: F64, duration: int) -> list[int]:
    """Places in order of at most `MOST` units: of each of as many stretches of equal length as half of that, the most
    salient ones."""
    if len(found) <= MOST:
        return list(range(len(found)))
    stretches: dict[int, list[int]] = {}
    for i, unit in enumerate(found):
        stretches.setdefault(unit.range.start * (MOST // 2) // duration, []).append(i)
    return sorted(i for rows in stretches.values() for i in sorted(rows, key=lambda i: (-height[i], i))[:2])


def _filled(found: Sequence[Unit], height: F64, chosen: Sequence[int], length: int) -> list[TimeRange]:
    """The ranges of the chosen units, with others and with part of one while much of the length is left."""
    kept = set(chosen)
    ranges = [found[i].range for i in chosen]
    left = length - sum(r.duration for r in ranges)
    order = sorted((i for i in range(len(found)) if i not in kept), key=lambda i: (-height[i], i))
    for i in order:
        if found[i].range.duration <= left:
            kept.add(i)
            ranges.append(found[i].range)
            left -= found[i].range.duration
    if left > LEFT or not ranges:
        least = min(SHORTEST, length)
        scarce = left > (1 - ENOUGH) * length
        for i in order:
            if i in kept or (found[i].spoken and not scarce):
                continue
            start, end = found[i].range.start, found[i].range.end
            # Beside what is shown already nothing new begins, however little is left.
            if i + 1 in kept and found[i + 1].range.start == end and not found[i].spoken:
                ranges.append(TimeRange(end - left, end))
            elif left >= least or (i - 1 in kept and found[i - 1].range.end == start):
                ranges.append(TimeRange(start, start + left))
            else:
                continue
            break
    return ranges


def _joined(ranges: Sequence[TimeRange]) -> list[TimeRange]:
    """In order of time; those that touch are one."""
    found: list[TimeRange] = []
    for r in sorted(ranges):
        if found and found[-1].end == r.start:
            found[-1] = found[-1].span(r)
        else:
            found.append(r)
    return found
