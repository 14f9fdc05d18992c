"""A sentence without end, as a recognizer without punctuation gives it, cut into pieces with ranges of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.core.text import Cue, Sentence
from services.core.times import TimeRange
from services.embedding.domain.words import one_line, spans

LONGEST = 60
"""Words in a passage; what is longer is cut into the fewest pieces of nearly equal length."""
_NEAR = 8
"""Words by which a cut may be moved to where a cue ends."""


@dataclass(frozen=True)
class _Mark:
    """A part of a text, [start, end) in characters, with its time."""

    start: int
    end: int
    range: TimeRange


def cut(sentence: Sentence, cues: Sequence[Cue]) -> list[Sentence]:
    """The sentence, on one line, itself or in pieces of about `LONGEST` words.

    A piece's times are those of its words or cues where their texts make up the sentence's; else they are spread
    evenly over its characters. `cues` are those of its transcript.
    """
    words = list(spans(sentence.text))
    if len(words) <= LONGEST:
        return [sentence]
    near = [cue for cue in cues if cue.range.overlaps(sentence.range)]
    timed = [(word.text, word.range) for cue in near for word in cue.words]
    shown = [(cue.text, cue.range) for cue in near]
    by_cue = _marks(sentence, shown)
    marks = _marks(sentence, timed) or by_cue or [_Mark(0, len(sentence.text), sentence.range)]
    found = []
    for first, after in pairwise(_cuts(words, {mark.end for mark in by_cue})):
        start, end = words[first][0], words[after - 1][1]
        found.append(Sentence(_time(marks, start, end), sentence.text[start:end], sentence.confidence))
    return found


def _marks(sentence: Sentence, parts: Iterable[tuple[str, TimeRange]]) -> list[_Mark]:
    """Where the parts lie in the sentence, in order; none when they do not make it up.

    The first and the last part may be longer than what they have in common with the sentence.
    """
    placed: list[tuple[int, int, TimeRange]] = []
    whole = ""
    for text, time in parts:
        line = one_line(text)
        start = len(whole) + bool(whole)
        whole = f"{whole} {line}" if whole else line
        placed.append((start, len(whole), time))
    at = whole.find(sentence.text)
    if at < 0:
        return []
    found = []
    for start, end, time in placed:
        a, b = max(start - at, 0), min(end - at, len(sentence.text))
        if a < b:
            found.append(_Mark(a, b, _within(time, sentence.range)))
    return found


def _within(time: TimeRange, limits: TimeRange) -> TimeRange:
    start, end = (min(max(t, limits.start), limits.end) for t in (time.start, time.end))
    return TimeRange(start, end)


def _cuts(words: Sequence[tuple[int, int]], ends: set[int]) -> list[int]:
    """Numbers of words before each cut, from 0 to all; cuts lie where a cue ends, when one does nearby."""
    n = len(words)
    pieces = -(-n // LONGEST)
    cuts = [0]
    for piece in range(1, pieces):
        even = n * piece // pieces
        nearby = range(max(cuts[-1] + 1, even - _NEAR), min(n, even + _NEAR + 1))
        good = [word for word in nearby if words[word - 1][1] in ends]
        cuts.append(min(good, key=lambda word: abs(word - even), default=even))
    return [*cuts, n]


def _time(marks: Sequence[_Mark], start: int, end: int) -> TimeRange:
    """When the characters [start, end) are said: from the marks that they lie in."""
    inside = [mark for mark in marks if mark.start < end and start < mark.end]
    return TimeRange(min(_at(mark, start) for mark in inside), max(_at(mark, end) for mark in inside))


def _at(mark: _Mark, position: int) -> int:
    """The time at a position in the text, a mark's times spread over its characters."""
    past = min(max(position - mark.start, 0), mark.end - mark.start)
    return mark.range.start + mark.range.duration * past // (mark.end - mark.start)
