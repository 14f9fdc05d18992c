"""Compares catalog, object store and index, and names what does not fit.

Nothing has to stop for it: what looks wrong is looked at again before it is told, so work under way is no finding.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import groupby

import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import Job, Tombstone, Upload, Video
from services.catalog.states import ENDED, JobState, VideoState
from services.core import artifacts
from services.core.errors import InvalidInput
from services.core.names import VideoName
from services.core.store import Artifacts
from services.pipeline import ledger, workflow
from services.pipeline.mender import Mender
from services.pipeline.ports import Index, Rows

PAGE = 200
READ_BYTES = 1 << 20


class Problem(StrEnum):
    """What can be wrong."""

    SOURCE_LOST = "SOURCE_LOST"
    """The video's file is not in the store. Nothing brings it back."""
    SOURCE_CHANGED = "SOURCE_CHANGED"
    """The video's file is not the one that was taken in."""
    GIVEN_LOST = "GIVEN_LOST"
    """A file that a person gave with the video is not in the store. Nothing brings it back."""
    ARTIFACTS_LOST = "ARTIFACTS_LOST"
    """What a step has given is not in the store. Mended by doing the step again."""
    OBJECTS_WITHOUT_USE = "OBJECTS_WITHOUT_USE"
    """Objects of a READY video that nothing names any more. Mended by removing them."""
    OBJECTS_WITHOUT_VIDEO = "OBJECTS_WITHOUT_VIDEO"
    """Objects of a video that the catalog does not know. Mended by removing them."""
    UPLOAD_WITHOUT_ENTRY = "UPLOAD_WITHOUT_ENTRY"
    """Parts of an upload that the catalog does not know. Mended by removing them."""
    ROWS_WRONG = "ROWS_WRONG"
    """A video that was indexed has more or fewer rows in the index than were counted. Mended by indexing it again."""
    ROWS_WITHOUT_VIDEO = "ROWS_WITHOUT_VIDEO"
    """Rows of a video that the catalog does not know. Mended by removing them."""
    NOT_READY = "NOT_READY"
    """A READY video has work that did not end. Mended by doing that."""


@dataclass(frozen=True)
class Finding:
    """One mismatch. `name` is a video's, or begins the keys of an upload's parts; `mend` is None when nothing helps."""

    problem: Problem
    name: str
    detail: str
    mend: Callable[[], None] | None = None


@dataclass
class Looked:
    """How much was looked at so far."""

    videos: int = 0
    objects: int = 0
    rows: int = 0


class Doctor:
    """One examination of everything. `deep` reads every source and compares its SHA-256."""

    def __init__(
        self, database: Database, store: Artifacts, index: Index, mender: Mender, *, deep: bool = False
    ) -> None:
        self._database = database
        self._store = store
        self._index = index
        self._mender = mender
        self._deep = deep
        self.looked = Looked()

    def examine(self) -> Iterator[Finding]:
        """Every mismatch, as it is found. Raises Unavailable when a part does not answer."""
        before = dict(self._videos())
        census = self._index.census()
        self.looked.rows = sum(rows.total for rows in census.values())
        for name, updated in self._videos():
            # What changed since may have other rows by now.
            rows = census.get(name, Rows()) if before.get(name) == updated else None
            yield from self._video(name, updated, rows)
        yield from self._strangers(census)
        yield from self._uploads()

    def _videos(self) -> Iterator[tuple[VideoName, int]]:
        """Every video of the catalog, and when it changed last, page by page."""
        place = sa.tuple_(Video.collection, Video.id)
        after = ("", "")
        while True:
            query = sa.select(Video.collection, Video.id, Video.updated).where(
                place > sa.tuple_(*map(sa.literal, after))
            )
            with self._database.read() as session:
                page = session.execute(query.order_by(Video.collection, Video.id).limit(PAGE)).all()
            yield from ((VideoName(row.collection, row.id), row.updated) for row in page)
            if not page:
                return
            after = page[-1].collection, page[-1].id

    def _video(self, name: VideoName, updated: int, rows: Rows | None) -> Iterator[Finding]:
        """`rows` are those of the video as it has been since `updated`; None when they are not known.

        Stamps are compared for being the same, never for which is later: the clock may have been set meanwhile.
        """
        listed = {found.key for found in self._store.objects.walk(artifacts.prefix(name))}
        # The catalog after the store: what was written meanwhile is not in the listing, and asked for one by one.
        with self._database.read() as session:
            video = ledger.find(session, name)
            jobs = list(ledger.jobs_of(session, video)) if video else []
        if video is None or video.state == VideoState.DELETING:
            return
        self.looked.videos += 1
        self.looked.objects += len(listed)
        yield from self._given(video, listed)
        lost = {job: self._lost(listed, job) for job in jobs if job.state == JobState.SUCCEEDED}
        lost = {job: kinds for job, kinds in lost.items() if kinds}
        if lost:
            steps = {job.step for job in lost}
            again = partial(
                self._mender.again, name, workflow.downstream(steps) - steps, set(map(ledger.job_key, lost))
            )
            detail = ", ".join(sorted({kind for kinds in lost.values() for kind in kinds}))
            yield Finding(Problem.ARTIFACTS_LOST, str(name), detail, again)
        same = video.updated == updated
        indexed = any(job.step == workflow.INDEXING and job.state == JobState.SUCCEEDED for job in jobs)
        # One that is under way will be READY with the rows that were counted, and is not counted again.
        counted = video.state == VideoState.READY or (video.state == VideoState.PROCESSING and indexed)
        if same and rows is not None and counted and not rows.fit(video.row_count):
            detail = f"{rows.total} rows in the index, {video.row_count} were counted"
            again = partial(self._mender.again, name, {workflow.INDEXING})
            yield Finding(Problem.ROWS_WRONG, str(name), detail, again)
        if video.state != VideoState.READY:
            return
        if not workflow.ready(jobs):
            steps = {job.step for job in jobs if job.state not in ENDED}
            detail = ", ".join(sorted(steps)) or "its rows were not counted"
            again = partial(self._mender.again, name, steps | {workflow.INDEXING})
            yield Finding(Problem.NOT_READY, str(name), detail, again)
        unused = sorted(listed - _named(video, jobs))
        if unused and not lost and same:
            detail = f"{len(unused)} objects, such as {unused[0].removeprefix(artifacts.prefix(name))}"
            drop = partial(self._mender.drop, name, video.updated, unused)
            yield Finding(Problem.OBJECTS_WITHOUT_USE, str(name), detail, drop)

    def _given(self, video: Video, listed: set[str]) -> Iterator[Finding]:
        """What came from outside."""
        name = ledger.name_of(video)
        source = artifacts.source_key(name)
        if self._gone(listed, source):
            yield Finding(Problem.SOURCE_LOST, str(name), "delete the video and add it again")
        elif self._deep and self._sha256(source) != video.sha256:
            detail = f"its SHA-256 is not {video.sha256}: delete the video and add it again"
            yield Finding(Problem.SOURCE_CHANGED, str(name), detail)
        if self._gone(listed, video.info_key):
            yield Finding(Problem.ARTIFACTS_LOST, str(name), "info", partial(self._mender.save_info, name))
        for key, detail in (
            (video.subtitles_key, "the subtitle file: set a transcript instead"),
            (video.transcript_key, "the corrected transcript: set it again, or clear it"),
            (video.chapters_key, "the edited chapters: set them again, or clear them"),
        ):
            if key and self._gone(listed, key):
                yield Finding(Problem.GIVEN_LOST, str(name), detail)

    def _strangers(self, census: Iterable[VideoName]) -> Iterator[Finding]:
        """Objects and rows of videos that are not in the catalog, and not about to enter or leave it."""
        keys = (found.key for found in self._store.objects.walk("collections/"))
        for place, found in groupby(keys, key=lambda key: "/".join(key.split("/")[:4])):
            count = sum(1 for _ in found)
            try:
                name = VideoName.parse(place)
            except InvalidInput:
                # Not put there by the platform.
                continue
            if self._stranger(name):
                sweep = partial(self._mender.sweep, name)
                yield Finding(Problem.OBJECTS_WITHOUT_VIDEO, str(name), f"{count} objects", sweep)
        for name in census:
            if self._stranger(name):
                sweep = partial(self._mender.sweep, name)
                yield Finding(Problem.ROWS_WITHOUT_VIDEO, str(name), "not in the catalog", sweep)

    def _stranger(self, name: VideoName) -> bool:
        planned = sa.select(Upload).where(Upload.collection == name.collection, Upload.planned == name.video)
        with self._database.read() as session:
            known = ledger.find(session, name) or session.get(Tombstone, ledger.key(name))
            return known is None and session.scalars(planned).first() is None

    def _uploads(self) -> Iterator[Finding]:
        """Parts of uploads that nobody can go on with."""
        keys = (found.key for found in self._store.objects.walk("uploads/"))
        for place, found in groupby(keys, key=lambda key: key.split("/")[:3]):
            prefix, parts = "/".join(place) + "/", list(found)
            if not self._uploading(place[1], prefix):
                drop = partial(self._mender.drop_upload, parts)
                yield Finding(Problem.UPLOAD_WITHOUT_ENTRY, prefix, f"{len(parts)} parts", drop)

    def _uploading(self, collection: str, prefix: str) -> bool:
        with self._database.read() as session:
            uploads = session.scalars(sa.select(Upload.request_id).where(Upload.collection == collection))
            return any(artifacts.upload_prefix(collection, request_id) == prefix for request_id in uploads)

    def _lost(self, listed: set[str], job: Job) -> set[str]:
        """Kinds that a job has given and that are not there."""
        return {kind for kind, key in job.artifacts.items() if self._gone(listed, key)}

    def _gone(self, listed: set[str], key: str) -> bool:
        return key not in listed and not self._store.have([key])

    def _sha256(self, key: str) -> str:
        found = hashlib.sha256()
        with self._store.objects.open(key) as stream:
            while data := stream.read(READ_BYTES):
                found.update(data)
        return found.hexdigest()


def _named(video: Video, jobs: Iterable[Job]) -> set[str]:
    """Keys that the catalog names for a video."""
    own = {video.info_key, video.subtitles_key, video.transcript_key, video.chapters_key}
    given = {artifacts.source_key(ledger.name_of(video))}
    return own | given | {key for job in jobs for key in job.artifacts.values()}
