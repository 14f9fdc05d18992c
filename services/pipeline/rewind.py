"""Brings stamps of a clock that was ahead back to now: nothing may wait until that time comes again."""

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from services.catalog.database import Database
from services.catalog.models import Job, Tombstone, Upload, UploadPlace, Video
from services.catalog.states import UNFINISHED, VideoState
from services.core.times import SECOND
from services.pipeline import ledger

AHEAD = 120 * SECOND
"""Waits between attempts, and clocks of several machines, lie within this."""
SWEEP_AHEAD = 900 * SECOND
_UNDER_WAY = (VideoState.PROCESSING, VideoState.DELETING)


def rewind(database: Database) -> int:
    """Set right what lies further ahead than it can; returns how many stamps there were."""
    now = ledger.now()
    moving: sa.ColumnElement[bool] = Job.state.in_(UNFINISHED)
    stamps: list[tuple[InstrumentedAttribute[int], int, sa.ColumnElement[bool]]] = [
        (Job.not_before, AHEAD, moving),
        (Job.sent, AHEAD, moving),
        (Job.alive, AHEAD, moving),
        (Video.updated, AHEAD, Video.state.in_(_UNDER_WAY)),
        (Upload.updated, AHEAD, sa.true()),
        (UploadPlace.until, AHEAD, sa.true()),
        (Tombstone.next_sweep, SWEEP_AHEAD, sa.true()),
    ]
    changed = 0
    with database.write() as session:
        for column, ahead, which in stamps:
            update = sa.update(column.class_).where(column > now + ahead, which).values({column.key: now})
            result = session.execute(update.execution_options(synchronize_session=False))
            changed += result.rowcount  # type: ignore[attr-defined]
    return changed
