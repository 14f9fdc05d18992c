"""Summaries by a language model, every sentence checked against what it rests on.

Map: what is too much for one question is summed up in parts; of many chapters their own summaries will do. Reduce: what
the parts gave is summed up likewise, until it fits into one question. Refine: from that the summary is written in the
wanted length. Sentences stay tied to the video's own through every round, and are checked against those, so that errors
do not add up from round to round.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from services.chaptering.asking import Asking
from services.chaptering.domain import grounds
from services.chaptering.domain.extracts import PART, WORDS, Said, sentences
from services.chaptering.domain.material import Material
from services.chaptering.domain.phrases import words
from services.chaptering.domain.tokens import clipped, groups, tokens
from services.chaptering.ports import SentenceEncoder
from services.core.chapters import Summary, SummarySentence
from services.core.errors import Incomplete
from services.core.jobs import Fault
from services.core.times import TimeRange

F32 = npt.NDArray[np.float32]

LEAST_WORDS = 60
"""Of less, the built-in summary is as good: a sentence or two of it."""
PART_WORDS = 120
"""Of the summary of a part that is summed up again."""
DETAIL = 2
"""Summaries of chapters that have so many times the words of what is wanted are enough to write it from."""
OVER = 1.5
"""A summary has at most so many times the words that were asked for; what is beyond is left out."""
MOST_RANGES = 8


@dataclass(frozen=True)
class _Note:
    """A text, and the video's own sentences that it rests on, by their places among the passages."""

    text: str
    rows: tuple[int, ...]


class Summing:
    """Summaries of one video. Vectors of its passages are of `space`; those of another are not used."""

    def __init__(
        self,
        asking: Asking,
        encoder: SentenceEncoder,
        material: Material,
        space: str,
        chapters: Sequence[TimeRange],
    ) -> None:
        self._writer = asking.writer
        self._encoder = encoder
        self._material = material
        self._space = space
        self._chapters = chapters
        self._asking = asking
        self._said: dict[int, Said] = {}
        self._known: dict[int, Summary] = {}
        self._parts: dict[tuple[str, tuple[_Note, ...]], tuple[_Note, ...]] = {}

    def know(self, summary: Summary) -> None:
        """Take in a chapter's summary, from which those of the whole may be written."""
        if summary.chapter >= 0 and not summary.focus and summary.writer == self._writer.model:
            self._known[summary.chapter] = summary

    def summary(self, builtin: Summary, focus: F32 | None = None) -> Summary:
        """A summary like the built-in one, which stands in, with a fault, when the model was asked in vain.

        `focus` [d] is the vector of the summary's focus, if it has one and vectors are known.
        """
        said = sentences(self._material, self._chapters, builtin.range)
        self._said |= {s.row: s for s in said}
        total = sum(len(words(s.passage.text)) for s in said)
        if total < LEAST_WORDS:
            return builtin
        found = self._asking.ask(lambda: self._written(said, total, builtin, focus))
        if found:
            made = replace(builtin, sentences=found, writer=self._writer.model)
            self.know(made)
            return made
        if found is None:
            fault = self._asking.fault
        elif builtin.focus:
            # Nothing is said of it: that is for the built-in way to show, or the reader to see.
            return builtin
        else:
            what = f"nothing that {self._writer.model} wrote is borne out by the video"
            fault = Fault(Incomplete.reason, f"{what}: retry, or set VIDX_CHAPTERING_CHAT_MODEL to a better one")
        return replace(builtin, fault=fault)

    def _written(
        self, said: Sequence[Said], total: int, wanted: Summary, focus: F32 | None
    ) -> tuple[SummarySentence, ...]:
        about = clipped(wanted.focus, self._writer.room // 2)
        room = self._writer.room - tokens(about)
        notes = self._leaves(said, room, focus)
        length = max(1, min(WORDS[wanted.length], total // PART))
        if len(groups([n.text for n in notes], room)) > 1:
            notes = self._fitting(notes, room, length, about)
        return self._kept(self._notes(notes, length, about), length) if notes else ()

    def _leaves(self, said: Sequence[Said], room: int, focus: F32 | None) -> list[_Note]:
        """The video's own sentences; of too many, those nearest to the focus."""
        notes = [_Note(clipped(s.passage.text, room), (s.row,)) for s in said]
        if focus is None or said[0].vector is None:
            return notes
        near = np.array([s.vector for s in said]) @ focus
        kept: list[int] = []
        left = room
        for i in np.argsort(-near, kind="stable"):
            left -= tokens(notes[i].text)
            if left < 0 and kept:
                break
            kept.append(int(i))
        return [notes[i] for i in sorted(kept)]

    def _fitting(self, notes: Sequence[_Note], room: int, length: int, focus: str) -> list[_Note]:
        """Fewer notes that say the same: map and reduce. Raises Incomplete when the model does not make them fewer."""
        by_chapter = itertools.groupby(notes, lambda note: self._said[note.rows[0]].chapter)
        parts = [self._short(chapter, list(part), length, focus) for chapter, part in by_chapter]
        while True:
            held = [part[g.start : g.stop] for part in parts for g in groups([note.text for note in part], room)]
            found = [note for part in held for note in self._part(part, focus)]
            size = sum(tokens(note.text) for note in found)
            if size <= room:
                return found
            if len(parts) == 1 and size >= sum(tokens(note.text) for part in held for note in part):
                raise Incomplete(f"{self._writer.model} does not make texts shorter: set another model and retry")
            parts = [found]

    def _short(self, chapter: int, notes: list[_Note], length: int, focus: str) -> list[_Note]:
        """What a chapter's summary says, if it is known and summaries of chapters say enough; else the notes."""
        known = self._known.get(chapter)
        chapters = len(self._chapters)
        if known is None or focus or chapters * WORDS[known.length] < DETAIL * length:
            return notes
        rows = [row for note in notes for row in note.rows]
        found = []
        for s in known.sentences:
            inside = [row for row in rows if any(r.contains(self._said[row].passage.range.start) for r in s.ranges)]
            if inside:
                found.append(_Note(s.text, tuple(sorted(set(inside)))))
        return found or notes

    def _part(self, notes: Sequence[_Note], focus: str) -> Sequence[_Note]:
        """Notes that sum up notes; remembered, because summaries of every length rest on the same parts."""
        total = sum(len(words(note.text)) for note in notes)
        if total < LEAST_WORDS:
            return notes
        key = (focus, tuple(notes))
        if key not in self._parts:
            self._parts[key] = tuple(self._notes(notes, min(PART_WORDS, total // PART), focus))
        return self._parts[key]

    def _notes(self, notes: Sequence[_Note], length: int, focus: str) -> list[_Note]:
        """What the model writes on notes and the video bears out. Raises as `Writer` and `SentenceEncoder` do."""
        self._asking.check()
        written = self._writer.summary([note.text for note in notes], length, focus)
        cited = [sorted({row for i in w.places if 0 <= i < len(notes) for row in notes[i].rows}) for w in written]
        pairs = [(w.text, rows) for w, rows in zip(written, cited, strict=True) if rows]
        if not pairs:
            return []
        encoded = self._encoder.encode([text for text, _ in pairs])
        known = encoded.space == self._space and len(self._material.passage_vectors) > 0
        found = []
        for (text, rows), vector, curve in zip(pairs, encoded.vectors, encoded.curves, strict=True):
            sources = [self._material.passages[row].text for row in rows]
            vectors = self._material.passage_vectors[rows] if known else self._encoder.encode(sources).vectors
            borne = grounds.borne(text, vector, curve, sources, vectors)
            if borne:
                found.append(_Note(text, tuple(rows[i] for i in borne)))
        return found

    def _kept(self, notes: Sequence[_Note], length: int) -> tuple[SummarySentence, ...]:
        """Notes as sentences in order of time, within the length."""
        kept: list[_Note] = []
        left = OVER * length
        for note in notes:
            left -= len(words(note.text))
            if left < 0 and kept:
                break
            kept.append(note)
        ordered = sorted(((_ranges([self._said[row] for row in n.rows]), n) for n in kept), key=lambda pair: pair[0])
        return tuple(
            SummarySentence(note.text, ranges, min(self._said[row].chapter for row in note.rows))
            for ranges, note in ordered
        )


def _ranges(said: Sequence[Said]) -> tuple[TimeRange, ...]:
    """Ranges of sentences in order of time; those that touch are one."""
    found: list[TimeRange] = []
    for r in sorted(s.passage.range for s in said):
        if found and r.start <= found[-1].end:
            found[-1] = found[-1].span(r)
        else:
            found.append(r)
    return tuple(found[:MOST_RANGES])
