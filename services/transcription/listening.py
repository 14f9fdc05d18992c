"""Speech of a segment or a file to cues: where somebody speaks, who of two neighbours hears it, what was said."""

from collections.abc import Sequence

import numpy as np

from services.core.artifacts import segment_of
from services.core.jobs import Progress, no_progress
from services.core.store import ObjectStore
from services.core.times import TimeRange
from services.transcription.domain import boundaries, voice
from services.transcription.domain.boundaries import Boundary
from services.transcription.domain.cues import owned, readable, shifted
from services.transcription.domain.sound import RATE, Samples, Span, first_sample, range_of, time_of
from services.transcription.domain.voice import VoiceRule
from services.transcription.ports import Heard, Recognizer, Sounds, Voice

LONGEST_SEGMENT = 2 * 3600 * RATE
"""Samples of a segment that are taken into memory, at most."""


class Listener:
    """Hears what is said. Holds the sound of at most one segment and the edges of its neighbours."""

    def __init__(
        self,
        objects: ObjectStore,
        sounds: Sounds,
        detector: Voice,
        recognizer: Recognizer,
        rule: VoiceRule | None = None,
    ) -> None:
        self._objects = objects
        self._sounds = sounds
        self._detector = detector
        self._recognizer = recognizer
        self._rule = rule or VoiceRule()

    @property
    def version(self) -> str:
        """Names all that shapes what is heard."""
        return f"{self._detector.version};{self._rule};{self._recognizer.version}"

    def file(self, audio: bytes, longest: int, language: str) -> Heard:
        """What is said in a sound file; times count from its start."""
        return self._hear(self._sounds.samples(audio, longest), 0, language, no_progress)

    def segment(self, keys: Sequence[str], ranges: Sequence[TimeRange], index: int, progress: Progress) -> Heard:
        """What is said in segment `index` of `ranges`, and on its side of the boundaries with its neighbours.

        `keys` are those of its sound and of its neighbours', as far as there are any. Each begins at its segment's
        start.
        """
        by_segment = {segment_of(key): key for key in keys}
        if index not in by_segment:
            return Heard("", ())
        own = self._sound(by_segment[index])
        before, after = (self._sound(by_segment.get(i)) for i in (index - 1, index + 1))
        left = boundaries.reach(len(before), len(own))
        right = boundaries.reach(len(own), len(after))
        sound = np.concatenate([before[len(before) - left :], own, after[:right]])
        del before, own, after
        begin = self._place(sound[: 2 * left])
        last = len(sound) - 2 * right
        end = self._place(sound[last:])
        first, stop = begin.at - min(begin.overlap, begin.at), min(len(sound), last + end.at + end.overlap)
        zero = first_sample(ranges[index].start) - left
        heard = self._hear(sound[first:stop], zero + first, "", progress)
        side = range_of(Span(zero + begin.at, zero + last + end.at))
        return Heard(heard.language, owned(heard.cues, side))

    def _hear(self, sound: Samples, first: int, language: str, progress: Progress) -> Heard:
        """What is said in a sound whose first sample is the timeline's `first`."""
        chances = self._detector.chances(sound)
        spans = [
            part
            for span in voice.spans(chances, len(sound), self._rule)
            for part in voice.split(span, chances, self._recognizer.longest)
        ]
        if not spans:
            return Heard(language, ())
        heard = self._recognizer.hear(sound, spans, language, progress)
        return Heard(heard.language, shifted(readable(heard.cues), time_of(first)))

    def _place(self, sound: Samples) -> Boundary:
        """Where the boundary in the middle of this sound goes; at its start when there is none."""
        return boundaries.place(self._detector.chances(sound), len(sound)) if len(sound) else Boundary(0)

    def _sound(self, key: str | None) -> Samples:
        if key is None:
            return np.zeros(0, np.int16)
        return self._sounds.samples(self._objects.get(key), LONGEST_SEGMENT)
