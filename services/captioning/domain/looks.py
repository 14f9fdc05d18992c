"""When it is worth looking for text: cheap rules on a small grey picture, so that films without text cost little."""

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 320, 180
EVERY = 5
"""At least each so many pictures are looked at."""

_STROKE = 48
"""Grey levels between neighbouring pixels, as letters make on plain ground."""
_BLOCK_W, _BLOCK_H = 16, 6
_DENSE = 0.2
"""Share of a block's pixels that are strokes where there may be text."""
_FRESH = 6
"""Blocks with new strokes that make a picture worth a look; a slide with a dozen small words has 15."""
_EQUAL = 10
"""Change of a pixel that means nothing; JPEG alone makes as much."""
_OTHER = 70
"""Mean change of a picture of another scene; motion within a second makes less."""
_EVEN, _LEAST_EVEN = 2, 0.88
"""Slides of words have 0.93 and more of such steps; of 270 photographs in films, one in fifty has 0.84."""
_INK, _LEAST_INK = 16, 30
"""Steps that letters leave even when they are small and pale; a word has more of them."""
_STANDS = 0.7
"""Share of equal pixels in a picture of which only a part has changed."""
_INKED, _FRESH_INK = 0.04, 2
"""Share of a block's pixels that are steps of `_INK` where small or pale letters may be, and the blocks of a word."""

Grey = npt.NDArray[np.uint8]
Blocks = npt.NDArray[np.bool_]


class Looks:
    """Takes small grey pictures uint8[180, 320] in order, and says which are to be looked at.

    That is the first of a shot, one on plain ground, one that changed wholly, one that has strokes where the one
    looked at last had none nearby, weak ones too where the rest has not changed, and each fifth. After a picture in
    which text was found every one that has changed is looked at.
    """

    def __init__(self) -> None:
        self._seen: Grey | None = None
        self._text = False
        self._skipped = 0

    def due(self, picture: Grey, first: bool) -> bool:
        """True when the picture, perhaps known to be the first of a shot, is to be looked at."""
        seen = self._seen
        if seen is None:
            return True
        change = np.abs(seen.astype(np.int16) - picture)
        equal = change <= _EQUAL
        if equal.all():
            return False
        self._skipped += 1
        if first or self._text or self._skipped >= EVERY or plain(picture):
            return True
        if change.mean() >= _OTHER or _fresh(strokes(seen), strokes(picture)) >= _FRESH:
            return True
        # A thing that moves on dark ground leaves the rest as it was, but draws nothing new.
        return equal.mean() >= _STANDS and _fresh(ink(seen), ink(picture)) >= _FRESH_INK

    def looked(self, picture: Grey, text: bool) -> None:
        """Say that a picture was looked at, and whether there was text."""
        self._seen, self._text, self._skipped = picture, text, 0


def plain(picture: Grey) -> bool:
    """True for a picture that is nearly all even ground with something on it, as slides are and photographs are not."""
    steps = np.abs(np.diff(picture.astype(np.int16), axis=1))
    return bool((steps <= _EVEN).mean() >= _LEAST_EVEN and (steps >= _INK).sum() >= _LEAST_INK)


def strokes(picture: Grey) -> Blocks:
    """bool[30, 20]: blocks of the picture that are dense with strong vertical edges."""
    return _with_steps(picture, _STROKE, _DENSE)


def ink(picture: Grey) -> Blocks:
    """bool[30, 20]: blocks of the picture with as many edges as small or pale letters make."""
    return _with_steps(picture, _INK, _INKED)


def _with_steps(picture: Grey, least: int, share: float) -> Blocks:
    steps = np.zeros(picture.shape, bool)
    steps[:, 1:] = np.abs(np.diff(picture.astype(np.int16), axis=1)) >= least
    dense: Blocks = _blocks(steps, _BLOCK_H, _BLOCK_W) >= share
    return dense


def _fresh(before: Blocks, now: Blocks) -> int:
    """How many blocks have what none had before, there or beside."""
    return int((now & ~_widened(before)).sum())


def _widened(blocks: Blocks) -> Blocks:
    """With the neighbours on all sides, for pictures that move."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(blocks, 1), (3, 3))
    wide: Blocks = windows.any((2, 3))
    return wide


def _blocks(picture: npt.NDArray[np.generic], height: int, width: int) -> npt.NDArray[np.float64]:
    """Means of blocks of so many pixels."""
    shape = (picture.shape[0] // height, height, picture.shape[1] // width, width)
    means: npt.NDArray[np.float64] = picture.reshape(shape).mean((1, 3))
    return means
