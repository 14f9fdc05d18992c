"""Texts that the index found, and how surely each answers the query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.core.text import Track
from services.core.times import TimeRange
from services.search.domain import lexical
from services.search.domain.asked import Asked
from services.search.domain.words import holds, units

EXACT = 0.9
"""What a text scores at least that holds a phrase which was asked for."""
BREADTH = 0.1
"""Of a query of several pieces, the best match counts most; this share goes to how well all of them match."""


@dataclass(frozen=True, slots=True)
class TextHit:
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


@dataclass(frozen=True, slots=True)
class Match:
    """A text with its score in [0, 1], and the positions of the phrases that it holds."""

    hit: TextHit
    score: float
    phrases: frozenset[int] = frozenset()


def matches(asked: Asked, hits: Sequence[TextHit], alike: Sequence[Mapping[str, float]]) -> list[Match]:
    """Every hit with its score. `alike`: for each piece, scores of meaning by the hit's id; 0 where there is none.

    Meaning and shared words are two ways to know the same text, each blind where the other sees: a text fails to answer
    only when both fail, 1 - (1 - meaning)(1 - words).
    """
    texts = [frozenset(hit.terms.split(" ")) for hit in hits]
    shared = [lexical.scores(units(piece), texts) for piece in asked.pieces]
    found = []
    for at, hit in enumerate(hits):
        score = best_of([either(alike[n].get(hit.id, 0.0), shared[n][at]) for n in range(len(asked.pieces))])
        phrases = frozenset(n for n, phrase in enumerate(asked.phrases) if holds(hit.text, hit.after, phrase))
        found.append(Match(hit, either(EXACT, score) if phrases else score, phrases))
    return found


def either(a: float, b: float) -> float:
    """The chance that at least one of two holds, neither knowing of the other."""
    return 1 - (1 - a) * (1 - b)


def best_of(scores: Sequence[float]) -> float:
    """One score of those of a query's pieces."""
    return (1 - BREADTH) * max(scores) + BREADTH * sum(scores) / len(scores)
