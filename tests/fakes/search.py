"""Search's ports in memory: an exact index, an encoder that knows a few texts, artifacts in a dict."""

import io
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray

from services.core.artifacts import digest
from services.core.errors import NotFound
from services.core.jobs import Job
from services.core.media import (
    Plan,
    Probe,
    SampledFrame,
    SampledFrames,
    Segment,
    Shot,
    Shots,
    VideoInfo,
    VideoStream,
)
from services.core.names import VideoName
from services.core.store import ObjectStore
from services.core.times import SECOND, TimeRange
from services.runtime.artifacts import ArtifactStore
from services.search.domain.moments import Hit
from services.search.domain.query import Scope
from services.search.domain.rows import FRAME, Row, label_token
from services.search.ports import EncodedQuery


@dataclass
class FakeIndex:
    """Implements `ports.VectorIndex` by looking at every row. `searches` keeps the limits asked for."""

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    searches: list[int] = field(default_factory=list)
    lose: int = 0
    """So many rows of each upsert are lost."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self, space: str, dimensions: int) -> None:
        with self._lock:
            self.rows.setdefault(space, {})

    def upsert(self, space: str, rows: Sequence[Row]) -> None:
        with self._lock:
            self.rows[space].update({row.id: row for row in rows[self.lose :]})

    def settle(self, space: str, video: VideoName, revision: str) -> None:
        with self._lock:
            kept = {k: r for k, r in self.rows[space].items() if r.video != video or r.revision == revision}
            self.rows[space] = kept

    def count(self, space: str, video: VideoName) -> int:
        return self.total(space, video.collection, video.video)

    def delete(self, video: VideoName) -> int:
        with self._lock:
            removed = 0
            for space, rows in self.rows.items():
                kept = {k: r for k, r in rows.items() if r.video != video}
                removed += len(rows) - len(kept)
                self.rows[space] = kept
            return removed

    def search(self, space: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> list[Hit]:
        self.searches.append(limit)
        found = [
            Hit(
                r.video.video, r.shot, r.shot_range.start, r.shot_range.end, r.range.start, r.range.end, r.frame_time,
                float(r.vector @ vector),
            )
            for r in list(self.rows.get(space, {}).values())
            if r.kind == FRAME and _within(r, scope)
        ]  # fmt: skip
        return sorted(found, key=lambda h: -h.cosine)[:limit]

    def cosines(self, space: str, vector: NDArray[np.float32], ids: Sequence[str]) -> Mapping[str, float]:
        rows = self.rows.get(space, {})
        return {i: float(rows[i].vector @ vector) for i in ids if i in rows}

    def current_space(self) -> str:
        return max(self.rows, key=lambda space: len(self.rows[space]), default="")

    def total(self, space: str, collection: str = "", video: str = "") -> int:
        return sum(
            (not collection or r.video.collection == collection) and (not video or r.video.video == video)
            for r in self.rows.get(space, {}).values()
        )


def _within(row: Row, scope: Scope) -> bool:
    return (
        row.video.collection == scope.collection
        and (not scope.videos or row.video.video in scope.videos)
        and all(label_token(k, v) in row.labels for k, v in scope.labels.items())
        and (scope.added_after is None or row.added >= scope.added_after)
        and (scope.added_before is None or row.added < scope.added_before)
        and (scope.min_duration is None or row.duration >= scope.min_duration)
        and (scope.max_duration is None or row.duration <= scope.max_duration)
        and (scope.range is None or row.range.overlaps(scope.range))
    )


@dataclass
class FakeEncoder:
    """Implements `ports.QueryEncoder`: vectors by text; other texts lie along the last axis."""

    vectors: dict[str, NDArray[np.float32]]
    space: str = "space"
    middle: float = 0.45
    spread: float = 0.09
    dimensions: int = 8
    asked: list[str] = field(default_factory=list)

    def encode(self, text: str) -> EncodedQuery:
        self.asked.append(text)
        default = np.eye(self.dimensions, dtype=np.float32)[-1]
        return EncodedQuery(self.space, self.vectors.get(text, default), self.middle, self.spread)


def stored_video(
    objects: MutableMapping[str, bytes],
    name: VideoName,
    segments: Sequence[Sequence[tuple[int, int, int]]],
    cuts: Sequence[int],
    vectors: NDArray[np.float32],
    shot_vectors: NDArray[np.float32],
    space: str = "space",
    labels: Mapping[str, str] | None = None,
    created: int = 1_800_000_000 * SECOND,
) -> Job:
    """Write the artifacts of a video as the stages before search do, and return search's job.

    `segments`: for each, its frames as (time, start, end) in ns. `cuts`: bounds of the shots, from 0 to the duration.
    `vectors` [frames, d]; `shot_vectors` [shots, d].
    """
    store = artifacts(objects)
    folder = f"{name}/{digest(segments, cuts, vectors.tolist(), shot_vectors.tolist(), space)}"
    stream = VideoStream(0, "h264", 64, 48, 64, 48, Fraction(1, 1000))
    probe = Probe("matroska", cuts[-1], 0, 1, stream)
    whole = tuple(Segment(n, TimeRange(s[0][1], s[-1][2])) for n, s in enumerate(segments) if s)
    store.save(f"{folder}/info", VideoInfo(str(name), "A film", created, dict(labels or {})))
    store.save(f"{folder}/plan", Plan(probe, whole))
    store.save(f"{folder}/shots", Shots(tuple(Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(pairwise(cuts)))))
    objects[f"{folder}/shot_vectors"] = npz(shot_vectors, space)
    at = 0
    for n, frames in enumerate(segments):
        sampled = tuple(SampledFrame(time, time, TimeRange(start, end)) for time, start, end in frames)
        store.save(f"{folder}/frames/{n}", SampledFrames(f"{folder}/jpegs/{n}", sampled))
        objects[f"{folder}/frame_vectors/{n}"] = npz(vectors[at : at + len(frames)], space)
        at += len(frames)
    inputs = {kind: (f"{folder}/{kind}",) for kind in ("info", "plan", "shots", "shot_vectors")}
    many = {kind: tuple(f"{folder}/{kind}/{n}" for n in range(len(segments))) for kind in ("frames", "frame_vectors")}
    return Job(name, "search.index", inputs={**inputs, **many})


def npz(vectors: NDArray[np.float32], space: str) -> bytes:
    """Vectors as the embedding stage stores them."""
    out = io.BytesIO()
    np.savez(out, vectors=vectors, space=np.array(space))
    return out.getvalue()


@dataclass
class MemoryObjects:
    """The part of `core.store.ObjectStore` that artifacts need, over a dict."""

    objects: MutableMapping[str, bytes]

    def put(self, key: str, data: bytes) -> int:
        self.objects[key] = data
        return len(data)

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise NotFound(f"no object {key}")
        return self.objects[key]


def artifacts(objects: MutableMapping[str, bytes]) -> ArtifactStore:
    """Artifacts over a dict."""
    return ArtifactStore(cast(ObjectStore, MemoryObjects(objects)))
