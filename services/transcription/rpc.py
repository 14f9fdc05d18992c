"""Proto in, proto out."""

from collections.abc import Mapping

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from vidx.media.v1 import text_pb2
from vidx.transcription.v1 import transcription_service_pb2 as pb
from vidx.transcription.v1 import transcription_service_pb2_grpc as pb_grpc

from services.core.errors import InvalidInput
from services.core.jobs import Handler
from services.core.text import TranscriptTrack
from services.runtime import steps
from services.runtime.grpc_server import Register
from services.runtime.text_proto import track_from, track_to
from services.transcription.domain.writing import Format
from services.transcription.service import Transcription

FORMATS = {pb.SRT: Format.SRT, pb.WEBVTT: Format.WEBVTT, pb.TEXT: Format.TEXT}


class TranscriptionService(pb_grpc.TranscriptionServiceServicer):
    """The gRPC door."""

    def __init__(self, service: Transcription, handlers: Mapping[str, Handler]) -> None:
        self._service = service
        self._handlers = handlers

    def Transcribe(self, request: pb.TranscribeRequest, context: grpc.ServicerContext) -> pb.TranscribeResponse:  # noqa: N802
        return pb.TranscribeResponse(track=track_to(self._service.transcribe(request.audio, request.language)))

    def ReadSubtitles(  # noqa: N802
        self, request: pb.ReadSubtitlesRequest, context: grpc.ServicerContext
    ) -> pb.ReadSubtitlesResponse:
        track = self._service.read_subtitles(request.content, request.file_name, request.language)
        return pb.ReadSubtitlesResponse(track=track_to(track))

    def WriteSubtitles(  # noqa: N802
        self, request: pb.WriteSubtitlesRequest, context: grpc.ServicerContext
    ) -> pb.WriteSubtitlesResponse:
        format_ = FORMATS.get(request.format)
        if format_ is None:
            rule = "one of SRT, WEBVTT, TEXT"
            raise InvalidInput(f"format is not {rule}", fields={"format": rule})
        return pb.WriteSubtitlesResponse(content=self._service.write_subtitles(_track(request.track), format_))

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:  # noqa: N802
        return pb.RunResponse(outputs=steps.run(self._handlers, request.job, context))


def door(service: Transcription, handlers: Mapping[str, Handler]) -> tuple[ServiceDescriptor, Register]:
    """The service as `runtime.grpc_server` takes it."""
    servicer = TranscriptionService(service, handlers)
    return (
        pb.DESCRIPTOR.services_by_name["TranscriptionService"],
        lambda server: pb_grpc.add_TranscriptionServiceServicer_to_server(servicer, server),
    )


def _track(message: text_pb2.TranscriptTrack) -> TranscriptTrack:
    """The track, whose source does not matter for writing it. Raises InvalidInput for times that are none."""
    known = text_pb2.TranscriptTrack()
    known.CopyFrom(message)
    known.source = message.source or text_pb2.TranscriptTrack.EDITED
    try:
        return track_from(known)
    except (ValueError, KeyError) as error:
        raise InvalidInput(f"the track cannot be read: {error}", fields={"track": str(error)}) from error
