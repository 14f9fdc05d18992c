"""Sound as the stage works on it: 16 kHz mono, counted in samples of the video's timeline."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.core.times import SECOND, TimeRange

RATE = 16_000
Samples = NDArray[np.int16]
Chances = NDArray[np.float32]
"""Chance of speech, [0, 1], a window of `WINDOW` samples."""
WINDOW = 512


@dataclass(frozen=True, order=True)
class Span:
    """Samples [start, end)."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def first_sample(time: int) -> int:
    """The first sample at or after a time (ns)."""
    return -(-time * RATE // SECOND)


def time_of(sample: int) -> int:
    """When a sample begins (ns), exactly."""
    return sample * SECOND // RATE


def range_of(span: Span) -> TimeRange:
    """The stretch of time that samples last."""
    return TimeRange(time_of(span.start), time_of(span.end))
