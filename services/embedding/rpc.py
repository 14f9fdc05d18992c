"""Proto in, proto out."""

from collections.abc import Mapping

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1 import embedding_service_pb2_grpc as pb_grpc

from services.core.errors import InvalidInput
from services.core.jobs import Handler
from services.embedding.service import Embedding
from services.runtime import steps
from services.runtime.grpc_server import Register


class EmbeddingService(pb_grpc.EmbeddingServiceServicer):
    """The gRPC door."""

    def __init__(self, service: Embedding, handlers: Mapping[str, Handler]) -> None:
        self._service = service
        self._handlers = handlers

    def EmbedText(self, request: pb.EmbedTextRequest, context: grpc.ServicerContext) -> pb.EmbedTextResponse:  # noqa: N802
        if request.text_space not in pb.TextSpace.values():
            rule = "one of TextSpace"
            raise InvalidInput(f"text_space {request.text_space} is not {rule}", fields={"text_space": rule})
        sentences = request.text_space == pb.SENTENCE
        embed = self._service.embed_sentences if sentences else self._service.embed_text
        found = embed(list(request.texts))
        return pb.EmbedTextResponse(
            vectors=[pb.Vector(values=row) for row in found.vectors],
            calibrations=[
                pb.Calibration(middle=middle, spread=spread)
                for middle, spread in zip(found.middles, found.spreads, strict=True)
            ],
            space=found.space,
        )

    def EmbedImages(self, request: pb.EmbedImagesRequest, context: grpc.ServicerContext) -> pb.EmbedImagesResponse:  # noqa: N802
        vectors = self._service.embed_images(list(request.images))
        return pb.EmbedImagesResponse(vectors=[pb.Vector(values=row) for row in vectors], space=self._service.space)

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:  # noqa: N802
        return pb.RunResponse(outputs=steps.run(self._handlers, request.job, context))


def door(service: Embedding, handlers: Mapping[str, Handler]) -> tuple[ServiceDescriptor, Register]:
    """The service as `runtime.grpc_server` takes it."""
    servicer = EmbeddingService(service, handlers)
    return (
        pb.DESCRIPTOR.services_by_name["EmbeddingService"],
        lambda server: pb_grpc.add_EmbeddingServiceServicer_to_server(servicer, server),
    )
