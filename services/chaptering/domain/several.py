"""Several videos summed up together: laid end to end as one, and what is said of that one taken apart again."""

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.chaptering.domain.extracts import TRACKS
from services.chaptering.domain.material import Material
from services.core.chapters import SummarySentence
from services.core.text import Track
from services.core.times import SECOND, TimeRange

APART = SECOND
"""Nanoseconds between two videos, so that nothing of one touches the other."""


@dataclass(frozen=True)
class Part:
    """A video by its resource name, what is known of it, and its chapters in order; without any it is one chapter."""

    video: str
    material: Material
    chapters: tuple[TimeRange, ...] = ()

    @property
    def starts(self) -> list[int]:
        """Where its chapters begin within it; the first one always at 0."""
        return [0, *(c.start for c in self.chapters[1:] if 0 < c.start < self.material.duration)]


@dataclass(frozen=True)
class Laid:
    """Videos as one: `spans` are their places on its timeline, `chapters` all of theirs there."""

    parts: tuple[Part, ...]
    material: Material
    chapters: tuple[TimeRange, ...]
    spans: tuple[TimeRange, ...]

    @property
    def whole(self) -> TimeRange:
        return TimeRange(0, self.material.duration)

    def place(self, time: int) -> int:
        """The number of the video, from 0, that a time of the common timeline is in."""
        return max(0, bisect_right(self.spans, time, key=lambda span: span.start) - 1)

    def apart(self, sentences: Sequence[SummarySentence]) -> tuple[SummarySentence, ...]:
        """The sentences, each with its video, on that video's own timeline and in its own chapter.

        The ranges of each lie in one video; what lies in another than the first is left out.
        """
        return tuple(self._own(sentence) for sentence in sentences)

    def _own(self, sentence: SummarySentence) -> SummarySentence:
        first = min(r.start for r in sentence.ranges)
        place = self.place(first)
        span, part = self.spans[place], self.parts[place]
        found = [r.intersection(span) or r for r in sentence.ranges if span.contains(r.start)]
        ranges = tuple(TimeRange(r.start - span.start, r.end - span.start) for r in found)
        starts = [c.start for c in part.chapters]
        chapter = max(0, bisect_right(starts, first - span.start) - 1)
        return replace(sentence, video=part.video, ranges=ranges, chapter=chapter)


def lay(parts: Sequence[Part]) -> Laid:
    """Videos end to end, in this order.

    Of each it is what sums it up: its first track that says anything, of a transcript in several languages one; on the
    common timeline they are one track, so that no video hides another. Vectors are kept when all that is said has one,
    and must be of one space.
    """
    passages, vectors, chapters, spans, at = [], [], [], [], 0
    for part in parts:
        material = part.material
        rows = next(filter(None, map(material.rows, TRACKS)), [])
        for row in rows:
            said = material.passages[row]
            own = TimeRange(said.range.start, max(said.range.start, min(said.range.end, material.duration)))
            moved = replace(said, track=Track.SPEECH, language="", range=TimeRange(at + own.start, at + own.end))
            passages.append(moved)
        if rows:
            vectors.append(material.passage_vectors[rows] if len(material.passage_vectors) else None)
        edges = [*part.starts, material.duration]
        chapters += [TimeRange(at + a, at + b) for a, b in itertools.pairwise(edges)]
        spans.append(TimeRange(at, at + material.duration))
        at += material.duration + APART
    known = [rows for rows in vectors if rows is not None]
    all_known = bool(known) and len(known) == len(vectors)
    one = Material(
        max(0, at - APART),
        passages=tuple(passages),
        passage_vectors=np.concatenate(known) if all_known else np.zeros((0, 0), np.float32),
        functions=frozenset().union(*(part.material.functions for part in parts)),
    )
    return Laid(tuple(parts), one, tuple(chapters), tuple(spans))
