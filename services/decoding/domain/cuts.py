"""Hard cuts: a step in content that stands out from its neighbours and that nothing afterwards takes back.

The first test is the rolling one of PySceneDetect's AdaptiveDetector (a frame's change against that of the frames
around it), with an order statistic in place of the mean, so that neighbouring cuts and repeated frames do not spoil it.
The second compares frames across the step for structure and colour; a photo flash, whose frames before and after are
of one scene, fails it.
"""

import numpy as np
from numpy.typing import NDArray

from services.core.times import MILLISECOND, SECOND
from services.decoding.domain.signature import Bytes, Floats, any_same_scene, same_scene

NEIGHBOURS = 6
RANK = 3
LEAST_STEP = 4.0
RATIO = 2.0
REACH = 2 * SECOND
FLASH = 300 * MILLISECOND
NEXT = 0.72
"""Likeness of two neighbouring frames of one shot, at least."""
BACK = 0.85
"""Likeness of two frames of one shot that are a flash apart."""

Times = NDArray[np.int64]


def maybe_cut(recent: list[float], step: float) -> bool:
    """True when a step may yet prove a cut, judged by the steps before it alone; never false for one that does."""
    return step >= LEAST_STEP and step >= RATIO * _usual(recent[-NEIGHBOURS:])


def hard_cuts(times: Times, signatures: Bytes, steps: Floats) -> list[int]:
    """Indices of the frames that begin a shot by a hard cut; each depends only on frames within REACH + FLASH."""
    return [i for i in _outstanding(times, steps) if _lasts(times, signatures, i)]


def _outstanding(times: Times, steps: Floats) -> list[int]:
    """Indices of the steps that stand out from those around them."""
    large = np.flatnonzero(steps >= LEAST_STEP)
    large = large[large > 0]
    ways = np.array([way for way in range(-NEIGHBOURS, NEIGHBOURS + 1) if way])
    places = large[:, None] + ways
    inside = places.clip(1, len(steps) - 1)
    # Steps of the same motion have the same spacing in time; a frame seconds away says nothing.
    near = (places == inside) & (np.abs(times[inside] - times[large][:, None]) <= REACH)
    # As `_usual`: nothing is usual among fewer than RANK.
    usual = np.partition(np.where(near, steps[inside], 0), -RANK, axis=1)[:, -RANK]
    return [int(i) for i in large[steps[large] >= RATIO * usual]]


def _usual(around: list[float]) -> float:
    """The third largest: larger than repeated frames, not one of the two cuts that may be near."""
    return sorted(around, reverse=True)[RANK - 1] if len(around) >= RANK else 0.0


def _lasts(times: Times, signatures: Bytes, i: int) -> bool:
    """True when the step joins two scenes, and no frame shortly before it comes back shortly after."""
    if same_scene(signatures[i - 1], signatures[i], NEXT):
        return False
    before = [k for k in range(max(0, i - NEIGHBOURS), i) if k == i - 1 or times[i] - times[k] <= FLASH]
    after = [k for k in range(i, min(len(times), i + NEIGHBOURS)) if k == i or times[k] - times[i] <= FLASH]
    return not any_same_scene(signatures[before], signatures[after], BACK)
