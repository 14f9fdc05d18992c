"""Proto in, proto out: what videos say and show, in words."""

from functools import partial

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core.errors import InvalidInput
from services.core.names import VideoName
from services.gateway import convert, segments
from services.gateway.edits import Edits
from services.gateway.subtitles import Subtitles
from services.gateway.texts import Texts
from services.gateway.videos import Videos
from services.runtime.text_proto import reading_to


class TextRpc:
    """The methods of the public service that give and take words."""

    def __init__(self, texts: Texts, edits: Edits, subtitles: Subtitles, videos: Videos) -> None:
        self._texts = texts
        self._edits = edits
        self._subtitles = subtitles
        self._videos = videos

    def GetTranscript(  # noqa: N802
        self, request: pb.GetTranscriptRequest, context: grpc.ServicerContext
    ) -> pb.GetTranscriptResponse:
        name = VideoName.parse(request.name)
        page = self._texts.transcript_page(name, request.language, request.page_size, request.page_token)
        return pb.GetTranscriptResponse(
            segments=[convert.segment(cue, page.track) for cue in page.cues],
            next_page_token=page.token,
            languages=page.languages,
        )

    def ExportTranscript(  # noqa: N802
        self, request: pb.ExportTranscriptRequest, context: grpc.ServicerContext
    ) -> pb.ExportTranscriptResponse:
        track = self._texts.transcript(VideoName.parse(request.name), request.language)
        return pb.ExportTranscriptResponse(content=self._subtitles.write(track, request.format))

    def UpdateTranscript(self, request: pb.UpdateTranscriptRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        name = VideoName.parse(request.name)
        given = request.WhichOneof("transcript")
        if given == "file":
            self._edits.file(name, request.file.file_name, request.file.content, request.language, request.etag)
        elif given == "segments":
            self._edits.segments(
                name, partial(segments.cues, request.segments.segments), request.language, request.etag
            )
        elif request.language:
            rule = "only with a transcript; without one the earlier edit is taken back"
            raise InvalidInput(f"language: {rule}", fields={"language": rule})
        else:
            self._edits.clear(name, request.etag)
        return convert.video(self._videos.get(name))

    def ListCaptions(self, request: pb.ListCaptionsRequest, context: grpc.ServicerContext) -> pb.ListCaptionsResponse:  # noqa: N802
        name = VideoName.parse(request.parent, "parent")
        found, token = self._texts.descriptions(name, request.page_size, request.page_token)
        return pb.ListCaptionsResponse(descriptions=map(convert.description, found), next_page_token=token)

    def ListOnScreenText(  # noqa: N802
        self, request: pb.ListOnScreenTextRequest, context: grpc.ServicerContext
    ) -> pb.ListOnScreenTextResponse:
        name = VideoName.parse(request.parent, "parent")
        found, token = self._texts.readings(name, request.page_size, request.page_token)
        return pb.ListOnScreenTextResponse(readings=map(reading_to, found), next_page_token=token)
