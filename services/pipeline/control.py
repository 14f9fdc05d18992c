"""What people ask of a video's indexing: begin, change, retry, cancel, remove. Used by the gateway."""

import hashlib
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Job, Tombstone, Video
from services.catalog.states import ENDED, JobState, VideoState
from services.core import artifacts
from services.core.chapters import Chapters
from services.core.errors import Conflict, InvalidInput, NotFound, Outdated
from services.core.media import VideoInfo
from services.core.names import VideoName
from services.core.store import Artifacts
from services.core.text import Transcript
from services.core.times import SECOND
from services.pipeline import ledger, webhooks, workflow
from services.pipeline.ports import Index, Queue
from services.runtime import tracing

_PARTS = {
    "title": ("title",),
    "labels": ("labels",),
    "subtitles": ("subtitles_key", "subtitles_name"),
    "transcript": ("transcript_key",),
    "shot_labels": ("shot_labels",),
    "chapters": ("chapters_key",),
}
"""Columns of a video that hold the parts of its info which `workflow.INFO_READERS` names."""


@dataclass(frozen=True)
class Change:
    """What is to be said of a video from now on; None leaves it as it is."""

    title: str | None = None
    labels: dict[str, str] | None = None
    shot_labels: tuple[str, ...] | None = None
    subtitles: tuple[str, bytes] | None = None
    """File name and content."""
    transcript: Transcript | None = None
    """Put in by a person; without tracks, what was put in before is forgotten."""
    chapters: Chapters | None = None
    """Set by a person; without chapters, what was set before is forgotten."""
    etag: str = ""
    """Unless empty, what `etag` gave of the video that the change was made for."""


@dataclass(frozen=True)
class Removed:
    """What a removal took away."""

    videos: int = 0
    objects: int = 0
    bytes: int = 0
    rows: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(
            self.videos + other.videos,
            self.objects + other.objects,
            self.bytes + other.bytes,
            self.rows + other.rows,
        )


def etag(video: Video) -> str:
    """Stands for all that people say of a video: the same again only for the same, as its info's key is a digest."""
    return f'"{artifacts.digest(video.info_key)}"'


class Control:
    """The gateway's hold on the pipeline."""

    def __init__(self, database: Database, store: Artifacts, queue: Queue, index: Index) -> None:
        self._database = database
        self._store = store
        self._queue = queue
        self._index = index

    def begin(self, session: Session, video: Video) -> None:
        """Enter a video whose source and info are stored, and its first jobs. Raises IntegrityError for known bytes."""
        if session.get(Tombstone, (video.collection, video.id)) is not None:
            raise Conflict(f"{ledger.name_of(video)} was removed while it was taken in; send it again")
        video.trace = tracing.traceparent()
        session.add(video)
        session.flush()
        ledger.start(session, video)

    def poke(self) -> None:
        """Have due jobs sent now rather than at the next tick; call after the transaction."""
        self._queue.poke()

    def save_info(self, video: Video) -> None:
        """Store what is said of a video, for those who read the bucket; sets the row's key of it."""
        name = ledger.name_of(video)
        info = VideoInfo(
            name=str(name),
            title=video.title,
            created=video.created,
            labels=dict(video.labels),
            subtitles_key=video.subtitles_key,
            subtitles_name=video.subtitles_name,
            transcript_key=video.transcript_key or "",
            shot_labels=tuple(video.shot_labels or ()),
            chapters_key=video.chapters_key or "",
        )
        video.info_key = artifacts.key(name, "info", artifacts.digest(asdict(info)))
        self._store.save(video.info_key, info)

    def save_subtitles(self, video: Video, file_name: str, content: bytes) -> None:
        """Store a subtitle file that was given with a video; sets the row's key and name of it."""
        digest = artifacts.digest(hashlib.sha256(content).hexdigest())
        video.subtitles_key = artifacts.key(ledger.name_of(video), "subtitle_file", digest)
        video.subtitles_name = file_name
        self._store.objects.put(video.subtitles_key, content)

    def save_transcript(self, video: Video, transcript: Transcript) -> None:
        """Store a transcript that a person put in; sets the row's key of it. One without tracks takes it away."""
        if not transcript.tracks:
            video.transcript_key = ""
            return
        digest = artifacts.digest(asdict(transcript))
        video.transcript_key = artifacts.key(ledger.name_of(video), "edited_transcript", digest)
        self._store.save(video.transcript_key, transcript)

    def save_chapters(self, video: Video, chapters: Chapters) -> None:
        """Store chapters that a person set; sets the row's key of them. None of them takes them away."""
        if not chapters.chapters:
            video.chapters_key = ""
            return
        digest = artifacts.digest(asdict(chapters))
        video.chapters_key = artifacts.key(ledger.name_of(video), "edited_chapters", digest)
        self._store.save(video.chapters_key, chapters)

    def update(self, name: VideoName, change: Change) -> None:
        """Change what is said of a video; what depends on it is done again, and nothing else.

        Changes that meet are made one after the other, each on what the one before left. Raises Outdated for a change
        that was made for another state of the video.
        """
        changed = False
        while not changed:
            with self._database.read() as session:
                draft = self._existing(session, name, lock=False)
            _same(draft, change.etag)
            old_key = draft.info_key
            # Stored before the catalog is locked, for the store may take its time; then nothing may have changed.
            for field, value in (("title", change.title), ("labels", change.labels)):
                if value is not None:
                    setattr(draft, field, value)
            if change.shot_labels is not None:
                draft.shot_labels = list(change.shot_labels)
            if change.subtitles is not None:
                self.save_subtitles(draft, *change.subtitles)
            if change.transcript is not None:
                self.save_transcript(draft, change.transcript)
            if change.chapters is not None:
                self.save_chapters(draft, change.chapters)
            self.save_info(draft)
            with self._database.write() as session:
                changed = self._change(session, self._existing(session, name), draft, old_key)
        self._queue.poke()

    @staticmethod
    def _change(session: Session, video: Video, draft: Video, old_key: str) -> bool:
        """Take over what the draft says, unless the video has changed since `old_key`."""
        if video.info_key != old_key:
            return False
        readers: set[str] = set()
        for part, columns in _PARTS.items():
            for column in columns:
                if getattr(video, column) != getattr(draft, column):
                    setattr(video, column, getattr(draft, column))
                    readers.update(workflow.INFO_READERS[part])
        video.info_key, video.updated = draft.info_key, ledger.now()
        begun = [j for j in ledger.jobs_of(session, video) if j.state != JobState.WAITING]
        again = workflow.downstream(readers) & {j.step for j in begun}
        if not again:
            return True
        if video.state in (VideoState.PROCESSING, VideoState.READY):
            ledger.restart(session, video, again)
        else:
            # The video was stopped; what is out of date now is done again when somebody retries it.
            for job in begun:
                job.state = JobState.CANCELLED if job.step in again and job.state in ENDED else job.state
        return True

    def retry(self, name: VideoName, stage: str) -> None:
        """Start again what failed, was cancelled or is missing, or a stage and all that depends on it."""
        if stage and stage not in workflow.STAGES:
            rule = f"one of {', '.join(workflow.STAGES)}"
            raise InvalidInput(f"no stage {stage[:80]!r}: {rule}", fields={"stage": rule})
        with self._database.write() as session:
            video = self._existing(session, name)
            if video.state == VideoState.PROCESSING:
                raise Conflict(f"{name} is being indexed; cancel it first, or wait")
            missing = [] if stage else [j for j in ledger.jobs_of(session, video) if workflow.missing(j)]
            if video.state == VideoState.READY and not stage and not missing:
                raise Conflict(f"{name} is READY and nothing of it is missing; name the stage to do again")
            steps = workflow.steps_of(stage) if stage else {j.step for j in missing}
            again = workflow.downstream(steps)
            ledger.restart(session, video, again if stage else again - steps, missing)
        self._queue.poke()

    def cancel(self, name: VideoName) -> None:
        """Stop the work on a video; what is stored stays, so that a retry goes on from there."""
        with self._database.write() as session:
            video = self._existing(session, name)
            if video.state == VideoState.CANCELLED:
                return
            if video.state != VideoState.PROCESSING:
                raise Conflict(f"{name} is {video.state}; only a video that is being indexed can be cancelled")
            flying = ledger.stop(session, video, VideoState.CANCELLED, JobState.CANCELLED)
            messages = ledger.bare(flying)
        if messages:
            self._queue.revoke(messages)

    def remove(self, name: VideoName, etag: str = "") -> Removed:
        """Remove a video's rows, objects and entry. A removal that breaks off is ended by the reconciler.

        Raises Outdated when the etag is given and no longer that of the video.
        """
        with self._database.write() as session:
            video = self._existing(session, name, deleting=True)
            _same(video, etag)
            flying = ledger.stop(session, video, VideoState.DELETING, JobState.CANCELLED)
            # From now on the same bytes may be uploaded anew.
            video.copy = video.id
            messages = ledger.bare(flying)
        if messages:
            self._queue.revoke(messages)
        return self.finish_removal(name)

    def finish_removal(self, name: VideoName) -> Removed:
        """Take away everything of a video that is being removed."""
        rows = self._index.delete_video(name)
        objects, size = self._delete_objects(name)
        with self._database.write() as session:
            video = ledger.find(session, name, lock=True)
            if video is None:
                return Removed(0, objects, size, rows)
            session.execute(sa.delete(Job).where(Job.collection == name.collection, Job.video == name.video))
            webhooks.announce(session, webhooks.DELETED, video)
            session.delete(video)
            ledger.bury(session, name, ledger.now() + 10 * SECOND)
        return Removed(1, objects, size, rows)

    def sweep(self, name: VideoName) -> Removed:
        """Take away what a worker wrote for a video after it was removed."""
        with self._database.read() as session:
            if ledger.find(session, name) is not None:
                return Removed()
        objects, size = self._delete_objects(name)
        return Removed(0, objects, size, self._index.delete_video(name))

    def _delete_objects(self, name: VideoName) -> tuple[int, int]:
        found = list(self._store.objects.walk(artifacts.prefix(name)))
        self._store.objects.delete([o.key for o in found])
        return len(found), sum(o.size for o in found)

    @staticmethod
    def _existing(session: Session, name: VideoName, *, deleting: bool = False, lock: bool = True) -> Video:
        video = ledger.find(session, name, lock=lock)
        if video is None or (video.state == VideoState.DELETING and not deleting):
            raise NotFound(f"no video {name}")
        return video


def _same(video: Video, known: str) -> None:
    """Raises Outdated unless the etag is empty or the video's own."""
    if known and known != etag(video):
        raise Outdated(f"{ledger.name_of(video)} was changed since it was read: read it again, then change it")
