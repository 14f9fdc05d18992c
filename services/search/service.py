"""The use cases of search: index a video's rows, find moments, remove a video."""

from collections.abc import Iterator
from itertools import islice

from services.core.artifacts import job_digest
from services.core.errors import Incomplete, Internal
from services.core.jobs import Job, Outputs, Progress
from services.core.media import Plan, SampledFrames, Shots, VideoInfo
from services.core.names import VideoName
from services.core.store import Artifacts
from services.search import npz
from services.search.domain import moments as rules
from services.search.domain import query as queries
from services.search.domain import selection
from services.search.domain.query import Query
from services.search.domain.rows import Row, RowMaker, revision
from services.search.domain.scores import score
from services.search.domain.selection import Moment
from services.search.ports import EncodedQuery, QueryEncoder, VectorIndex

VERSION = 1
"""Of the way rows are made; another one makes another revision."""
BATCH = 256
"""Rows a write: 0.5 MB with vectors of 384 dimensions, 1.2 MB with 1,152; Milvus takes 16 MB."""


class SearchService:
    """Safe to call from several threads."""

    def __init__(self, artifacts: Artifacts, index: VectorIndex, encoder: QueryEncoder) -> None:
        self._artifacts = artifacts
        self._index = index
        self._encoder = encoder

    def index(self, job: Job, progress: Progress) -> Outputs:
        """Step search.index: write the video's rows, remove those of an earlier run, and count.

        Counts: `rows` in the index and `expected`. Raises Incomplete when they differ.
        """
        info = self._artifacts.load(job.one("info"), VideoInfo)
        made_from = revision(job_digest(job, VERSION), info)
        shots = self._vectors(job.one("shot_vectors"))
        self._index.prepare(shots.space, shots.values.shape[-1])
        segments = len(job.inputs.get("frames", ()))
        written = 0
        for done, batch in self._batches(job, info, made_from, shots):
            self._index.upsert(shots.space, batch)
            written += len(batch)
            progress(done, segments + 1)
        self._index.settle(shots.space, job.video, made_from)
        rows = self._index.count(shots.space, job.video)
        if rows != written:
            raise Incomplete(f"{written} rows were written for {job.video}, {rows} are in the index: run search again")
        progress(segments + 1, segments + 1)
        return Outputs(counts={"rows": rows, "expected": written})

    def search(self, query: Query) -> tuple[list[Moment], str]:
        """A page of moments, best first, and the token of the next page ("" when there is none)."""
        if query.offset >= queries.MAX_DEPTH:
            return [], ""
        encoded = self._encoder.encode(query.text)
        found = self._find(query, encoded)
        more = len(found) > query.end and query.end < queries.MAX_DEPTH
        return found[query.offset : query.end], queries.next_token(query) if more else ""

    def delete_video(self, video: VideoName) -> int:
        """Remove every row of a video, in every vector space; returns how many."""
        return self._index.delete(video)

    def stats(self, collection: str = "", video: str = "") -> tuple[int, str]:
        """Rows of everything, a collection or a video in the space that most of the index is in; and that space."""
        space = self._index.current_space()
        return (self._index.total(space, collection, video), space) if space else (0, "")

    def _batches(
        self, job: Job, info: VideoInfo, made_from: str, shots: npz.Vectors
    ) -> Iterator[tuple[int, list[Row]]]:
        """Batches of rows with the segments done so far; holds one segment at a time."""
        plan = self._artifacts.load(job.one("plan"), Plan)
        maker = RowMaker(
            job.video, info, plan.probe.duration, self._artifacts.load(job.one("shots"), Shots).shots, made_from
        )
        frame_keys, vector_keys = job.inputs.get("frames", ()), job.inputs.get("frame_vectors", ())
        if len(frame_keys) != len(vector_keys):
            raise Internal(
                f"{len(frame_keys)} segments of frames, {len(vector_keys)} of vectors: embed the video again"
            )
        total = 0
        for done, (frame_key, vector_key) in enumerate(zip(frame_keys, vector_keys, strict=True)):
            frames = self._artifacts.load(frame_key, SampledFrames).frames
            vectors = self._vectors(vector_key)
            if frames and vectors.space != shots.space:
                raise Internal(f"{vector_key} is of space {vectors.space}, the shots of {shots.space}: embed again")
            total += len(frames)
            for batch in _chunks(maker.frames(frames, vectors.values) if frames else iter(())):
                yield done, batch
        if not total:
            raise Internal(f"{job.video} has no sampled frames, so nothing of it could be found: decode it again")
        for batch in _chunks(maker.shots(shots.values)):
            yield len(frame_keys), batch

    def _find(self, query: Query, encoded: EncodedQuery) -> list[Moment]:
        """Moments up to one more than the page needs, or all that there are."""
        space, vector, collection = encoded.space, encoded.vector, query.scope.collection
        limit = selection.first_limit(query)
        pooled: dict[str, float] = {}
        while True:
            hits = self._index.search(space, vector, query.scope, limit)
            groups = rules.by_shot(hits)
            shots = [rules.shot_row(collection, group[0]) for group in groups if not group[0].long]
            missing = [shot for shot in shots if shot not in pooled]
            if missing:
                pooled.update(self._index.cosines(space, vector, missing))
            found = rules.moments(groups, pooled, collection, encoded.spread)
            floor = hits[-1].cosine if len(hits) == limit < selection.MAX_HITS else None
            if floor is None or score(floor, encoded.middle, encoded.spread) < query.min_score:
                return selection.select(found, query, encoded.middle, encoded.spread)
            known = selection.select(selection.certain(found, floor), query, encoded.middle, encoded.spread)
            if len(known) > query.end:
                return known
            limit = min(limit * selection.GROWTH, selection.MAX_HITS)

    def _vectors(self, key: str) -> npz.Vectors:
        return npz.read(self._artifacts.objects.get(key), key)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
