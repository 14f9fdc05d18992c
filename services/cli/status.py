"""What `vidx status` prints of the whole platform."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.cli.output import clock, one_line

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration
    from vidx.gateway.v1 import status_service_pb2 as pb


def healthy(status: "pb.PlatformStatus") -> bool:
    """True when everything that the gateway knows answers."""
    from vidx.gateway.v1 import status_service_pb2 as pb

    return status.broker_answers and all(s.state == pb.Service.SERVING for s in status.services)


def videos_line(status: "pb.PlatformStatus") -> str:
    """How many videos there are, and what waits."""
    counts = f"{status.ready_videos} READY, {status.processing_videos} PROCESSING, {status.failed_videos} FAILED"
    return f"videos   {counts}; {status.rows} rows in the index"


def backlog_line(status: "pb.PlatformStatus") -> str:
    """What waits, and when it will be done."""
    if not status.processing_videos:
        return "backlog  none"
    waits = f"backlog  {_span(status.backlog)} of media"
    if not status.HasField("remaining"):
        return f"{waits}; too early to tell when it will be done"
    return f"{waits}, {status.speed:.1f} times real time: done in {_span(status.remaining)}"


def queue_rows(status: "pb.PlatformStatus") -> list[list[str]]:
    """A row a queue: messages, age of the oldest, jobs by state, workers and what they can do at a time."""
    return [
        [
            q.queue,
            str(q.messages) if q.HasField("messages") else "?",
            _span(q.oldest_age) if q.oldest_age.ToNanoseconds() else "",
            str(q.running_jobs),
            str(q.due_jobs),
            str(q.waiting_jobs),
            str(q.workers) if q.HasField("workers") else "?",
            str(q.slots) if q.HasField("slots") else "?",
        ]
        for q in status.queues
    ]


QUEUE_HEADERS = ["queue", "messages", "oldest", "running", "due", "waiting", "workers", "slots"]


def trouble_lines(status: "pb.PlatformStatus") -> Iterator[str]:
    """A line for whatever does not answer, and a line a cause of failures."""
    from vidx.gateway.v1 import status_service_pb2 as pb

    for service in status.services:
        if service.state != pb.Service.SERVING:
            yield f"{one_line(service.service)} is {pb.Service.State.Name(service.state)}"
    if not status.broker_answers:
        yield "Redis does not answer: nothing is indexed until it does"
    for cause in status.causes:
        what = "FAILED" if cause.fatal else "lack a part"
        yield f"{cause.videos} videos {what}: {one_line(cause.stage)} {one_line(cause.reason)}"


def _span(time: "Duration") -> str:
    """A length of time to the second, as h:mm:ss."""
    return clock(time).rpartition(".")[0]
