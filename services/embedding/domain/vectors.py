"""Unit vectors: normalizing, averaging, comparing with a background."""

from typing import Any

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
SMALLEST_DEVIATION = 1e-4


def unit(vectors: npt.NDArray[Any]) -> F32:
    """Rows of [n, d] scaled to length 1. Raises ValueError on a row that is zero or not finite."""
    rows = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise ValueError("a vector is zero or not finite")
    scaled: F32 = (rows / lengths).astype(np.float32)
    return scaled


def pool(vectors: F32, owners: npt.NDArray[np.intp], weights: npt.NDArray[Any], n: int) -> F32:
    """Weighted means of the rows that have the same owner, as unit rows [n, d]; every owner in [0, n) has a row."""
    sums = np.zeros((n, vectors.shape[1]), np.float64)
    np.add.at(sums, owners, vectors.astype(np.float64) * np.asarray(weights, np.float64)[:, None])
    return unit(sums)


def calibration(vectors: F32, background: F64, centre: float, scale: float) -> tuple[F32, F32]:
    """Middle and spread, each [n], of the curve from a row's cosine to a score.

    A row's cosines with the unit rows of `background` [m, d] say how alike unrelated pictures are to it: their mean
    and deviation. A cosine `centre` deviations above that mean scores one half; `scale` deviations more multiply the
    odds by e. The spread is never 0, so that it can be divided by.
    """
    cosines = vectors.astype(np.float64) @ background.T
    deviations = np.maximum(cosines.std(axis=1), SMALLEST_DEVIATION)
    middles = cosines.mean(axis=1) + centre * deviations
    return middles.astype(np.float32), (scale * deviations).astype(np.float32)
