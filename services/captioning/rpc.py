"""Proto in, proto out."""

from collections.abc import Mapping

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from vidx.captioning.v1 import captioning_service_pb2 as pb
from vidx.captioning.v1 import captioning_service_pb2_grpc as pb_grpc

from services.captioning.service import Captioning
from services.core.jobs import Handler
from services.runtime import steps
from services.runtime.grpc_server import Register
from services.runtime.text_proto import caption_to, line_to


class CaptioningService(pb_grpc.CaptioningServiceServicer):
    """The gRPC door."""

    def __init__(self, service: Captioning, handlers: Mapping[str, Handler]) -> None:
        self._service = service
        self._handlers = handlers

    def Caption(self, request: pb.CaptionRequest, context: grpc.ServicerContext) -> pb.CaptionResponse:  # noqa: N802
        found = self._service.caption(list(request.images))
        if found is None:
            return pb.CaptionResponse()
        caption = caption_to(found)
        caption.ClearField("range")
        return pb.CaptionResponse(caption=caption)

    def ReadText(self, request: pb.ReadTextRequest, context: grpc.ServicerContext) -> pb.ReadTextResponse:  # noqa: N802
        return pb.ReadTextResponse(lines=[line_to(line) for line in self._service.read_text(request.image)])

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:  # noqa: N802
        return pb.RunResponse(outputs=steps.run(self._handlers, request.job, context))


def door(service: Captioning, handlers: Mapping[str, Handler]) -> tuple[ServiceDescriptor, Register]:
    """The service as `runtime.grpc_server` takes it."""
    servicer = CaptioningService(service, handlers)
    return (
        pb.DESCRIPTOR.services_by_name["CaptioningService"],
        lambda server: pb_grpc.add_CaptioningServiceServicer_to_server(servicer, server),
    )
