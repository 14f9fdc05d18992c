"""Sentences that sum up a stretch of a video, chosen for what they cover and against repetition.

The value of a choice is monotone submodular, so that taking the best sentence again and again comes within 1 - 1/e of
the best choice (Nemhauser, Wolsey & Fisher 1978). After Lin & Bilmes 2011, "A class of submodular functions for
document summarization", it is coverage of all sentences, saturated, plus diversity over chapters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True)
class Line:
    """A sentence to choose from: its words, what it is in (a chapter's number), and how sure its source is."""

    words: int
    group: int
    confidence: float = 1.0


def choose(lines: Sequence[Line], likeness: F64, telling: F64, words: int, focus: F64 | None = None) -> list[int]:
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
    cap = np.maximum(SATURATION * likeness.sum(1), 1e-9)
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
        gain = (
            (
                (np.minimum(covered[:, None] + likeness, cap[:, None]) - np.minimum(covered, cap)[:, None])
                * (weight / cap)[:, None]
            ).sum(0)
            / n
            * len(groups)
        )
        gain += DIVERSITY * share * (np.sqrt(groups[group] + worth) - np.sqrt(groups[group]))
        best = int(np.where(fits, gain, -np.inf).argmax())
        found.append(best)
        covered += likeness[:, best]
        groups[group[best]] += worth[best]
        left -= lines[best].words
