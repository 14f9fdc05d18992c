"""Sentences that sum up a stretch of a video, chosen for what they cover and against repetition.

The value of a choice is monotone submodular, so that taking the best sentence again and again comes within 1 - 1/e of
the best choice (Nemhauser, Wolsey & Fisher 1978). After Lin & Bilmes 2011, "A class of submodular functions for
document summarization", it is coverage of all sentences, saturated, plus diversity over chapters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

SATURATION = 0.12
"""Share of a sentence's likeness to all others beyond which covering it more is worth nothing."""
DIVERSITY = 12.0
"""What a chapter's first sentence is worth beside coverage; a second one of the same chapter adds less."""
FOCUS = 3.0
"""How much nearness to a wanted focus counts."""
IN_FOCUS = 0.4
"""Sentences less near to the focus than this are not chosen."""
FEWEST_WORDS = 10
"""Shorter sentences are seldom understood alone."""
MOST_WORDS = 45
_ROWS = 128
"""Sentences whose coverage is looked at together, so that a long talk needs no more memory than its likeness."""


@dataclass(frozen=True)
class Line:
    """A sentence to choose from: its words, what it is in (a chapter's number), and how sure its source is."""

    words: int
    group: int
    confidence: float = 1.0


def choose(lines: Sequence[Line], likeness: F32, telling: F64, words: int, focus: F64 | None = None) -> list[int]:
    """Places of the chosen sentences in order, of about so many words in all; at least one if any can stand alone.

    `likeness` [n, n] in [0, 1] is symmetric; `telling` [n] at least 0 is how much a sentence says for its group;
    `focus` [n] in [0, 1] is how near each is to what is wanted. Sentences that cannot stand alone are only chosen when
    there are no others.
    """
    n = len(lines)
    if not n:
        return []
    weight = np.ones(n) if focus is None else 0.1 + focus
    able = np.array([FEWEST_WORDS <= line.words <= MOST_WORDS for line in lines])
    able = able if able.any() else np.ones(n, np.bool_)
    if focus is not None and (able & (focus >= IN_FOCUS)).any():
        able &= focus >= IN_FOCUS
    cap = np.maximum(SATURATION * likeness.sum(1, dtype=np.float64), 1e-9)
    covered, groups = np.zeros(n), np.zeros(max(line.group for line in lines) + 1)
    group = np.array([line.group for line in lines])
    worth = telling * np.array([line.confidence for line in lines])
    worth = worth / max(float(worth.max()), 1e-9)
    if focus is not None:
        worth = 0.02 * worth + FOCUS * focus
    size = np.bincount(group, minlength=len(groups)).astype(np.float64)
    share = np.sqrt(size / max(size.max(), 1.0))[group]
    found: list[int] = []
    left = words
    while True:
        fits = able & np.array([line.words <= left or not found for line in lines])
        fits[found] = False
        if not fits.any():
            return sorted(found)
        gain = _coverage(covered, likeness, cap, weight / cap) / n * len(groups)
        gain += DIVERSITY * share * (np.sqrt(groups[group] + worth) - np.sqrt(groups[group]))
        best = int(np.where(fits, gain, -np.inf).argmax())
        found.append(best)
        covered += likeness[:, best]
        groups[group[best]] += worth[best]
        left -= lines[best].words


def _coverage(covered: F64, likeness: F32, cap: F64, weight: F64) -> F64:
    """[n] what each sentence adds to the coverage of all."""
    gain = np.zeros(len(cap))
    for at in range(0, len(cap), _ROWS):
        some = slice(at, at + _ROWS)
        now, most = covered[some, None], cap[some, None]
        gain += weight[some] @ (np.minimum(now + likeness[some], most) - np.minimum(now, most))
    return gain
