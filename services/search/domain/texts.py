"""Texts that the index found, and how surely each answers the query."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.core.text import Track
from services.core.times import TimeRange
from services.search.domain import lexical
from services.search.domain.asked import Asked
from services.search.domain.words import holds, units

EXACT = 0.9
"""What a text scores at least that holds a phrase which was asked for."""
BREADTH = 0.1
"""Of a query of several pieces, the best match counts most; this share goes to how well all of them match."""
_NO_PHRASES = frozenset[int]()


class TextHit(NamedTuple):
    """A row of the text index. Times are nanoseconds; `video` is an id."""

    id: str
    video: str
    track: Track
    range: TimeRange
    shot_range: TimeRange
    text: str
    after: str
    terms: str
    """See `words.terms`."""
    language: str


class Match(NamedTuple):
    """A text with its score in [0, 1], and the positions of the phrases that it holds."""

    hit: TextHit
    score: float
    phrases: frozenset[int] = _NO_PHRASES


def matches(asked: Asked, hits: Sequence[TextHit], alike: Sequence[Mapping[str, float]]) -> list[Match]:
    """Every hit with its score. `alike`: for each piece, scores of meaning by the hit's id; 0 where there is none.

    Meaning and shared words are two ways to know the same text, each blind where the other sees: a text fails to answer
    only when both fail, 1 - (1 - meaning)(1 - words).
    """
    texts = [hit.terms.split(" ") for hit in hits]
    shared = [lexical.scores(units(piece), texts) for piece in asked.pieces]
    pieces = list(zip(alike, shared, strict=True))
    found = []
    for at, hit in enumerate(hits):
        score = best_of([either(meant.get(hit.id, 0.0), worded[at]) for meant, worded in pieces])
        phrases = _held(hit, asked) if asked.phrases else _NO_PHRASES
        found.append(Match(hit, either(EXACT, score) if phrases else score, phrases))
    return found


def _held(hit: TextHit, asked: Asked) -> frozenset[int]:
    return frozenset(n for n, phrase in enumerate(asked.phrases) if holds(hit.text, hit.after, phrase))


def either(a: float, b: float) -> float:
    """The chance that at least one of two holds, neither knowing of the other."""
    return 1 - (1 - a) * (1 - b)


def best_of(scores: Sequence[float]) -> float:
    """One score of those of a query's pieces."""
    if len(scores) == 1:
        return scores[0]
    return (1 - BREADTH) * max(scores) + BREADTH * sum(scores) / len(scores)
