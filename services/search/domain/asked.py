"""What a query's text asks for: pieces to rank by, and phrases that must stand in a text."""

import re
from dataclasses import dataclass

from services.search.domain.words import words

WHOLE = 500
"""Characters. A text up to here is compared as one: sentences that describe one moment belong together."""
MAX_PIECES = 16
"""Bounds what a long text costs: as many vectors and searches."""
MAX_PHRASES = 16
"""Nobody asks for more; a text with more quotes in it is a text that quotes."""
_QUOTED = re.compile(r'(?<!\w)"([^"]*)"(?!\w)|\u201c([^\u201c\u201d]*)\u201d')
_END = re.compile(r"(?<=[.!?\u2026])\s+|(?<=[\u3002\uff01\uff1f])|\n+")


@dataclass(frozen=True)
class Asked:
    """`pieces`: 1 to MAX_PIECES texts whose best match counts. `phrases`: sequences of words, see `words.words`."""

    pieces: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...] = ()


def asked(text: str) -> Asked:
    """Reads a query.

    Words in double quotes are phrases, and what is left ranks; when nothing is left, the phrases' own words do. A quote
    without its other half is plain text.
    """
    quoted = {q: None for match in _QUOTED.finditer(text) if (q := tuple(words(match[1] or match[2] or "")))}
    if not 1 <= len(quoted) <= MAX_PHRASES:
        return Asked(_pieces(text))
    rest = _QUOTED.sub(" ", text)
    return Asked(_pieces(rest if words(rest) else " ".join(" ".join(q) for q in quoted)), tuple(quoted))


def _pieces(text: str) -> tuple[str, ...]:
    """The text, or, of a long one, its sentences; more than MAX_PIECES are put together with their neighbours."""
    text = text.strip()
    if len(text) <= WHOLE:
        return (text,)
    sentences = [s.strip() for s in _END.split(text) if words(s)]
    if len(sentences) <= 1:
        return (text,)
    if len(sentences) <= MAX_PIECES:
        return tuple(sentences)
    least = sum(map(len, sentences)) / MAX_PIECES
    pieces: list[str] = []
    part: list[str] = []
    for sentence in sentences:
        part.append(sentence)
        if sum(map(len, part)) >= least:
            pieces.append(" ".join(part))
            part = []
    if part:
        pieces.append(" ".join(part))
    return tuple(pieces)
