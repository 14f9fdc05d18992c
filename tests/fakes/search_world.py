"""The search service on fakes, with videos in its store."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.core.jobs import Job, no_progress
from services.core.names import VideoName
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from services.search.domain import query as queries
from services.search.domain.query import Scope
from services.search.domain.selection import Moment
from services.search.service import SearchService
from tests.fakes.search import FakeEncoder, FakeIndex, FakeTexts, artifacts, stored_video

DIM = 8
AXES = np.eye(DIM, dtype=np.float32)


@dataclass
class World:
    """The service on fakes, and videos in its store."""

    objects: dict[str, bytes] = field(default_factory=dict)
    index: FakeIndex = field(default_factory=FakeIndex)
    texts: FakeTexts = field(default_factory=FakeTexts)
    encoder: FakeEncoder = field(
        default_factory=lambda: FakeEncoder(
            {f"axis {i}": AXES[i] for i in range(DIM)}, sentences={f"axis {i}": AXES[i] for i in range(DIM)}
        )
    )

    def __post_init__(self) -> None:
        self.service = SearchService(artifacts(self.objects), self.index, self.texts, self.encoder)

    def job(self, name: str, vectors: NDArray[np.float32], per_shot: int = 2, **more: object) -> Job:
        """Two segments, a frame a second, shots of `per_shot` frames, a shot's vector the mean of its frames."""
        frames = [(i * SECOND, i * SECOND, (i + 1) * SECOND) for i in range(len(vectors))]
        half = len(frames) // 2
        cuts = [*range(0, len(frames), per_shot), len(frames)]
        pools = np.stack([unit(vectors[a:b].mean(axis=0)) for a, b in pairwise(cuts)])
        return stored_video(
            self.objects, VideoName("films", name), [frames[:half], frames[half:]], [c * SECOND for c in cuts], vectors,
            pools, **more,  # type: ignore[arg-type]
        )  # fmt: skip

    def add(self, name: str, vectors: NDArray[np.float32], per_shot: int = 2, **more: object) -> None:
        self.service.index(self.job(name, vectors, per_shot, **more), no_progress)

    def ask(self, text: str, **changes: object) -> tuple[list[Moment], str]:
        request: dict[str, object] = {"page_size": 0, "page_token": "", "max_per_video": 0, "min_score": 0.0, **changes}
        scope = request.pop("scope", Scope("films"))
        return self.service.search(queries.check(text, scope, **request))  # type: ignore[arg-type]


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def near(axis: int, cosine: float) -> NDArray[np.float32]:
    """A unit vector with this cosine to an axis, the rest on the axis before the last."""
    return np.asarray(cosine * AXES[axis] + np.sqrt(1 - cosine**2) * AXES[6], dtype=np.float32)


def said(
    start: float, end: float, text: str, axis: int = 5, track: Track = Track.SPEECH
) -> tuple[Passage, NDArray[np.float32]]:
    """A passage, times in seconds, with its vector along an axis."""
    part = TimeRange(round(start * SECOND), round(end * SECOND))
    return Passage(track, part, text, "en"), AXES[axis]
