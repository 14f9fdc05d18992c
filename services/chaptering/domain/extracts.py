"""Extractive summaries: the video's own sentences, each with its range."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.focus import Focus
from services.chaptering.domain.material import Material
from services.chaptering.domain.phrases import plain, unspaced, words
from services.chaptering.domain.summaries import Line, choose
from services.chaptering.domain.terms import folded, terms
from services.core.chapters import Length, SummarySentence
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

WORDS = {Length.SHORT: 60, Length.MEDIUM: 150, Length.LONG: 400}
PART = 3
"""A summary has at most this part of the words that it sums up."""
WINDOW = 60 * SECOND
"""Nanoseconds of talk that are about one thing; a summary seeks to say something of each."""
MOST = 2000
"""Sentences that are weighed against each other; of more, the most telling."""
TRACKS = (Track.SPEECH, Track.CAPTION, Track.ON_SCREEN_TEXT)
"""What sentences are taken from: the first that says anything in the range."""
TELLING_LETTERS = 7
"""Where there is no list of function words, a word of so many letters is none: frequent words are short (Zipf 1935)."""
STEADY = 1e-9


@dataclass(frozen=True)
class Said:
    """A sentence and its place among the passages, its unit vector [d] if known, its chapter from 0, and the number of
    its minute, of which no chapter shares one."""

    row: int
    passage: Passage
    vector: F32 | None
    chapter: int
    group: int


def extract(
    material: Material,
    chapters: Sequence[TimeRange],
    scope: TimeRange,
    length: Length,
    focus: Focus | None = None,
) -> tuple[SummarySentence, ...]:
    """Sentences of a range in order of time; none when nothing is said, told or written there.

    `chapters` cover the video. With a focus they are about that, and none where nothing is; without vectors of the
    passages it is left out of account.
    """
    found = sentences(material, chapters, scope)
    if focus is not None and found and found[0].vector is not None:
        about = focus.about(np.array([s.vector for s in found]))
        found = [s for s, is_ in zip(found, about, strict=True) if is_]
    if not found:
        return ()
    rows = np.array([s.vector for s in found]) if found[0].vector is not None else None
    worth = _informing(found, material.functions)
    if rows is not None:
        worth *= _central(rows, np.array([s.chapter for s in found]))
    if len(found) > MOST:
        keep = sorted(np.argsort(-worth, kind="stable")[:MOST])
        found, worth, rows = [found[i] for i in keep], worth[keep], None if rows is None else rows[keep]
    lines = [Line(len(words(s.passage.text)), s.group, s.passage.confidence) for s in found]
    budget = min(WORDS[length], max(1, sum(line.words for line in lines) // PART))
    near = None if focus is None or rows is None else _near(focus.cosines(rows))
    places = choose(lines, _likeness(found, rows), worth, budget, near)
    return tuple(SummarySentence(found[i].passage.text, (found[i].passage.range,), found[i].chapter) for i in places)


def sentences(material: Material, chapters: Sequence[TimeRange], scope: TimeRange) -> list[Said]:
    """Different sentences of the first track that has any in the range, grouped by minutes that no chapter divides."""
    starts = [chapter.start for chapter in chapters]
    for track in TRACKS:
        rows = [i for i in material.rows(track) if scope.contains(material.passages[i].range.start)]
        groups: dict[tuple[int, int], int] = {}
        seen: set[str] = set()
        found = []
        for i in rows:
            passage = material.passages[i]
            if passage.text in seen:
                continue
            seen.add(passage.text)
            chapter = max(0, int(np.searchsorted(starts, passage.range.start, side="right")) - 1)
            since = passage.range.start - (starts[chapter] if starts else 0)
            group = groups.setdefault((chapter, since // WINDOW), len(groups))
            vector = material.passage_vectors[i] if len(material.passage_vectors) else None
            found.append(Said(i, passage, vector, chapter, group))
        if found:
            return found
    return []


def _informing(found: Sequence[Said], functions: Collection[str]) -> F64:
    """[n] at least 0: how much a sentence says, and how densely: its different telling words, times their share of all.

    Dense sentences also lean less on what was said before them ("so this is what we did with it").
    """
    weights = np.zeros(len(found))
    for i, s in enumerate(found):
        said = words(s.passage.text)
        if functions:
            telling = [folded(w) for w in said if not plain(w, functions)]
        else:
            telling = [folded(w) for w in said if len(w) >= TELLING_LETTERS or unspaced(w)]
        weights[i] = len(set(telling)) * len(telling) / max(1, len(said))
    return weights


def _central(rows: F32, chapters: npt.NDArray[np.int64]) -> F64:
    """[n] in [0, 1]: how near each sentence is to what the whole is about, and to what its chapter is about."""
    vectors = rows.astype(np.float64)
    sums = np.zeros((int(chapters.max()) + 1, rows.shape[1]))
    np.add.at(sums, chapters, vectors)
    subjects = np.vstack([vectors.sum(0, keepdims=True), sums])
    subjects /= np.linalg.norm(subjects, axis=1, keepdims=True) + STEADY
    return _bounded((vectors @ subjects[0] + np.einsum("nd,nd->n", vectors, subjects[1 + chapters])) / 2)


def _likeness(found: Sequence[Said], rows: F32 | None) -> F32:
    """[n, n] in [0, 1]: cosines around the mean, or without vectors the share of common terms."""
    if rows is not None:
        return _cosines(rows - rows.mean(0))
    said = [set(terms(s.passage.text)) for s in found]
    vocabulary = {t: i for i, t in enumerate(sorted(set().union(*said)))}
    table = np.zeros((len(said), max(1, len(vocabulary))), np.float32)
    for i, known in enumerate(said):
        table[i, [vocabulary[t] for t in known]] = 1.0
    return _cosines(table)


def _cosines(rows: F32) -> F32:
    """[n, n] in [0, 1]: those of rows [n, d] with each other."""
    unit = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + STEADY)
    alike: F32 = unit @ unit.T
    return np.clip(alike, 0.0, 1.0, out=alike)


def _near(cosines: F64) -> F64:
    """[n] in [0, 1]: 1 for the nearest sentence, 0 for those that are no nearer than usual."""
    usual = float(np.median(cosines))
    return _bounded((cosines - usual) / max(float(cosines.max()) - usual, STEADY))


def _bounded(values: F64) -> F64:
    within: F64 = np.clip(values, 0.0, 1.0)
    return within
