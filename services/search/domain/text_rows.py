"""What is indexed of a video's texts: one row a passage, and one for the title, which belongs to the whole video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.core.media import Shot
from services.core.names import VideoName
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from services.search.domain.rows import About, check, row_id
from services.search.domain.words import terms

MAX_TEXT, MAX_LANGUAGE = 4_000, 64
"""Characters kept of a passage, five minutes of speech; Milvus takes 65,535 bytes in a field, 16 MB in a write."""
NEXT_WITHIN, NEXT_CHARACTERS = 2 * SECOND, 200
"""A phrase may go on in the next passage of its track and language if that begins this soon; so much of it is kept."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """A row of the text index. Times are nanoseconds; `vector` has length 1."""

    id: str
    video: VideoName
    track: Track
    range: TimeRange
    shot_range: TimeRange
    """The shot that holds most of it."""
    text: str
    after: str
    """How the next passage begins, when one follows closely."""
    terms: str
    """See `words.terms`."""
    language: str
    confidence: float
    added: int
    duration: int
    labels: tuple[str, ...]
    shot_labels: tuple[str, ...]
    """Of every shot that it overlaps."""
    revision: str
    vector: NDArray[np.float32]


class TextRowMaker:
    """Makes the rows of what is said and written in a video."""

    def __init__(self, about: About) -> None:
        self._about = about

    def passages(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> Iterator[TextRow]:
        """One row a passage; `vectors` [n, d] in their order. A passage without a letter or a digit has none."""
        check(vectors, len(passages), "passage")
        for number, (passage, vector) in enumerate(zip(passages, vectors, strict=True)):
            if row := self._row(number, passage, _after(passages, number), vector):
                yield row

    def title(self, vectors: NDArray[np.float32]) -> Iterator[TextRow]:
        """The title's row, which covers the whole video; none for a video without a title. `vectors` [0 or 1, d]."""
        title = self._about.info.title.strip()
        if title and len(vectors):
            check(vectors, 1, "title")
            whole = TimeRange(0, self._about.duration)
            if row := self._row(0, Passage(Track.TITLE, whole, title), "", vectors[0]):
                yield row

    def _row(self, number: int, passage: Passage, after: str, vector: NDArray[np.float32]) -> TextRow | None:
        about, text = self._about, passage.text[:MAX_TEXT]
        kept = terms(text, after)
        if not kept:
            return None
        shots = about.shots_in(passage.range)
        return TextRow(
            id=row_id(about.video.collection, about.video.video, passage.track.value, number),
            video=about.video,
            track=passage.track,
            range=passage.range,
            shot_range=_home(shots, passage.range),
            text=text,
            after=after,
            terms=kept,
            language=passage.language[:MAX_LANGUAGE],
            confidence=passage.confidence,
            added=about.added,
            duration=about.duration,
            labels=about.labels,
            shot_labels=about.carried(shots),
            revision=about.revision,
            vector=vector,
        )


def _home(shots: Sequence[Shot], part: TimeRange) -> TimeRange:
    """The shot that holds most of a range; the first of equals."""

    def shared(shot: Shot) -> int:
        both = shot.range.intersection(part)
        return both.duration if both else 0

    return max(shots, key=shared).range


def _after(passages: Sequence[Passage], number: int) -> str:
    """How the passage after this one begins, in the same track and language."""
    this = passages[number]
    for other in passages[number + 1 :]:
        if other.track is not this.track or other.range.start - this.range.end > NEXT_WITHIN:
            break
        if other.language == this.language and other.range.start >= this.range.end:
            return other.text[:NEXT_CHARACTERS]
    return ""
