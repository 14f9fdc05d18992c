"""Collections: create, get, list, delete."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Collection, Upload, Video
from services.core.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from services.core.names import CollectionName, VideoName, check_id
from services.gateway import pages
from services.pipeline import ledger
from services.pipeline.control import Control, Removed


@dataclass(frozen=True)
class CollectionView:
    """A collection and the number of its videos."""

    name: CollectionName
    created: int
    videos: int


class Collections:
    """Use cases on collections."""

    def __init__(self, database: Database, control: Control) -> None:
        self._database = database
        self._control = control

    def create(self, collection_id: str, request_id: str) -> CollectionView:
        """Make a collection; the same request id again answers as the first did."""
        name = CollectionName(check_id(collection_id, "collection_id"))
        if len(request_id) > 128:
            raise InvalidInput("request_id is too long", fields={"request_id": "at most 128 characters"})
        try:
            with self._database.write() as session:
                row = Collection(id=name.collection, created=ledger.now(), request_id=request_id)
                session.add(row)
                session.flush()
                return CollectionView(name, row.created, 0)
        except IntegrityError:
            with self._database.read() as session:
                existing = session.get(Collection, name.collection)
                if existing is not None and request_id and existing.request_id == request_id:
                    return _view(session, existing)
            raise AlreadyExists(f"{name} exists already") from None

    def get(self, name: CollectionName) -> CollectionView:
        with self._database.read() as session:
            return _view(session, require(session, name))

    def list(self, page_size: int, page_token: str) -> tuple[list[CollectionView], str]:
        """A page of collections by name, and the next page's token."""
        limit = pages.size(page_size, 50, 1000)
        after = pages.position(page_token, "collections", str)
        with self._database.read() as session:
            query = sa.select(Collection).order_by(Collection.id).limit(limit + 1)
            rows = session.scalars(query.where(Collection.id > after[0]) if after else query).all()
            views = [_view(session, row) for row in rows[:limit]]
        return views, pages.token([views[-1].name.collection], "collections") if len(rows) > limit else ""

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
            try:
                session.execute(sa.delete(Collection).where(Collection.id == name.collection))
                session.flush()
            except IntegrityError:
                raise Conflict(f"{name} was given a new video while it was removed; try again") from None
        return removed


def require(session: Session, name: CollectionName) -> Collection:
    """The collection, or NotFound."""
    row = session.get(Collection, name.collection)
    if row is None:
        raise NotFound(f"no {name}; create it first")
    return row


def _view(session: Session, row: Collection) -> CollectionView:
    query = sa.select(sa.func.count()).select_from(Video).where(Video.collection == row.id)
    return CollectionView(CollectionName(row.id), row.created, session.scalar(query) or 0)
