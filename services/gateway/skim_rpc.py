"""Proto in, proto out: what stands out in a video, and short versions of it."""

from collections.abc import Iterator

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import chapters_pb2

from services.core.errors import InvalidInput
from services.core.names import VideoName
from services.core.times import SECOND
from services.gateway.chaptering import Caller
from services.gateway.films import Films
from services.gateway.skims import VideoSkims
from services.gateway.videos import Videos
from services.runtime.chapters_proto import highlights_to, skim_to
from services.runtime.media_proto import nanoseconds

USUAL = 60 * SECOND
"""How long a skim is when no length is wanted."""


class SkimRpc:
    """The methods of the public service that tell what to watch of a video."""

    def __init__(self, skims: VideoSkims, films: Films, videos: Videos) -> None:
        self._skims = skims
        self._films = films
        self._videos = videos

    def GetHighlights(self, request: pb.GetHighlightsRequest, context: grpc.ServicerContext) -> chapters_pb2.Highlights:  # noqa: N802
        name, left = VideoName.parse(request.name), context.time_remaining()
        return highlights_to(self._skims.highlights(name, request.query, request.limit, left))

    def GetSkim(self, request: pb.GetSkimRequest, context: grpc.ServicerContext) -> chapters_pb2.Skim:  # noqa: N802
        name, left = VideoName.parse(request.name), context.time_remaining()
        return skim_to(self._skims.skim(name, wanted(request), request.focus, left))

    def ExportSkim(  # noqa: N802
        self, request: pb.ExportSkimRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ExportSkimResponse]:
        skim, name = request.skim, VideoName.parse(request.skim.name, "skim.name")
        with self._films.room():
            source = self._videos.source(name)
            try:
                kept = self._skims.skim(name, wanted(skim), skim.focus, context.time_remaining())
            except InvalidInput as error:
                fields = {f"skim.{field}": rule for field, rule in error.fields.items()}
                raise InvalidInput(f"skim.{error.message}" if fields else error.message, fields=fields) from error
            yield pb.ExportSkimResponse(skim=skim_to(kept))
            caller = Caller(context.time_remaining(), context.add_callback)
            for chunk in self._films.cut(source, kept, request.max_height, caller):
                yield pb.ExportSkimResponse(chunk=chunk)


def wanted(request: pb.GetSkimRequest) -> int:
    """Nanoseconds that a skim may last."""
    return nanoseconds(request.length) if request.HasField("length") else USUAL
