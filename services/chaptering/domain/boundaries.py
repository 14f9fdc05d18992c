"""Where chapters begin, from every track that there is."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.atoms import Atoms, atoms
from services.chaptering.domain.events import bonus
from services.chaptering.domain.gains import clearness, toll, vector_gains, word_gains
from services.chaptering.domain.headings import headings
from services.chaptering.domain.material import TEXTS, Material
from services.chaptering.domain.segmentation import Rules, segment
from services.chaptering.domain.terms import terms
from services.core.text import Track
from services.core.times import SECOND, TimeRange

F64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 4
"""Of finding chapters and weighing events by them; most videos settle in two."""
PRICE = 0.75
"""What a chapter must gain, times the logarithm of the number of atoms: between the BIC's price of a parameter, 0.5,
and that of a change point in its modified form, 1.5 (Zhang & Siegmund 2007), since `APART` is asked for as well."""
APART = 0.08
"""How clear a cut has to be beside the clearest quarter of those that are worth their price (see `gains.toll`): one in
the middle of a chapter 0.22 times (4 ln 2 times this) as clear, one near its end more. From 0.06 to 0.1 films of 2 to 5
minute parts hardly change; less finds more in short parts, more is surer in long ones."""
CLEAREST = 0.75
ECHO = 10 * SECOND
"""A term that is said again within this time was hardly chosen anew, and is not counted again: words come in bursts."""
SECONDARY = 0.5
"""A track after the first counts this much: tracks of one video do not err independently."""
MEANING = 0.5
"""What a track's vectors count beside its words, which are of the same sentences; all where words tell nothing."""
TELLING = 1.0
"""Nats that a stretch's words must gain somewhere to tell anything."""
SPARSE = 60 * SECOND
"""A track with less than one item in this time does not lead."""
PAUSE = 2 * SECOND
"""Nanoseconds of silence before a sentence that make a pause."""
ANYTHING = 2**62


@dataclass(frozen=True)
class Wanted:
    """What chapters are asked for. Times in ns; `count` None leaves it to the video.

    `shortest` gives way where it leaves no room for `count`, and so does `longest`; where no chapter may begin for
    longer than `longest`, the chapter stays whole. A video shorter than `whole` is one chapter, unless a count says
    otherwise. `locked` ranges are chapters as they are.
    """

    shortest: int = 60 * SECOND
    longest: int = 1800 * SECOND
    count: int | None = None
    locked: tuple[TimeRange, ...] = ()
    whole: int = 60 * SECOND


def boundaries(material: Material, wanted: Wanted) -> list[TimeRange]:
    """Chapters in order, which cover the video from 0 to its end without gap or overlap.

    As many as `wanted.count`, locked ones included, as far as the video is long enough. Raises ValueError when locked
    ranges overlap, are empty, or lie outside the video.
    """
    locked = sorted(wanted.locked)
    _check(locked, material.duration)
    if material.duration <= 0:
        return []
    count = None if wanted.count is None else max(wanted.count, _fewest(locked, material.duration))
    if count == 1 or (count is None and not locked and material.duration < wanted.whole):
        return [TimeRange(0, material.duration)]
    edges = {time for r in locked for time in (r.start, r.end)}
    reach = material.duration if count and count * wanted.longest < material.duration else wanted.longest
    grid = atoms(material, edges, count or 1, reach)
    place = {int(t): i for i, t in enumerate(grid.times)}
    held = [(place[r.start], place[r.end]) for r in locked]
    cuts = _cuts(material, grid, wanted, count, held)
    return [TimeRange(int(grid.times[a]), int(grid.times[b])) for a, b in itertools.pairwise(cuts)]


def _cuts(
    material: Material, grid: Atoms, wanted: Wanted, count: int | None, locked: Sequence[tuple[int, int]]
) -> list[int]:
    n = grid.count
    if count is not None and count >= n and not locked:
        return list(range(n + 1))
    events = _events(material, grid)
    price = PRICE * np.log(max(2, n))
    expected = count or max(2, round(material.duration / max(1, 4 * wanted.shortest)))
    for rules in _relaxed(wanted, count, locked, material.duration):
        band = _band(material, grid, rules.longest)
        tolled, cuts = band, list[int]()
        for _ in range(ROUNDS):
            found = segment(tolled, bonus(events, cuts, expected) - price, grid.times, rules)
            if found is None or found == cuts:
                break
            if not cuts and count is None:
                clear = clearness(band, found)
                share = APART * float(np.quantile(clear, CLEAREST)) if len(clear) else 0.0
                tolled = band - share * toll(n, band.shape[1] - 1)
            cuts = found
        if cuts:
            return cuts
    edges = {0, n, *(i for pair in locked for i in pair)}
    return sorted(edges)


def _relaxed(wanted: Wanted, count: int | None, locked: Sequence[tuple[int, int]], duration: int) -> Iterable[Rules]:
    """The rules as they are, then with what a wanted number leaves no room for given up."""
    shortest = wanted.shortest if count is None else min(wanted.shortest, duration // (20 * count))
    yield Rules(shortest, wanted.longest, count, locked)
    yield Rules(0, wanted.longest, count, locked)
    yield Rules(0, ANYTHING, count, locked)
    yield Rules(0, wanted.longest, None, locked)


def _band(material: Material, grid: Atoms, longest: int) -> F64:
    """Gains of all tracks together, as far back as the longest chapter reaches."""
    reach = np.searchsorted(grid.times, grid.times - min(longest, int(grid.times[-1])), side="left")
    widest = max(1, int((np.arange(len(reach)) - reach).max()))
    band = np.zeros((grid.count + 1, widest + 1))
    share = 1.0
    for track in TEXTS:
        rows = material.rows(track)
        if not rows:
            continue
        placed = [grid.nearest(material.passages[i].range.start) for i in rows]
        said: list[list[str]] = [[] for _ in range(grid.count)]
        last: dict[str, int] = {}
        for atom, i in zip(placed, rows, strict=True):
            start = material.passages[i].range.start
            new = [t for t in set(terms(material.passages[i].text)) if start - last.get(t, -ECHO) >= ECHO]
            last.update(dict.fromkeys(new, start))
            said[atom] += new
        told = word_gains(said, widest)
        band += share * told
        if len(material.passage_vectors):
            weight = share * (MEANING if told.max() > TELLING else 1.0)
            band += weight * vector_gains(*_summed(material.passage_vectors[rows], placed, grid.count), widest)
        if len(rows) * SPARSE >= material.duration:
            share = SECONDARY
    if len(material.shot_vectors):
        placed = [grid.nearest(shot.range.start) for shot in material.shots]
        band += share * vector_gains(*_summed(material.shot_vectors, placed, grid.count), widest)
    return band


def _summed(vectors: npt.NDArray[np.float32], placed: Sequence[int], n: int) -> tuple[F64, F64]:
    """Sums of vectors an atom [n, d], and how many [n]."""
    sums = np.zeros((n, vectors.shape[1]))
    np.add.at(sums, placed, vectors)
    return sums, np.bincount(placed, minlength=n).astype(np.float64)


def _events(material: Material, grid: Atoms) -> Mapping[str, Flags]:
    """Flags [n+1] of the atoms that begin with an event, by kind."""
    spoken = [material.passages[i].range for i in material.rows(Track.SPEECH)]
    pauses, quiet_since = [], 0
    for r in spoken:
        if r.start - quiet_since >= PAUSE:
            pauses.append(r.start)
        quiet_since = max(quiet_since, r.end)
    kinds = {
        "cut": [shot.range.start for shot in material.shots],
        "heading": [heading.range.start for heading in headings(material.readings)],
        "pause": pauses,
    }
    found = {}
    for kind, times in kinds.items():
        flags = np.zeros(grid.count + 1, np.bool_)
        flags[[grid.nearest(time) for time in times if time < material.duration]] = True
        found[kind] = flags
    return found


def _fewest(locked: Sequence[TimeRange], duration: int) -> int:
    """Chapters that there are at least: the locked ones, and what lies between them."""
    gaps, at = 0, 0
    for r in locked:
        gaps, at = gaps + (r.start > at), r.end
    return max(1, len(locked) + gaps + (at < duration))


def _check(locked: Sequence[TimeRange], duration: int) -> None:
    for r in locked:
        if r.end <= r.start or r.end > duration:
            raise ValueError(f"the locked chapter from {r.start} to {r.end} ns is empty or outside the video")
    for a, b in itertools.pairwise(locked):
        if a.overlaps(b):
            raise ValueError(f"locked chapters overlap at {b.start} ns")
