"""Transcripts over the gateway: read whole, exported, put back."""

import os

from google.protobuf.json_format import Parse, ParseError
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.transcription.v1 import transcription_service_pb2 as transcription_pb

from services.cli.changing import changed
from services.cli.client import Gateway
from services.cli.inputs import subtitle_file
from services.cli.output import printable
from services.core.errors import InvalidInput

MAX_JSON = 15 << 20
"""Bytes; a larger request would not reach the gateway."""


def whole(gateway: Gateway, name: str, language: str) -> pb.GetTranscriptResponse:
    """Every segment of a transcript in one message."""
    request = pb.GetTranscriptRequest(name=name, language=language, page_size=10_000)
    found = pb.GetTranscriptResponse()
    for page in gateway.pages(gateway.stub.GetTranscript, request):
        found.segments.extend(page.segments)
        found.languages[:] = page.languages
    return found


def export(gateway: Gateway, name: str, language: str, format_: str) -> str:
    """A transcript as a file's text; `format_` is a name of SubtitleFormat."""
    number = transcription_pb.SubtitleFormat.Value(format_)
    request = pb.ExportTranscriptRequest(name=name, language=language, format=number)
    return gateway.call(gateway.stub.ExportTranscript, request).content.decode()


def change(name: str, file: str | None, language: str) -> pb.UpdateTranscriptRequest:
    """What to ask to put a file in, or, without one, to take back what was put in. Raises InvalidInput, OSError."""
    request = pb.UpdateTranscriptRequest(name=name, language=language)
    if file is None:
        return request
    if not file.lower().endswith(".json"):
        request.file.CopyFrom(subtitle_file(file))
        return request
    with open(file, "rb") as opened:
        content = opened.read(MAX_JSON + 1)
    if len(content) > MAX_JSON:
        raise InvalidInput(f"{printable(file)}: more than {MAX_JSON} bytes; put it in as a subtitle file")
    try:
        found = Parse(content, pb.GetTranscriptResponse(), ignore_unknown_fields=True)
    except (ParseError, UnicodeDecodeError) as error:
        rule = "it must hold what `vidx transcript --json` prints"
        raise InvalidInput(f"{printable(os.path.basename(file))}: {rule}: {error}") from error
    request.segments.SetInParent()
    request.segments.segments.extend(found.segments)
    spoken = {segment.language for segment in found.segments}
    if not language and len(spoken) == 1:
        request.language = spoken.pop()
    return request


def put(gateway: Gateway, request: pb.UpdateTranscriptRequest, wait: bool, json: bool) -> int:
    """Change a transcript, say what became of the video, and return the exit status."""
    return changed(gateway, gateway.call(gateway.stub.UpdateTranscript, request), wait, json)
