"""Proto in, proto out: how the platform is."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from vidx.gateway.v1 import status_service_pb2 as pb
from vidx.gateway.v1.status_service_pb2_grpc import StatusServiceServicer

from services.catalog.states import JobState, VideoState
from services.core.times import SECOND
from services.pipeline.overview import Overview, QueueView
from services.runtime import metrics
from services.runtime.media_proto import duration

SERVICE = pb.DESCRIPTOR.services_by_name["StatusService"]
CHECK_S = 2.0
"""A service that says nothing for so long is unreachable."""
_STATES = {
    health_pb2.HealthCheckResponse.SERVING: pb.Service.SERVING,
    health_pb2.HealthCheckResponse.NOT_SERVING: pb.Service.NOT_SERVING,
}


class StatusRpc(StatusServiceServicer):
    """`channels` by the words of the services behind them."""

    def __init__(self, survey: Callable[[], Overview], channels: Mapping[str, grpc.Channel]) -> None:
        self._survey = survey
        self._health: dict[str, Any] = {word: HealthStub(channel) for word, channel in channels.items()}

    def GetStatus(self, request: pb.GetStatusRequest, context: grpc.ServicerContext) -> pb.PlatformStatus:  # noqa: N802
        # All are asked at the same time, while the catalog is.
        asked = {
            word: stub.Check.future(health_pb2.HealthCheckRequest(), timeout=CHECK_S)
            for word, stub in self._health.items()
        }
        now = self._survey()
        return pb.PlatformStatus(
            version=metrics.release(),
            services=[pb.Service(service=word, state=_state(answer)) for word, answer in asked.items()],
            queues=map(_queue, now.queues),
            broker_answers=all(view.seen is not None for view in now.queues),
            causes=[pb.Cause(stage=c.stage, reason=c.reason, fatal=c.fatal, videos=c.videos) for c in now.causes],
            processing_videos=now.videos.get(VideoState.PROCESSING, 0),
            ready_videos=now.videos.get(VideoState.READY, 0),
            failed_videos=now.videos.get(VideoState.FAILED, 0),
            rows=now.rows,
            backlog=_seconds(now.backlog_s),
            speed=now.speed,
            remaining=None if now.remaining_s is None else _seconds(now.remaining_s),
        )


def _state(answer: Any) -> pb.Service.State.ValueType:
    try:
        return _STATES.get(answer.result().status, pb.Service.NOT_SERVING)
    except (grpc.RpcError, grpc.FutureCancelledError):
        return pb.Service.UNREACHABLE


def _queue(view: QueueView) -> pb.Queue:
    made = pb.Queue(
        queue=view.queue,
        oldest_age=_seconds(view.oldest_s),
        due_jobs=view.jobs.get(JobState.DUE, 0),
        waiting_jobs=view.jobs.get(JobState.WAITING, 0),
        running_jobs=view.jobs.get(JobState.RUNNING, 0),
    )
    if view.seen is not None:
        made.messages, made.workers, made.slots = view.seen.messages, view.seen.workers, view.seen.slots
    return made


def _seconds(seconds: float) -> Duration:
    return duration(round(seconds * SECOND))
