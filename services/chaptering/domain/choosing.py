"""Which units of a video make the best short version of it.

A choice of units is worth, each part about 1 at most: how salient its time is; how much it shows of every chapter, with
less for more of the same one; and how well its units stand for all others by what is seen and said in them, where a
second one like the first adds nothing (facility location). None of that makes many short units worth more than a few
longer ones of the same length: a skim of snatches cannot be followed. That is monotone and submodular. It is chosen as
Leskovec et al. 2007 ("Cost-effective outbreak detection in networks") and Lin & Bilmes 2010 do under a budget: the unit
that adds most for its length again and again, lazily, or the best single one when that is worth more; which comes
within (1 - 1/e) / 2 of the best choice.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.material import Material
from services.chaptering.domain.pictures import Pictures
from services.chaptering.domain.units import Unit
from services.core.text import Track
from services.core.times import SECOND, TimeRange

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

SAYS = 5 * SECOND
"""A shorter unit stands for others only as far as it has so much."""
SHARE = 5 * SECOND
"""A chapter's share of the length is taken for this much at least, or nothing longer would be shown of short ones."""
PART = 10 * SECOND
"""Of a skim: without chapters, each part of the video is to have so much of it."""
MOST_PARTS = 50
STEADY = 1e-9


@dataclass(frozen=True)
class Pool:
    """Units to choose from.

    Of each [n]: its length as a share of what is wanted, what its time is worth, and its chapter, whose share of what
    is wanted is in `shares`. `alike` [n, n] in [0, 1] is how alike units are, `says` [n] in [0, 1] how far each stands
    for those that are like it; they weigh `weights` [n], 1 in all.
    """

    lengths: F64
    worth: F64
    chapter: I64
    shares: F64
    alike: F32
    says: F64
    weights: F64


def gathered(
    found: Sequence[Unit],
    material: Material,
    pictures: Pictures,
    worth: F64,
    chapters: Sequence[TimeRange],
    length: int,
) -> Pool:
    """Units of a video as what to choose from for `length` ns; `worth` [n], at least 0, is each one's salience.

    `chapters` cover the video; without any, equal parts of it stand for them.
    """
    lengths = np.array([u.range.duration for u in found], np.float64)
    edges = sorted({c.start for c in chapters if 0 < c.start < material.duration})
    if not edges:
        parts = min(MOST_PARTS, max(1, length // PART))
        edges = [material.duration * i // parts for i in range(1, parts)]
    middles = [(u.range.start + u.range.end) // 2 for u in found]
    bounds = np.diff([0, *edges, material.duration]) / material.duration
    features = _features(found, material, pictures)
    return Pool(
        lengths / length,
        worth * lengths / length,
        np.searchsorted(edges, middles, side="right"),
        np.maximum(bounds, SHARE / length),
        np.clip(features @ features.T, 0.0, 1.0),
        np.minimum(1.0, lengths / SAYS),
        lengths / lengths.sum(),
    )


def _features(found: Sequence[Unit], material: Material, pictures: Pictures) -> F32:
    """[n, d] what is seen and said in each unit, around the video's mean; of length 1, or 0 where nothing is known."""
    kinds = [_pooled(found, pictures.starts, pictures.ends, pictures.vectors)]
    rows = material.rows(Track.SPEECH) if len(material.passage_vectors) else []
    if rows:
        ranges = [material.passages[i].range for i in rows]
        starts, ends = np.array([[r.start, r.end] for r in ranges], np.int64).T
        kinds.append(_pooled(found, starts, ends, material.passage_vectors[rows]))
    kinds = [kind for kind in kinds if kind.shape[1]]
    if not kinds:
        return np.zeros((len(found), 1), np.float32)
    both = np.hstack(kinds)
    unit_: F32 = both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), STEADY)
    return unit_.astype(np.float32)


def _pooled(found: Sequence[Unit], starts: I64, ends: I64, vectors: F32) -> F32:
    """[n, d] of each unit the mean of the vectors of what begins in it, or else of what covers its beginning.

    Around the mean of all, of length 1, or 0 where there is none.
    """
    total = np.zeros((len(found), vectors.shape[1]), np.float32)
    if not len(starts):
        return total
    begins, stops = np.array([(u.range.start, u.range.end) for u in found], np.int64).T
    unit = np.maximum(0, np.searchsorted(begins, starts, side="right") - 1)
    inside = (begins[unit] <= starts) & (starts < stops[unit])
    np.add.at(total, unit[inside], vectors[inside])
    for i in sorted(set(range(len(found))) - set(unit[inside].tolist())):
        at = int(np.searchsorted(starts, begins[i], side="right")) - 1
        if at >= 0 and ends[at] > begins[i]:
            total[i] = vectors[at]
    known = np.linalg.norm(total, axis=1) > STEADY
    total[known] /= np.linalg.norm(total[known], axis=1, keepdims=True)
    if known.sum() > 1:
        total[known] -= total[known].mean(0)
        total[known] /= np.maximum(np.linalg.norm(total[known], axis=1, keepdims=True), 1e-3)
    return total


def choose(found: Sequence[Unit], pool: Pool, length: int) -> list[int]:
    """Places of the chosen units, as many as fit."""
    shown, best = np.zeros(len(pool.shares)), np.zeros(len(pool.weights))

    def stands(i: int) -> F64:
        value: F64 = pool.says[i] * pool.alike[i]
        return value

    def gain(i: int) -> float:
        part = int(pool.chapter[i])
        had, share = shown[part], pool.shares[part]
        seen = share * (np.exp(-had / share) - np.exp(-(had + pool.lengths[i]) / share))
        return float(pool.worth[i] + seen + np.maximum(stands(i) - best, 0.0) @ pool.weights)

    first = {i: gain(i) for i in range(len(found)) if found[i].range.duration <= length}
    heap = [(-value / pool.lengths[i], i, 0) for i, value in first.items()]
    heapq.heapify(heap)
    chosen: list[int] = []
    left, total = length, 0.0
    while heap:
        _, i, known = heapq.heappop(heap)
        if found[i].range.duration > left:
            continue
        value = gain(i)
        now = (-value / pool.lengths[i], i, len(chosen))
        # What a unit adds only shrinks, so one that is still ahead of what the others added before is the best.
        if known != len(chosen) and heap and now[:2] > heap[0][:2]:
            heapq.heappush(heap, now)
            continue
        chosen.append(i)
        total += value
        left -= found[i].range.duration
        shown[pool.chapter[i]] += pool.lengths[i]
        np.maximum(best, stands(i), out=best)
    single = max(first, key=lambda i: (first[i], -i), default=-1)
    return chosen if not first or total >= first[single] else [single]
