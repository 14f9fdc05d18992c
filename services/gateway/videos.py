"""Videos: get, list, change, watch, shots, frames."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Job, Video
from services.catalog.states import WHOLE_VIDEO, VideoState
from services.core import artifacts
from services.core.errors import Conflict, Exhausted, InvalidInput, NotFound
from services.core.media import Shot, Shots
from services.core.names import CollectionName, VideoName, check_labels
from services.core.store import Artifacts
from services.gateway import pages
from services.gateway.collections import require
from services.gateway.progress import MissingView, StageView, missing_tracks, remaining_ns, stage_view
from services.pipeline import ledger, workflow
from services.pipeline.control import Change, Control

TERMINAL = (VideoState.READY, VideoState.FAILED, VideoState.CANCELLED)
MAX_TITLE = 500


@dataclass(frozen=True)
class VideoView:
    """A video's row, its stages, the tracks it lacks, and nanoseconds until it is READY, if they can be told."""

    name: VideoName
    row: Video
    stages: tuple[StageView, ...]
    missing: tuple[MissingView, ...]
    remaining: int | None


class Videos:
    """Use cases on videos that exist."""

    def __init__(
        self, database: Database, store: Artifacts, control: Control, watch_s: float, max_watchers: int
    ) -> None:
        self._database = database
        self._store = store
        self._control = control
        self._watch_s = watch_s
        self._watchers = threading.Semaphore(max_watchers)

    def get(self, name: VideoName) -> VideoView:
        with self._database.read() as session:
            row = self._find(session, name)
            return _view(row, ledger.jobs_of(session, row))

    def list(self, parent: CollectionName, page_size: int, page_token: str, state: str) -> tuple[list[VideoView], str]:
        """A page of videos, newest first, and the next page's token."""
        limit = pages.size(page_size, 50, 1000)
        request = [str(parent), state]
        after = pages.position(page_token, request, int, str)
        query = sa.select(Video).where(Video.collection == parent.collection)
        if state:
            query = query.where(Video.state == state)
        if after:
            created, video = after
            query = query.where(sa.or_(Video.created < created, sa.and_(Video.created == created, Video.id < video)))
        query = query.order_by(Video.created.desc(), Video.id.desc()).limit(limit + 1)
        with self._database.read() as session:
            require(session, parent)
            rows = session.scalars(query).all()
            jobs = ledger.jobs_by_video(session, parent.collection, [row.id for row in rows[:limit]])
            views = [_view(row, jobs[row.id]) for row in rows[:limit]]
        last = views[-1].row if views else None
        return views, pages.token([last.created, last.id], request) if last and len(rows) > limit else ""

    def update(self, name: VideoName, title: str | None, labels: dict[str, str] | None, etag: str = "") -> VideoView:
        """Change title or labels; None leaves as is. Raises Outdated when the etag is given and not the video's."""
        if title is not None:
            title = clean_title(title)
        if labels is not None:
            check_labels(labels, "video.labels")
        self._control.update(name, Change(title=title, labels=labels, etag=etag))
        return self.get(name)

    def watch(self, name: VideoName, active: Callable[[], bool]) -> Iterator[VideoView]:
        """The video now, and again whenever it changed, until it is READY, FAILED or CANCELLED or gone."""
        if not self._watchers.acquire(blocking=False):
            raise Exhausted("too many videos are being watched; ask with GetVideo, or try again later")
        try:
            seen = -1
            while active():
                with self._database.read() as session:
                    row = self._find(session, name)
                    # A long video has hundreds of jobs; they are read when there is something to tell.
                    view = _view(row, ledger.jobs_of(session, row)) if row.updated != seen else None
                if view is not None:
                    seen = row.updated
                    yield view
                if row.state in TERMINAL:
                    return
                time.sleep(self._watch_s)
        finally:
            self._watchers.release()

    def shots(self, name: VideoName, page_size: int, page_token: str) -> tuple[Sequence[Shot], str]:
        """A page of a video's shots, and the next page's token."""
        with self._database.read() as session:
            video = self._find(session, name)
            keys = {k: v for j in ledger.jobs_of(session, video) for k, v in j.artifacts.items()}
        if "shots" not in keys:
            raise Conflict(f"the shots of {name} are not known yet; it is {video.state}")
        shots = self._store.load(keys["shots"], Shots).shots
        return pages.cut(shots, page_size, page_token, [str(name), keys["shots"]])

    def source(self, name: VideoName) -> str:
        """Object key of a video's source."""
        with self._database.read() as session:
            self._find(session, name)
        return artifacts.source_key(name)

    @staticmethod
    def _find(session: Session, name: VideoName) -> Video:
        video = ledger.find(session, name)
        if video is None:
            raise NotFound(f"no video {name}")
        return video


def clean_title(title: str) -> str:
    """A title that can be shown: one line, no control characters, within the bound."""
    shown = "".join(c if c.isprintable() else " " for c in title).strip()
    if len(shown) > MAX_TITLE:
        rule = f"at most {MAX_TITLE} characters"
        raise InvalidInput(f"title has {len(shown)} characters: {rule}", fields={"title": rule})
    return shown


def _view(row: Video, jobs: Sequence[Job]) -> VideoView:
    planned = any(j.segment != WHOLE_VIDEO for j in jobs)
    stages = tuple(stage_view(stage, jobs, planned) for stage in workflow.STAGES)
    left = None
    if row.state == VideoState.PROCESSING:
        begun = min((s.started for s in stages if s.started), default=0)
        left = remaining_ns(stages, ledger.now() - begun) if begun else None
    return VideoView(ledger.name_of(row), row, stages, missing_tracks(jobs), left)
