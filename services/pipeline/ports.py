"""What the pipeline needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.core.jobs import Job
from services.core.names import VideoName
from services.runtime.heartbeat import Seen


class Queue(Protocol):
    """The stages' queues. Raises Unavailable when the broker does not answer."""

    def send(self, job: Job) -> None:
        """Put a job on its stage's queue."""

    def depth(self, queue: str) -> int:
        """Messages on a queue that no worker has taken."""

    def revoke(self, jobs: list[Job]) -> None:
        """Ask workers to drop these jobs, begun or not; best effort."""

    def poke(self) -> None:
        """Ask the pipeline's process to look for due jobs now; best effort."""


class Broker(Protocol):
    """What the broker knows of the queues."""

    def look(self, queues: Sequence[str]) -> Mapping[str, Seen]:
        """Each of the queues now. Raises Unavailable when the broker does not answer."""


@dataclass(frozen=True)
class Rows:
    """A video's rows, a number a vector space; videos that several models indexed have some in several."""

    pictures: tuple[int, ...] = ()
    texts: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.pictures) + sum(self.texts)

    def fit(self, count: int) -> bool:
        """Whether one space of pictures and one of texts, or either alone, hold so many together."""
        return any(p + t == count for p in (0, *self.pictures) for t in (0, *self.texts))


class Index(Protocol):
    """The search index, as far as removing and comparing go."""

    def delete_video(self, video: VideoName) -> int:
        """Remove a video's rows; returns how many there were. Raises Unavailable."""

    def census(self) -> dict[VideoName, Rows]:
        """The rows of every video that has any. Raises Unavailable."""
