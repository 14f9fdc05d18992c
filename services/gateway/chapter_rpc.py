"""Proto in, proto out: chapters, summaries, answers."""

import re
from collections.abc import Iterator

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import chapters_pb2, media_pb2

from services.core.chapters import Length
from services.core.errors import InvalidInput
from services.core.names import CollectionName, VideoName
from services.core.times import TimeRange
from services.gateway import chapters, convert
from services.gateway.answers import Answers
from services.gateway.chaptering import Caller, Made, Wish
from services.gateway.chapters import VideoChapters
from services.gateway.summaries import VideoSummaries
from services.gateway.videos import Videos
from services.runtime.chapters_proto import FROM_LENGTH, answer_to, summary_to
from services.runtime.media_proto import nanoseconds

_CHAPTER = re.compile(r"c\d{1,16}", re.ASCII)


class ChapterRpc:
    """The methods of the public service that tell what is in videos, part by part."""

    def __init__(self, chapters: VideoChapters, summaries: VideoSummaries, answers: Answers, videos: Videos) -> None:
        self._chapters = chapters
        self._summaries = summaries
        self._answers = answers
        self._videos = videos

    def ListChapters(self, request: pb.ListChaptersRequest, context: grpc.ServicerContext) -> pb.ListChaptersResponse:  # noqa: N802
        name = VideoName.parse(request.parent, "parent")
        shortest = nanoseconds(request.shortest) if request.HasField("shortest") else None
        longest = nanoseconds(request.longest) if request.HasField("longest") else None
        wish = Wish(request.count, tuple(request.titles), shortest=shortest, longest=longest)
        if wish.count or wish.titles or wish.lengths:
            return convert.chapters(name, self._chapters.made(name, wish, context.time_remaining()))
        return convert.chapters(name, self._chapters.stored(name))

    def UpdateChapters(self, request: pb.UpdateChaptersRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        name = VideoName.parse(request.parent, "parent")
        given = request.WhichOneof("edit")
        if given == "file":
            self._chapters.put_file(name, request.file.format, request.file.content, request.etag)
        elif given == "chapters":
            listed = [(*_bounds(one.range), one.title) for one in request.chapters.chapters]
            self._chapters.put(name, lambda duration: chapters.checked(listed, duration), request.etag)
        else:
            self._chapters.clear(name, request.etag)
        return convert.video(self._videos.get(name))

    def ExportChapters(  # noqa: N802
        self, request: pb.ExportChaptersRequest, context: grpc.ServicerContext
    ) -> pb.ExportChaptersResponse:
        file = self._chapters.export(VideoName.parse(request.parent, "parent"), request.format)
        return pb.ExportChaptersResponse(content=file.content, media_type=file.media_type, ending=file.ending)

    def GetSummary(self, request: pb.GetSummaryRequest, context: grpc.ServicerContext) -> chapters_pb2.Summary:  # noqa: N802
        name, chapter = _parse(request.name)
        length = _length(request.length) if request.length else None
        return summary_to(self._summaries.stored(name, chapter, length))

    def Summarize(self, request: pb.SummarizeRequest, context: grpc.ServicerContext) -> Iterator[pb.SummarizeResponse]:  # noqa: N802
        for part in self._summarized(request, Caller(context.time_remaining(), context.add_callback)):
            if isinstance(part, tuple):
                yield pb.SummarizeResponse(making=chapters_pb2.Making(done=part[0], total=part[1]))
            else:
                yield pb.SummarizeResponse(summary=summary_to(part))

    def _summarized(self, request: pb.SummarizeRequest, caller: Caller) -> Iterator[Made]:
        range_, length = _range(request.range) if request.HasField("range") else None, _length(request.length)
        if not request.videos and request.name.count("/") != 1:
            name, chapter = _parse(request.name)
            return self._summaries.made(name, chapter, range_, length, request.focus, caller)
        parent = CollectionName.parse(request.name)
        if range_ is not None:
            raise InvalidInput("range: of one video", fields={"range": "of one video"})
        videos = [VideoName.parse(name, f"videos[{i}]") for i, name in enumerate(request.videos)]
        return self._summaries.together(parent, videos, length, request.focus, caller)

    def Ask(self, request: pb.AskRequest, context: grpc.ServicerContext) -> chapters_pb2.Answer:  # noqa: N802
        parent = CollectionName.parse(request.parent, "parent")
        videos = [VideoName.parse(name, f"videos[{i}]") for i, name in enumerate(request.videos)]
        return answer_to(self._answers.ask(parent, request.question, videos, context.time_remaining()))


def _parse(text: str) -> tuple[VideoName, str]:
    """A video's name and a chapter's id, "" for the video's own name."""
    video, parted, chapter = text.partition("/chapters/")
    if parted and not _CHAPTER.fullmatch(chapter):
        form = "collections/{collection}/videos/{video}/chapters/{chapter}, the last part such as c90500"
        raise InvalidInput(f"name {text[:120]!r} is not of the form {form}", fields={"name": f"format: {form}"})
    return VideoName.parse(video), chapter


def _length(number: chapters_pb2.SummaryLength.ValueType) -> Length:
    if number not in FROM_LENGTH:
        raise InvalidInput(f"no length {number}", fields={"length": "one of SummaryLength"})
    return FROM_LENGTH[number]


def _bounds(range_: media_pb2.TimeRange) -> tuple[int, int]:
    return nanoseconds(range_.start), nanoseconds(range_.end)


def _range(range_: media_pb2.TimeRange) -> TimeRange:
    start, end = _bounds(range_)
    if not 0 <= start < end:
        rule = "begins at 0 or later and ends after that"
        raise InvalidInput(f"range: {rule}", fields={"range": rule})
    return TimeRange(start, end)
