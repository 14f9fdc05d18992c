"""What may be asked, and how an answer is turned over page by page."""

import base64
import binascii
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from services.core.errors import InvalidInput
from services.core.names import VideoName, check_labels
from services.core.times import TimeRange

MAX_QUERY_CHARACTERS = 10_000
MAX_VIDEOS = 100
DEFAULT_PAGE, MAX_PAGE = 10, 100
MAX_DEPTH = 1000
"""Moments that can be reached by turning pages; a person who reads further wants another query."""


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

    @property
    def end(self) -> int:
        """First moment after the page."""
        return min(self.offset + self.page_size, MAX_DEPTH)


def check(text: str, scope: Scope, page_size: int, page_token: str, max_per_video: int, min_score: float) -> Query:
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
    query = Query(stripped, scope, size, 0, max_per_video, min_score)
    return Query(stripped, scope, size, _offset(page_token, query) if page_token else 0, max_per_video, min_score)


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
        scope.added_after, scope.added_before, scope.min_duration, scope.max_duration, scope.range,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).digest()[:8]


def _refuse(name: str, rule: str) -> NoReturn:
    raise InvalidInput(f"{name} {rule}", fields={name: rule})
