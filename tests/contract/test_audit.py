"""The database refuses to change or remove what the audit log holds."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from services.catalog.audit import Asked, Audit
from services.catalog.database import Database
from services.catalog.models import AuditEvent
from services.catalog.settings import CatalogSettings


def test_events_are_only_ever_added(catalog: CatalogSettings) -> None:
    database = Database(catalog)
    database.migrate()
    audit = Audit(database)
    audit.add("keys/a", "ipv4:1", "m", "c", ["n" * 1000] * 1000, "OK")
    for act in (sa.update(AuditEvent).values(actor="x"), sa.delete(AuditEvent)):
        with pytest.raises(DBAPIError, match="only ever added"), database._engine.begin() as connection:
            connection.execute(act)
    (kept,) = audit.list(Asked(), 10)
    assert (kept.actor, kept.outcome, len(kept.resources), len(kept.resources[0])) == ("keys/a", "OK", 100, 255)
    database.close()
