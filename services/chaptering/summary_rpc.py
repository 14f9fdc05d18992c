"""Proto in, proto out: summaries, as a stream."""

from collections.abc import Iterator

import grpc
from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1 import chaptering_service_pb2_grpc as pb_grpc
from vidx.media.v1 import chapters_pb2

from services.chaptering.fields import LONGEST_FOCUS, bounds, wrong
from services.chaptering.making import made
from services.chaptering.summarizing import Known, Summarizing, Wish
from services.core.chapters import Summary
from services.core.jobs import Progress
from services.core.names import VideoName
from services.core.times import TimeRange
from services.runtime import chapters_proto

MOST_VIDEOS = 20
"""That are summed up together."""


class SummaryRpc(pb_grpc.ChapteringServiceServicer):
    """The part of the door that sums up."""

    def __init__(self, summarizing: Summarizing) -> None:
        self._summarizing = summarizing

    def Summarize(self, request: pb.SummarizeRequest, context: grpc.ServicerContext) -> Iterator[pb.SummarizeResponse]:  # noqa: N802
        if len(request.focus) > LONGEST_FOCUS:
            raise wrong("focus", f"at most {LONGEST_FOCUS} characters")
        length = chapters_proto.FROM_LENGTH.get(request.length)
        if length is None:
            raise wrong("length", "one of SummaryLength")
        wish = Wish(length, request.focus.strip(), context.time_remaining())
        scope = TimeRange(*bounds(request.range, "range")) if request.HasField("range") else None
        chapters = chapters_proto.chapters_from(request.chapters).chapters
        videos = _videos(request)

        def work(progress: Progress) -> Summary:
            if videos:
                return self._summarizing.together(videos, wish, progress)
            return self._summarizing.summary(dict(request.sources.keys), chapters, scope, wish, progress)

        for part in made(work, context.add_callback):
            if isinstance(part, tuple):
                yield pb.SummarizeResponse(making=chapters_pb2.Making(done=part[0], total=part[1]))
            else:
                yield pb.SummarizeResponse(summary=chapters_proto.summary_to(part))


def _videos(request: pb.SummarizeRequest) -> list[Known]:
    if not request.videos:
        return []
    if len(request.videos) > MOST_VIDEOS:
        raise wrong("videos", f"at most {MOST_VIDEOS}")
    if request.HasField("range") or request.HasField("chapters") or request.HasField("sources"):
        raise wrong("videos", "videos come without sources, chapters and range")
    found: dict[str, Known] = {}
    for i, one in enumerate(request.videos):
        name = str(VideoName.parse(one.video, f"videos[{i}].video"))
        if name in found:
            raise wrong(f"videos[{i}].video", "each video once")
        found[name] = Known(name, dict(one.sources.keys), chapters_proto.chapters_from(one.chapters).chapters)
    return list(found.values())
