"""Names chapters: an editor's title, a heading, the most telling phrase, what is seen, or a number."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.headings import headings
from services.chaptering.domain.material import Material
from services.chaptering.domain.phrases import Phrase, candidates
from services.chaptering.domain.titles import CANDIDATES, MOST_WORDS, chosen, headed, sentence_case
from services.chaptering.ports import FunctionWords, SentenceEncoder
from services.core.chapters import Chapter, TitleSource
from services.core.text import Track
from services.core.times import TimeRange

F64 = npt.NDArray[np.float64]
SPOKEN = (Track.SPEECH, Track.ON_SCREEN_TEXT)
"""Where phrases are taken from: the first that says anything in the chapter."""


class Namer:
    """`space` of a material's vectors is compared with the encoder's; vectors of another are not used."""

    def __init__(self, sentences: SentenceEncoder, functions: FunctionWords) -> None:
        self._sentences = sentences
        self._functions = functions

    def name(
        self, material: Material, space: str, ranges: Sequence[TimeRange], given: Sequence[Chapter] = ()
    ) -> tuple[Chapter, ...]:
        """Chapters of the ranges, in order; those of `given` are kept, and get a title if they have none.

        Raises Unavailable when the encoder does not answer.
        """
        kept = {chapter.range: chapter for chapter in given}
        titles = [kept[r].title if r in kept else "" for r in ranges]
        sources = [kept[r].source if r in kept else TitleSource.NUMBER for r in ranges]

        def fill(found: Sequence[str], source: TitleSource) -> None:
            for i, title in enumerate(found):
                if title and not titles[i]:
                    titles[i], sources[i] = title, source

        said = [passage.text for passage in material.passages]
        fill([sentence_case(t, said) for t in headed(ranges, headings(material.readings))], TitleSource.HEADING)
        phrases = self._phrases(material, space, ranges, [not title for title in titles], titles)
        fill([sentence_case(t, said) for t in phrases], TitleSource.PHRASE)
        fill([_seen(material, r) for r in ranges], TitleSource.CAPTION)
        fill([f"Chapter {i}" for i in range(1, len(ranges) + 1)], TitleSource.NUMBER)
        return tuple(
            Chapter(r, title, r in kept and kept[r].locked, source)
            for r, title, source in zip(ranges, titles, sources, strict=True)
        )

    def _phrases(
        self, material: Material, space: str, ranges: Sequence[TimeRange], wanted: Sequence[bool], taken: Sequence[str]
    ) -> list[str]:
        """A phrase of each wanted chapter, or ""."""
        rows = [_rows(material, r) for r in ranges]
        sentences = [[material.passages[i].text for i in row] for row in rows]
        found: list[list[Phrase]] = [
            phrases if want else []
            for phrases, want in zip(candidates(sentences, self._words(material), CANDIDATES), wanted, strict=True)
        ]
        texts = sorted({phrase.text for phrases in found for phrase in phrases})
        near: list[F64] = [np.zeros(len(phrases)) for phrases in found]
        if texts and len(material.passage_vectors):
            encoded = self._sentences.encode(texts)
            if encoded.space == space:
                place = {text: i for i, text in enumerate(texts)}
                mean = material.passage_vectors[[i for row in rows for i in row]].mean(0)
                for c, (phrases, row) in enumerate(zip(found, rows, strict=True)):
                    if phrases:
                        apart = material.passage_vectors[row].mean(0) - (mean if len(ranges) > 1 else 0.0)
                        vectors = encoded.vectors[[place[p.text] for p in phrases]]
                        near[c] = (vectors @ apart / max(float(np.linalg.norm(apart)), 1e-9)).astype(np.float64)
        return chosen(found, near, [title for title in taken if title])

    def _words(self, material: Material) -> set[str]:
        spoken = [p.language for p in material.passages if p.track is Track.SPEECH]
        language = material.language or (max(dict.fromkeys(spoken), key=spoken.count) if spoken else "")
        return set(self._functions.of(language))


def _rows(material: Material, chapter: TimeRange) -> list[int]:
    """Passages that begin in a chapter, of the first track that has any there."""
    for track in SPOKEN:
        rows = [i for i in material.rows(track) if chapter.contains(material.passages[i].range.start)]
        if rows:
            return rows
    return []


def _seen(material: Material, chapter: TimeRange) -> str:
    """What the captions of a chapter say most often, when it is short enough for a title."""
    told = [p.text for p in material.passages if p.track is Track.CAPTION and chapter.contains(p.range.start)]
    first = [text.split(". ")[0].strip(" .") for text in told]
    short = [text for text in first if text and len(text.split()) <= MOST_WORDS]
    return max(dict.fromkeys(short), key=short.count) if short else ""
