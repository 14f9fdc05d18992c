"""Still pictures that give way to others, such as slides: when a new one stands, and whether its writing is another.

Slides of one design are one shot, and a signature hardly tells their words apart. So the exact frame with which a new
still picture stands is offered to the sampler, and compared with the one kept before in a finer picture.
"""

import numpy as np

from services.core.times import MILLISECOND, SECOND
from services.decoding.domain.signature import Bytes, change

STILL = 2
"""Most change of any place of a signature between frames of a picture that stands; coding alone makes as much."""
TURN = 4
"""Least change of some place by a picture that gives way to another."""
STOOD = 600 * MILLISECOND
"""A picture has stood when it did so for this long."""
MOVES = 2 * SECOND
"""Longest way from one still picture to the next, such as a fade."""

FINE_WIDTH, FINE_HEIGHT = 320, 180
_STRONG = 40
_LEAST_STRONG = 20
_WEAK = 10
_LEAST_KEPT = 0.75
_LEAST_SHARP = 0.72
"""Letters of 24 to 60 pixels at 720 lines make 0.79 and more; cars, hands and shadows 0.1 to 0.66."""


class Turns:
    """Takes the signatures of all frames in order of time."""

    def __init__(self) -> None:
        self._last: tuple[int, Bytes] | None = None
        self._run: tuple[int, Bytes] | None = None
        """First frame of the picture that stands now."""
        self._left: tuple[int, Bytes] | None = None
        """When the last picture that stood gave way, and that picture."""

    def push(self, time: int, signature: Bytes) -> bool:
        """True when the frame given before this one is the first of a new still picture."""
        before, self._last = self._last, (time, signature)
        if before is None:
            return False
        if change(before[1], signature) > STILL:
            if self._run and before[0] - self._run[0] >= STOOD:
                self._left = (before[0], self._run[1])
            self._run = None
        elif self._run is None:
            self._run, left, self._left = before, self._left, None
            return left is not None and before[0] - left[0] <= MOVES and change(left[1], before[1]) >= TURN
        elif change(self._run[1], signature) > STILL + 1:
            # Slow motion: nothing stands.
            self._run = self._left = None
        return False


def rewritten(a: Bytes, b: Bytes) -> bool:
    """True when two pictures uint8[180, 320] of luma are one but for a part that changed as writing does.

    Strokes make the change go up and down within a few pixels; a thing that moves changes whole patches.
    """
    way = b.astype(np.int16) - a
    size = np.abs(way)
    strong = size >= _STRONG
    if strong.sum() < _LEAST_STRONG or (size <= _WEAK).mean() < _LEAST_KEPT:
        return False
    turns = np.abs(np.diff(way, axis=1))[strong[:, 1:]].sum()
    return bool(turns >= _LEAST_SHARP * size[strong].sum())
