"""What is indexed of a video: one row a sampled frame, one row a shot, each with the range that it stands for."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.core.errors import Internal
from services.core.media import SampledFrame, Shot, VideoInfo
from services.core.names import VideoName
from services.core.times import TimeRange

FRAME, SHOT = "frame", "shot"
_MIN_NORM = 0.5
"""Stored vectors have length 1; a shot without frames has a vector of zeros, and no row."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the index. Times are nanoseconds; `vector` has length 1."""

    id: str
    video: VideoName
    kind: str
    shot: int
    shot_range: TimeRange
    range: TimeRange
    frame_time: int
    added: int
    duration: int
    labels: tuple[str, ...]
    """Tokens of the video's labels, see `label_token`."""
    revision: str
    """Digest of what the rows were made from; rows of another revision are left over from an earlier run."""
    vector: NDArray[np.float32]


def row_id(collection: str, video: str, kind: str, time: int) -> str:
    """32 hex digits; the same row of the same video always has the same id. `time`: a frame's own, a shot's start."""
    return hashlib.sha256(f"{collection}/{video}/{kind}/{time}".encode()).hexdigest()[:32]


def label_token(key: str, value: str) -> str:
    """32 hex digits that stand for a label in the index.

    A digest instead of the text: filters then hold nothing that a person wrote, so nothing needs quoting, whichever
    characters a value has. Keys hold no "=", so two labels never share a text.
    """
    return hashlib.sha256(f"{key}={value}".encode()).hexdigest()[:32]


class RowMaker:
    """Makes the rows of one video."""

    def __init__(self, video: VideoName, info: VideoInfo, duration: int, shots: Sequence[Shot], revision: str) -> None:
        if not shots:
            raise Internal(f"{video} has no shots: run decoding.assemble again")
        self._video = video
        self._shots = shots
        self._starts = [shot.range.start for shot in shots]
        self._added = info.created
        self._duration = duration
        self._labels = tuple(sorted(label_token(k, v) for k, v in info.labels.items()))
        self._revision = revision
        self._first: dict[int, int] = {}

    def frames(self, frames: Sequence[SampledFrame], vectors: NDArray[np.float32]) -> Iterator[Row]:
        """One row a frame; `vectors` [n, d] in their order. A frame belongs to the shot that holds its time."""
        _check(vectors, len(frames), "frame")
        for frame, vector in zip(frames, vectors, strict=True):
            at = max(0, bisect_right(self._starts, frame.time) - 1)
            shot = self._shots[at]
            self._first.setdefault(at, frame.time)
            part = frame.range.intersection(shot.range) or shot.range
            yield self._row(FRAME, shot, part, frame.time, frame.time, vector)

    def shots(self, vectors: NDArray[np.float32]) -> Iterator[Row]:
        """One row a shot that has a vector; `vectors` [shots, d] in order. Call after the frames of all segments."""
        _check(vectors, len(self._shots), "shot")
        for at, (shot, vector) in enumerate(zip(self._shots, vectors, strict=True)):
            if float(np.linalg.norm(vector)) >= _MIN_NORM:
                time = self._first.get(at, shot.range.start)
                yield self._row(SHOT, shot, shot.range, shot.range.start, time, vector)

    def _row(
        self, kind: str, shot: Shot, part: TimeRange, id_time: int, frame_time: int, vector: NDArray[np.float32]
    ) -> Row:
        return Row(
            id=row_id(self._video.collection, self._video.video, kind, id_time),
            video=self._video,
            kind=kind,
            shot=shot.index,
            shot_range=shot.range,
            range=part,
            frame_time=frame_time,
            added=self._added,
            duration=self._duration,
            labels=self._labels,
            revision=self._revision,
            vector=vector,
        )


def revision(job_digest: str, info: VideoInfo) -> str:
    """Digest of everything that shapes a video's rows."""
    labels: Mapping[str, str] = dict(sorted(info.labels.items()))
    return hashlib.sha256(f"{job_digest}/{info.created}/{labels}".encode()).hexdigest()[:32]


def _check(vectors: NDArray[np.float32], count: int, what: str) -> None:
    if vectors.ndim != 2 or len(vectors) != count:
        raise Internal(f"{count} {what}s but vectors of shape {vectors.shape}: embed the video again")
    if not np.isfinite(vectors).all():
        raise Internal(f"a {what} vector is not finite: embed the video again")
