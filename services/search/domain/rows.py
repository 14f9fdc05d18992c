"""What is indexed of what is seen: one row a sampled frame, one row a shot, each with the range that it stands for."""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.core.errors import Internal
from services.core.media import SampledFrame, Shot, VideoInfo
from services.core.names import VideoName
from services.core.text import ShotLabel
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
    shot_labels: tuple[str, ...]
    """The collection's labels that the shot carries, as they are written."""
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


def shot_label_token(label: str) -> str:
    """The same for a label of the collection that a shot carries."""
    return hashlib.sha256(label.encode()).hexdigest()[:32]


class About:
    """What all rows of a video share, and where its shots lie."""

    def __init__(
        self,
        video: VideoName,
        info: VideoInfo,
        duration: int,
        shots: Sequence[Shot],
        labels: Iterable[ShotLabel],
        revision: str,
    ) -> None:
        if not shots:
            raise Internal(f"{video} has no shots: run decoding.assemble again")
        self.video = video
        self.info = info
        self.added = info.created
        self.duration = duration
        self.shots = shots
        self.labels = tuple(sorted(label_token(k, v) for k, v in info.labels.items()))
        self.revision = revision
        self._starts = [shot.range.start for shot in shots]
        self._carried: dict[int, set[str]] = {}
        for found in labels:
            self._carried.setdefault(found.shot, set()).add(found.label)

    def shot_at(self, time: int) -> int:
        """Position of the shot that holds a time."""
        return max(0, bisect_right(self._starts, time) - 1)

    def shots_in(self, part: TimeRange) -> Sequence[Shot]:
        """Shots that overlap a range; one at least."""
        first = self.shot_at(part.start)
        return self.shots[first : max(first + 1, bisect_left(self._starts, part.end))]

    def carried(self, shots: Iterable[Shot]) -> tuple[str, ...]:
        """Labels that the shots carry, in order."""
        return tuple(sorted(set().union(*(self._carried.get(shot.index, ()) for shot in shots))))


class RowMaker:
    """Makes the rows of what is seen in a video."""

    def __init__(self, about: About) -> None:
        self._about = about
        self._first: dict[int, int] = {}

    def frames(self, frames: Sequence[SampledFrame], vectors: NDArray[np.float32]) -> Iterator[Row]:
        """One row a frame; `vectors` [n, d] in their order. A frame belongs to the shot that holds its time."""
        check(vectors, len(frames), "frame")
        for frame, vector in zip(frames, vectors, strict=True):
            at = self._about.shot_at(frame.time)
            shot = self._about.shots[at]
            self._first.setdefault(at, frame.time)
            part = frame.range.intersection(shot.range) or shot.range
            yield self._row(FRAME, shot, part, frame.time, frame.time, vector)

    def shots(self, vectors: NDArray[np.float32]) -> Iterator[Row]:
        """One row a shot that has a vector; `vectors` [shots, d] in order. Call after the frames of all segments."""
        check(vectors, len(self._about.shots), "shot")
        for at, (shot, vector) in enumerate(zip(self._about.shots, vectors, strict=True)):
            if float(np.linalg.norm(vector)) >= _MIN_NORM:
                time = self._first.get(at, shot.range.start)
                yield self._row(SHOT, shot, shot.range, shot.range.start, time, vector)

    def _row(
        self, kind: str, shot: Shot, part: TimeRange, id_time: int, frame_time: int, vector: NDArray[np.float32]
    ) -> Row:
        about = self._about
        return Row(
            id=row_id(about.video.collection, about.video.video, kind, id_time),
            video=about.video,
            kind=kind,
            shot=shot.index,
            shot_range=shot.range,
            range=part,
            frame_time=frame_time,
            added=about.added,
            duration=about.duration,
            labels=about.labels,
            shot_labels=about.carried([shot]),
            revision=about.revision,
            vector=vector,
        )


def revision(job_digest: str, info: VideoInfo) -> str:
    """Digest of everything that shapes a video's rows."""
    labels: Mapping[str, str] = dict(sorted(info.labels.items()))
    return hashlib.sha256(f"{job_digest}/{info.created}/{info.title}/{labels}".encode()).hexdigest()[:32]


def check(vectors: NDArray[np.float32], count: int, what: str) -> None:
    """Raises Internal unless there are `count` finite vectors [count, d]."""
    if vectors.ndim != 2 or len(vectors) != count:
        raise Internal(f"{count} {what}s but vectors of shape {vectors.shape}: embed the video again")
    if not np.isfinite(vectors).all():
        raise Internal(f"a {what} vector is not finite: embed the video again")
