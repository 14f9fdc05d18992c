"""Indexing: a video's rows are written, those of an earlier run removed, and what is there is counted."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.core.artifacts import job_digest
from services.core.errors import Incomplete, Internal
from services.core.jobs import Job, Outputs, Progress
from services.core.media import Plan, SampledFrames, Shots, VideoInfo
from services.core.store import Artifacts
from services.core.text import Passages, ShotLabels
from services.core.vectors import from_npz
from services.search.domain.rows import About, Row, RowMaker, revision
from services.search.domain.text_rows import TextRow, TextRowMaker
from services.search.ports import TextIndex, VectorIndex

VERSION = 2
"""Of the way rows are made; another one makes another revision."""
BATCH = 256
"""Rows a write: 0.5 MB with vectors of 384 dimensions, 1.2 MB with 1,152; Milvus takes 16 MB."""
TEXT_BATCH = 128
"""The same for texts: 10 MB when each is as long as is kept."""
T = TypeVar("T")


class Indexer:
    """Safe to call from several threads."""

    def __init__(self, artifacts: Artifacts, pictures: VectorIndex, texts: TextIndex) -> None:
        self._artifacts = artifacts
        self._pictures = pictures
        self._texts = texts

    def index(self, job: Job, progress: Progress) -> Outputs:
        """Step search.index. Counts: `rows` in the index and `expected`. Raises Incomplete when they differ."""
        info = self._artifacts.load(job.one("info"), VideoInfo)
        about = About(
            job.video,
            info,
            self._artifacts.load(job.one("plan"), Plan).probe.duration,
            self._artifacts.load(job.one("shots"), Shots).shots,
            self._artifacts.load(job.one("shot_labels"), ShotLabels).labels,
            revision(job_digest(job, VERSION), info),
        )
        total = len(job.inputs.get("frames", ())) + 2
        space, written = self._write_pictures(job, about, lambda done: progress(done, total))
        sentences, texts = self._write_texts(job, about)
        progress(total - 1, total)
        self._pictures.settle(space, job.video, about.revision)
        self._texts.settle(sentences, job.video, about.revision)
        rows, expected = self._pictures.count(space, job.video), written + texts
        rows += self._texts.count(sentences, job.video)
        if rows != expected:
            raise Incomplete(f"{expected} rows were written for {job.video}, {rows} are in the index: run search again")
        progress(total, total)
        return Outputs(counts={"rows": rows, "expected": expected})

    def _write_pictures(self, job: Job, about: About, done: Callable[[int], None]) -> tuple[str, int]:
        """The vector space and the rows written; holds one segment at a time."""
        pooled, space = self._vectors(job.one("shot_vectors"))
        self._pictures.prepare(space, pooled.shape[-1])
        maker = RowMaker(about)
        frame_keys, vector_keys = job.inputs.get("frames", ()), job.inputs.get("frame_vectors", ())
        if len(frame_keys) != len(vector_keys):
            raise Internal(
                f"{len(frame_keys)} segments of frames, {len(vector_keys)} of vectors: embed the video again"
            )
        written = 0
        for segment, (frame_key, vector_key) in enumerate(zip(frame_keys, vector_keys, strict=True)):
            frames = self._artifacts.load(frame_key, SampledFrames).frames
            vectors, of = self._vectors(vector_key)
            if frames and of != space:
                raise Internal(f"{vector_key} is of space {of}, the shots of {space}: embed again")
            if frames:
                written += self._upsert_pictures(space, maker.frames(frames, vectors))
            done(segment)
        if not written:
            raise Internal(f"{job.video} has no sampled frames, so nothing of it could be found: decode it again")
        written += self._upsert_pictures(space, maker.shots(pooled))
        done(len(frame_keys))
        return space, written

    def _upsert_pictures(self, space: str, rows: Iterator[Row]) -> int:
        written = 0
        for batch in _chunks(rows, BATCH):
            self._pictures.upsert(space, batch)
            written += len(batch)
        return written

    def _write_texts(self, job: Job, about: About) -> tuple[str, int]:
        """The sentence space and the rows written."""
        passages = self._artifacts.load(job.one("passages"), Passages).passages
        vectors, space = self._vectors(job.one("passage_vectors"))
        titles, of = self._vectors(job.one("title_vectors"))
        if of != space:
            raise Internal(f"the title is of space {of}, the passages of {space}: embed the video again")
        self._texts.prepare(space, max(vectors.shape[-1], titles.shape[-1]))
        maker = TextRowMaker(about)
        return space, sum(
            self._upsert_texts(space, batch)
            for rows in (maker.passages(passages, vectors), maker.title(titles))
            for batch in _chunks(rows, TEXT_BATCH)
        )

    def _upsert_texts(self, space: str, batch: list[TextRow]) -> int:
        self._texts.upsert(space, batch)
        return len(batch)

    def _vectors(self, key: str) -> tuple[NDArray[np.float32], str]:
        try:
            return from_npz(self._artifacts.objects.get(key))
        except ValueError as error:
            raise Internal(f"object {key} does not hold vectors: {error}") from error


def _chunks(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(rows, size)):
        yield batch
