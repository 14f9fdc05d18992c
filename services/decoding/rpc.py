"""Proto in, proto out."""

from collections.abc import Iterator, Mapping

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from vidx.decoding.v1 import decoding_service_pb2 as pb
from vidx.decoding.v1 import decoding_service_pb2_grpc as pb_grpc
from vidx.media.v1 import media_pb2

from services.core.errors import Cancelled, InvalidInput
from services.core.jobs import Handler
from services.core.times import TimeRange
from services.decoding.service import Decoding
from services.runtime import steps
from services.runtime.grpc_server import Register
from services.runtime.media_proto import duration, nanoseconds, probe_to

CHUNK_BYTES = 256 << 10


class DecodingService(pb_grpc.DecodingServiceServicer):
    """The gRPC door."""

    def __init__(self, service: Decoding, handlers: Mapping[str, Handler]) -> None:
        self._service = service
        self._handlers = handlers

    def Probe(self, request: pb.ProbeRequest, context: grpc.ServicerContext) -> pb.ProbeResponse:  # noqa: N802
        return pb.ProbeResponse(probe=probe_to(self._service.probe(request.source)))

    def GetFrame(self, request: pb.GetFrameRequest, context: grpc.ServicerContext) -> pb.GetFrameResponse:  # noqa: N802
        jpeg, shown = self._service.frame(request.source, nanoseconds(request.time), request.max_height)
        return pb.GetFrameResponse(jpeg=jpeg, time=duration(shown))

    def CutRanges(self, request: pb.CutRangesRequest, context: grpc.ServicerContext) -> Iterator[pb.CutRangesResponse]:  # noqa: N802
        def progress(done: int, total: int) -> None:
            if not context.is_active():
                raise Cancelled("the caller has gone")

        ranges = [_range(one, f"ranges[{i}]") for i, one in enumerate(request.ranges)]
        with self._service.cut(request.source, ranges, request.max_height, progress) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield pb.CutRangesResponse(chunk=chunk)

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:  # noqa: N802
        return pb.RunResponse(outputs=steps.run(self._handlers, request.job, context))


def _range(range_: media_pb2.TimeRange, field: str) -> TimeRange:
    start, end = nanoseconds(range_.start), nanoseconds(range_.end)
    if not 0 <= start <= end:
        rule = "begins at 0 or later and ends after that"
        raise InvalidInput(f"{field}: {rule}", fields={field: rule})
    return TimeRange(start, end)


def door(service: Decoding, handlers: Mapping[str, Handler]) -> tuple[ServiceDescriptor, Register]:
    """The service as `runtime.grpc_server` takes it."""
    servicer = DecodingService(service, handlers)
    return (
        pb.DESCRIPTOR.services_by_name["DecodingService"],
        lambda server: pb_grpc.add_DecodingServiceServicer_to_server(servicer, server),
    )
