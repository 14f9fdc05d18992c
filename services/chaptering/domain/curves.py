"""Time as steps, and what is known of stretches of video as a curve over them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.core.times import SECOND

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

MOST = 10_000
"""Values of a curve: of a second each up to 2 h 46 min; of a longer video of as few whole seconds as it takes."""


@dataclass(frozen=True)
class Steps:
    """The steps of a video of `duration` ns: step i is [i * length, (i + 1) * length), the last may be cut short."""

    duration: int

    @property
    def length(self) -> int:
        """Nanoseconds, in whole seconds."""
        return SECOND * max(1, -(-self.duration // (MOST * SECOND)))

    @property
    def count(self) -> int:
        return -(-self.duration // self.length)

    def edges(self) -> I64:
        """[n+1] when each begins, and the end of the video."""
        return np.minimum(np.arange(self.count + 1, dtype=np.int64) * self.length, self.duration)

    def covered(self, starts: I64, ends: I64) -> tuple[I64, I64]:
        """First step, and the one after the last, of each stretch [start, end) of a video that is longer than 0.

        A step is a stretch's where they share at least half of the shorter of the two; every stretch has one at least.
        """
        a = np.clip(starts, 0, self.duration - 1)
        b = np.clip(ends, a + 1, self.duration)
        first, last = a // self.length, (b - 1) // self.length
        edges = self.edges()

        def mine(step: I64) -> npt.NDArray[np.bool_]:
            left, right = edges[step], edges[step + 1]
            shared = np.minimum(right, b) - np.maximum(left, a)
            found: npt.NDArray[np.bool_] = 2 * shared >= np.minimum(right - left, b - a)
            return found

        several = last > first
        after = np.where(several & ~mine(last), last, last + 1)
        return np.where(several & ~mine(first) & (first + 1 < after), first + 1, first), after

    def highest(self, places: tuple[I64, I64], values: F64) -> F64:
        """[n] at each step the highest value, all at least 0, of stretches of these places; 0 where there is none."""
        found = np.zeros(self.count)
        for first, after, value in zip(*places, values, strict=True):
            part = found[first:after]
            np.maximum(part, value, out=part)
        return found


def smoothed(curve: F64, width: int) -> F64:
    """Means weighted by a Hann window of `width` values, an odd number; at the ends of those that there are."""
    if width < 3 or not len(curve):
        return curve
    window = np.hanning(width + 2)[1:-1]
    kept = slice(width // 2, width // 2 + len(curve))
    total: F64 = np.convolve(curve, window)[kept] / np.convolve(np.ones(len(curve)), window)[kept]
    return total
