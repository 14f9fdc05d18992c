"""Fakes of what the pipeline needs: a queue that keeps messages, workers that answer as told, an index that counts."""

from collections import deque
from collections.abc import Mapping, Sequence

from services.core.artifacts import KINDS
from services.core.errors import Unavailable
from services.core.jobs import Job
from services.core.names import VideoName
from services.pipeline import workflow
from services.pipeline.ports import Rows
from services.runtime.heartbeat import Seen
from services.runtime.queue import Report


class FakeQueue:
    """Implements `pipeline.ports.Queue` and `Broker`."""

    def __init__(self) -> None:
        self.messages: deque[Job] = deque()
        self.revoked: list[Job] = []
        self.sent: list[Job] = []
        self.down = False
        self.workers: dict[str, tuple[int, int]] = {}
        """Of a queue: how many, and jobs that they can do at a time."""

    def send(self, job: Job) -> None:
        if self.down:
            raise Unavailable("down")
        self.sent.append(job)
        self.messages.append(job)

    def depth(self, queue: str) -> int:
        if self.down:
            raise Unavailable("down")
        return sum(job.step.startswith(queue + ".") for job in self.messages)

    def look(self, queues: Sequence[str]) -> Mapping[str, Seen]:
        return {queue: Seen(self.depth(queue), *self.workers.get(queue, (0, 0))) for queue in queues}

    def revoke(self, jobs: list[Job]) -> None:
        self.revoked += jobs

    def poke(self) -> None:
        pass

    def lose_everything(self) -> None:
        self.messages.clear()


class FakeIndex:
    """Implements `pipeline.ports.Index`."""

    def __init__(self) -> None:
        self.rows: dict[VideoName, int] = {}
        self.down = False

    def delete_video(self, video: VideoName) -> int:
        if self.down:
            raise Unavailable("index down")
        return self.rows.pop(video, 0)

    def census(self) -> dict[VideoName, Rows]:
        if self.down:
            raise Unavailable("index down")
        return {video: Rows(pictures=(count,)) for video, count in self.rows.items()}


def success(job: Job, segments: int = 2, rows: int = 7) -> Report:
    """What an able worker reports of a job."""
    step = workflow.BY_NAME[job.step]
    segment = "" if job.segment is None else f"/{job.segment}"
    artifacts = {kind: f"{job.video}/{KINDS[kind].writer}/{kind}{segment}" for kind in step.gives}
    counts = {"decoding.plan": {"segments": segments, "duration_ns": 10}, "search.index": {"rows": rows, "expected": 7}}
    return Report(job, "succeeded", "w", busy_ns=5, artifacts=artifacts, counts=counts.get(job.step, {}))
