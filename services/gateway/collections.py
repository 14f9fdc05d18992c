"""Collections: create, get, list, change, delete."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Collection, Share, Upload, Video
from services.core.errors import AlreadyExists, Conflict, InvalidInput, NotFound, VidxError
from services.core.names import CollectionName, VideoName, check_id
from services.gateway import pages
from services.pipeline import ledger, webhooks
from services.pipeline.control import Control, Removed
from services.pipeline.relabel import relabel
from services.runtime import telemetry

MAX_SHOT_LABELS = 256
_THERE = sa.select(Collection.__table__.c.id).where(Collection.__table__.c.id == sa.bindparam("id"))
"""Of the table and made once: each search asks it, and an entity's statement costs twice as much to read."""
_log = telemetry.log(__name__)


@dataclass(frozen=True)
class CollectionView:
    """A collection, the number of its videos, and the labels that are looked for in their shots."""

    name: CollectionName
    created: int
    videos: int
    shot_labels: tuple[str, ...]


class Collections:
    """Use cases on collections."""

    def __init__(self, database: Database, control: Control) -> None:
        self._database = database
        self._control = control

    def create(self, collection_id: str, request_id: str, shot_labels: Sequence[str] = ()) -> CollectionView:
        """Make a collection; the same request id again answers as the first did."""
        name = CollectionName(check_id(collection_id, "collection_id"))
        if len(request_id) > 128:
            raise InvalidInput("request_id is too long", fields={"request_id": "at most 128 characters"})
        labels = check_shot_labels(shot_labels)
        try:
            with self._database.write() as session:
                row = Collection(
                    id=name.collection, created=ledger.now(), request_id=request_id, shot_labels=labels, relabel=False
                )
                session.add(row)
                session.flush()
                return _view(session, row)
        except IntegrityError:
            with self._database.read() as session:
                existing = session.get(Collection, name.collection)
                if existing is not None and request_id and existing.request_id == request_id:
                    return _view(session, existing)
            raise AlreadyExists(f"{name} exists already") from None

    def get(self, name: CollectionName) -> CollectionView:
        with self._database.read() as session:
            return _view(session, require(session, name))

    def check(self, name: CollectionName) -> None:
        """Raises NotFound when there is no such collection; nothing of it is read, and its videos are not counted."""
        with self._database.read() as session:
            if session.scalar(_THERE, {"id": name.collection}) is None:
                raise _missing(name)

    def list(
        self, page_size: int, page_token: str, held: frozenset[str] | None = None
    ) -> tuple[list[CollectionView], str]:
        """A page of collections by name, of those that are held (None: all), and the next page's token."""
        limit = pages.size(page_size, 50, 1000)
        after = pages.position(page_token, "collections", str)
        with self._database.read() as session:
            query = sa.select(Collection).order_by(Collection.id).limit(limit + 1)
            if held is not None:
                query = query.where(Collection.id.in_(held))
            rows = session.scalars(query.where(Collection.id > after[0]) if after else query).all()
            views = [_view(session, row) for row in rows[:limit]]
        return views, pages.token([views[-1].name.collection], "collections") if len(rows) > limit else ""

    def update(self, name: CollectionName, shot_labels: Sequence[str]) -> CollectionView:
        """Change its labels; they are looked for in the videos that it holds as well.

        The first videos are told at once, the others by the pipeline's reconciler: many must not keep a caller waiting.
        """
        labels = check_shot_labels(shot_labels)
        with self._database.write() as session:
            row = require(session, name, lock=True)
            if row.shot_labels != labels:
                row.shot_labels, row.relabel = labels, True
        try:
            relabel(self._database, self._control, name.collection)
        except VidxError as error:
            _log.warning("relabel_delayed", collection=str(name), reason=error.reason, message=error.message)
        return self.get(name)

    def delete(self, name: CollectionName, force: bool) -> Removed:
        """Remove a collection, with its videos when forced. Broken off, it goes on where it was when called again."""
        with self._database.read() as session:
            require(session, name)
            ids = session.scalars(sa.select(Video.id).where(Video.collection == name.collection)).all()
        if ids and not force:
            raise Conflict(f"{name} holds {len(ids)} videos; delete them first, or force")
        removed = Removed()
        for video in ids:
            try:
                removed += self._control.remove(VideoName(name.collection, video))
            except NotFound:
                continue
        with self._database.write() as session:
            # The reconciler takes away what is kept of unfinished uploads.
            session.execute(sa.update(Upload).where(Upload.collection == name.collection).values(updated=0))
            session.execute(sa.delete(Share).where(Share.collection == name.collection))
            webhooks.end(session, name.collection)
            try:
                session.execute(sa.delete(Collection).where(Collection.id == name.collection))
                session.flush()
            except IntegrityError:
                raise Conflict(f"{name} was given a new video while it was removed; try again") from None
        return removed


def require(session: Session, name: CollectionName, *, lock: bool = False) -> Collection:
    """The collection, or NotFound; `lock` makes other transactions that would lock it wait for this one."""
    row = session.get(Collection, name.collection, with_for_update=lock)
    if row is None:
        raise _missing(name)
    return row


def _missing(name: CollectionName) -> NotFound:
    return NotFound(f"no {name}; create it first")


def check_shot_labels(labels: Sequence[str]) -> list[str]:
    """The labels without those that are there twice, or InvalidInput."""
    found = list(dict.fromkeys(label.strip() for label in labels))
    if len(found) > MAX_SHOT_LABELS:
        rule = f"at most {MAX_SHOT_LABELS}"
        raise InvalidInput(f"{len(found)} shot labels: {rule}", fields={"shot_labels": rule})
    for label in found:
        if not 0 < len(label) <= 100 or not label.isprintable():
            rule = "1 to 100 printable characters on one line"
            raise InvalidInput(f"shot label {label[:80]!r}: {rule}", fields={"shot_labels": rule})
    return found


def _view(session: Session, row: Collection) -> CollectionView:
    query = sa.select(sa.func.count()).select_from(Video).where(Video.collection == row.id)
    videos = session.scalar(query) or 0
    return CollectionView(CollectionName(row.id), row.created, videos, tuple(row.shot_labels))
