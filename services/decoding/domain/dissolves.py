"""Dissolves: frames that are mixtures of a frame before and a frame after.

The two ends must differ as two shots do while no single step does: the twin comparison of Zhang, Kankanhalli and
Smoliar, "Automatic partitioning of full-motion video" (1993). What tells a dissolve from motion is the model of its
production (Hampapur, Jain and Weymouth, "Production model based digital video segmentation", 1995): every frame
between lies on the line from one end to the other. A pan, a zoom or a wipe leaves that line.
"""

from collections.abc import Iterable

import numpy as np

from services.core.times import SECOND
from services.decoding.domain.cuts import Times
from services.decoding.domain.signature import HEIGHT, LUMA, WIDTH, Bytes, Floats, same_scene

HALVES = (4, 6, 9, 13, 18, 25, 36)
"""Half lengths of the windows that are tried, in looked-at frames."""
SPACING = SECOND // 31
LONGEST_HALF = SECOND + SECOND // 2
LEAST_CHANGE = 11.0
OFF_LINE = 0.3
MEAN_OFF_LINE, MOST_OFF_LINE = 0.2, 0.4
MOST_BACK, MOST_STEP = 0.06, 0.34


def dissolves(times: Times, signatures: Bytes, taken: Iterable[tuple[int, int]]) -> list[int]:
    """Indices of the frames in the middle of dissolves.

    `taken` are stretches [first, last] of frames that a cut or a fade explains; no window reaches into them. A result
    depends only on frames within 2 LONGEST_HALF.
    """
    looked = _thin(times)
    if len(looked) < 2 * HALVES[0] + 1:
        return []
    t, full = times[looked], signatures[looked]
    barred = np.zeros(len(looked) + 1, np.int64)
    for first, last in taken:
        a, b = np.searchsorted(looked, [first, last + 1])
        barred[max(0, a) + 1 : b + 1] = 1
    barred = np.cumsum(barred)
    x = _pool(full)
    best = np.zeros(len(looked), np.float32)
    reach = np.zeros(len(looked), np.int64)
    for half in HALVES:
        if len(looked) > 2 * half:
            centres, scores = _fit(t, x, barred, half)
            better = scores > best[centres]
            best[centres[better]] = scores[better]
            reach[centres[better]] = half
    found = []
    for i in np.flatnonzero(best):
        a, b = np.searchsorted(t, [t[i] - LONGEST_HALF, t[i] + LONGEST_HALF + 1])
        if i == a + int(np.argmax(best[a:b])):
            middle = _middle(t, full, int(i), int(reach[i]))
            if middle is not None:
                found.append(int(looked[middle]))
    return found


def _thin(times: Times) -> Times:
    """Indices of at most one frame a SPACING, chosen by time so that the choice does not depend on where one begins."""
    slots = times // SPACING
    keep = np.ones(len(times), bool)
    keep[1:] = slots[1:] != slots[:-1]
    return np.flatnonzero(keep).astype(np.int64)


def _pool(signatures: Bytes) -> Floats:
    """float32[n, 432]: luma at half size, then chroma."""
    n = len(signatures)
    luma = signatures[:, :LUMA].reshape(n, HEIGHT // 2, 2, WIDTH // 2, 2).mean((2, 4), dtype=np.float32)
    pooled: Floats = np.concatenate([luma.reshape(n, -1), signatures[:, LUMA:].astype(np.float32)], 1)
    return pooled


def _fit(t: Times, x: Floats, barred: Times, half: int) -> tuple[Times, Floats]:
    """Centres of windows of this half length that look like a dissolve, and how well they do."""
    centres = np.arange(half, len(x) - half)
    whole = t[2 * half :] - t[: -2 * half] <= 2 * LONGEST_HALF
    open_ = barred[2 * half + 1 :] == barred[1 : -2 * half]
    span = x[2 * half :] - x[: -2 * half]
    length2 = np.einsum("ij,ij->i", span, span)
    good = whole & open_ & (length2 >= LEAST_CHANGE**2 * x.shape[1])
    centres, span, length2 = centres[good], span[good], length2[good]
    if not len(centres):
        return centres, np.zeros(0, np.float32)
    first = centres - half
    quarter = half // 2
    shares, off = [], np.zeros(len(centres), np.float32)
    for place in (centres - quarter, centres, centres + quarter):
        rest = x[place] - x[first]
        share = (rest * span).sum(1) / length2
        shares.append(share)
        off = np.maximum(off, np.sqrt(((rest - share[:, None] * span) ** 2).sum(1) / length2))
    low, mid, high = shares
    good = (off <= OFF_LINE) & (np.abs(mid - 0.5) <= 0.2) & (mid - low >= 0.1) & (high - mid >= 0.1)
    strength = np.sqrt(length2) * (1 - off) * (1 - np.abs(mid - 0.5))
    return centres[good], strength[good].astype(np.float32)


def _middle(t: Times, full: Bytes, centre: int, half: int) -> int | None:
    """The frame at which the mixture of the window's ends passes one half; None when it is no dissolve after all."""
    first, last = centre - half, centre + half
    x = full[first : last + 1].astype(np.float32)
    rest, span = x - x[0], x[-1] - x[0]
    shares = rest @ span / float(span @ span)
    off = np.sqrt(((rest - shares[:, None] * span) ** 2).sum(1) / float(span @ span))
    change = np.diff(shares)
    if off.mean() > MEAN_OFF_LINE or off.max() > MOST_OFF_LINE or change.min() < -MOST_BACK or change.max() > MOST_STEP:
        return None
    # What burst into a shot and fades away leaves the shot that was there before.
    earlier = range(first, max(0, int(np.searchsorted(t, t[first] - SECOND))) - 1, -4)
    if any(same_scene(full[k], full[last]) for k in earlier):
        return None
    return first + int(np.argmax(shares >= 0.5))
