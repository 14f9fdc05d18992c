"""Drives every video's jobs: takes in reports and sends what is due."""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Job, Video
from services.catalog.states import IN_FLIGHT, JobState, VideoState
from services.core import jobs
from services.core.errors import Incomplete, Internal, Unavailable, WorkerLost
from services.core.names import VideoName
from services.pipeline import ledger, outcomes, webhooks, workflow
from services.pipeline.ports import Queue
from services.pipeline.settings import PipelineSettings
from services.runtime import telemetry
from services.runtime.queue import Report

_log = telemetry.log(__name__)


class Pipeline:
    """The use cases of the pipeline's process. Safe to run in several processes at once."""

    def __init__(self, database: Database, queue: Queue, settings: PipelineSettings) -> None:
        self._database = database
        self._queue = queue
        self._settings = settings

    def report(self, report: Report) -> None:
        """Take in what a worker says of a job; what it says of an earlier attempt is passed over."""
        name, segment = report.job.video, report.job.segment
        with self._database.write() as session:
            video = ledger.find(session, name, lock=True)
            job = session.get(Job, (*ledger.key(name), report.job.step, ledger.number(segment)))
            if video is None or job is None or job.state not in IN_FLIGHT or job.attempt != report.job.attempt:
                return
            video.updated = ledger.now()
            if report.event == "alive":
                job.state, job.alive = JobState.RUNNING, ledger.now()
                job.started = job.started or ledger.now()
                job.done, job.total = report.done, report.total
                return
            revoked = self._ended(session, video, job, report)
        self.drop(revoked)
        self.dispatch()

    def dispatch(self) -> None:
        """Send due jobs, as many as each queue's window has room for."""
        with self._database.read() as session:
            due = sa.select(Job.queue).where(Job.state == JobState.DUE, Job.not_before <= ledger.now()).distinct()
            waiting = set(session.scalars(due))
        if not waiting:
            return
        messages = []
        with self._database.write() as session:
            for queue in (stage for stage in workflow.STAGES if stage in waiting):
                room = self._settings.window - ledger.in_flight(session, queue)
                claimed = ledger.claim(session, queue, room) if room > 0 else []
                messages += self._messages(session, claimed)
        self.send(messages)

    def lose(self, session: Session, video: Video, job: Job) -> list[jobs.Job]:
        """A job's worker died under it; returns the jobs to `drop` after the transaction."""
        message = "the worker died, or lost its connection, while it worked on this"
        return self._failed(session, video, job, WorkerLost.reason, message, WorkerLost.retryable)

    def free(self, name: VideoName) -> None:
        """A video on which nothing is due or under way goes on, or fails: it must not stay as it is."""
        with self._database.write() as session:
            video = ledger.find(session, name, lock=True)
            if video is None or video.state != VideoState.PROCESSING:
                return
            units = ledger.advance(session, video)
            if any(j.state in (JobState.DUE, *IN_FLIGHT) for j in units):
                return
            job = min((j for j in units if j.state == JobState.WAITING), key=_order, default=units[-1])
            message = f"{job.step} waits for what no other step has given; this is a fault of the platform"
            self._failed(session, video, job, Internal.reason, message, Internal.retryable)

    def resend(self, session: Session, job: Job) -> jobs.Job | None:
        """The message for a job that is to be sent once more; the caller sends it after the transaction."""
        job.sent = ledger.now()
        return next(iter(self._messages(session, [job])), None)

    def send(self, messages: list[jobs.Job]) -> None:
        """Send; what cannot be sent stays marked as sent, and the reconciler sends it when the broker is back."""
        for message in messages:
            try:
                self._queue.send(message)
            except Unavailable as error:
                _log.warning("send_failed", video=str(message.video), stage=message.step, message=error.message)
                return

    def drop(self, unwanted: list[jobs.Job]) -> None:
        """Tell workers of jobs that are no longer wanted; not inside a transaction, for the broker may be away."""
        if unwanted:
            self._queue.revoke(unwanted)

    def _ended(self, session: Session, video: Video, job: Job, report: Report) -> list[jobs.Job]:
        """Move a job on that has come to an end; returns the jobs that are no longer wanted."""
        job.ended = ledger.now()
        job.started = job.started or job.ended - report.busy_ns
        job.busy += report.busy_ns
        if report.event == "failed":
            return self._failed(session, video, job, report.reason, report.message, report.retryable)
        if report.event == "cancelled" or job.again:
            # Cancelled although the video goes on: a revocation of its earlier life.
            job.state, job.not_before = JobState.DUE, 0
            return []
        job.state, job.reason, job.message = JobState.SUCCEEDED, report.reason, _storable(report.message)
        job.artifacts, job.counts = dict(report.artifacts), dict(report.counts)
        job.done = job.total
        if job.step == workflow.PLANNING:
            video.duration = job.counts.get("duration_ns", 0)
        if job.step == workflow.INDEXING:
            if not workflow.complete(job.counts):
                rows, expected = job.counts.get("rows", 0), job.counts.get("expected", 0)
                message = f"{rows} rows in the index, {expected} were written"
                return self._failed(session, video, job, Incomplete.reason, message, Incomplete.retryable)
            video.row_count = job.counts["rows"]
        self._go_on(session, video)
        return []

    def _go_on(self, session: Session, video: Video) -> None:
        """Make due what has become possible; READY when nothing is left."""
        session.flush()
        if workflow.ready(ledger.advance(session, video)):
            video.state, video.ready = VideoState.READY, ledger.now()
            webhooks.announce(session, webhooks.READY, video)
            outcomes.ended(session, video)
            _log.info("video_ready", video=str(ledger.name_of(video)), rows=video.row_count)

    def _failed(
        self, session: Session, video: Video, job: Job, reason: str, message: str, retryable: bool
    ) -> list[jobs.Job]:
        """Try again later, or give up the job or else the video; returns the jobs that are no longer wanted."""
        # A crash counts as several tries: what kills its workers is given up sooner than what waits for a part.
        weight = -(-self._settings.max_tries // self._settings.max_crashes) if reason == WorkerLost.reason else 1
        job.tries += weight
        message = _storable(message)
        job.reason, job.message = reason, message
        outcomes.failed(session, job.step, reason)
        dispensable = workflow.BY_NAME[job.step].dispensable
        if retryable and job.tries < (self._settings.spare_tries if dispensable else self._settings.max_tries):
            job.state, job.not_before = JobState.DUE, ledger.now() + workflow.backoff_ns(job.tries // weight)
            return []
        if dispensable:
            job.state, job.artifacts, job.counts = JobState.GIVEN_UP, {}, {}
            name = str(ledger.name_of(video))
            _log.warning("step_given_up", video=name, stage=job.step, reason=reason, message=message)
            self._go_on(session, video)
            return []
        job.state = JobState.FAILED
        flying = ledger.stop(session, video, VideoState.FAILED, JobState.CANCELLED)
        video.error_stage, video.error_reason, video.error_message = job.queue, reason, message
        webhooks.announce(session, webhooks.FAILED, video)
        outcomes.ended(session, video, reason)
        _log.warning("video_failed", video=str(ledger.name_of(video)), stage=job.step, reason=reason, message=message)
        return ledger.bare(flying)

    def _messages(self, session: Session, claimed: Sequence[Job]) -> list[jobs.Job]:
        """The messages of jobs, but of those whose inputs are gone: they wait again. Reads each video once."""
        videos: dict[VideoName, tuple[Video, Sequence[Job]]] = {}
        found = []
        for job in claimed:
            name = ledger.name_of(job)
            if name not in videos:
                video = ledger.find(session, name)
                if video is None:
                    continue
                videos[name] = video, ledger.jobs_of(session, video)
            video, units = videos[name]
            message = workflow.job(name, job, job.attempt, units, ledger.given(video))
            if message is None:
                job.state = JobState.WAITING
            else:
                found.append(replace(message, trace=video.trace or ""))
        return found


def _order(job: Job) -> tuple[bool, int]:
    """Jobs without which the video fails come first, then by the order of work."""
    step = workflow.BY_NAME[job.step]
    return step.dispensable, workflow.STEPS.index(step)


def _storable(message: str) -> str:
    """Without the characters that no database keeps; a message may quote a file's."""
    return message.encode("utf-8", "replace").decode().replace("\0", " ")
