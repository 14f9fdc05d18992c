"""What may be asked, and how an answer is turned over page by page."""

import base64
import binascii
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from services.core.errors import InvalidInput
from services.core.names import VideoName, check_labels
from services.core.text import Track
from services.core.times import TimeRange

MAX_QUERY_CHARACTERS = 10_000
MAX_VIDEOS = 100
MAX_SHOT_LABELS, MAX_LABEL_CHARACTERS = 64, 100
DEFAULT_PAGE, MAX_PAGE = 10, 100
MAX_DEPTH = 1000
"""Moments that can be reached by turning pages; a person who reads further wants another query."""
USUAL = {Track.VISUAL: 1.0, Track.SPEECH: 1.0, Track.ON_SCREEN_TEXT: 1.0, Track.CAPTION: 0.3, Track.TITLE: 0.8}
"""What a track counts beside others, the most being 1. A caption repeats what the picture says with less detail: on 400
photographs, captions of one word each cost 1 to 1.5 points of R@10 at 0.7 and next to nothing at 0.3. A title says
something of all of a video, and so less of each moment."""


@dataclass(frozen=True)
class Scope:
    """Which rows may answer: those of one collection, and of them those for which every condition holds.

    Times are nanoseconds: `added` since the epoch, `duration` a video's, `range` on a video's timeline.
    """

    collection: str
    videos: tuple[str, ...] = ()
    """Ids; any video when empty."""
    labels: Mapping[str, str] = field(default_factory=dict)
    added_after: int | None = None
    """At or after."""
    added_before: int | None = None
    """Before."""
    min_duration: int | None = None
    max_duration: int | None = None
    range: TimeRange | None = None
    """Rows that overlap it."""
    shot_labels: tuple[str, ...] = ()
    """Labels of the collection that a row's shots must carry."""

    @property
    def narrow(self) -> bool:
        """True when more than the collection decides."""
        return self != Scope(self.collection)


@dataclass(frozen=True)
class Query:
    """A checked request. `offset` comes from the page token."""

    text: str
    scope: Scope
    page_size: int = DEFAULT_PAGE
    offset: int = 0
    max_per_video: int = 0
    min_score: float = 0.0
    """Of a moment, all its tracks together; a track that is weak by itself may still add to it."""
    tracks: Mapping[Track, float] = field(default_factory=lambda: USUAL)
    """What is looked in, and how much each counts."""
    with_facets: bool = False

    @property
    def text_tracks(self) -> tuple[Track, ...]:
        return tuple(track for track in Track if track in self.tracks and track is not Track.VISUAL)

    @property
    def end(self) -> int:
        """First moment after the page."""
        return min(self.offset + self.page_size, MAX_DEPTH)


def check(
    text: str,
    scope: Scope,
    page_size: int,
    page_token: str,
    max_per_video: int,
    min_score: float,
    tracks: Mapping[Track, float] = USUAL,
    with_facets: bool = False,
) -> Query:
    """The request as a query, or InvalidInput that names the field at fault."""
    stripped = text.strip()
    if not stripped:
        _refuse("query", "is empty: say what to look for")
    if len(stripped) > MAX_QUERY_CHARACTERS:
        _refuse("query", f"has {len(stripped)} characters; at most {MAX_QUERY_CHARACTERS}")
    if page_size < 0:
        _refuse("page_size", "must not be negative")
    if max_per_video < 0:
        _refuse("max_moments_per_video", "must not be negative")
    if not (math.isfinite(min_score) and 0 <= min_score <= 1):
        _refuse("min_score", "must lie in [0, 1]")
    size = min(page_size or DEFAULT_PAGE, MAX_PAGE)
    query = Query(stripped, scope, size, 0, max_per_video, min_score, tracks, with_facets)
    return replace(query, offset=_offset(page_token, query)) if page_token else query


def videos(names: list[str], collection: str) -> tuple[str, ...]:
    """Ids of the filter's videos, all of which must lie in the collection."""
    if len(names) > MAX_VIDEOS:
        _refuse("filter.videos", f"holds {len(names)} names; at most {MAX_VIDEOS}")
    parsed = [VideoName.parse(name, "filter.videos") for name in names]
    for name in parsed:
        if name.collection != collection:
            _refuse("filter.videos", f"{name} is not in collections/{collection}")
    return tuple(sorted({name.video for name in parsed}))


def labels(given: dict[str, str]) -> dict[str, str]:
    """The filter's labels, checked."""
    return check_labels(given, "filter.labels")


def tracks(given: Iterable[tuple[Track | None, float]]) -> Mapping[Track, float]:
    """Weights by track; None stands for a track that is not known. All tracks when none is given.

    A weight of 0 is the track's usual one; of a track that is alone, 1.
    """
    listed = list(given)
    weights: dict[Track, float] = {}
    for track, weight in listed:
        if track is None:
            _refuse("tracks", "names a track that is not known")
        if track in weights:
            _refuse("tracks", f"names {track.value} twice")
        if not (math.isfinite(weight) and 0 <= weight <= 1):
            _refuse("tracks", f"gives {track.value} a weight outside (0, 1]")
        weights[track] = weight or (USUAL[track] if len(listed) > 1 else 1.0)
    return weights or USUAL


def shot_labels(given: Sequence[str]) -> tuple[str, ...]:
    """The filter's labels of shots, checked."""
    if len(given) > MAX_SHOT_LABELS:
        _refuse("filter.shot_labels", f"holds {len(given)} labels; at most {MAX_SHOT_LABELS}")
    if not all(0 < len(label) <= MAX_LABEL_CHARACTERS for label in given):
        _refuse("filter.shot_labels", f"must have 1 to {MAX_LABEL_CHARACTERS} characters each")
    return tuple(sorted(set(given)))


def time_range(start: int, end: int) -> TimeRange:
    """The filter's range."""
    if start < 0:
        _refuse("filter.range", "begins before 0")
    if end <= start:
        _refuse("filter.range", "must end after it starts")
    return TimeRange(start, end)


def next_token(query: Query) -> str:
    """Asks for the page after this one."""
    return base64.urlsafe_b64encode(query.end.to_bytes(2, "big") + _digest(query)).decode()


def _offset(token: str, query: Query) -> int:
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 10 or raw[2:] != _digest(query):
        _refuse("page_token", "is not from a response to this request: repeat the request without it")
    return min(int.from_bytes(raw[:2], "big"), MAX_DEPTH)


def _digest(query: Query) -> bytes:
    """8 bytes of everything but the page; its size may change between pages."""
    scope = query.scope
    parts = (
        query.text, query.max_per_video, query.min_score, scope.collection, scope.videos, sorted(scope.labels.items()),
        scope.added_after, scope.added_before, scope.min_duration, scope.max_duration, scope.range, scope.shot_labels,
        sorted((track.value, weight) for track, weight in query.tracks.items()), query.with_facets,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).digest()[:8]


def _refuse(name: str, rule: str) -> NoReturn:
    raise InvalidInput(f"{name} {rule}", fields={name: rule})
