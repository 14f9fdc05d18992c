"""From frames that lie near a text to moments: stretches of video that a person would want to see.

A shot of ordinary length is one moment: whoever looks for "a dog on a beach" wants the shot in which it is seen, from
cut to cut. In a long shot (a lecture in one take) that would be the whole video, so there the frames that match make
moments of their own, as long as what they stand for.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from services.core.times import SECOND, TimeRange
from services.search.domain.rows import SHOT, row_id

LONG_SHOT = 30 * SECOND
"""Longer shots are not one moment. Shots of films last 2 to 15 s, so this leaves edited video alone; and half a minute
is about as much as a person watches to see whether an answer is right."""
GAP = 5 * SECOND
"""Matches of a long shot that lie further apart are different moments."""
SHORTEST = 4 * SECOND
"""A moment of a long shot is widened to this: a single frame cannot be watched."""
FRAME_WEIGHT = 0.75
"""Share of the best frame in a moment's cosine; the shot's pooled vector has the rest. The best frame finds what is
seen only briefly, the pool evens out what a single frame shows by accident. 2,000 captions over 400 shots of slow pans
over photographs gave R@1, R@5, R@10 of 14.6, 37.4, 51.7 percent with frames alone, 15.1, 36.6, 50.6 with pools alone,
14.8, 37.3, 51.2 with this."""


class Hit(NamedTuple):
    """A frame that the index found. Times are nanoseconds; `video` is an id."""

    video: str
    shot: int
    shot_start: int
    shot_end: int
    start: int
    end: int
    frame_time: int
    cosine: float

    @property
    def long(self) -> bool:
        return self.shot_end - self.shot_start > LONG_SHOT


class Found(NamedTuple):
    """A moment before it is scored. No frame with a cosine below `settled` can change it any more."""

    video: str
    range: TimeRange
    cosine: float
    best: Hit
    settled: float


Group = list[Hit]
"""Hits of one shot, best first."""


def by_shot(hits: Iterable[Hit]) -> list[Group]:
    """Groups of hits, which come best first."""
    groups: dict[tuple[str, int], Group] = {}
    for hit in hits:
        groups.setdefault((hit.video, hit.shot), []).append(hit)
    return list(groups.values())


def shot_row(collection: str, hit: Hit) -> str:
    """Id of the row of the hit's shot."""
    return row_id(collection, hit.video, SHOT, hit.shot_start)


def moments(groups: Sequence[Group], pooled: Mapping[str, float], collection: str, spread: float) -> list[Found]:
    """Moments, best first; ties by video, then start.

    `pooled`: cosines of shots by the id of their row; a shot without one is judged by its frames alone. `spread`:
    cosines that differ by less are alike; the spread of the query's calibration.
    """
    found: list[Found] = []
    for group in groups:
        if group[0].long:
            found.extend(_long(group, spread))
        else:
            found.append(_ordinary(group[0], pooled.get(shot_row(collection, group[0]))))
    found.sort(key=lambda f: (-f.cosine, f.video, f.range.start))
    return found


def _ordinary(best: Hit, pooled: float | None) -> Found:
    """The pool counts at most as much as the best frame: then no frame still unseen can stand for a better moment
    than its own cosine says, and the search knows when it has looked deep enough."""
    pool = best.cosine if pooled is None else min(pooled, best.cosine)
    cosine = FRAME_WEIGHT * best.cosine + (1 - FRAME_WEIGHT) * pool
    return Found(best.video, TimeRange(best.shot_start, best.shot_end), cosine, best, cosine)


def _long(group: Group, spread: float) -> list[Found]:
    """Moments of a long shot, by picking peaks: the best frame, with its neighbours that match about as well, is a
    moment; the rest of its surroundings is not another one; then the best frame that is left."""
    found: list[Found] = []
    left = list(group)
    while left:
        seed = left[0]
        near = [h for h in left if abs(h.frame_time - seed.frame_time) <= LONG_SHOT // 2]
        alike = sorted((h for h in near if h.cosine >= seed.cosine - spread), key=lambda h: h.start)
        members = _run(alike, seed)
        pool = sum(h.cosine for h in members) / len(members)
        cosine = FRAME_WEIGHT * seed.cosine + (1 - FRAME_WEIGHT) * pool
        span = TimeRange(min(h.start for h in members), max(h.end for h in members))
        found.append(Found(seed.video, _widen(span, seed), cosine, seed, min(cosine, seed.cosine - spread)))
        taken = {h.frame_time for h in near}
        left = [h for h in left if h.frame_time not in taken]
    return found


def _run(ordered: Sequence[Hit], seed: Hit) -> list[Hit]:
    """Those hits around the seed between which no gap is longer than GAP."""
    at = ordered.index(seed)
    first = last = at
    while first > 0 and ordered[first].start - ordered[first - 1].end <= GAP:
        first -= 1
    while last + 1 < len(ordered) and ordered[last + 1].start - ordered[last].end <= GAP:
        last += 1
    return list(ordered[first : last + 1])


def _widen(span: TimeRange, seed: Hit) -> TimeRange:
    """At least SHORTEST long, around its middle, within the shot."""
    missing = SHORTEST - span.duration
    if missing <= 0:
        return span
    start = max(seed.shot_start, span.start - missing // 2)
    end = min(seed.shot_end, start + SHORTEST)
    return TimeRange(max(seed.shot_start, end - SHORTEST), end)
