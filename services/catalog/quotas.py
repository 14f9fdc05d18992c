"""What a collection may have, what it has, and whether one more video fits."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Quota, Video
from services.catalog.states import VideoState
from services.core.errors import InvalidInput, QuotaExceeded

LARGEST = (1 << 63) - 1


@dataclass(frozen=True)
class Bounds:
    """At most so much; 0 is no bound. `duration` in nanoseconds, `requests` a minute, `uploads` at a time."""

    videos: int = 0
    bytes: int = 0
    duration: int = 0
    requests: int = 0
    uploads: int = 0


@dataclass(frozen=True)
class Usage:
    """What a collection has; `duration` in nanoseconds."""

    videos: int
    bytes: int
    duration: int


class Quotas:
    """Use cases on quotas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bounds(self, collection: str) -> Bounds:
        with self._database.read() as session:
            return _bounds(session, collection)

    def usage(self, collection: str) -> Usage:
        with self._database.read() as session:
            return _usage(session, collection)

    def change(self, collection: str, wanted: Mapping[str, int]) -> Bounds:
        """Set some bounds, by the names of `Bounds`."""
        for name, bound in wanted.items():
            if not 0 <= bound <= LARGEST:
                rule = "0 for no bound, or more"
                raise InvalidInput(f"max_{name}: {rule}", fields={f"quota.max_{name}": rule})
        with self._database.write() as session:
            row = session.get(Quota, collection, with_for_update=True)
            if row is None:
                row = Quota(collection=collection, videos=0, bytes=0, duration=0, requests=0, uploads=0)
                session.add(row)
            for name, bound in wanted.items():
                setattr(row, name, bound)
            session.flush()
            return _bounds(session, collection)


def admit(session: Session, collection: str, size: int) -> None:
    """Raises QuotaExceeded when a video of so many bytes has no room.

    The caller holds the collection's row, or asks early and again when it does.
    """
    bounds = _bounds(session, collection)
    if not (bounds.videos or bounds.bytes or bounds.duration):
        return
    usage = _usage(session, collection)
    if bounds.videos and usage.videos + 1 > bounds.videos:
        raise exceeded(collection, f"at most {bounds.videos} videos; it has {usage.videos}: delete some")
    if bounds.bytes and usage.bytes + size > bounds.bytes:
        raise exceeded(collection, f"at most {bounds.bytes} bytes; it has {usage.bytes}, and {size} would come to them")
    if bounds.duration and usage.duration >= bounds.duration:
        hours = f"{bounds.duration / 3.6e12:g}"
        raise exceeded(collection, f"at most {hours} hours of video; it has {usage.duration / 3.6e12:.2f}: delete some")


def exceeded(collection: str, rule: str, retry_s: float | None = None) -> QuotaExceeded:
    """The error that says what a collection may have."""
    name = f"collections/{collection}"
    return QuotaExceeded(f"{name}: {rule}", fields={name: rule}, retry_s=retry_s)


def _bounds(session: Session, collection: str) -> Bounds:
    row = session.get(Quota, collection)
    if row is None:
        return Bounds()
    return Bounds(row.videos, row.bytes, row.duration, row.requests, row.uploads)


def _usage(session: Session, collection: str) -> Usage:
    sums = (sa.func.sum(column) for column in (Video.size_bytes, Video.duration))
    query = sa.select(sa.func.count(), *sums).select_from(Video)
    found = session.execute(query.where(Video.collection == collection, Video.state != VideoState.DELETING)).one()
    return Usage(*(int(one or 0) for one in found))
