"""Which of the moments found are answered with, and whether enough is known to say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.core.names import VideoName
from services.core.text import Track
from services.core.times import TimeRange
from services.search.domain.fusion import Clue, Fused
from services.search.domain.moments import Found
from services.search.domain.query import Query
from services.search.domain.scores import score

HITS_A_MOMENT, LEAST_HITS = 6, 64
"""Frames asked of the index at first, a moment wanted: with 4 to 5 frames a shot this fills a page at once."""
GROWTH, MAX_HITS = 4, 8192
"""When the page is not full, four times as many frames are asked for; Milvus gives at most 16,384."""
TEXTS_A_MOMENT, LEAST_TEXTS = 4, 128
"""Texts asked of the index, a moment wanted."""
PHRASE_TEXTS = 1000
"""Texts looked through for a phrase. Those that share no two neighbouring words with it are not among them."""


@dataclass(frozen=True)
class Evidence:
    """Why a moment was found. The shares of a moment's evidence add up to 1."""

    track: Track
    range: TimeRange
    share: float
    frame_time: int | None = None
    """Of the visual track."""
    text: str = ""
    language: str = ""


@dataclass(frozen=True)
class Moment:
    """A search hit. `score` as `domain.scores` and `domain.fusion` define it."""

    video: VideoName
    range: TimeRange
    score: float
    evidence: tuple[Evidence, ...]


def first_limit(query: Query) -> int:
    """Frames to ask for at first. The answer does not depend on it (see `certain`), only what it costs."""
    return min(max(LEAST_HITS, HITS_A_MOMENT * (query.end + 1)), MAX_HITS)


def text_limit(query: Query) -> int:
    """Texts to ask for."""
    return max(LEAST_TEXTS, TEXTS_A_MOMENT * (query.end + 1))


def select(found: Iterable[Fused], query: Query) -> list[Moment]:
    """The moments of `found`, in its order, that pass the score cut-off and the bound a video: one more than are
    needed up to the end of the page, if there are so many."""
    chosen: list[Moment] = []
    per_video: dict[str, int] = {}
    for moment in found:
        if moment.score < query.min_score or len(chosen) > query.end:
            break
        if _room(per_video, moment.video, query):
            evidence = tuple(_evidence(clue, share) for clue, share in moment.evidence)
            name = VideoName(query.scope.collection, moment.video)
            chosen.append(Moment(name, moment.range, moment.score, evidence))
    return chosen


def fills(found: Sequence[Found], query: Query, middle: float, spread: float) -> bool:
    """True when these moments alone are more than the page needs."""
    per_video: dict[str, int] = {}
    passed = (m for m in found if score(m.cosine, middle, spread) >= query.min_score)
    return sum(_room(per_video, m.video, query) for m in passed) > query.end


def certain(found: Sequence[Found], floor: float) -> list[Found]:
    """The beginning of `found` that stays as it is whatever frames with a cosine of at most `floor` still come."""
    for at, moment in enumerate(found):
        if min(moment.cosine, moment.settled) <= floor:
            return list(found[:at])
    return list(found)


def _room(per_video: dict[str, int], video: str, query: Query) -> bool:
    """Counts a moment of a video in, when the bound lets it."""
    seen = per_video.get(video, 0)
    if query.max_per_video and seen >= query.max_per_video:
        return False
    per_video[video] = seen + 1
    return True


def _evidence(clue: Clue, share: float) -> Evidence:
    return Evidence(clue.track, clue.range, share, clue.frame_time, clue.text, clue.language)
