"""Proto in, proto out."""

from collections.abc import Mapping

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1 import embedding_service_pb2_grpc as pb_grpc

from services.core.errors import InvalidInput
from services.core.jobs import Handler
from services.embedding.service import Embedding, TextVectors
from services.runtime import steps
from services.runtime.grpc_server import Register


class EmbeddingService(pb_grpc.EmbeddingServiceServicer):
    """The gRPC door."""

    def __init__(self, service: Embedding, handlers: Mapping[str, Handler]) -> None:
        self._service = service
        self._handlers = handlers

    def EmbedText(self, request: pb.EmbedTextRequest, context: grpc.ServicerContext) -> pb.EmbedTextResponse:  # noqa: N802
        wanted, texts = list(request.text_spaces) or [pb.JOINT], list(request.texts)
        if len(set(wanted)) != len(wanted) or not set(wanted) <= {pb.JOINT, pb.SENTENCE}:
            rule = "JOINT, SENTENCE or both"
            raise InvalidInput(f"text_spaces are {wanted}; wanted {rule}", fields={"text_spaces": rule})
        if len(wanted) > 1:
            found = dict(zip((pb.JOINT, pb.SENTENCE), self._service.embed_both(texts), strict=True))
        elif wanted == [pb.SENTENCE]:
            found = {pb.SENTENCE: self._service.embed_sentences(texts)}
        else:
            found = {pb.JOINT: self._service.embed_text(texts)}
        return pb.EmbedTextResponse(spaces=[_vectors(found[space]) for space in wanted])

    def EmbedImages(self, request: pb.EmbedImagesRequest, context: grpc.ServicerContext) -> pb.EmbedImagesResponse:  # noqa: N802
        vectors = self._service.embed_images(list(request.images))
        return pb.EmbedImagesResponse(vectors=[pb.Vector(values=row) for row in vectors], space=self._service.space)

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:  # noqa: N802
        return pb.RunResponse(outputs=steps.run(self._handlers, request.job, context))


def _vectors(found: TextVectors) -> pb.TextVectors:
    curves = zip(found.middles, found.spreads, strict=True)
    return pb.TextVectors(
        vectors=[pb.Vector(values=row) for row in found.vectors.tolist()],
        calibrations=[pb.Calibration(middle=middle, spread=spread) for middle, spread in curves],
        space=found.space,
    )


def door(service: Embedding, handlers: Mapping[str, Handler]) -> tuple[ServiceDescriptor, Register]:
    """The service as `runtime.grpc_server` takes it."""
    servicer = EmbeddingService(service, handlers)
    return (
        pb.DESCRIPTOR.services_by_name["EmbeddingService"],
        lambda server: pb_grpc.add_EmbeddingServiceServicer_to_server(servicer, server),
    )
