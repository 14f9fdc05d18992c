"""Search's ports in memory: exact indexes, an encoder that knows a few texts, artifacts in a dict."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from services.core.artifacts import digest
from services.core.deadlines import Deadline
from services.core.errors import InvalidInput, NotFound
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
from services.core.text import Passage, Passages, ShotLabel, ShotLabels, Track
from services.core.times import SECOND, TimeRange
from services.core.vectors import to_npz
from services.runtime.artifacts import ArtifactStore
from services.search.domain.moments import Hit
from services.search.domain.query import Scope
from services.search.domain.rows import FRAME, SHOT, Row, label_token
from services.search.domain.text_rows import TextRow
from services.search.domain.texts import TextHit
from services.search.ports import Against, Encoded, Pool

R = TypeVar("R", Row, TextRow)
SENTENCES = "sentences"
UNREADABLE = "\u200b"


@dataclass
class _Rows(Generic[R]):
    """Implements `ports.Rows` over a dict. `searches` keeps the limits asked for."""

    rows: dict[str, dict[str, R]] = field(default_factory=dict)
    searches: list[int] = field(default_factory=list)
    lose: int = 0
    """So many rows of each upsert are lost."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def prepare(self, space: str, dimensions: int) -> None:
        with self._lock:
            self.rows.setdefault(space, {})

    def upsert(self, space: str, rows: Sequence[R]) -> None:
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

    def current_space(self) -> str:
        return max(self.rows, key=lambda space: len(self.rows[space]), default="")

    def total(self, space: str, collection: str = "", video: str = "") -> int:
        return sum(
            (not collection or r.video.collection == collection) and (not video or r.video.video == video)
            for r in self.rows.get(space, {}).values()
        )

    def census(self) -> Iterator[tuple[str, VideoName, int]]:
        for space, rows in self.rows.items():
            for video, count in Counter(row.video for row in rows.values()).items():
                yield space, video, count

    def _in(self, space: str, scope: Scope) -> list[R]:
        return [row for row in list(self.rows.get(space, {}).values()) if _within(row, scope)]


class FakeIndex(_Rows[Row]):
    """Implements `ports.VectorIndex` by looking at every row."""

    def search(
        self, space: str, vector: NDArray[np.float32], scope: Scope, limit: int, until: Deadline | None = None
    ) -> list[Hit]:
        self.searches.append(limit)
        found = [
            Hit(
                r.video.video, r.shot, r.shot_range.start, r.shot_range.end, r.range.start, r.range.end, r.frame_time,
                float(r.vector @ vector),
            )
            for r in self._in(space, scope)
            if r.kind == FRAME
        ]  # fmt: skip
        return sorted(found, key=lambda h: -h.cosine)[:limit]

    def pools(
        self, space: str, vectors: NDArray[np.float32], ids: Sequence[str], until: Deadline | None = None
    ) -> Mapping[str, Pool]:
        rows = self.rows.get(space, {})
        return {i: Pool(vectors @ rows[i].vector, rows[i].frame_time) for i in ids if i in rows}

    def label_counts(self, space: str, scope: Scope, until: Deadline | None = None) -> Mapping[str, int]:
        return Counter(label for r in self._in(space, scope) if r.kind == SHOT for label in r.shot_labels)


class FakeTexts(_Rows[TextRow]):
    """Implements `ports.TextIndex` by looking at every row; texts that share most terms match best."""

    def nearest(
        self,
        space: str,
        vectors: NDArray[np.float32],
        scope: Scope,
        tracks: Sequence[Track],
        limit: int,
        until: Deadline | None = None,
    ) -> list[list[tuple[TextHit, float]]]:
        self.searches.append(limit)
        rows = [r for r in self._in(space, scope) if r.track in tracks]
        found = [[(_text_hit(r), float(r.vector @ vector)) for r in rows] for vector in vectors]
        return [sorted(hits, key=lambda h: (-h[1], h[0].id))[:limit] for hits in found]

    def matching(
        self,
        space: str,
        terms: Sequence[str],
        scope: Scope,
        tracks: Sequence[Track],
        limit: int,
        until: Deadline | None = None,
    ) -> list[list[TextHit]]:
        rows = [r for r in self._in(space, scope) if r.track in tracks]
        found = [[(len(set(t.split()) & set(r.terms.split())), r) for r in rows] for t in terms]
        return [
            [_text_hit(r) for shared, r in sorted(of, key=lambda o: (-o[0], o[1].id)) if shared][:limit] for of in found
        ]

    def cosines(
        self, space: str, vector: NDArray[np.float32], ids: Sequence[str], until: Deadline | None = None
    ) -> Mapping[str, float]:
        rows = self.rows.get(space, {})
        return {i: float(rows[i].vector @ vector) for i in ids if i in rows}


def _text_hit(r: TextRow) -> TextHit:
    return TextHit(r.id, r.video.video, r.track, r.range, r.shot_range, r.text, r.after, r.terms, r.language)


def _within(row: Row | TextRow, scope: Scope) -> bool:
    return (
        row.video.collection == scope.collection
        and (not scope.videos or row.video.video in scope.videos)
        and all(label_token(k, v) in row.labels for k, v in scope.labels.items())
        and (scope.added_after is None or row.added >= scope.added_after)
        and (scope.added_before is None or row.added < scope.added_before)
        and (scope.min_duration is None or row.duration >= scope.min_duration)
        and (scope.max_duration is None or row.duration <= scope.max_duration)
        and (scope.range is None or row.range.overlaps(scope.range))
        and set(scope.shot_labels) <= set(row.shot_labels)
    )


@dataclass
class FakeEncoder:
    """Implements `ports.QueryEncoder`: vectors by text; other texts lie along the last axis. Sentences are of
    `sentence_space`, and `sentences` are their vectors."""

    vectors: dict[str, NDArray[np.float32]]
    space: str = "space"
    middle: float = 0.45
    spread: float = 0.09
    dimensions: int = 8
    sentence_space: str = SENTENCES
    sentences: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    asked: list[tuple[Against, tuple[str, ...]]] = field(default_factory=list)
    calls: int = 0

    def encode(
        self, texts: Sequence[str], against: Sequence[Against], until: Deadline | None = None
    ) -> tuple[Encoded, ...]:
        self.asked += [(one, tuple(texts)) for one in against]
        self.calls += 1
        return tuple(self._encoded(texts, one) for one in against)

    def _encoded(self, texts: Sequence[str], against: Against) -> Encoded:
        if any(text == UNREADABLE for text in texts):
            raise InvalidInput("texts[0] holds nothing that the model can read")
        default = np.eye(self.dimensions, dtype=np.float32)[-1]
        known, space = (
            (self.vectors, self.space) if against is Against.PICTURES else (self.sentences, self.sentence_space)
        )
        vectors = np.stack([known.get(text, default) for text in texts])
        return Encoded(space, vectors, (self.middle,) * len(texts), (self.spread,) * len(texts))


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
    title: str = "",
    passages: Sequence[tuple[Passage, NDArray[np.float32]]] = (),
    shot_labels: Sequence[tuple[int, str]] = (),
) -> Job:
    """Write the artifacts of a video as the stages before search do, and return search's job.

    `segments`: for each, its frames as (time, start, end) in ns. `cuts`: bounds of the shots, from 0 to the duration.
    `vectors` [frames, d]; `shot_vectors` [shots, d]. `passages` with their vectors [d]; the title's lies along the
    last axis. `shot_labels`: (shot, label).
    """
    store = artifacts(objects)
    made_from = (segments, cuts, vectors.tolist(), shot_vectors.tolist(), space, [p for p, _ in passages])
    folder = f"{name}/{digest(made_from, title, list(shot_labels))}"
    stream = VideoStream(0, "h264", 64, 48, 64, 48, Fraction(1, 1000))
    probe = Probe("matroska", cuts[-1], 0, 1, stream)
    whole = tuple(Segment(n, TimeRange(s[0][1], s[-1][2])) for n, s in enumerate(segments) if s)
    store.save(f"{folder}/info", VideoInfo(str(name), title, created, dict(labels or {})))
    store.save(f"{folder}/plan", Plan(probe, whole))
    store.save(f"{folder}/shots", Shots(tuple(Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(pairwise(cuts)))))
    found = tuple(ShotLabel(shot, label, 0.9) for shot, label in shot_labels)
    store.save(f"{folder}/shot_labels", ShotLabels(found))
    store.save(f"{folder}/passages", Passages(tuple(passage for passage, _ in passages)))
    dimensions = shot_vectors.shape[-1]
    said = np.stack([v for _, v in passages]) if passages else np.zeros((0, dimensions), np.float32)
    objects[f"{folder}/passage_vectors"] = to_npz(said, SENTENCES)
    objects[f"{folder}/title_vectors"] = to_npz(np.eye(dimensions, dtype=np.float32)[-1:], SENTENCES)
    objects[f"{folder}/shot_vectors"] = to_npz(shot_vectors, space)
    at = 0
    for n, frames in enumerate(segments):
        sampled = tuple(SampledFrame(time, time, TimeRange(start, end)) for time, start, end in frames)
        store.save(f"{folder}/frames/{n}", SampledFrames(f"{folder}/jpegs/{n}", sampled))
        objects[f"{folder}/frame_vectors/{n}"] = to_npz(vectors[at : at + len(frames)], space)
        at += len(frames)
    inputs = {kind: (f"{folder}/{kind}",) for kind in _WHOLE}
    many = {kind: tuple(f"{folder}/{kind}/{n}" for n in range(len(segments))) for kind in ("frames", "frame_vectors")}
    return Job(name, "search.index", inputs={**inputs, **many})


_WHOLE = ("info", "plan", "shots", "shot_vectors", "shot_labels", "passages", "passage_vectors", "title_vectors")


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
