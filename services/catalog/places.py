"""Uploads under way, counted over all gateways of a catalog.

Each has a row with the time that it is believed until, which its gateway puts off while the upload goes on. A gateway
that died puts nothing off, so its uploads stop counting when their time is up.
"""

import secrets
import time
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import Quota, UploadPlace
from services.catalog.quotas import exceeded
from services.core.times import SECOND

LEASE_S = 30
UPLOAD_RETRY_S = 5.0


class Places:
    """Use cases on the places that a collection's quota gives."""

    def __init__(self, database: Database, clock: Callable[[], int] = time.time_ns) -> None:
        self._database = database
        self._clock = clock

    def take(self, collection: str) -> str:
        """A place's id. Raises QuotaExceeded when all are taken."""
        with self._database.write() as session:
            # Its row is the lock under which a collection's places are counted and taken.
            quota = session.get(Quota, collection, with_for_update=True)
            now = self._clock()
            mine = UploadPlace.collection == collection
            session.execute(sa.delete(UploadPlace).where(mine, UploadPlace.until <= now))
            taken = session.scalar(sa.select(sa.func.count()).select_from(UploadPlace).where(mine)) or 0
            if quota is not None and 0 < quota.uploads <= taken:
                raise exceeded(collection, f"at most {quota.uploads} uploads at a time", UPLOAD_RETRY_S)
            place = UploadPlace(id=secrets.token_hex(16), collection=collection, until=now + LEASE_S * SECOND)
            session.add(place)
            return place.id

    def renew(self, held: Mapping[str, str]) -> None:
        """Put off the end of places, collections by id; one that was taken for a dead gateway's counts again."""
        with self._database.write() as session:
            until = self._clock() + LEASE_S * SECOND
            for id_, collection in sorted(held.items()):
                update = sa.update(UploadPlace).where(UploadPlace.id == id_).values(until=until)
                if not session.execute(update).rowcount:  # type: ignore[attr-defined]
                    session.execute(sa.insert(UploadPlace).values(id=id_, collection=collection, until=until))

    def leave(self, id_: str) -> None:
        with self._database.write() as session:
            session.execute(sa.delete(UploadPlace).where(UploadPlace.id == id_))
