"""All that is known of a video when it is cut into chapters; any of it may be missing."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.core.media import Shot
from services.core.text import Passage, Reading, Track

F32 = npt.NDArray[np.float32]
TEXTS = (Track.SPEECH, Track.ON_SCREEN_TEXT, Track.CAPTION)
"""Tracks of text, the most telling first."""


def _none() -> F32:
    return np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Material:
    """Unit vectors [n, d] go with passages and shots row by row; without rows they are not known.

    `duration` in ns. `language` is that of the transcript to work on; "" takes whatever is there. `functions` are the
    words of its languages that say nothing by themselves, in lower case; none where there is no list of them.
    """

    duration: int
    shots: tuple[Shot, ...] = ()
    shot_vectors: F32 = field(default_factory=_none)
    passages: tuple[Passage, ...] = ()
    passage_vectors: F32 = field(default_factory=_none)
    readings: tuple[Reading, ...] = ()
    language: str = ""
    functions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for things, vectors, what in (
            (self.passages, self.passage_vectors, "passages"),
            (self.shots, self.shot_vectors, "shots"),
        ):
            if len(vectors) not in (0, len(things)):
                raise ValueError(f"{len(vectors)} vectors of {len(things)} {what}")

    def rows(self, track: Track) -> list[int]:
        """Places of a track's passages in order of time; of a transcript in several languages, those of one."""
        found = [i for i, p in enumerate(self.passages) if p.track is track and p.range.start < self.duration]
        if track is Track.SPEECH and found:
            languages = [self.passages[i].language for i in found]
            wanted = self.language if self.language in languages else max(dict.fromkeys(languages), key=languages.count)
            found = [i for i, language in zip(found, languages, strict=True) if language == wanted]
        return sorted(found, key=lambda i: (self.passages[i].range.start, self.passages[i].range.end))
