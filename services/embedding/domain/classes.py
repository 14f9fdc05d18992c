"""The likeliest classes of pictures."""

import numpy as np
import numpy.typing as npt

from services.core.vectors import FrameClasses
from services.embedding.domain.vectors import F32


class Best:
    """Keeps the `k` likeliest classes of each of `n` pictures, best first; of equals the earlier class."""

    def __init__(self, n: int, names: tuple[str, ...], k: int) -> None:
        k = min(k, len(names))
        self._names = np.array(names, np.str_)
        self._indices = np.zeros((n, k), np.intp)
        self._probabilities = np.zeros((n, k), np.float32)

    def put(self, rows: list[int], probabilities: F32) -> None:
        """Take probabilities [len(rows), classes] of these pictures."""
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, : self._indices.shape[1]]
        self._indices[rows] = best
        self._probabilities[rows] = np.take_along_axis(probabilities, best, axis=1)

    def result(self) -> FrameClasses:
        """Names and probabilities, each [n, k]."""
        names: npt.NDArray[np.str_] = self._names[self._indices]
        return FrameClasses(names, self._probabilities)
