"""Finds what was lost: silent workers, lost messages, unfinished removals, forgotten uploads.

It looks at the catalog alone and needs nothing that Redis may have lost. Each finding is checked again inside the
transaction that mends it, so several reconcilers may run at once.
"""

from collections.abc import Callable

import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import Job, Tombstone, Upload, Video
from services.catalog.states import JobState, VideoState
from services.core import artifacts
from services.core.errors import Unavailable, VidxError
from services.core.names import VideoName
from services.core.store import Artifacts
from services.core.times import SECOND
from services.pipeline import ledger, workflow
from services.pipeline.control import Control
from services.pipeline.ports import Queue
from services.pipeline.service import Pipeline
from services.pipeline.settings import PipelineSettings
from services.runtime import telemetry
from services.runtime.queue import REPORT_QUEUE

SWEEPS_S = (60, 600)
"""After the first sweep of a removed video, the next come so many seconds later."""
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
        self._listening_since = ledger.now()

    def look(self) -> None:
        """One look; a part that does not answer delays what needs it and nothing else."""
        for act in (
            self._revive_silent,
            self._resend_unclaimed,
            self._pipeline.dispatch,
            self._finish_removals,
            self._sweep_tombstones,
            self._drop_stale_uploads,
        ):
            try:
                act()
            except VidxError as error:
                _log.warning("look_failed", look=act.__name__, reason=error.reason, message=error.message)

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
                self._pipeline.lose(session, video, job)

    def _resend_unclaimed(self) -> None:
        """Messages that nobody began although their queue is empty are sent again."""
        before = ledger.now() - int(self._settings.unclaimed_s * SECOND)
        for queue in workflow.STAGES:
            with self._database.read() as session:
                query = sa.select(Job).where(Job.state == JobState.QUEUED, Job.queue == queue, Job.sent < before)
                unclaimed = session.scalars(query).all()
            if not unclaimed or self._depth(queue) != 0 or self._depth(REPORT_QUEUE) != 0:
                continue
            for row in unclaimed:
                with self._database.write() as session:
                    job = session.get(Job, ledger.job_key(row), with_for_update=True)
                    if job is None or job.state != JobState.QUEUED or job.sent != row.sent:
                        continue
                    message = self._pipeline.resend(session, job)
                if message is not None:
                    self._pipeline.send([message])

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
            keys = [o.key for o in self._store.objects.walk(prefix)]
            planned = VideoName(upload.collection, upload.planned)
            with self._database.read() as session:
                owned = ledger.find(session, planned) is not None
            if not owned:
                keys += [o.key for o in self._store.objects.walk(artifacts.prefix(planned))]
            self._store.objects.delete(keys)
            with self._database.write() as session:
                row = session.get(Upload, (upload.collection, upload.request_id))
                if row is not None and row.updated < before:
                    session.delete(row)


def _attempt(event: str, name: VideoName, act: Callable[[VideoName], object]) -> bool:
    try:
        act(name)
    except VidxError as error:
        _log.warning(event, video=str(name), reason=error.reason, message=error.message)
        return False
    return True
