"""Pictures that were left out between two that were decoded: what they may have held, and what they stand as."""

import numpy as np

from services.decoding.domain.cuts import LEAST_STEP, NEIGHBOURS, NEXT, maybe_cut
from services.decoding.domain.signature import Bytes, change, difference, same_scene
from services.decoding.domain.turns import STILL, STOOD, TURN, rewritten

NEW_PICTURE = 8
"""A new picture takes more than one part in so many of the bytes that its keyframe takes."""


def stands(a: Bytes, b: Bytes) -> bool:
    """True when two signatures are of one picture that stands."""
    return change(a, b) <= STILL


def same_picture(a: Bytes, fine_a: Bytes, b: Bytes, fine_b: Bytes) -> bool:
    """True when two frames show one picture that stands, to the last word on it; `fine` as `turns.rewritten` takes."""
    return stands(a, b) and not rewritten(fine_a, fine_b)


def same_shot(a: Bytes, b: Bytes) -> bool:
    """True when no cut is seen from one frame to another, though the picture moves."""
    return same_scene(a, b, NEXT)


def gives_way(a: Bytes, b: Bytes, size: int, most: int) -> bool:
    """True when a stood until b, a keyframe of `size` bytes, begins another scene; between, none takes over `most`."""
    return most * NEW_PICTURE <= size and difference(a, b) >= LEAST_STEP and not same_scene(a, b, NEXT)


def between(a: Bytes, b: Bytes, count: int) -> list[Bytes]:
    """Signatures of `count` pictures on the way from one to another; the first one's own where nothing changes."""
    if count == 0 or stands(a, b):
        return [a] * count
    first, way = a.astype(np.float32), b.astype(np.float32) - a
    return [np.round(first + way * ((i + 1) / (count + 1))).astype(np.uint8) for i in range(count)]


class Pace:
    """How the picture has changed up to the last frame seen; takes the frames that were decoded, in order of time."""

    def __init__(self) -> None:
        self._last: Bytes | None = None
        self._time = self._since = 0
        self._steps: list[float] = []

    def push(self, time: int, signature: Bytes, missing: int) -> None:
        """Take the next frame (ns), before which `missing` were left out."""
        if self._last is None or not stands(self._last, signature):
            self._since = time
        if self._last is not None:
            # Left-out frames share the way.
            step = difference(self._last, signature) / (missing + 1)
            self._steps = [*self._steps[1 - NEIGHBOURS :], step]
        self._last, self._time = signature, time

    def unclear(self, signature: Bytes) -> bool:
        """True when it matters where the last frame gave way to this one, some frames later.

        That is when a shot may begin there, or a new still picture.
        """
        if self._last is None:
            return False
        if self._time - self._since >= STOOD and change(self._last, signature) >= TURN:
            return True
        step = difference(self._last, signature)
        return maybe_cut(self._steps, step) and not same_scene(self._last, signature, NEXT)
