"""Who did what, to what, and what came of it. Events are only ever added: the database refuses anything else."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import AuditEvent

OK = "OK"
MAX_RESOURCES = 100
_MAX_NAME = 255


@dataclass(frozen=True)
class Asked:
    """Which events are wanted; what is empty or 0 bounds nothing. Times in ns since the epoch, half-open."""

    collection: str = ""
    actor: str = ""
    method: str = ""
    begin: int = 0
    end: int = 0


class Audit:
    """The record of events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, actor: str, peer: str, method: str, collection: str, resources: Sequence[str], outcome: str) -> None:
        """Add an event, now. `outcome`: OK, or the reason of an error. Raises Unavailable when it cannot be kept."""
        row = AuditEvent(
            time=time.time_ns(),
            actor=actor[:_MAX_NAME],
            peer=peer[:_MAX_NAME],
            method=method[:_MAX_NAME],
            collection=collection,
            resources=[name[:_MAX_NAME] for name in resources[:MAX_RESOURCES]],
            outcome=outcome,
        )
        with self._database.write() as session:
            session.add(row)

    def list(self, asked: Asked, limit: int, before: int | None = None) -> Sequence[AuditEvent]:
        """At most `limit` events of a lower id than `before`, newest first."""
        query = sa.select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
        for column, wanted in (
            (AuditEvent.collection, asked.collection),
            (AuditEvent.actor, asked.actor),
            (AuditEvent.method, asked.method),
        ):
            if wanted:
                query = query.where(column == wanted)
        if asked.begin:
            query = query.where(AuditEvent.time >= asked.begin)
        if asked.end:
            query = query.where(AuditEvent.time < asked.end)
        if before is not None:
            query = query.where(AuditEvent.id < before)
        with self._database.read() as session:
            return session.scalars(query).all()
