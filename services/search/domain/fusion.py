"""From clues of all tracks to moments.

What makes a score. Every track's score is a chance on one scale (see `scores`, `texts`), so they are put together as
chances: a moment fails only when each of its tracks fails, 1 - product of (1 - weight x score). A caption is made from
the picture that the visual track has seen already; of those two the better one counts, as two witnesses who read one
note are one witness. Reciprocal ranks were measured beside it, and lost: they cannot tell a first place that fits
from a first place among strangers.

What makes a range. A text that matches is a stretch as long as itself; a picture that matches is its shot. Clues that
share at least half of the shorter one are one moment. It is the shot when the picture says something of its own: then
texts that lie mostly inside it are in it, and one that reaches beyond widens it. Otherwise it is the range of the
strongest text, for a sentence in a long shot is what somebody looked for, not the shot.

What covers much is no place: a title, or a text that stays on screen for longer than a shot is watched, lifts the
moments inside it by as much as they match by themselves. It is an answer of its own, once, when none of them is better.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from services.core.text import Track
from services.core.times import TimeRange
from services.search.domain.moments import LONG_SHOT

SPEAKS, SPEAKS_SHARE = 0.5, 0.2
"""A picture says something of its own when it scores as no unrelated one does, or has so much of the moment's score."""
NAMED = 0.05
"""Evidence with a smaller share of the score is not told of."""
_PICTURE = (Track.VISUAL, Track.CAPTION)
_ORDER = {track: n for n, track in enumerate(Track)}
_LEAST, _SURE = 1e-30, 1 - 1e-12
"""Chances outside are none and sure, so that no sum of them is lost in rounding."""
_ROUNDING = 1e-9


class Clue(NamedTuple):
    """What one track found. `range` is its own; `stretch` is what it says of the moment's; `score` is weighted."""

    video: str
    track: Track
    range: TimeRange
    stretch: TimeRange
    score: float
    frame_time: int | None = None
    text: str = ""
    language: str = ""
    phrases: frozenset[int] = frozenset()

    @property
    def wide(self) -> bool:
        return self.track is Track.TITLE or (self.track is not Track.VISUAL and self.stretch.duration > LONG_SHOT)


@dataclass(frozen=True, slots=True)
class Fused:
    """A moment with its clues and each one's share of the score, the strongest first. The shares add up to 1."""

    video: str
    range: TimeRange
    score: float
    evidence: tuple[tuple[Clue, float], ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Clues of one moment. `odds` is what each adds to -log(1 - score)."""

    range: TimeRange
    odds: tuple[tuple[Clue, float], ...]
    phrases: frozenset[int]

    @property
    def total(self) -> float:
        return sum(odds for _, odds in self.odds)

    @property
    def score(self) -> float:
        score = self.odds[0][0].score if len(self.odds) == 1 else -math.expm1(-self.total)
        return min(max(score, 0.0), 1.0)


def fuse(clues: Iterable[Clue], phrases: int) -> Iterator[Fused]:
    """Moments, best first; ties by video, then start. `phrases`: how many there are that a moment's texts must hold.

    A video is looked into only when one of its moments may be the next, so the first page costs little.
    """
    by_video: dict[str, list[Clue]] = {}
    for clue in clues:
        if clue.score > _LEAST:
            by_video.setdefault(clue.video, []).append(clue)
    waiting = [(-_at_most(own), video) for video, own in by_video.items()]
    heapify(waiting)
    asked = frozenset(range(phrases))
    found: list[tuple[float, str, int, int, int, _Group]] = []
    while waiting or found:
        while waiting and (not found or waiting[0][0] <= found[0][0]):
            _, video = heappop(waiting)
            for n, group in enumerate(_of_video(by_video[video], asked)):
                heappush(found, (-group.score, video, group.range.start, group.range.end, n, group))
        if found:
            _, video, *_, group = heappop(found)
            yield _fused(video, group)


def _at_most(clues: Sequence[Clue]) -> float:
    """A score that no moment of these clues exceeds: that of each track's best, together."""
    if len(clues) == 1:
        return clues[0].score + _ROUNDING
    best: dict[Track | None, float] = {}
    for clue in clues:
        # Picture and caption are one witness, but for a caption that covers much.
        kind = None if clue.track in _PICTURE and not clue.wide else clue.track
        best[kind] = max(best.get(kind, 0.0), clue.score)
    return -math.expm1(sum(math.log1p(-min(score, _SURE)) for score in best.values())) + _ROUNDING


def _of_video(own: Sequence[Clue], asked: frozenset[int]) -> list[_Group]:
    wide = sorted((c for c in own if c.wide), key=lambda c: (c.stretch.duration, *_first(c)))
    groups = [_lifted(group, wide) for group in _near([c for c in own if not c.wide])]
    groups = [group for group in groups if group.phrases >= asked]
    for n, clue in enumerate(wide):
        alone = _lifted(_group([clue]), wide[n + 1 :])
        inside = (g for g in groups if _inside(g.range, clue.stretch))
        if alone.phrases >= asked and all(g.total < alone.total for g in inside):
            groups.append(alone)
    return groups


def _near(clues: Sequence[Clue]) -> list[_Group]:
    """Groups of clues on the same stretch: the strongest clue, with all that lie where it lies; then of the rest."""
    if len(clues) == 1:
        return [_group(clues)]
    ordered = sorted(clues, key=_first)
    around = _Around(ordered)
    groups = []
    for at, seed in enumerate(ordered):
        if not around.take(at):
            continue
        same = [n for n in around.left(seed.stretch) if _same(seed.stretch, ordered[n].stretch)]
        texts = [n for n in same if ordered[n].track is not Track.VISUAL]
        pictures = [] if seed.track is Track.VISUAL else [n for n in same if n not in texts][:1]
        members = [at, *pictures, *texts]
        group = _group([ordered[n] for n in members])
        shot = next((ordered[n].stretch for n in members if ordered[n].track is Track.VISUAL), None)
        if shot is not None and _shared(group.range, shot) == shot.duration:
            beside = (n for n in around.left(group.range) if n not in members)
            inside = (n for n in beside if _inside(ordered[n].stretch, group.range))
            more = [n for n in inside if ordered[n].track is not Track.VISUAL]
            if more:
                members += more
                group = _group([ordered[n] for n in members])
        around.take(*members[1:])
        groups.append(group)
    return groups


class _Around:
    """Which clues lie near a stretch and are in no group yet; so that a long video is not compared with itself."""

    def __init__(self, clues: Sequence[Clue]) -> None:
        self._taken = [False] * len(clues)
        self._cells: dict[int, list[int]] = {}
        for n, clue in enumerate(clues):
            for cell in self._of(clue.stretch):
                self._cells.setdefault(cell, []).append(n)

    def take(self, *numbers: int) -> bool:
        """Put clues into a group; False when the first was in one."""
        free = not (numbers and self._taken[numbers[0]])
        for n in numbers:
            self._taken[n] = True
        return free

    def left(self, stretch: TimeRange) -> list[int]:
        """Clues near it, in their order."""
        near = {n for cell in self._of(stretch) for n in self._cells.get(cell, ())}
        return sorted(n for n in near if not self._taken[n])

    @staticmethod
    def _of(stretch: TimeRange) -> range:
        return range(stretch.start // LONG_SHOT, stretch.end // LONG_SHOT + 1)


def _group(members: Sequence[Clue]) -> _Group:
    """The best clue of each track, and the range that they make."""
    if len(members) == 1:
        (only,) = members
        return _Group(only.stretch, ((only, -math.log1p(-min(only.score, _SURE))),), only.phrases)
    best: dict[Track, Clue] = {}
    for clue in members:
        if clue.track not in best or _first(clue) < _first(best[clue.track]):
            best[clue.track] = clue
    odds = {track: -math.log1p(-min(clue.score, _SURE)) for track, clue in best.items()}
    picture = [track for track in _PICTURE if track in odds]
    if len(picture) == 2:
        together, both = max(odds[t] for t in picture), sum(odds[t] for t in picture)
        odds |= {t: together * (odds[t] / both) for t in picture}
    held = frozenset[int]().union(*(clue.phrases for clue in members))
    return _Group(_range(best, odds), tuple((clue, odds[track]) for track, clue in best.items()), held)


def _range(best: dict[Track, Clue], odds: dict[Track, float]) -> TimeRange:
    total = sum(odds.values())
    seen = best.get(Track.VISUAL)
    texts = [c for c in best.values() if c.track is not Track.VISUAL]
    if seen is None or (texts and seen.score < SPEAKS and odds[Track.VISUAL] < SPEAKS_SHARE * total):
        return min(texts, key=_first).stretch
    found = seen.stretch
    for clue in texts:
        if odds[clue.track] >= NAMED * total and not _inside(clue.stretch, seen.stretch):
            found = found.span(clue.stretch)
    return found


def _lifted(group: _Group, wide: Sequence[Clue]) -> _Group:
    """With the best wide clue of each other track that covers the moment."""
    over = [c for c in wide if _inside(group.range, c.stretch)]
    if not over:
        return group
    over.sort(key=lambda c: (_ORDER[c.track], _first(c)))
    told = {clue.track for clue, _ in group.odds}
    odds, total, phrases = list(group.odds), group.total, group.phrases
    for clue in over:
        phrases |= clue.phrases
        if clue.track not in told:
            told.add(clue.track)
            odds.append((clue, -math.log1p(-min(clue.score * -math.expm1(-total), _SURE))))
            total += odds[-1][1]
    return _Group(group.range, tuple(odds), phrases)


def _fused(video: str, group: _Group) -> Fused:
    total = group.total
    named = [(clue, odds) for clue, odds in group.odds if odds >= NAMED * total]
    part = sum(odds for _, odds in named)
    evidence = sorted(((clue, odds / part) for clue, odds in named), key=lambda e: (-e[1], _ORDER[e[0].track]))
    return Fused(video, group.range, group.score, tuple(evidence))


def _first(clue: Clue) -> tuple[float, int, int, int, str]:
    """Sorts clues of a video: the strongest first, and ties always the same way."""
    return -clue.score, clue.stretch.start, clue.stretch.end, _ORDER[clue.track], clue.text


def _shared(a: TimeRange, b: TimeRange) -> int:
    return min(a.end, b.end) - max(a.start, b.start)


def _same(a: TimeRange, b: TimeRange) -> bool:
    return a.overlaps(b) and 2 * _shared(a, b) >= min(a.duration, b.duration)


def _inside(part: TimeRange, whole: TimeRange) -> bool:
    """At least half of `part` lies in `whole`."""
    return part.overlaps(whole) and 2 * _shared(part, whole) >= part.duration
