"""Keys of the public API: made, found, rotated, revoked.

A key is `vidx_<id>_<secret>`: the id says which one it is, the secret is 256 random bits. Only its SHA-256 is kept:
what cannot be guessed needs no slow hash, which is for passwords, and would cost each call tens of milliseconds. Keys
are looked up at every call, so that a revoked one opens nothing from then on.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import ApiKey
from services.core.access import Caller, Scope
from services.core.errors import Conflict, InvalidInput, NotFound
from services.core.names import check_id
from services.core.times import SECOND

PREFIX = "vidx_"
MAX_TITLE = 200
MAX_COLLECTIONS = 1000
USED_NS = 60 * SECOND
"""How fine the time of last use is kept: a write a call would cost more than the call."""


@dataclass(frozen=True)
class Wanted:
    """What a new key is to open. `collections`: ids, or None for all. `expires`: ns since the epoch, 0 for never."""

    title: str
    scope: Scope
    collections: Sequence[str] | None
    expires: int = 0


class Keys:
    """Use cases on keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, wanted: Wanted) -> tuple[ApiKey, str]:
        """A new key's row, and the key itself, which is kept nowhere."""
        row, key = _new(_checked(wanted))
        with self._database.write() as session:
            session.add(row)
        return row, key

    def list(self, limit: int, after: tuple[int, str] | None = None) -> Sequence[ApiKey]:
        """At most `limit` keys after (created, id), oldest first, revoked ones included."""
        query = sa.select(ApiKey).order_by(ApiKey.created, ApiKey.id).limit(limit)
        if after:
            query = query.where(sa.tuple_(ApiKey.created, ApiKey.id) > sa.tuple_(*map(sa.literal, after)))
        with self._database.read() as session:
            return session.scalars(query).all()

    def rotate(self, id_: str, keep_ns: int = 0) -> tuple[ApiKey, str]:
        """A new key that opens what an old one does; the old one goes on for `keep_ns`, and ends."""
        with self._database.write() as session:
            old = _existing(session, id_)
            if not _lives(old):
                raise Conflict(f"keys/{id_} has expired or was revoked; create a new one")
            row, key = _new(Wanted(old.title, Scope(old.scope), old.collections, old.expires))
            if keep_ns:
                ends = time.time_ns() + keep_ns
                old.expires = min(old.expires, ends) if old.expires else ends
            else:
                old.revoked = time.time_ns()
            session.add(row)
        return row, key

    def revoke(self, id_: str) -> ApiKey:
        """From now on the key opens nothing. Once more changes nothing."""
        with self._database.write() as session:
            row = _existing(session, id_)
            row.revoked = row.revoked or time.time_ns()
        return row

    def caller(self, key: str) -> Caller | None:
        """Who a key stands for; None when it is not known, has expired or was revoked."""
        id_ = key.removeprefix(PREFIX).partition("_")[0]
        with self._database.read() as session:
            row = session.get(ApiKey, id_[:16])
        # Compared also where there is no such key, so that the time taken tells nothing.
        same = hmac.compare_digest(_digest(key), row.digest if row else _digest(""))
        if row is None or not same or not _lives(row):
            return None
        if time.time_ns() - row.used > USED_NS:
            with self._database.write() as session:
                session.execute(sa.update(ApiKey).where(ApiKey.id == row.id).values(used=time.time_ns()))
        held = None if row.collections is None else frozenset(row.collections)
        return Caller(f"keys/{row.id}", Scope(row.scope), held)

    def goes_on(self, key: str) -> bool:
        """Whether what was let in by it may go on: not once it was revoked."""
        return self.caller(key) is not None


def _checked(wanted: Wanted) -> Wanted:
    title = " ".join(wanted.title.split())
    if not 0 < len(title) <= MAX_TITLE or not title.isprintable():
        rule = f"1 to {MAX_TITLE} printable characters, such as whose it is"
        raise InvalidInput(f"title: {rule}", fields={"title": rule})
    if wanted.collections is not None and not 0 < len(wanted.collections) <= MAX_COLLECTIONS:
        rule = f"1 to {MAX_COLLECTIONS}, or all of them"
        raise InvalidInput(f"collections: {rule}", fields={"collections": rule})
    for collection in wanted.collections or ():
        check_id(collection, "collections")
    if wanted.expires and not time.time_ns() < wanted.expires < 1 << 63:
        raise InvalidInput("expire_time lies in the past, or too far off", fields={"expire_time": "in the future"})
    held = None if wanted.collections is None else sorted(set(wanted.collections))
    return Wanted(title, wanted.scope, held, wanted.expires)


def _new(wanted: Wanted) -> tuple[ApiKey, str]:
    id_ = _random(5)
    key = f"{PREFIX}{id_}_{_random(32)}"
    held = None if wanted.collections is None else list(wanted.collections)
    row = ApiKey(
        id=id_,
        title=wanted.title,
        digest=_digest(key),
        scope=int(wanted.scope),
        collections=held,
        created=time.time_ns(),
        expires=wanted.expires,
        revoked=0,
        used=0,
    )
    return row, key


def _random(size: int) -> str:
    return base64.b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _lives(row: ApiKey) -> bool:
    return not row.revoked and (not row.expires or row.expires > time.time_ns())


def _existing(session: Session, id_: str) -> ApiKey:
    row = session.get(ApiKey, id_, with_for_update=True)
    if row is None:
        raise NotFound(f"no keys/{id_}")
    return row
