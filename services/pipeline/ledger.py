"""The jobs of a video in the catalog: how they come to be and how they move on.

Every function runs inside a transaction of its caller. A move is a compare-and-set, so that several pipelines and
gateways can work on the same rows.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.catalog.models import Job, Share, Tombstone, Video
from services.catalog.states import IN_FLIGHT, UNFINISHED, WHOLE_VIDEO, JobState, VideoState
from services.core import artifacts, jobs
from services.core.names import VideoName
from services.pipeline import workflow
from services.pipeline.shares import share


def now() -> int:
    """Nanoseconds since the epoch."""
    return time.time_ns()


def name_of(row: Video | Job) -> VideoName:
    return VideoName(row.collection, row.id if isinstance(row, Video) else row.video)


def key(name: VideoName) -> tuple[str, str]:
    """Primary key of a video."""
    return name.collection, name.video


def job_key(row: Job) -> tuple[str, str, str, int]:
    """Primary key of a job."""
    return row.collection, row.video, row.step, row.segment


def number(segment: int | None) -> int:
    """A segment as the catalog writes it."""
    return WHOLE_VIDEO if segment is None else segment


def bare(rows: Sequence[Job]) -> list[jobs.Job]:
    """The jobs by name only, as much as revoking them takes."""
    return [jobs.Job(name_of(r), r.step, None if r.segment == WHOLE_VIDEO else r.segment, r.attempt) for r in rows]


def find(session: Session, name: VideoName, *, lock: bool = False) -> Video | None:
    """The video; `lock` makes other transactions wait for this one."""
    return session.get(Video, key(name), with_for_update=lock)


def jobs_of(session: Session, video: Video) -> Sequence[Job]:
    query = sa.select(Job).where(Job.collection == video.collection, Job.video == video.id)
    return session.scalars(query.order_by(Job.step, Job.segment)).all()


def jobs_by_video(session: Session, collection: str, videos: Sequence[str]) -> Mapping[str, Sequence[Job]]:
    """The jobs of videos of one collection, by the videos' ids, in one question."""
    query = sa.select(Job).where(Job.collection == collection, Job.video.in_(videos))
    found: dict[str, list[Job]] = {video: [] for video in videos}
    for job in session.scalars(query.order_by(Job.step, Job.segment)):
        found[job.video].append(job)
    return found


def given(video: Video) -> dict[str, str]:
    """The artifacts that a video begins with."""
    return {"source": artifacts.source_key(name_of(video)), "info": video.info_key}


def start(session: Session, video: Video) -> None:
    """Make the first jobs of a new video."""
    _add(session, video, workflow.first_units())
    session.flush()
    advance(session, video)


def advance(session: Session, video: Video) -> Sequence[Job]:
    """Make due what has become possible, and return the video's jobs; call after any change of them."""
    jobs = jobs_of(session, video)
    plan = next((j for j in jobs if j.step == workflow.PLANNING), None)
    if plan is not None and plan.state == JobState.SUCCEEDED:
        # A video that an earlier version indexed has no jobs yet of the steps that came since.
        wanted = [*workflow.first_units(), *workflow.segment_units(plan.counts.get("segments", 0))]
        known = {(j.step, j.segment): j for j in jobs}
        for obsolete in known.keys() - set(wanted):
            session.delete(known[obsolete])
        if known.keys() != set(wanted):
            _add(session, video, [u for u in wanted if u not in known])
            session.flush()
            jobs = jobs_of(session, video)
    for unit in workflow.due(jobs, given(video)):
        assert isinstance(unit, Job)
        unit.state = JobState.DUE
    video.updated = now()
    return jobs


def restart(session: Session, video: Video, steps: set[str], units: Sequence[Job] = ()) -> None:
    """Do the named steps again, these units, and whatever failed or was cancelled."""
    keys = {job_key(unit) for unit in units}
    for job in jobs_of(session, video):
        if job.step in steps or job_key(job) in keys or job.state in (JobState.FAILED, JobState.CANCELLED):
            if job.state in IN_FLIGHT:
                job.again = True
                continue
            undo(job)
    video.state = VideoState.PROCESSING
    video.error_stage = video.error_reason = video.error_message = ""
    session.flush()
    advance(session, video)


def undo(job: Job) -> None:
    """Forget that a job has ended."""
    job.state, job.tries, job.not_before = JobState.WAITING, 0, 0
    job.reason = job.message = ""
    job.ended = 0


def stop(session: Session, video: Video, state: VideoState, job_state: JobState) -> list[Job]:
    """End a video that is under way; returns the jobs that were in flight."""
    flying = []
    for job in jobs_of(session, video):
        if job.state in UNFINISHED:
            if job.state in IN_FLIGHT:
                flying.append(job)
            job.state = job_state
    video.state = state
    video.updated = now()
    return flying


def bury(session: Session, name: VideoName, next_sweep: int) -> None:
    """Remember a video that is gone, so that what is still written for it is taken away."""
    stone = Tombstone(collection=name.collection, video=name.video, removed=now(), sweeps=0, next_sweep=next_sweep)
    session.merge(stone)


def claim(session: Session, queue: str, room: int) -> list[Job]:
    """Take at most `room` due jobs of a queue, the collections in turn and of each the oldest videos first, and mark
    them sent.
    """
    waiting = session.scalars(_COLLECTIONS, {"queue": queue}).all()
    if not waiting:
        return []
    # Whoever holds the clock is the only one that shares the queue out; what it reads after that is as it stands.
    clock = session.get(Share, (queue, ""), with_for_update=True) or _clock(session, queue)
    known = sa.select(Share).where(Share.queue == queue, Share.collection.in_(waiting))
    shares = {row.collection: row for row in session.scalars(known.order_by(Share.collection).with_for_update())}
    lines = {collection: _oldest(session, queue, collection, room) for collection in waiting}
    shared = share(lines, {name: row.turn for name, row in shares.items()}, clock.turn, room)
    clock.turn = shared.clock
    for collection, turn in shared.turns.items():
        if collection in shares:
            shares[collection].turn = turn
        else:
            session.add(Share(queue=queue, collection=collection, turn=turn))
    for job in shared.sent:
        job.state, job.sent, job.alive, job.done, job.again = JobState.QUEUED, now(), 0, 0, False
        job.attempt += 1
    return shared.sent


def _clock(session: Session, queue: str) -> Share:
    """The clock of a queue that has had none; of two that make it, one waits for the other."""
    with contextlib.suppress(IntegrityError), session.begin_nested():
        session.add(Share(queue=queue, collection="", turn=0))
    clock = session.get(Share, (queue, ""), with_for_update=True)
    assert clock is not None
    return clock


def _oldest(session: Session, queue: str, collection: str, room: int) -> Iterator[Job]:
    """A collection's due jobs, looked up when the first is wanted."""
    values = {"queue": queue, "collection": collection, "now": now(), "room": room}
    yield from session.scalars(_OLDEST, values)


def _collections() -> sa.Select[str]:
    """The collections that have due jobs: one look into the index for each, however many jobs it has."""
    first = sa.select(sa.func.min(Job.collection).label("id")).where(*_DUE).cte("first", recursive=True)
    after = sa.select(sa.func.min(Job.collection)).where(*_DUE, Job.collection > first.c.id).scalar_subquery()
    found = first.union_all(sa.select(after).where(first.c.id.is_not(None)))
    return sa.select(sa.type_coerce(found.c.id, sa.String)).where(found.c.id.is_not(None))


_DUE = (Job.state == JobState.DUE, Job.queue == sa.bindparam("queue"))
_COLLECTIONS = _collections()
_OLDEST = (
    sa.select(Job)
    .where(*_DUE, Job.collection == sa.bindparam("collection"), Job.not_before <= sa.bindparam("now"))
    .order_by(Job.created, Job.segment)
    .limit(sa.bindparam("room"))
    .with_for_update(skip_locked=True)
)


def in_flight(session: Session, queue: str) -> int:
    query = sa.select(sa.func.count()).select_from(Job).where(Job.queue == queue, Job.state.in_(IN_FLIGHT))
    return session.scalar(query) or 0


def _add(session: Session, video: Video, units: list[tuple[str, int]]) -> None:
    for step, segment in units:
        session.add(
            Job(
                collection=video.collection,
                video=video.id,
                step=step,
                segment=segment,
                queue=workflow.BY_NAME[step].stage,
                state=JobState.WAITING,
                created=video.created,
                attempt=0,
                tries=0,
                artifacts={},
                counts={},
            )
        )
