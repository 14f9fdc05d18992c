"""How much better a stretch of a video is explained as a chapter of its own than as part of the whole.

Each gain is a log Bayes factor between two models of what lies in atoms i to j-1 (see `atoms`): drawn from a
distribution of the chapter's own, which is drawn around that of the video, or from that of the video itself. Gains add
up over tracks and over chapters. Words follow Bayesian topic segmentation with a Dirichlet compound multinomial
(Eisenstein & Barzilay 2008, "Bayesian unsupervised topic segmentation"), around the video's own frequencies, so that
common words count little without a list of them; vectors follow a Gaussian with a Gaussian prior of its mean.

Bands are [n+1, widest+1]: `band[j, d]` is the gain of atoms j-d to j-1; NaN-free, 0 where j-d < 0.

Talk wanders inside a chapter as well, so that a cut there gains something too, and the more the longer the chapter is.
What tells a topic's end from that is how much a cut gains for what lies on its two sides, beside the clearest cuts of
the same video: `clearness` measures it, `toll` asks for it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

PRIOR = 80.0
"""Sentences (or shots) after which a chapter's own distribution counts as much as the video's."""


def word_gains(sentences: Sequence[Sequence[str]], widest: int) -> F64:
    """Gains of the terms of n atoms, each term counted once an atom; terms in one atom only say nothing."""
    n = len(sentences)
    band = np.zeros((n + 1, widest + 1))
    places: dict[str, list[int]] = {}
    for i, sentence in enumerate(sentences):
        for term in sorted(set(sentence)):
            places.setdefault(term, []).append(i)
    vocabulary = {term: np.array(at) for term, at in places.items() if len(at) > 1}
    tokens = np.zeros(n + 1, np.int64)
    inside: list[list[str]] = [[term for term in sorted(set(s)) if term in vocabulary] for s in sentences]
    tokens[1:] = np.cumsum([len(known) for known in inside])
    total, spoken = int(tokens[-1]), sum(1 for known in inside if known)
    if not spoken:
        return band
    strength = PRIOR * total / spoken
    weight = {term: strength * len(at) / total for term, at in vocabulary.items()}
    # logs[k] = log(strength) + log(strength + 1) + ... of the first k tokens of a chapter.
    logs = np.concatenate([[0.0], np.cumsum(np.log(strength + np.arange(total)))])
    row = np.zeros(widest + 1)
    for j, known in enumerate(inside):
        depth = min(j + 1, widest)
        # Chapters that begin at i = j, j-1, ... and now take in atom j.
        starts = np.arange(j, j - depth, -1)
        row[1 : depth + 1] = np.concatenate([[0.0], row[1:depth]])
        for term in known:
            at = vocabulary[term]
            before = int(np.searchsorted(at, j))
            row[1 : depth + 1] += np.log1p((before - np.searchsorted(at, starts)) / weight[term])
        held = tokens[j] - tokens[starts]
        row[1 : depth + 1] += len(known) * np.log(strength) - (logs[held + len(known)] - logs[held])
        band[j + 1, 1 : depth + 1] = row[1 : depth + 1]
    return band


def vector_gains(vectors: F64, weights: F64, widest: int) -> F64:
    """Gains of n atoms' vectors [n, d]; `weights` [n] says how many things an atom's row sums up, 0 for none.

    The noise around a chapter's mean is taken as that of the whole video, in as many directions as it fills: the
    participation ratio of its covariance.
    """
    n = len(vectors)
    band = np.zeros((n + 1, widest + 1))
    mass = float(weights.sum())
    if n < 2 or np.count_nonzero(weights) < 2:
        return band
    rows = vectors - weights[:, None] * (vectors.sum(0) / mass)
    trace, square = _spread(rows, weights)
    if trace < 1e-9 or square < 1e-18:
        return band
    directions = trace**2 / square
    noise = trace / directions
    sums = np.zeros((n + 1, rows.shape[1]))
    np.cumsum(rows, 0, out=sums[1:])
    held = np.concatenate([[0.0], np.cumsum(weights)])
    for j in range(1, n + 1):
        depth = min(j, widest)
        starts = np.arange(j - 1, j - 1 - depth, -1)
        drift, size = sums[j] - sums[starts], held[j] - held[starts]
        fit = np.einsum("id,id->i", drift, drift) / (2 * noise * (size + PRIOR))
        band[j, 1 : depth + 1] = fit - directions / 2 * np.log1p(size / PRIOR)
    return band


def _spread(rows: F64, weights: F64) -> tuple[float, float]:
    """Trace of the covariance of centred rows, and that of its square."""
    used = rows[weights > 0] / np.sqrt(weights[weights > 0])[:, None]
    covariance = (used @ used.T if len(used) < used.shape[1] else used.T @ used) / float(weights.sum())
    return float(np.trace(covariance)), float((covariance**2).sum())


def clearness(band: F64, cuts: Sequence[int]) -> F64:
    """What each inner cut gains for an atom that it tells from the others, at least 0.

    `cuts` [k+1] are the atoms at which chapters begin, and n. Atoms a and b on the two sides count as a*b/(a+b), which
    is how surely two means of so many differ. Cuts between chapters that no band holds together are left out.
    """
    found = []
    for a, b, c in zip(cuts, cuts[1:], cuts[2:], strict=False):
        if c - a < band.shape[1]:
            gained = band[b, b - a] + band[c, c - b] - band[c, c - a]
            found.append(max(0.0, float(gained)) * (c - a) / ((b - a) * (c - b)))
    return np.array(found)


def toll(n: int, widest: int) -> F64:
    """What chapters of 0 to `widest` of n atoms pay [widest+1]: the information, in nats, of which chapter an atom is
    in, for each of their atoms (the entropy term of the classification likelihood, Biernacki, Celeux & Govaert 2000).

    A cut thus costs in proportion to what it cuts, and least near an end.
    """
    size = np.arange(widest + 1, dtype=np.float64)
    costs: F64 = size * np.log(n / np.maximum(size, 1.0))
    return costs
