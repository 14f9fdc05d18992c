"""Which texts answer a question."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

ANSWERS = 0.6
"""Score from which a text answers. On a made-up collection (32 sentences of eight talks) and the built-in pack, the
right sentence to 21 of 22 questions scored 0.67 and more by meaning and shared words together, and the best one to 16
questions about something else 0.36 at most. Of 12 questions about the same subjects that nothing answers ("how far is
Mars from the sun?") three had a sentence with more than this: what is near but no answer, vectors cannot tell. On 20
sentences and questions on other subjects, written after it was chosen, it found 15 of 16 right sentences, and none for
14 other questions."""
BESIDE = 50.0
"""A text whose odds are so many times worse than the best one's adds nothing to it."""
SAME = 0.9
"""Cosine from which two texts say the same."""
MOST = 5
WORTH = 0.15
"""Score from which a text is worth showing to a language model, which sees what vectors do not; below it are the texts
that share a few common words with the question."""
_SURE = 1 - 1e-9


def best(scores: F64, likeness: F64) -> list[int]:
    """Places of the texts that answer, the best first: none that says the same as a better one, at most `MOST`.

    `scores` [n] in [0, 1]; `likeness` [n, n] are the texts' cosines.
    """
    found: list[int] = []
    for i in _ordered(scores):
        if scores[i] < ANSWERS or len(found) == MOST:
            break
        if found and _odds(scores[found[0]]) > BESIDE * _odds(scores[i]):
            break
        if not any(likeness[i, j] >= SAME for j in found):
            found.append(i)
    return found


def worth(scores: F64, most: int) -> list[int]:
    """Places of at most so many texts that may answer, the best first."""
    return [i for i in _ordered(scores) if scores[i] >= WORTH][:most]


def _ordered(scores: F64) -> Sequence[int]:
    return [int(i) for i in np.argsort(-scores, kind="stable")]


def _odds(score: float) -> float:
    bounded = min(score, _SURE)
    return bounded / (1 - bounded)
