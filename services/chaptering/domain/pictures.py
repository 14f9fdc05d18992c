"""What is seen in a video, as vectors over its time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.curves import Steps
from services.core.media import Shot

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


def _no_times() -> I64:
    return np.zeros(0, np.int64)


def _no_vectors() -> F32:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Pictures:
    """Stretches [starts, ends) ns [n], in order, and unit vectors [n, d] of what is seen in them, of one `space`."""

    starts: I64 = field(default_factory=_no_times)
    ends: I64 = field(default_factory=_no_times)
    vectors: F32 = field(default_factory=_no_vectors)
    space: str = ""

    def __len__(self) -> int:
        return len(self.starts)


def places(pictures: Pictures, shots: Sequence[Shot], steps: Steps) -> tuple[tuple[I64, I64], I64]:
    """First step, and the one after the last, of each picture of a video with shots; and the place of its shot.

    They are steps of its shot: what is left of a shot after the last whole step says nothing of the next one.
    """
    starts, ends = np.array([(shot.range.start, shot.range.end) for shot in shots], np.int64).reshape(-1, 2).T
    at = np.maximum(0, np.searchsorted(starts, pictures.starts, side="right") - 1)
    first, after = steps.covered(pictures.starts, pictures.ends)
    if len(starts):
        low, high = (bound[at] for bound in steps.covered(starts, ends))
        first = np.clip(first, low, high - 1)
        after = np.clip(after, first + 1, np.maximum(high, first + 1))
    return (first, after), at


def over_time(pictures: Pictures, shots: Sequence[Shot], steps: Steps) -> F32:
    """Unit vectors [n, d] of what is seen at each step: the mean of what is seen there; where nothing is known, of the
    last step before that is known, or else the next. Without pictures no rows."""
    if not len(pictures) or not steps.count:
        return _no_vectors()
    total = np.zeros((steps.count, pictures.vectors.shape[1]), np.float32)
    (first, after), _ = places(pictures, shots, steps)
    for i in range(len(pictures)):
        total[first[i] : after[i]] += pictures.vectors[i]
    length = np.linalg.norm(total, axis=1)
    known = np.flatnonzero(length > 1e-6)
    if not len(known):
        return _no_vectors()
    total[known] /= length[known, None]
    nearest = known[np.maximum(0, np.searchsorted(known, np.arange(steps.count), side="right") - 1)]
    found: F32 = total[nearest]
    return found
