"""What the pipeline needs from outside."""

from typing import Protocol

from services.core.jobs import Job
from services.core.names import VideoName


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


class Index(Protocol):
    """The search index, as far as removing goes."""

    def delete_video(self, video: VideoName) -> int:
        """Remove a video's rows; returns how many there were. Raises Unavailable."""
