"""Brings videos that an earlier version indexed up to date: they get the steps that came since, and their rows anew."""

import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import Job, Video
from services.catalog.states import VideoState
from services.pipeline import ledger, workflow
from services.runtime import telemetry

AT_A_TIME = 20
"""Videos at one call, and under way: new ones do not wait behind a whole archive."""
_log = telemetry.log(__name__)


def upgrade(database: Database) -> bool:
    """Start a few of them; False when there are none. Until its new rows are counted a video is PROCESSING."""
    mine = sa.and_(Job.collection == Video.collection, Job.video == Video.id)
    lacks = sa.or_(*(~sa.exists().where(mine, Job.step == step) for step, _ in workflow.first_units()))
    busy = sa.select(sa.func.count()).select_from(Video).where(Video.state == VideoState.PROCESSING)
    with database.read() as session:
        room = max(0, AT_A_TIME - (session.scalar(busy) or 0))
        ready = sa.select(Video).where(Video.state == VideoState.READY, lacks).order_by(Video.created)
        names = [ledger.name_of(video) for video in session.scalars(ready.limit(room or 1))]
    for name in names[:room]:
        with database.write() as session:
            video = ledger.find(session, name, lock=True)
            if video is not None and video.state == VideoState.READY:
                _log.info("video_upgraded", video=str(name))
                ledger.restart(session, video, {workflow.INDEXING})
    return bool(names)
