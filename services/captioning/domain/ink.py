"""The part of a picture that anything is drawn on: finding text costs by the pixel, and most of a slide is bare."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.core.text import Box

STEP = 12
"""Grey levels between neighbouring pixels that are drawn; JPEG's own noise on even ground stays below."""
MOST = 0.6
"""Share of the picture above which it is taken whole."""
MULTIPLE = 32
"""A detector's pictures have sides of so many pixels times a whole number; others are stretched to one."""
LONGEST = 8
"""Most times that a picture may be as wide as it is high."""

U8 = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Drawn:
    """`pixels` are bands of a picture of `size` (height, width), one below another; each with the row where it began
    and the row where it lies now. `left` is the column where they began."""

    pixels: U8
    size: tuple[int, int]
    bands: Sequence[tuple[int, int]]
    left: int

    def back(self, box: Box) -> Box:
        """A place in `pixels` as a place in the picture."""
        height, width = self.pixels.shape[:2]
        middle = (box.top + box.bottom) / 2 * height
        began, lies = max((band for band in self.bands if band[1] <= middle), key=lambda band: band[1])

        def across(x: float) -> float:
            return min(1.0, (x * width + self.left) / self.size[1])

        def down(y: float) -> float:
            return min(1.0, max(0.0, (y * height + began - lies) / self.size[0]))

        return Box(across(box.left), down(box.top), across(box.right), down(box.bottom))


def drawn(picture: U8) -> Drawn | None:
    """The bands of a picture uint8[h, w, 3] that hold something, with room around it; None when it is bare."""
    ink = _ink(picture)
    height, width = ink.shape
    room = max(MULTIPLE // 2, height // 20)
    rows, columns = _widened(ink.any(1), room), np.flatnonzero(_widened(ink.any(0), room))
    if not len(columns):
        return None
    left, right = int(columns[0]), int(columns[-1]) + 1
    if rows.sum() * (right - left) > MOST * height * width:
        return Drawn(picture, (height, width), [(0, 0)], 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rows, [False]]).astype(np.int8)))
    bands, parts, lies = [], [], 0
    for begin, end in edges.reshape(-1, 2).tolist():
        bands.append((begin, lies))
        parts.append(picture[begin:end, left:right])
        lies += end - begin
    wide = -(-(right - left) // MULTIPLE) * MULTIPLE
    high = -(-max(lies, wide // LONGEST) // MULTIPLE) * MULTIPLE
    # The ground goes on to the right and below.
    pixels = np.pad(np.concatenate(parts), ((0, high - lies), (0, wide - (right - left)), (0, 0)), "edge")
    return Drawn(pixels, (height, width), bands, left)


def _ink(picture: U8) -> Bools:
    """True where a pixel differs from the one above it or to its left."""
    found = np.zeros(picture.shape[:2], bool)
    levels = picture.astype(np.int16)
    found[:, 1:] |= (np.abs(np.diff(levels, axis=1)) >= STEP).any(2)
    found[1:] |= (np.abs(np.diff(levels, axis=0)) >= STEP).any(2)
    return found


def _widened(marks: Bools, by: int) -> Bools:
    """With so many places on both sides."""
    wide: Bools = np.convolve(marks, np.ones(2 * by + 1), "same") > 0
    return wide
