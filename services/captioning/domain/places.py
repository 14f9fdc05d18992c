"""Whether text that was read in one picture stands unchanged in another, or has only moved with it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.core.text import Box, TextLine

U8 = npt.NDArray[np.uint8]
_MOST_CHANGE = 8.0
"""Mean difference of grey levels inside a line's box; another word makes 20 and more."""
_MOST_PART = 24.0
"""The same for the part of the line that differs most, as wide as the line is high."""
_LEAST_MOVE, _MOST_MOVE = 0.008, 0.15
"""Shares of the picture that text moves by from one picture to the next."""
_LEAST_HEIGHT = 0.7
"""Of the lower to the higher of two places of the same writing."""


def still_there(before: U8, lines: Sequence[TextLine], after: U8, places: Sequence[Box]) -> bool:
    """True when `after` shows the lines read in `before` unchanged, and no text elsewhere.

    Pictures are uint8[h, w, 3]; `places` are where text was glanced in `after`. Without any lines, the answer is False.
    """
    if not lines or before.shape != after.shape:
        return False
    covered = all(any(_inside(place, line.box) for line in lines) for place in places)
    return covered and all(_alike(before, after, line.box) for line in lines)


def moved(old: Sequence[Box], new: Sequence[Box]) -> bool:
    """True when the places of text in one picture are those of another, of like height and a little further.

    Writing that moves with the scene, such as a sign, stays the same. What stands where it stood does not count as
    moved: a subtitle's words change in their place.
    """
    if not old or len(old) != len(new):
        return False
    left = list(old)
    for place in new:
        nearest = min(left, key=lambda box: _away(box, place))
        left.remove(nearest)
        if not _LEAST_MOVE <= _away(nearest, place) <= _MOST_MOVE:
            return False
        heights = sorted((nearest.bottom - nearest.top, place.bottom - place.top))
        if heights[0] < _LEAST_HEIGHT * heights[1]:
            return False
    return True


def _away(a: Box, b: Box) -> float:
    """Between the middles, in shares of the picture."""
    return (abs(a.left + a.right - b.left - b.right) + abs(a.top + a.bottom - b.top - b.bottom)) / 2


def _inside(place: Box, box: Box) -> bool:
    """True when the middle of a place lies in a box with some room around it."""
    x, y = (place.left + place.right) / 2, (place.top + place.bottom) / 2
    room = box.bottom - box.top
    return box.left - room <= x <= box.right + room and box.top - room / 2 <= y <= box.bottom + room / 2


def _alike(before: U8, after: U8, box: Box) -> bool:
    h, w = before.shape[:2]
    rows = slice(int(box.top * h), max(int(box.top * h) + 1, round(box.bottom * h)))
    columns = slice(int(box.left * w), max(int(box.left * w) + 1, round(box.right * w)))
    change = np.abs(before[rows, columns].mean(2) - after[rows, columns].mean(2)).mean(0)
    if not change.size:
        return False
    width = min(len(change), rows.stop - rows.start)
    part = np.convolve(change, np.ones(width) / width, "valid").max()
    return bool(change.mean() <= _MOST_CHANGE and part <= _MOST_PART)
