"""Finds where shots begin, frame by frame, in bounded memory, with the same result wherever one begins to look.

Whether a shot begins at a frame depends only on the frames within MARGIN of it. So the frames may be taken in blocks,
and a video in segments, as long as each looks MARGIN beyond its ends.
"""

from dataclasses import dataclass

import numpy as np

from services.core.media import Transition
from services.core.times import SECOND
from services.decoding.domain.cuts import Times, hard_cuts
from services.decoding.domain.dips import dips
from services.decoding.domain.dissolves import dissolves
from services.decoding.domain.signature import Bytes, steps

VERSION = 1
MARGIN = 8 * SECOND
BLOCK = 60 * SECOND
BLOCK_FRAMES = 256
FULL_FRAMES = 16384


@dataclass(frozen=True, order=True)
class Cut:
    """A shot begins at `time`, the time of a frame."""

    time: int
    transition: Transition

    def __post_init__(self) -> None:
        if self.transition is Transition.NONE:
            raise ValueError("a cut has a transition")


def find_cuts(times: Times, signatures: Bytes) -> list[Cut]:
    """Cuts among frames: int64[n] times that rise, uint8[n, 864] signatures."""
    if len(times) < 2:
        return []
    change = steps(signatures)
    fades = dips(times, signatures)
    explained = [(d.first, d.last) for d in fades]
    found = {i: Transition.GRADUAL for d in fades for i in d.cuts if 0 < i < len(times)}
    for i in hard_cuts(times, signatures, change):
        if not any(first < i <= last for first, last in explained):
            found[i] = Transition.CUT
    hard = [(i, i) for i, kind in found.items() if kind is Transition.CUT]
    for i in dissolves(times, signatures, [*explained, *hard]):
        found.setdefault(i, Transition.GRADUAL)
    return [Cut(int(times[i]), found[i]) for i in sorted(found)]


class CutFinder:
    """Takes frames in order of time and gives the cuts among them, some seconds later."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._signatures: list[Bytes] = []
        self._settled = -1
        """Cuts before this time were given."""

    @property
    def settled(self) -> int:
        """No cut before this time will be given any more."""
        return self._settled

    @property
    def count(self) -> int:
        """Frames at hand."""
        return len(self._times)

    def push(self, time: int, signature: Bytes) -> list[Cut]:
        """Take the next frame; the cuts that became certain, if any."""
        self._times.append(time)
        self._signatures.append(signature)
        span = time - max(self._settled, self._times[0])
        full = span >= BLOCK and len(self._times) >= BLOCK_FRAMES
        if full or (len(self._times) >= FULL_FRAMES and span >= 3 * MARGIN):
            return self._settle(time - MARGIN)
        return []

    def finish(self) -> list[Cut]:
        """The remaining cuts."""
        return self._settle(self._times[-1] + 1) if self._times else []

    def _settle(self, until: int) -> list[Cut]:
        times = np.array(self._times, np.int64)
        cuts = find_cuts(times, np.stack(self._signatures))
        fresh = [cut for cut in cuts if self._settled <= cut.time < until]
        self._settled = until
        drop = int(np.searchsorted(times, until - MARGIN))
        if drop:
            del self._times[:drop], self._signatures[:drop]
        return fresh
