"""Parts of uploads that no upload owns: sent to an address that outlived its upload."""

import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import Upload
from services.core import artifacts
from services.core.store import Artifacts


def drop(database: Database, store: Artifacts) -> int:
    """Remove them; returns how many there were.

    An upload is in the catalog before its first part can be in the store, so that a part that was there before the
    catalog was asked, and that nobody there owns, will have no owner.
    """
    parts = [part.key for part in store.objects.walk(artifacts.UPLOADS)]
    if not parts:
        return 0
    with database.read() as session:
        known = session.execute(sa.select(Upload.collection, Upload.request_id)).all()
    owned = {artifacts.upload_prefix(collection, request_id) for collection, request_id in known}
    orphans = [key for key in parts if key[: key.rindex("/") + 1] not in owned]
    if orphans:
        store.objects.delete(orphans)
    return len(orphans)
