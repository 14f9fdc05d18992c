"""Summaries by a language model, every sentence checked against what it rests on.

Map: what is too much for one question is summed up in parts; of many chapters their own summaries will do. Reduce: what
the parts gave is summed up likewise, until it fits into one question. Refine: from that the summary is written in the
wanted length. Sentences stay tied to the video's own through every round, and are checked against those, so that errors
do not add up from round to round.
"""

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.chaptering.asking import Asking
from services.chaptering.domain import grounds
from services.chaptering.domain.extracts import PART, WORDS, Said, sentences
from services.chaptering.domain.focus import Focus
from services.chaptering.domain.material import Material
from services.chaptering.domain.phrases import words
from services.chaptering.domain.tokens import clipped, groups, tokens
from services.chaptering.notes import Made, Note, fit, ranges
from services.chaptering.ports import SentenceEncoder
from services.core.chapters import Summary, SummarySentence
from services.core.errors import Incomplete
from services.core.jobs import Fault, Progress, no_progress
from services.core.times import TimeRange

LEAST_WORDS = 60
"""Of less, the built-in summary is as good: a sentence or two of it."""
PART_WORDS = 120
"""Of the summary of a part that is summed up again."""
DETAIL = 2
"""Summaries of chapters that have so many times the words of what is wanted are enough to write it from."""
OVER = 1.5
"""A summary has at most so many times the words that were asked for; what is beyond is left out."""
LEAST_LEFT = 15
"""Words that are left are enough to say something of one more video."""


class Summing:
    """Summaries of one video, or of several that are laid end to end. Vectors of passages are of `space`; those of
    another are not used.

    `videos` are the places of several: what is written must be borne out by one of them alone, and as long as there is
    room something is asked for of each.
    """

    def __init__(
        self,
        asking: Asking,
        encoder: SentenceEncoder,
        material: Material,
        space: str,
        chapters: Sequence[TimeRange],
        videos: Sequence[TimeRange] = (),
    ) -> None:
        self._writer = asking.writer
        self._encoder = encoder
        self._material = material
        self._space = space
        self._chapters = chapters
        self._videos = [video.start for video in videos]
        self._asking = asking
        self._said: dict[int, Said] = {}
        self._known: dict[int, Summary] = {}
        self._parts: dict[tuple[str, tuple[Note, ...]], tuple[Note, ...]] = {}

    def know(self, summary: Summary) -> None:
        """Take in a chapter's summary, from which those of the whole may be written."""
        if summary.chapter >= 0 and not summary.focus and summary.writer == self._writer.model:
            self._known[summary.chapter] = summary

    def summary(self, builtin: Summary, focus: Focus | None = None, progress: Progress = no_progress) -> Summary:
        """A summary like the built-in one, which stands in, with a fault, when the model was asked in vain.

        `focus` is that of the summary, if it has one and vectors are known. `progress` counts the
        parts that are summed up, and at last the summary; how many there are turns out round by round.
        """
        whole = TimeRange(0, self._material.duration)
        said = sentences(self._material, self._chapters, builtin.range or whole)
        self._said |= {s.row: s for s in said}
        total = sum(len(words(s.passage.text)) for s in said)
        if total < LEAST_WORDS:
            return builtin
        made = Made(progress)
        found = self._asking.ask(lambda: self._written(said, total, builtin, focus, made))
        if found:
            summary = replace(builtin, sentences=found, writer=self._writer.model)
            self.know(summary)
            return summary
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
        self, said: Sequence[Said], total: int, wanted: Summary, focus: Focus | None, made: Made
    ) -> tuple[SummarySentence, ...]:
        about = clipped(wanted.focus, self._writer.room // 2)
        room = self._writer.room - tokens(about)
        notes = self._leaves(said, room, focus)
        length = max(1, min(WORDS[wanted.length], total // PART))
        if len(groups([n.text for n in notes], room)) > 1:
            notes = self._fitting(notes, room, length, about, made)
        if not notes:
            return ()
        made.more(1)
        kept = fit(self._notes(notes, length, about), OVER * length)
        made.one()
        if len(self._videos) > 1 and not about:
            kept += self._left_out(kept, notes, said, length, made)
        return self._sentences(kept)

    def _left_out(
        self, kept: Sequence[Note], notes: Sequence[Note], said: Sequence[Said], length: int, made: Made
    ) -> list[Note]:
        """What the model writes on each of several videos of which nothing is kept, as long as there is room."""
        heard = {self._video(note.rows[0]) for note in kept}
        missing = [v for v in dict.fromkeys(self._video(s.row) for s in said) if v not in heard]
        left = OVER * length - sum(len(words(note.text)) for note in kept)
        missing = missing[: max(0, int(left // LEAST_LEFT))]
        made.more(len(missing))
        found = []
        for number, video in enumerate(missing):
            own = [note for note in notes if self._video(note.rows[0]) == video]
            own = own or self._leaves([s for s in said if self._video(s.row) == video], self._writer.room, None)
            own = own[: groups([note.text for note in own], self._writer.room)[0].stop]
            part = left / (len(missing) - number)
            more = fit(self._notes(own, int(part), ""), part)
            left -= sum(len(words(note.text)) for note in more)
            found += more
            made.one()
        return found

    def _video(self, row: int) -> int:
        """The number of the video that a passage is of."""
        return bisect_right(self._videos, self._said[row].passage.range.start)

    def _leaves(self, said: Sequence[Said], room: int, focus: Focus | None) -> list[Note]:
        """The video's own sentences; of too many, those nearest to the focus."""
        notes = [Note(clipped(s.passage.text, room), (s.row,)) for s in said]
        if focus is None or said[0].vector is None:
            return notes
        near = focus.cosines(np.array([s.vector for s in said]))
        kept: list[int] = []
        left = room
        for i in np.argsort(-near, kind="stable"):
            left -= tokens(notes[i].text)
            if left < 0 and kept:
                break
            kept.append(int(i))
        return [notes[i] for i in sorted(kept)]

    def _fitting(self, notes: Sequence[Note], room: int, length: int, focus: str, made: Made) -> list[Note]:
        """Fewer notes that say the same: map and reduce. Raises Incomplete when the model does not make them fewer."""
        by_chapter = itertools.groupby(notes, lambda note: self._said[note.rows[0]].chapter)
        parts = [self._short(chapter, list(part), length, focus) for chapter, part in by_chapter]
        while True:
            held = [part[g.start : g.stop] for part in parts for g in groups([note.text for note in part], room)]
            made.more(len(held))
            found: list[Note] = []
            for part in held:
                found += self._part(part, focus)
                made.one()
            size = sum(tokens(note.text) for note in found)
            if size <= room:
                return found
            if len(parts) == 1 and size >= sum(tokens(note.text) for part in held for note in part):
                raise Incomplete(f"{self._writer.model} does not make texts shorter: set another model and retry")
            parts = [found]

    def _short(self, chapter: int, notes: list[Note], length: int, focus: str) -> list[Note]:
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
                found.append(Note(s.text, tuple(sorted(set(inside)))))
        return found or notes

    def _part(self, notes: Sequence[Note], focus: str) -> Sequence[Note]:
        """Notes that sum up notes; remembered, because summaries of every length rest on the same parts."""
        total = sum(len(words(note.text)) for note in notes)
        if total < LEAST_WORDS:
            return notes
        key = (focus, tuple(notes))
        if key not in self._parts:
            self._parts[key] = tuple(self._notes(notes, min(PART_WORDS, total // PART), focus))
        return self._parts[key]

    def _notes(self, notes: Sequence[Note], length: int, focus: str) -> list[Note]:
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
            for own in self._by_video(rows):
                sources = [self._material.passages[row].text for row in own]
                vectors = self._material.passage_vectors[own] if known else self._encoder.encode(sources).vectors
                borne = grounds.borne(text, vector, curve, sources, vectors)
                if borne:
                    found.append(Note(text, tuple(own[i] for i in borne)))
                    break
        return found

    def _by_video(self, rows: Sequence[int]) -> list[list[int]]:
        """Passages by the video that they are of, the most first."""
        found: dict[int, list[int]] = {}
        for row in rows:
            found.setdefault(self._video(row), []).append(row)
        return sorted(found.values(), key=len, reverse=True)

    def _sentences(self, notes: Sequence[Note]) -> tuple[SummarySentence, ...]:
        """Notes as sentences in order of time."""
        ordered = sorted(
            ((ranges(self._said[row].passage.range for row in n.rows), n) for n in notes), key=lambda pair: pair[0]
        )
        return tuple(
            SummarySentence(note.text, found, min(self._said[row].chapter for row in note.rows))
            for found, note in ordered
        )
