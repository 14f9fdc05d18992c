"""How good chapters, titles and summaries are on films whose chapters are known, beside simple ways."""

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from nltk.metrics.segmentation import pk, windowdiff
from nltk.tokenize.texttiling import TextTilingTokenizer

from services.chaptering.domain.boundaries import Wanted, boundaries
from services.chaptering.domain.extracts import extract
from services.chaptering.domain.material import Material
from services.chaptering.naming import Namer
from services.chaptering.ports import SentenceEncoder
from services.chaptering.stopwordsiso import StopwordsIso
from services.core.chapters import Length
from services.core.media import Shot
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from tests.bench.chapter_films import TrueFilm, boundaries_of

NEAR = 15 * SECOND
"""A boundary that is found counts as one of the truth when it is so near."""
DRAWS = 50
LANGUAGE = "en"
Cuts = Callable[["Film"], list[int]]


@dataclass(frozen=True)
class Film:
    """A film with what is known of it; `ranges` are the chapters that are found."""

    truth: TrueFilm
    material: Material
    space: str
    ranges: tuple[TimeRange, ...]

    @property
    def cuts(self) -> list[int]:
        return boundaries_of([c.range for c in self.truth.chapters])


def known(truth: TrueFilm, encoder: SentenceEncoder, slides: bool) -> Film:
    """A film whose subtitles are a sentence each; with `slides` a cut comes with each chapter."""
    texts = [text for _, text in truth.said]
    encoded = encoder.encode(texts)
    end = max(r.end for r, _ in truth.said)
    spans = [c.range for c in truth.chapters if c.range.duration] if slides else [TimeRange(0, end)]
    material = Material(
        end,
        tuple(Shot(i, r) for i, r in enumerate(spans)),
        passages=tuple(Passage(Track.SPEECH, r, text, LANGUAGE) for r, text in truth.said),
        passage_vectors=encoded.vectors,
        language=LANGUAGE,
        functions=frozenset(StopwordsIso().of(LANGUAGE)),
    )
    return Film(truth, material, encoded.space, tuple(boundaries(material, Wanted())))


def boundary_table(films: Sequence[Film]) -> None:
    """Prints precision, recall and F1 within 15 s, Pk, WindowDiff (less is better), and chapters a film."""
    ways: dict[str, Cuts] = {
        "vidx": lambda film: boundaries_of(film.ranges),
        "vidx, told the number": lambda film: boundaries_of(
            boundaries(film.material, Wanted(count=len(film.truth.chapters)))
        ),
        "equal parts, told the number": _equal,
        "TextTiling (nltk)": _tiling,
    }
    count = statistics.mean(len(film.truth.chapters) for film in films)
    print(f"\nboundaries of {len(films)} films of {count:.1f} chapters")
    print(f"{'':30s}precision recall    F1     Pk WindowDiff chapters")
    for name, way in ways.items():
        rows = [_errors(film, way(film)) for film in films]
        means = [statistics.mean(column) for column in zip(*rows, strict=True)]
        print("{:30s}   {:.3f}  {:.3f} {:.3f}  {:.3f}      {:.3f}     {:.1f}".format(name, *means))


def title_table(films: Sequence[Film], encoder: SentenceEncoder) -> None:
    """Prints for how many of the found chapters the title of the true chapter, in which most of it lies, is the
    nearest of its film's by sentence vector."""
    namer, hits, total = Namer(encoder, StopwordsIso()), 0, 0
    for film in films:
        truth = film.truth.chapters
        if len({c.title for c in truth if c.title}) < len(truth):
            continue
        found = encoder.encode([c.title for c in namer.name(film.material, film.space, film.ranges)]).vectors
        near = (found @ encoder.encode([c.title for c in truth]).vectors.T).argmax(1)
        right = [max(range(len(truth)), key=lambda i, r=r: _shared(truth[i].range, r)) for r in film.ranges]
        hits, total = hits + int((near == np.array(right)).sum()), total + len(right)
    print("\ntitles")
    print(f"nearest to the true one        {hits / total:.3f} of {total}" if total else "no film has titles")


def summary_table(films: Sequence[Film]) -> None:
    """Prints which share of the chosen sentences is marked, beside as many first and as many random ones."""
    marked = [film for film in films if any(c.marked for c in film.truth.chapters)]
    print(f"\nmarked sentences among those chosen, of {len(marked)} films" if marked else "\nsummaries: none is marked")
    for length in Length if marked else ():
        rows = [_shares(film, length) for film in marked]
        ours, first, chance, size = (statistics.mean(column) for column in zip(*rows, strict=True))
        print(f"{length.value:10s} vidx {ours:.3f}   first {first:.3f}   random {chance:.3f}   of {size:.1f} sentences")


def _shares(film: Film, length: Length) -> tuple[float, float, float, int]:
    said = film.truth.said
    inside = [next((c.marked for c in film.truth.chapters if c.range.contains(r.start)), frozenset()) for r, _ in said]
    flags = np.array([text in marks for (_, text), marks in zip(said, inside, strict=True)], np.float64)
    place = {r.start: i for i, (r, _) in enumerate(said)}
    found = extract(film.material, film.ranges, TimeRange(0, film.material.duration), length)
    rows = [place[s.ranges[0].start] for s in found]
    rng = random.Random(film.truth.name)
    drawn = [flags[rng.sample(range(len(said)), len(rows))].mean() for _ in range(DRAWS)]
    return float(flags[rows].mean()), float(flags[: len(rows)].mean()), float(np.mean(drawn)), len(rows)


def _errors(film: Film, found: Sequence[int]) -> tuple[float, ...]:
    left, hits = list(film.cuts), 0
    for cut in found:
        near = min(left, key=lambda t: abs(t - cut), default=None)
        if near is not None and abs(near - cut) <= NEAR:
            left.remove(near)
            hits += 1
    precision, recall = hits / max(1, len(found)), hits / max(1, len(film.cuts))
    f1 = 2 * hits / max(1, len(found) + len(film.cuts))
    true, ours = (_seconds(cuts, film.material.duration) for cuts in (film.cuts, found))
    window = max(2, round(len(true) / (2 * len(film.truth.chapters))))
    return precision, recall, f1, pk(true, ours, window), windowdiff(true, ours, window), len(found) + 1


def _seconds(cuts: Sequence[int], duration: int) -> str:
    """A digit a second, 1 where a chapter begins; two chapters of one second are as one."""
    begun = {cut // SECOND for cut in cuts}
    return "".join("1" if second in begun else "0" for second in range(duration // SECOND + 1))


def _equal(film: Film) -> list[int]:
    parts = len(film.truth.chapters)
    return [film.material.duration * i // parts for i in range(1, parts)]


def _tiling(film: Film) -> list[int]:
    """Hearst 1997 as nltk has it, each sentence a paragraph; where it finds nothing to compare, no boundaries."""
    texts = [text for _, text in film.truth.said]
    offsets = np.cumsum([0, *(len(text) + 2 for text in texts)])[:-1]
    try:
        tiles = TextTilingTokenizer(stopwords=set(StopwordsIso().of(LANGUAGE))).tokenize("\n\n".join(texts))
    except ValueError:
        return []
    ends = np.cumsum([len(tile) for tile in tiles[:-1]])
    rows = {int(np.abs(offsets - end).argmin()) for end in ends} - {0}
    return sorted(film.truth.said[row][0].start for row in rows)


def _shared(first: TimeRange, second: TimeRange) -> int:
    return min(first.end, second.end) - max(first.start, second.start)
