"""A transcription service behind the real API that reads one cue a line: "seconds seconds text"."""

from vidx.media.v1 import text_pb2
from vidx.transcription.v1 import transcription_service_pb2 as pb
from vidx.transcription.v1.transcription_service_pb2_grpc import (
    TranscriptionServiceServicer,
    add_TranscriptionServiceServicer_to_server,
)

from services.core.errors import InvalidInput, Unavailable
from services.runtime.grpc_server import Server, create_server
from services.runtime.settings import ServerSettings

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["TranscriptionService"]


class FakeTranscription(TranscriptionServiceServicer):
    """`reads` and `writes` are what was asked; `down` makes it answer that it is away."""

    def __init__(self) -> None:
        self.reads: list[pb.ReadSubtitlesRequest] = []
        self.writes: list[pb.WriteSubtitlesRequest] = []
        self.down = False

    def serve(self) -> Server:
        """A real server on a free port."""
        settings = ServerSettings(address="127.0.0.1:0", drain_s=0.0)
        return create_server(
            settings, [(DESCRIPTOR, lambda server: add_TranscriptionServiceServicer_to_server(self, server))]
        )

    def ReadSubtitles(self, request, context):  # noqa: N802
        self.reads.append(request)
        if self.down:
            raise Unavailable("the transcription service is away")
        track = text_pb2.TranscriptTrack(
            language=request.language or "de", source=text_pb2.TranscriptTrack.SUBTITLE_FILE
        )
        for number, line in enumerate(request.content.decode().splitlines(), 1):
            try:
                start, end, text = line.split(" ", 2)
                cue = track.cues.add(text=text, confidence=1)
                cue.range.start.FromSeconds(int(start))
                cue.range.end.FromSeconds(int(end))
            except ValueError:
                raise InvalidInput(f"line {number}: not a time", fields={"content": "not a time"}) from None
        return pb.ReadSubtitlesResponse(track=track)

    def WriteSubtitles(self, request, context):  # noqa: N802
        self.writes.append(request)
        text = "".join(f"{cue.text}\n" for cue in request.track.cues)
        return pb.WriteSubtitlesResponse(content=f"{pb.SubtitleFormat.Name(request.format)}\n{text}".encode())
