"""The state of the whole platform, as the catalog and the broker know it; for people and for Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Job, Video
from services.catalog.states import ENDED, JobState, VideoState
from services.core.errors import Unavailable
from services.core.times import SECOND
from services.pipeline import backlog, ledger, workflow
from services.pipeline.backlog import Done, Waiting
from services.pipeline.ports import Broker
from services.runtime.heartbeat import Seen
from services.runtime.queue import REPORT_QUEUE

QUEUES = (*workflow.STAGES, REPORT_QUEUE)
MEASURED_S = 1800
"""The speed of indexing is that of the last so many seconds."""
COUNTED = tuple(state for state in JobState if state != JobState.SUCCEEDED)
"""Of jobs that succeeded there are as many as the archive is large; a counter tells of them."""


@dataclass(frozen=True)
class QueueView:
    """A queue: jobs of its stage by state, seconds that the oldest message waits, and what the broker knows."""

    queue: str
    jobs: Mapping[str, int]
    oldest_s: float
    seen: Seen | None
    """None when the broker does not answer."""


@dataclass(frozen=True)
class Cause:
    """Videos that FAILED, or that lack a track (`fatal` is False), by stage and reason."""

    stage: str
    reason: str
    fatal: bool
    videos: int


@dataclass(frozen=True)
class Overview:
    """Everything at one moment."""

    videos: Mapping[str, int] = field(default_factory=dict)
    queues: tuple[QueueView, ...] = ()
    causes: tuple[Cause, ...] = ()
    rows: int = 0
    """Of READY videos in the index."""
    backlog_s: float = 0.0
    """Seconds of media still to be indexed."""
    speed: float = 0.0
    """Media seconds indexed in a second, lately; 0 when there was nothing to measure."""

    @property
    def remaining_s(self) -> float | None:
        """Seconds until nothing waits, if it goes on as it went; None when that cannot be told."""
        busy = self.videos.get(VideoState.PROCESSING, 0) > 0
        if not busy:
            return 0.0
        return self.backlog_s / self.speed if self.speed > 0 and self.backlog_s > 0 else None


def survey(database: Database, broker: Broker) -> Overview:
    """What is so now. Raises Unavailable when the catalog does not answer."""
    now = ledger.now()
    with database.read() as session:
        videos = _videos(session)
        rows = session.scalar(sa.select(sa.func.sum(Video.row_count)).where(Video.state == VideoState.READY)) or 0
        jobs = _jobs(session)
        oldest = _oldest(session)
        causes = _causes(session)
        done, waiting = _done(session, now), _waiting(session)
    try:
        seen: Mapping[str, Seen] | None = broker.look(QUEUES)
    except Unavailable:
        seen = None
    queues = tuple(
        QueueView(
            name,
            jobs.get(name, {}),
            max(0, now - oldest[name]) / SECOND if name in oldest else 0.0,
            seen[name] if seen is not None else None,
        )
        for name in QUEUES
    )
    speed = backlog.speed(done, waiting, now - MEASURED_S * SECOND, now)
    return Overview(videos, queues, causes, int(rows), backlog.left_s(waiting), speed)


def _videos(session: Session) -> dict[str, int]:
    rows = session.execute(sa.select(Video.state, sa.func.count()).group_by(Video.state))
    return {row[0]: row[1] for row in rows}


def _jobs(session: Session) -> dict[str, dict[str, int]]:
    query = sa.select(Job.queue, Job.state, sa.func.count()).where(Job.state.in_(COUNTED))
    found: dict[str, dict[str, int]] = {}
    for queue, state, count in session.execute(query.group_by(Job.queue, Job.state)):
        found.setdefault(queue, {})[state] = count
    return found


def _oldest(session: Session) -> dict[str, int]:
    query = sa.select(Job.queue, sa.func.min(Job.sent)).where(Job.state == JobState.QUEUED).group_by(Job.queue)
    return {row[0]: row[1] for row in session.execute(query)}


def _causes(session: Session) -> tuple[Cause, ...]:
    count = sa.func.count()
    failed = sa.select(Video.error_stage, Video.error_reason, count).where(Video.state == VideoState.FAILED)
    lacking = sa.func.count(sa.distinct(Job.collection + "/" + Job.video))
    given_up = sa.select(Job.queue, Job.reason, lacking).where(Job.state == JobState.GIVEN_UP)
    found = [
        Cause(stage, reason, fatal, videos)
        for fatal, query in (
            (True, failed.group_by(Video.error_stage, Video.error_reason)),
            (False, given_up.group_by(Job.queue, Job.reason)),
        )
        for stage, reason, videos in session.execute(query)
    ]
    return tuple(sorted(found, key=lambda c: (not c.fatal, -c.videos, c.stage, c.reason)))


def _done(session: Session, now: int) -> list[Done]:
    query = sa.select(Video.created, Video.ready, Video.duration).where(
        Video.state == VideoState.READY, Video.ready >= now - MEASURED_S * SECOND
    )
    return [Done(*row) for row in session.execute(query)]


def _waiting(session: Session) -> list[Waiting]:
    ended = sa.func.sum(sa.case((Job.state.in_(ENDED), 1), else_=0))
    mine = sa.and_(Job.collection == Video.collection, Job.video == Video.id)
    query = (
        sa.select(Video.created, Video.duration, Video.size_bytes, ended, sa.func.count())
        .join(Job, mine)
        .where(Video.state == VideoState.PROCESSING)
        .group_by(Video.collection, Video.id, Video.created, Video.duration, Video.size_bytes)
    )
    return [
        Waiting(created, duration, size, int(done) / total)
        for created, duration, size, done, total in session.execute(query)
    ]
