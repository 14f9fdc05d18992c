"""Subtitle files and transcripts, turned into each other by the transcription service."""

from dataclasses import replace

from vidx.transcription.v1 import transcription_service_pb2 as pb
from vidx.transcription.v1.transcription_service_pb2_grpc import TranscriptionServiceStub

from services.core.errors import InvalidInput
from services.core.text import TranscriptTrack
from services.runtime import grpc_client, text_proto


class Subtitles:
    """A client of the transcription service."""

    def __init__(self, stub: TranscriptionServiceStub, call_s: float) -> None:
        self._stub = stub
        self._call_s = call_s

    def read(self, file_name: str, content: bytes, language: str, field: str) -> TranscriptTrack:
        """What stands in a file. Raises InvalidInput, which says the wrong line and names the field's content."""
        request = pb.ReadSubtitlesRequest(content=content, file_name=file_name, language=language)
        try:
            answer = grpc_client.call(self._stub.ReadSubtitles, request, self._call_s)
        except InvalidInput as error:
            at = "language" if "language" in error.fields else f"{field}.content"
            raise InvalidInput(f"subtitle file {file_name!r}: {error.message}", fields={at: error.message}) from error
        return text_proto.track_from(answer.track)

    def write(self, track: TranscriptTrack, format_: pb.SubtitleFormat.ValueType) -> bytes:
        """A transcript as a file, in UTF-8; WebVTT when the format is unspecified."""
        # No format has a place for the words' own times.
        bare = replace(track, cues=tuple(replace(cue, words=()) for cue in track.cues))
        request = pb.WriteSubtitlesRequest(track=text_proto.track_to(bare), format=format_ or pb.WEBVTT)
        return grpc_client.call(self._stub.WriteSubtitles, request, self._call_s).content
