"""Cues as people read them: recognized words cut at pauses, and tracks joined over segments."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.core.text import Cue, Source, Transcript, TranscriptTrack, Word
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.transcription.domain.words import joined

PAUSE = 500 * MILLISECOND
"""A pause that ends a cue."""
LONGEST = 7 * SECOND
CHARACTERS = 84
"""Two lines of 42, as subtitles are set."""


def shifted(cues: Iterable[Cue], by: int) -> tuple[Cue, ...]:
    """The cues, so many nanoseconds later."""
    return tuple(
        replace(cue, range=_later(cue.range, by), words=tuple(replace(w, range=_later(w.range, by)) for w in cue.words))
        for cue in cues
    )


def readable(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    """Cues in order; one with timed words is cut at its pauses, and where it grows too long to be read.

    A cue whose words do not spell its text is left whole.
    """
    found: list[Cue] = []
    for cue in cues:
        text = " ".join(cue.text.split())
        if not text:
            continue
        if joined(cue.words) == text:
            found += [_cue(part) for part in _parts(list(cue.words))]
        else:
            found.append(cue)
    return tuple(sorted(found, key=lambda cue: (cue.range.start, cue.range.end)))


def owned(cues: Iterable[Cue], range_: TimeRange) -> tuple[Cue, ...]:
    """What lies in a range: words, and cues without timed words, by their middle."""
    found = []
    for cue in cues:
        words = tuple(word for word in cue.words if range_.contains(_middle(word.range)))
        if words and len(words) < len(cue.words):
            found.append(_cue(list(words)))
        elif words or (not cue.words and range_.contains(_middle(cue.range))):
            found.append(cue)
    return tuple(found)


def mean_confidence(words: Sequence[Word]) -> float:
    """Mean over words, each weighing as many letters as it has; 0 without words."""
    letters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / letters if letters else 0.0


def merged(parts: Iterable[Transcript]) -> Transcript:
    """One recognized track out of the segments' in order; its language is that of most of its cues."""
    tracks = [track for part in parts for track in part.tracks if track.cues]
    if not tracks:
        return Transcript()
    cues = sorted((cue for track in tracks for cue in track.cues), key=lambda cue: (cue.range.start, cue.range.end))
    count: Counter[str] = Counter()
    for track in tracks:
        count[track.language] += len(track.cues)
    return Transcript((TranscriptTrack(count.most_common(1)[0][0], Source.RECOGNIZED, cues=tuple(cues)),))


def _parts(words: list[Word]) -> list[list[Word]]:
    parts: list[list[Word]] = [[]]
    for word in words:
        now = parts[-1]
        if now and (
            word.range.start - now[-1].range.end >= PAUSE
            or word.range.end - now[0].range.start > LONGEST
            or len(joined(now)) + 1 + len(word.text) > CHARACTERS
        ):
            parts.append([])
        parts[-1].append(word)
    return parts


def _cue(words: list[Word]) -> Cue:
    whole = TimeRange(words[0].range.start, max(word.range.end for word in words))
    return Cue(whole, joined(words), mean_confidence(words), tuple(words))


def _middle(range_: TimeRange) -> int:
    return (range_.start + range_.end) // 2


def _later(range_: TimeRange, by: int) -> TimeRange:
    return TimeRange(max(0, range_.start + by), max(0, range_.end + by))
