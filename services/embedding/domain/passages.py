"""Every text of a video that can be searched, as passages: by track, then by time."""

from collections.abc import Iterable

from services.core.text import Captions, OnScreenText, Passage, Sentence, Track, Transcript, TranscriptTrack
from services.embedding.domain.cuts import LONGEST, cut
from services.embedding.domain.words import count, one_line

JOIN_WITHIN = 500_000_000
"""Nanoseconds of silence across which a word that stands alone is joined to its neighbour."""


def passages(transcript: Transcript, on_screen_text: OnScreenText, captions: Captions) -> list[Passage]:
    """Passages of all three tracks; texts of blanks are left out."""
    heard = [passage for track in transcript.tracks for passage in spoken(track)]
    read = [
        Passage(Track.ON_SCREEN_TEXT, reading.range, one_line(reading.text), "", reading.confidence)
        for reading in on_screen_text.readings
    ]
    told = [
        Passage(Track.CAPTION, caption.range, _told(caption.brief, caption.detailed), "", caption.confidence)
        for caption in captions.captions
    ]
    return [passage for one in (heard, read, told) for passage in _in_time(one) if passage.text]


def spoken(track: TranscriptTrack) -> list[Passage]:
    """A transcript's sentences as passages: what is too long is cut, a word that stands alone is joined.

    Nothing is lost or said twice, and every range lies within those of the sentences that it is made of.
    """
    lines = [Sentence(s.range, one_line(s.text), s.confidence) for s in track.sentences]
    pieces = [piece for line in lines if line.text for piece in cut(line, track.cues)]
    return [Passage(Track.SPEECH, s.range, s.text, track.language, s.confidence) for s in _joined(pieces)]


def _joined(sentences: Iterable[Sentence]) -> list[Sentence]:
    """Sentences of one word joined to the one before, else to the one after, when that is near in time."""
    found: list[Sentence] = []
    for sentence in sentences:
        if found and _belong(found[-1], sentence):
            last = found.pop()
            span = last.range.span(sentence.range)
            sentence = Sentence(span, f"{last.text} {sentence.text}", min(last.confidence, sentence.confidence))
        found.append(sentence)
    return found


def _belong(first: Sentence, second: Sentence) -> bool:
    n, m = count(first.text), count(second.text)
    return (n == 1 or m == 1) and n + m <= LONGEST and second.range.start - first.range.end <= JOIN_WITHIN


def _told(brief: str, detailed: str) -> str:
    brief, detailed = one_line(brief), one_line(detailed)
    return detailed if f"{detailed} ".startswith(f"{brief} ") else f"{brief} {detailed}".strip()


def _in_time(found: list[Passage]) -> list[Passage]:
    return sorted(found, key=lambda passage: (passage.range.start, passage.range.end))
