"""Optimal segmentation by dynamic programming over gains of stretches.

As in kernel change-point detection (Arlot, Celisse & Harchaoui 2012) and kernel temporal segmentation (Potapov et al.
2014), the best of all segmentations is found exactly; a longest length makes it linear in the length of the video.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
NONE = -np.inf


@dataclass(frozen=True)
class Rules:
    """What a segmentation of atoms 0 to n-1 has to keep. `count` is exact; None leaves the number open.

    `locked` are stretches (first atom, atom after the last) that are chapters whatever their length.
    """

    shortest: int = 0
    longest: int = 2**62
    count: int | None = None
    locked: Sequence[tuple[int, int]] = field(default=())


def segment(band: F64, bonus: F64, times: I64, rules: Rules) -> list[int] | None:
    """Atoms [k+1] at which the chapters begin, and n; None when the rules allow no segmentation.

    `band` [n+1, w+1] is as `gains` makes it, `bonus` [n+1] is added for a chapter that begins at an atom (all but the
    first), `times` [n+1] are when atoms begin, and the end, in ns.
    """
    n = len(times) - 1
    if rules.count is None:
        best, back = np.full(n + 1, NONE), np.zeros(n + 1, np.int64)
        best[0] = 0.0
        for j, starts, gains in _choices(band, times, rules):
            reach = best[starts] + gains + np.where(starts > 0, bonus[starts], 0.0)
            at = int(reach.argmax())
            best[j], back[j] = reach[at], starts[at]
        return None if best[n] == NONE else _walk(n, back)
    most = rules.count
    table, backs = np.full((most + 1, n + 1), NONE), np.zeros((most + 1, n + 1), np.int64)
    table[0, 0] = 0.0
    for j, starts, gains in _choices(band, times, rules):
        reach = table[:-1, starts] + gains + np.where(starts > 0, bonus[starts], 0.0)
        at = reach.argmax(1)
        table[1:, j], backs[1:, j] = reach[np.arange(most), at], starts[at]
    if table[most, n] == NONE:
        return None
    cuts = [n]
    for k in range(most, 0, -1):
        cuts.append(int(backs[k, cuts[-1]]))
    return cuts[::-1]


def _walk(n: int, back: I64) -> list[int]:
    cuts = [n]
    while cuts[-1] > 0:
        cuts.append(int(back[cuts[-1]]))
    return cuts[::-1]


def _choices(band: F64, times: I64, rules: Rules) -> Iterator[tuple[int, I64, F64]]:
    """(j, where a chapter that ends at j may begin, its gain), for every j where one may end."""
    n, widest = len(times) - 1, band.shape[1] - 1
    edges = {n, *(start for start, _ in rules.locked)}
    for j in range(1, n + 1):
        floor, first = max(((end, start) for start, end in rules.locked if start < j), default=(0, 0))
        if floor > j:
            continue
        if floor == j:
            yield j, np.array([first]), np.zeros(1)
            continue
        starts = np.arange(max(floor, j - widest), j)
        length = times[j] - times[starts]
        fits = (length >= rules.shortest) & (length <= rules.longest)
        # An atom that is too long is not cut; what is left beside a locked chapter may be short.
        fits[-1] |= length[-1] > rules.longest
        if rules.locked and j in edges and starts[0] == floor:
            fits[0] |= length[0] < rules.shortest
        if fits.any():
            yield j, starts[fits], band[j, (j - starts)[fits]]
