"""Proto in, proto out."""

from collections.abc import Mapping

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from vidx.decoding.v1 import decoding_service_pb2 as pb
from vidx.decoding.v1 import decoding_service_pb2_grpc as pb_grpc

from services.core.jobs import Handler
from services.decoding.service import Decoding
from services.runtime import steps
from services.runtime.grpc_server import Register
from services.runtime.media_proto import duration, nanoseconds, probe_to


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

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:  # noqa: N802
        return pb.RunResponse(outputs=steps.run(self._handlers, request.job, context))


def door(service: Decoding, handlers: Mapping[str, Handler]) -> tuple[ServiceDescriptor, Register]:
    """The service as `runtime.grpc_server` takes it."""
    servicer = DecodingService(service, handlers)
    return (
        pb.DESCRIPTOR.services_by_name["DecodingService"],
        lambda server: pb_grpc.add_DecodingServiceServicer_to_server(servicer, server),
    )
