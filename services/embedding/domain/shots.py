"""A vector a shot, from the vectors of its frames, one segment at a time."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from services.core.errors import Incomplete
from services.core.media import SampledFrame, Shot
from services.embedding.domain.vectors import F32, unit


class ShotPooler:
    """Sums frames into shots; holds a vector a shot, however many frames there are.

    A frame belongs to the shot whose range contains its time, and weighs as long as it stands for within the shot. A
    shot without a frame of its own takes the frame whose range covers most of it.
    """

    def __init__(self, shots: Sequence[Shot]) -> None:
        self._shots = shots
        self._starts = [shot.range.start for shot in shots]
        self._sums: np.ndarray[tuple[int, int], np.dtype[np.float64]] | None = None
        self._owned = [False] * len(shots)
        self._lent: dict[int, tuple[int, F32]] = {}

    def add(self, frames: Sequence[SampledFrame], vectors: F32) -> None:
        """Count in frames and their unit rows [n, d], in the same order."""
        if len(frames) != len(vectors):
            raise Incomplete(f"{len(frames)} sampled frames but {len(vectors)} vectors: embed the segment again")
        if self._sums is None:
            self._sums = np.zeros((len(self._shots), vectors.shape[1]))
        elif self._sums.shape[1] != vectors.shape[1]:
            raise Incomplete(f"vectors of {self._sums.shape[1]} and of {vectors.shape[1]} dimensions in one video")
        for frame, vector in zip(frames, vectors, strict=True):
            self._add(frame, vector, self._sums)

    def _add(self, frame: SampledFrame, vector: F32, sums: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
        own = bisect_right(self._starts, frame.time) - 1
        if own >= 0 and self._shots[own].range.contains(frame.time):
            stands = self._shots[own].range.intersection(frame.range)
            sums[own] += vector.astype(np.float64) * (stands.duration if stands else 1)
            self._owned[own] = True
            self._lent.pop(own, None)
        for index in range(max(0, bisect_right(self._starts, frame.range.start) - 1), len(self._shots)):
            shot = self._shots[index]
            if shot.range.start >= frame.range.end:
                break
            covered = shot.range.intersection(frame.range)
            if covered and not self._owned[index] and covered.duration > self._lent.get(index, (0,))[0]:
                self._lent[index] = covered.duration, vector

    def result(self) -> F32:
        """Unit rows [shots, d]. Raises Incomplete naming the first shot without a frame."""
        for index, owned in enumerate(self._owned):
            if not owned and index not in self._lent:
                r = self._shots[index].range
                raise Incomplete(f"shot {index} [{r.start}, {r.end}) ns has no sampled frame: decode the video again")
        if self._sums is None:
            raise Incomplete("the video has no frame vectors: embed its segments again")
        for index, (_, vector) in self._lent.items():
            self._sums[index] = vector
        try:
            return unit(self._sums)
        except ValueError as error:
            raise Incomplete(f"a shot's vectors cancel out or are not finite: {error}") from error
