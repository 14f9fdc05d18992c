"""Proto in, proto out: highlights and skims."""

import grpc
from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1 import chaptering_service_pb2_grpc as pb_grpc

from services.chaptering.fields import LONGEST_FOCUS, bounds, wrong
from services.chaptering.highlighting import Highlighting
from services.core.times import SECOND, TimeRange
from services.runtime import chapters_proto, media_proto

USUAL, MOST = 10, 100
SHORTEST, LONGEST = SECOND, 3600 * SECOND


class HighlightRpc(pb_grpc.ChapteringServiceServicer):
    """The part of the door that says what to watch."""

    def __init__(self, highlighting: Highlighting) -> None:
        self._highlighting = highlighting

    def Highlight(self, request: pb.HighlightRequest, context: grpc.ServicerContext) -> pb.HighlightResponse:  # noqa: N802
        if not 0 <= request.limit <= MOST:
            raise wrong("limit", f"0 to {MOST}")
        query, keys = _text(request.query, "query"), dict(request.sources.keys)
        found = self._highlighting.highlights(keys, _segments(request.sources), query, request.limit or USUAL)
        return pb.HighlightResponse(highlights=chapters_proto.highlights_to(found))

    def Skim(self, request: pb.SkimRequest, context: grpc.ServicerContext) -> pb.SkimResponse:  # noqa: N802
        length = media_proto.nanoseconds(request.length)
        if not SHORTEST <= length <= LONGEST:
            raise wrong("length", f"{SHORTEST // SECOND} s to {LONGEST // SECOND} s")
        listed = enumerate(request.chapters.chapters)
        chapters = [TimeRange(*bounds(one.range, f"chapters.chapters[{i}].range")) for i, one in listed]
        focus, keys = _text(request.focus, "focus"), dict(request.sources.keys)
        found = self._highlighting.skim(keys, _segments(request.sources), chapters, length, focus)
        return pb.SkimResponse(skim=chapters_proto.skim_to(found))


def _segments(sources: pb.Sources) -> dict[str, tuple[str, ...]]:
    return {kind: tuple(found.keys) for kind, found in sources.segment_keys.items()}


def _text(text: str, field: str) -> str:
    if len(text) > LONGEST_FOCUS:
        raise wrong(field, f"at most {LONGEST_FOCUS} characters")
    return text.strip()
