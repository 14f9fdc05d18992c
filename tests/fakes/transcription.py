"""Fakes of the transcription stage's ports, and speech that can be told word from word by its samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from services.core.errors import InvalidInput
from services.core.jobs import Progress
from services.core.text import Cue, Word
from services.core.times import TimeRange
from services.transcription.domain.sound import WINDOW, Chances, Samples, Span, range_of
from services.transcription.domain.subtitles import Entry, SubtitleFile
from services.transcription.domain.words import joined
from services.transcription.ports import Heard

LOUD = 1000
"""A word's samples are this and its number."""


def speech(words: Sequence[Span], size: int) -> Samples:
    """Sound in which word `i` fills its span, in silence."""
    found = np.zeros(size, np.int16)
    for number, span in enumerate(words):
        found[span.start : span.end] = LOUD + number
    return found


class FakeSounds:
    """A file is its samples as bytes."""

    def samples(self, data: bytes, longest: int) -> Samples:
        if len(data) % 2:
            raise InvalidInput("no sound", fields={"audio": "no sound"})
        return np.frombuffer(data, np.int16)[:longest]


class FakeVoice:
    """A window is speech when most of it is loud; the chance sinks by how much of it is not."""

    version = "fake"

    def chances(self, samples: Samples) -> Chances:
        padded = np.pad(samples, (0, -len(samples) % WINDOW)).reshape(-1, WINDOW)
        return np.asarray((padded != 0).mean(1), np.float32)


@dataclass
class FakeRecognizer:
    """Hears each run of one value in a span as a word that is named by it."""

    language: str = "en"
    longest: int = 20 * 16_000
    version: str = "fake 1"
    confidence: float = 0.5
    calls: list[list[Span]] = field(default_factory=list)

    def hear(self, samples: Samples, spans: Sequence[Span], language: str, progress: Progress) -> Heard:
        self.calls.append(list(spans))
        cues = []
        for done, span in enumerate(spans):
            progress(done, len(spans))
            words = tuple(
                Word(range_of(run), f"w{value - LOUD}", self.confidence) for value, run in _runs(samples, span)
            )
            if words:
                whole = TimeRange(words[0].range.start, words[-1].range.end)
                cues.append(Cue(whole, joined(words), self.confidence, words))
        return Heard(language or self.language, tuple(cues))


def _runs(samples: Samples, span: Span) -> list[tuple[int, Span]]:
    part = samples[span.start : span.end].astype(int)
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(part)]
    runs = [(int(part[a]), Span(span.start + a, span.start + b)) for a, b in pairwise(edges) if b > a]
    return [(value, run) for value, run in runs if value]


class FakeReader:
    """A line `start end text` in nanoseconds is a cue; the name's part before the first dot is the language."""

    def read(self, content: bytes, name: str) -> SubtitleFile:
        entries = []
        for number, line in enumerate(content.decode().splitlines(), 1):
            start, end, *text = line.split(" ")
            if not start.isdigit():
                raise InvalidInput(f"line {number}: not a time", fields={"content": f"line {number}"})
            entries.append(Entry(number, int(start), int(end), " ".join(text)))
        return SubtitleFile(entries, name.split(".")[0])


class FullStops:
    """A sentence ends after ". "."""

    def ends(self, text: str, language: str) -> Sequence[int]:
        found = [i + 2 for i in range(len(text)) if text.startswith(". ", i)]
        return [*found, len(text)] if not found or found[-1] < len(text) else found


class FakeLanguages:
    """Knows English and German."""

    def tag(self, name: str) -> str:
        return {"en": "en", "eng": "en", "english": "en", "de": "de", "ger": "de"}.get(name.lower(), "")
