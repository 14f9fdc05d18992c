"""Where chapters of given titles are: titles aligned to a video in order, each a stretch of its own."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.atoms import Atoms, atoms
from services.chaptering.domain.material import TEXTS, Material
from services.chaptering.domain.terms import terms
from services.core.times import TimeRange

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

SHARED = 0.5
"""What a word of the title that is said counts beside a cosine of 1."""
TIE = 1e-6


def ground(material: Material, titles: Sequence[str], vectors: F32) -> list[TimeRange]:
    """The range of each title, in the order of the titles; they cover the video without gap or overlap.

    `vectors` [k, d] are the titles' in the space of the passages'. The sum over atoms of their likeness to the title
    of the chapter that they are in is the greatest possible (monotone alignment by dynamic programming). Raises
    ValueError without titles, or for more of them than a video of so many nanoseconds has room for.
    """
    k = len(titles)
    if not 1 <= k <= material.duration:
        raise ValueError(f"{k} titles; wanted 1 or more, and no more than the video has room for")
    grid = atoms(material, at_least=k)
    gain = _likeness(material, grid, titles, vectors)
    n = grid.count
    # An even spread decides where nothing else does.
    places = (np.arange(n) + 0.5) / n
    gain -= TIE * np.abs(places[:, None] - (np.arange(k) + 0.5) / k)
    best = np.full((n, k), -np.inf)
    stayed = np.zeros((n, k), np.bool_)
    best[0, 0] = gain[0, 0]
    for i in range(1, n):
        stay, move = best[i - 1], np.concatenate([[-np.inf], best[i - 1, :-1]])
        stayed[i] = stay >= move
        best[i] = np.maximum(stay, move) + gain[i]
    starts, title = [], k - 1
    for i in range(n - 1, -1, -1):
        if i == 0 or not stayed[i, title]:
            starts.append(int(grid.times[i]))
            title -= 1
        if title < 0:
            break
    edges = [*starts[::-1], material.duration]
    return [TimeRange(a, b) for a, b in itertools.pairwise(edges)]


def _likeness(material: Material, grid: Atoms, titles: Sequence[str], vectors: F32) -> F64:
    """[n, k]: how well each atom fits each title, against the mean over titles."""
    total = np.zeros((grid.count, len(titles)))
    wanted = [set(terms(title)) for title in titles]
    for track in TEXTS:
        rows = material.rows(track)
        for i in rows:
            atom = grid.nearest(material.passages[i].range.start)
            said = set(terms(material.passages[i].text))
            total[atom] += [SHARED * len(said & w) / max(1, len(w)) for w in wanted]
            if len(material.passage_vectors) and len(vectors):
                total[atom] += vectors @ material.passage_vectors[i]
    return np.asarray(total - total.mean(1, keepdims=True))
