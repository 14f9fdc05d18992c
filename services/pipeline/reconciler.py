"""Finds what was lost: silent workers, lost messages, unfinished removals, forgotten uploads.

It looks at the catalog alone and needs nothing that Redis may have lost. Each finding is checked again inside the
transaction that mends it, so several reconcilers may run at once.
"""

import time
from collections.abc import Callable

import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import Job, Tombstone, Upload, Video
from services.catalog.states import IN_FLIGHT, JobState, VideoState
from services.core import artifacts
from services.core.errors import Unavailable, VidxError
from services.core.names import VideoName
from services.core.store import Artifacts
from services.core.times import SECOND
from services.pipeline import ledger, orphans, workflow
from services.pipeline.control import Control
from services.pipeline.ports import Queue
from services.pipeline.relabel import relabel
from services.pipeline.rewind import rewind
from services.pipeline.service import Pipeline
from services.pipeline.settings import PipelineSettings
from services.pipeline.upgrade import upgrade
from services.runtime import telemetry
from services.runtime.queue import REPORT_QUEUE

SWEEPS_S = (60, 600)
"""After the first sweep of a removed video, the next come so many seconds later."""
CLOCK_STEP = 5 * SECOND
"""A clock that goes back by less is being slewed."""
_log = telemetry.log(__name__)


class Reconciler:
    """Looks at everything once a tick."""

    def __init__(
        self,
        database: Database,
        store: Artifacts,
        queue: Queue,
        pipeline: Pipeline,
        control: Control,
        settings: PipelineSettings,
    ) -> None:
        self._database = database
        self._store = store
        self._queue = queue
        self._pipeline = pipeline
        self._control = control
        self._settings = settings
        self._listening_since = self._looked = ledger.now()
        self._outdated = True
        self._drift: int | None = None
        """How far the clock is ahead of the one that nobody sets, as last seen."""
        self._next_orphans = 0

    def look(self) -> None:
        """One look; a part that does not answer delays what needs it and nothing else."""
        if ledger.now() - self._looked > int((self._settings.silence_s + 5 * self._settings.tick_s) * SECOND):
            # This process stood still, and perhaps the whole machine did: hear the workers first.
            self._listening_since = ledger.now()
        for act in (
            self._watch_the_clock,
            self._revive_silent,
            self._resend_unclaimed,
            self._free_stuck,
            self._upgrade,
            self._pipeline.dispatch,
            self._relabel,
            self._finish_removals,
            self._sweep_tombstones,
            self._drop_stale_uploads,
            self._drop_orphans,
        ):
            try:
                act()
            except VidxError as error:
                _log.warning("look_failed", look=act.__name__, reason=error.reason, message=error.message)
            except Exception:
                _log.error("look_crashed", look=act.__name__, exc_info=True)
        self._looked = ledger.now()

    def _watch_the_clock(self) -> None:
        """A clock that was set back leaves stamps that lie ahead; so may the clock of the process before this one."""
        drift = ledger.now() - time.monotonic_ns()
        if self._drift is not None and drift > self._drift - CLOCK_STEP:
            return
        changed = rewind(self._database)
        if changed or self._drift is not None:
            _log.warning("clock_set_back", stamps=changed)
            # What was heard and seen is told by the clock of before.
            self._listening_since = self._looked = ledger.now()
        self._drift = drift

    def _revive_silent(self) -> None:
        """Jobs whose worker has said nothing for too long are tried again."""
        silence = int(self._settings.silence_s * SECOND)
        # Reports that waited while nobody listened are no sign of dead workers.
        if ledger.now() - self._listening_since < silence or self._depth(REPORT_QUEUE) != 0:
            return
        with self._database.read() as session:
            query = sa.select(Job).where(Job.state == JobState.RUNNING, Job.alive < ledger.now() - silence)
            silent = session.scalars(query).all()
        for row in silent:
            with self._database.write() as session:
                video = ledger.find(session, ledger.name_of(row), lock=True)
                job = session.get(Job, ledger.job_key(row))
                if video is None or job is None or job.state != JobState.RUNNING or job.alive != row.alive:
                    continue
                _log.warning("worker_lost", video=str(ledger.name_of(row)), stage=row.step, segment=row.segment)
                unwanted = self._pipeline.lose(session, video, job)
            self._pipeline.drop(unwanted)

    def _resend_unclaimed(self) -> None:
        """Messages that nobody began are sent again, when their queue is empty or has come to later ones."""
        patience = int(self._settings.unclaimed_s * SECOND)
        with self._database.read() as session:
            late = sa.select(Job.queue).where(Job.state == JobState.QUEUED, Job.sent < ledger.now() - patience)
            queues = set(session.scalars(late.distinct()))
        for queue in (stage for stage in workflow.STAGES if stage in queues):
            with self._database.read() as session:
                query = sa.select(Job).where(Job.state == JobState.QUEUED, Job.queue == queue)
                unclaimed = session.scalars(query.where(Job.sent < ledger.now() - patience)).all()
                later = sa.select(sa.func.max(Job.sent)).where(Job.state == JobState.RUNNING, Job.queue == queue)
                passed = (session.scalar(later) or 0) - patience
            if not unclaimed or self._depth(REPORT_QUEUE) != 0:
                continue
            if self._depth(queue) != 0:
                unclaimed = [row for row in unclaimed if row.sent < passed]
            for row in unclaimed:
                with self._database.write() as session:
                    job = session.get(Job, ledger.job_key(row), with_for_update=True)
                    if job is None or job.state != JobState.QUEUED or job.sent != row.sent:
                        continue
                    message = self._pipeline.resend(session, job)
                if message is not None:
                    self._pipeline.send([message])

    def _free_stuck(self) -> None:
        """Videos that no job moves on."""
        before = ledger.now() - int(self._settings.silence_s * SECOND)
        mine = sa.and_(Job.collection == Video.collection, Job.video == Video.id)
        moving = sa.exists().where(mine, Job.state.in_((JobState.DUE, *IN_FLIGHT)))
        with self._database.read() as session:
            query = sa.select(Video).where(Video.state == VideoState.PROCESSING, Video.updated < before, ~moving)
            stuck = [ledger.name_of(video) for video in session.scalars(query)]
        for name in stuck:
            self._pipeline.free(name)

    def _relabel(self) -> None:
        relabel(self._database, self._control)

    def _upgrade(self) -> None:
        # Videos of an earlier version are there when this process starts, or not at all.
        self._outdated = self._outdated and upgrade(self._database)

    def _depth(self, queue: str) -> int | None:
        try:
            return self._queue.depth(queue)
        except Unavailable:
            self._listening_since = ledger.now()
            return None

    def _finish_removals(self) -> None:
        before = ledger.now() - 30 * SECOND
        with self._database.read() as session:
            query = sa.select(Video).where(Video.state == VideoState.DELETING, Video.updated < before)
            names = [ledger.name_of(v) for v in session.scalars(query)]
        for name in names:
            _attempt("removal_delayed", name, self._control.finish_removal)

    def _sweep_tombstones(self) -> None:
        with self._database.read() as session:
            found = session.scalars(sa.select(Tombstone).where(Tombstone.next_sweep < ledger.now()).limit(100)).all()
        for row in found:
            if not _attempt("sweep_delayed", VideoName(row.collection, row.video), self._control.sweep):
                continue
            with self._database.write() as session:
                tombstone = session.get(Tombstone, (row.collection, row.video))
                if tombstone is None:
                    continue
                if tombstone.sweeps >= len(SWEEPS_S):
                    session.delete(tombstone)
                else:
                    tombstone.next_sweep = ledger.now() + SWEEPS_S[tombstone.sweeps] * SECOND
                    tombstone.sweeps += 1

    def _drop_stale_uploads(self) -> None:
        before = ledger.now() - int(self._settings.upload_keep_s * SECOND)
        with self._database.read() as session:
            found = session.scalars(sa.select(Upload).where(Upload.updated < before).limit(100)).all()
        for upload in found:
            prefix = artifacts.upload_prefix(upload.collection, upload.request_id)
            self._store.objects.delete([o.key for o in self._store.objects.walk(prefix)])
            with self._database.write() as session:
                row = session.get(Upload, (upload.collection, upload.request_id), with_for_update=True)
                if row is None or row.updated >= before:
                    continue
                session.delete(row)
                # The source may lie there without an entry; the row is gone, so that nobody can enter it any more.
                planned = VideoName(row.collection, row.planned)
                if ledger.find(session, planned) is None:
                    ledger.bury(session, planned, ledger.now())

    def _drop_orphans(self) -> None:
        # Seldom, as it lists the store.
        if ledger.now() < self._next_orphans:
            return
        self._next_orphans = ledger.now() + int(self._settings.orphans_s * SECOND)
        if found := orphans.drop(self._database, self._store):
            _log.info("orphans_dropped", objects=found)


def _attempt(event: str, name: VideoName, act: Callable[[VideoName], object]) -> bool:
    """Whether it worked. Raises Unavailable, which it would be for the next name too, and takes as long to tell."""
    try:
        act(name)
    except Unavailable:
        raise
    except Exception as error:
        _log.warning(event, video=str(name), message=str(error)[:300], exc_info=not isinstance(error, VidxError))
        return False
    return True
