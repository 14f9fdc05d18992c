"""Fades through black or white: even frames between two pictures are one transition, not two cuts.

The transition's instant lies midway between the moment at which the old picture has half gone and the moment at which
the new one has half come (the level test of Lienhart, "Reliable transition detection in videos", 2001, measured on the
distance from the even frame instead of on brightness, so that it serves black, white and watermarks alike).
"""

from dataclasses import dataclass

import numpy as np

from services.core.times import MILLISECOND, SECOND
from services.decoding.domain.cuts import Times
from services.decoding.domain.signature import LUMA, Bytes, same_scene

LONGEST_HOLD = 2 * SECOND
LONGEST_RAMP = 2 * SECOND
BRIEF = 500 * MILLISECOND
STRUCTURE = 10.0
LEAST_LEVEL = 6.0
"""Mean difference between a picture and the even frames, at least."""
OFF_LINE = 0.6
MOST_FRAMES = 256


@dataclass(frozen=True)
class Dip:
    """Even frames and the fades around them: frames [first, last]; where shots begin by a fade, if any do.

    A hard cut into or out of the even frames that the dip does not explain lies outside (first, last].
    """

    first: int
    last: int
    cuts: tuple[int, ...]


@dataclass(frozen=True)
class _Side:
    """How the picture before, or after, the even frames goes over into them."""

    frames: int
    """From the even frame to the first whole picture; 1 for a hard cut."""
    half: int
    """From the even frame to the first that is at least half there."""
    real: bool
    """False when it is neither a cut nor a fade: a dark scene that passes the threshold."""

    @property
    def fade(self) -> bool:
        return self.frames > 2


def dips(times: Times, signatures: Bytes) -> list[Dip]:
    """Every stretch of black or white that joins two shots, or begins or ends what was read.

    Each depends only on frames within LONGEST_HOLD + 2 LONGEST_RAMP.
    """
    luma = signatures[:, :LUMA].astype(np.float32)
    mean, deviation = luma.mean(1), luma.std(1)
    found = []
    for even, white in (((mean < 32) & (deviation < 8), False), ((mean > 224) & (deviation < 8), True)):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], even.astype(np.int8), [0]))))
        for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            dip = _dip(times, signatures, begin, end, white)
            if dip:
                found.append(dip)
    return sorted(found, key=lambda d: d.first)


def _dip(times: Times, signatures: Bytes, begin: int, end: int, white: bool) -> Dip | None:
    """What the even frames [begin, end) are part of."""
    n = len(times)
    before = _side(times, signatures, begin, -1) if begin > 0 else None
    after = _side(times, signatures, end - 1, 1) if end < n else None
    if any(side is not None and not side.real for side in (before, after)):
        return None
    first = begin - before.frames if before and before.fade else begin
    last = end - 1 + after.frames if after and after.fade else end - 1
    gone = begin - before.half + 1 if before else begin
    come = end - 1 + after.half if after else end
    hold = int(times[min(end, n - 1)] - times[begin])
    if white and (before is None or after is None or _alike_or_plain(signatures, begin - before.frames, last)):
        return None
    if hold > LONGEST_HOLD:
        fades = [(before, gone), (after, come)]
        return Dip(first, last, tuple(i for side, i in fades if side and side.fade))
    if before is None or after is None:
        # Black before the first picture or after the last is no shot.
        return Dip(first, last + 1 if after else last, ())
    if not before.fade and not after.fade:
        if hold >= BRIEF:
            return None
        if same_scene(signatures[begin - 1], signatures[end]):
            return Dip(begin - 1, end, ())
    middle = (int(times[gone]) + int(times[come])) // 2
    return Dip(min(first, begin - 1), max(last, end), (int(np.searchsorted(times, middle)),))


def _side(times: Times, signatures: Bytes, even: int, way: int) -> _Side:
    """What lies beyond an even frame, looking back (-1) or ahead (1)."""
    reach = signatures[even::way][:MOST_FRAMES]
    # Distance from the nearest even frame: a watermark may come or go within the stretch.
    level = np.abs(reach.astype(np.int16) - reach[0].astype(np.int16)).mean(1, dtype=np.float32)
    size = 1
    while size < len(level) and abs(int(times[even + way * size] - times[even])) <= LONGEST_RAMP:
        if level[size] <= level[size - 1] + max(0.25, 0.01 * float(level[size - 1])):
            break
        size += 1
    whole = size - 1
    if whole < 1 or level[whole] < LEAST_LEVEL:
        return _Side(1, 1, False)
    half = int(np.argmax(level[:size] >= level[whole] / 2))
    # Frames of a fade are the picture, weaker; those of a camera that comes out of the dark are not.
    picture = reach[whole].astype(np.float32) - reach[0]
    rest = reach[half].astype(np.float32) - reach[0]
    off = rest - picture * float(rest @ picture) / float(picture @ picture)
    real = whole <= 2 or float(off @ off) <= (OFF_LINE**2) * float(rest @ rest)
    return _Side(whole, max(1, half), real)


def _alike_or_plain(signatures: Bytes, before: int, after: int) -> bool:
    """True for what lights up and stays one scene, and for what has no picture beside the white."""
    plain = min(float(signatures[k, :LUMA].std()) for k in (before, after)) < STRUCTURE
    return plain or same_scene(signatures[before], signatures[after])
