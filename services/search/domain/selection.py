"""Which of the moments found are answered with, and whether enough is known to say."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from services.core.names import VideoName
from services.core.times import TimeRange
from services.search.domain.moments import Found
from services.search.domain.query import Query
from services.search.domain.scores import score

HITS_A_MOMENT, LEAST_HITS = 6, 64
"""Frames asked of the index at first, a moment wanted: with 4 to 5 frames a shot this fills a page at once."""
GROWTH, MAX_HITS = 4, 8192
"""When the page is not full, four times as many frames are asked for; Milvus gives at most 16,384."""


class Track(Enum):
    """What of a video matched."""

    VISUAL = "visual"


@dataclass(frozen=True)
class Evidence:
    """Why a moment was found. The shares of a moment's evidence add up to 1."""

    track: Track
    range: TimeRange
    frame_time: int
    share: float


@dataclass(frozen=True)
class Moment:
    """A search hit. `score` as `domain.scores` defines it."""

    video: VideoName
    range: TimeRange
    score: float
    evidence: tuple[Evidence, ...]


def first_limit(query: Query) -> int:
    """Frames to ask for at first. The answer does not depend on it (see `certain`), only what it costs."""
    return min(max(LEAST_HITS, HITS_A_MOMENT * (query.end + 1)), MAX_HITS)


def select(found: Sequence[Found], query: Query, middle: float, spread: float) -> list[Moment]:
    """The moments of `found`, in its order, that pass the score cut-off and the bound a video."""
    chosen: list[Moment] = []
    per_video: dict[str, int] = {}
    for moment in found:
        value = score(moment.cosine, middle, spread)
        if value < query.min_score:
            break
        seen = per_video.get(moment.video, 0)
        if query.max_per_video and seen >= query.max_per_video:
            continue
        per_video[moment.video] = seen + 1
        best = moment.best
        evidence = Evidence(Track.VISUAL, TimeRange(best.start, best.end), best.frame_time, 1.0)
        name = VideoName(query.scope.collection, moment.video)
        chosen.append(Moment(name, moment.range, value, (evidence,)))
    return chosen


def certain(found: Sequence[Found], floor: float) -> list[Found]:
    """The beginning of `found` that stays as it is whatever frames with a cosine of at most `floor` still come."""
    for at, moment in enumerate(found):
        if min(moment.cosine, moment.settled) <= floor:
            return list(found[:at])
    return list(found)
