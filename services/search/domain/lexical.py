"""How surely shared words make a text an answer.

BM25 ranks well, but its sums say nothing across queries or collections, and milvus-lite weighs words by how rare they
are in each segment of its files. So it only finds candidates; here the words that a text shares with the query are
weighed by how rare they are among the candidates (the weight of Robertson and Sparck Jones, as in BM25), as a share of
the weight of all the query's words. A text with all of them has 1 in any collection.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

CHANCE, ONE_WORD, SPREAD = 0.2, 0.5, 0.08
"""The score is one half where the share is CHANCE + ONE_WORD / n for a query of n words that weigh alike: that one of
few words is shared says little, that a fifth of many are shared is no accident. On 400 captions with half of their
words replaced, CHANCE 0.15 to 0.25 with ONE_WORD 0 to 0.5 and SPREAD 0.08 to 0.12 ranked alike."""


def scores(query: Sequence[str], texts: Sequence[Iterable[str]]) -> list[float]:
    """In [0, 1], one a text; 0 when nothing is shared. `query`: units; `texts`: the terms of each candidate."""
    asked = set(query)
    shared = [asked.intersection(text) for text in texts]
    holding = Counter(unit for units in shared for unit in units)
    # In the query's order, so that the same units always add up to the same sum.
    weights = {unit: _weight(len(texts), holding[unit]) for unit in query}
    total = sum(weights.values())
    if not texts or not total:
        return [0.0] * len(texts)
    middle = CHANCE + ONE_WORD * max(weights.values()) / total
    shares = (sum(weights[unit] for unit in weights if unit in units) / total if units else 0.0 for units in shared)
    return [_score(share, middle) for share in shares]


def _weight(texts: int, holding: int) -> float:
    return math.log(1 + (texts - holding + 0.5) / (holding + 0.5))


def _score(share: float, middle: float) -> float:
    return 1 / (1 + math.exp((middle - share) / SPREAD)) if share else 0.0
