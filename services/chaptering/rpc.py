"""Proto in, proto out."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.duration_pb2 import Duration
from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1 import chaptering_service_pb2_grpc as pb_grpc

from services.chaptering.answering import Answering
from services.chaptering.domain.boundaries import Wanted
from services.chaptering.domain.film import Film
from services.chaptering.fields import LONGEST_FOCUS, bounds, wrong
from services.chaptering.highlight_rpc import HighlightRpc
from services.chaptering.highlighting import Highlighting
from services.chaptering.service import Chaptering
from services.chaptering.summarizing import Summarizing
from services.chaptering.summary_rpc import SummaryRpc
from services.core.jobs import Handler
from services.core.names import CollectionName, VideoName
from services.core.times import TimeRange
from services.runtime import chapters_proto, media_proto, steps
from services.runtime.grpc_server import Register

MOST = 500
LONGEST_TITLE = 200
MOST_VIDEOS = 100


class ChapteringService(SummaryRpc, HighlightRpc):
    """The gRPC door."""

    def __init__(
        self,
        service: Chaptering,
        summarizing: Summarizing,
        answering: Answering,
        highlighting: Highlighting,
        handlers: Mapping[str, Handler],
    ) -> None:
        SummaryRpc.__init__(self, summarizing)
        HighlightRpc.__init__(self, highlighting)
        self._service = service
        self._answering = answering
        self._handlers = handlers

    def Chapter(self, request: pb.ChapterRequest, context: grpc.ServicerContext) -> pb.ChapterResponse:  # noqa: N802
        titles = list(request.titles)
        if titles and (request.count or request.locked):
            raise wrong("titles", "titles come without count and without locked chapters")
        if not 0 <= request.count <= MOST or max(len(titles), len(request.locked)) > MOST:
            raise wrong("count", f"at most {MOST} chapters")
        for i, title in enumerate(titles):
            if not 1 <= len(title.strip()) <= LONGEST_TITLE:
                raise wrong(f"titles[{i}]", f"1 to {LONGEST_TITLE} characters")
        locked = []
        for i, chapter in enumerate(request.locked):
            if len(chapter.title) > LONGEST_TITLE:
                raise wrong(f"locked[{i}].title", f"at most {LONGEST_TITLE} characters")
            if chapter.title_source not in chapters_proto.FROM_SOURCE:
                raise wrong(f"locked[{i}].title_source", "one of TitleSource")
            with_range = TimeRange(*bounds(chapter.range, f"locked[{i}].range"))
            locked.append(replace(chapters_proto.chapter_from(chapter), range=with_range, locked=True))
        found = self._service.chapters(dict(request.sources.keys), self._wanted(request), locked, titles)
        return pb.ChapterResponse(chapters=chapters_proto.chapters_to(found))

    def Answer(self, request: pb.AnswerRequest, context: grpc.ServicerContext) -> pb.AnswerResponse:  # noqa: N802
        parent = CollectionName.parse(request.parent, "parent")
        question = request.question.strip()
        if not 1 <= len(question) <= LONGEST_FOCUS:
            raise wrong("question", f"1 to {LONGEST_FOCUS} characters")
        if len(request.videos) > MOST_VIDEOS:
            raise wrong("videos", f"at most {MOST_VIDEOS}")
        for i, video in enumerate(request.videos):
            if VideoName.parse(video, f"videos[{i}]").parent != parent:
                raise wrong(f"videos[{i}]", f"a video of {parent}")
        found = self._answering.answer(str(parent), question, list(request.videos))
        return pb.AnswerResponse(answer=chapters_proto.answer_to(found))

    def Export(self, request: pb.ExportRequest, context: grpc.ServicerContext) -> pb.ExportResponse:  # noqa: N802
        rate = Film().rate
        if request.HasField("frame_rate"):
            if not (request.frame_rate.numerator > 0 and request.frame_rate.denominator > 0):
                raise wrong("frame_rate", "more than 0")
            rate = Fraction(request.frame_rate.numerator, request.frame_rate.denominator)
        for i, chapter in enumerate(request.chapters.chapters):
            bounds(chapter.range, f"chapters.chapters[{i}].range")
        chapters = chapters_proto.chapters_from(request.chapters).chapters
        file = self._service.export(request.format, chapters, Film(request.title, rate, request.media_uri))
        return pb.ExportResponse(content=file.content, media_type=file.media_type, ending=file.ending)

    def Import(self, request: pb.ImportRequest, context: grpc.ServicerContext) -> pb.ImportResponse:  # noqa: N802
        duration = media_proto.nanoseconds(request.duration)
        found = self._service.import_(request.format, request.content, duration)
        return pb.ImportResponse(chapters=chapters_proto.chapters_to(found))

    def Run(self, request: pb.RunRequest, context: grpc.ServicerContext) -> pb.RunResponse:  # noqa: N802
        return pb.RunResponse(outputs=steps.run(self._handlers, request.job, context))

    def _wanted(self, request: pb.ChapterRequest) -> Wanted:
        wanted = self._service.wanted
        if request.HasField("shortest"):
            wanted = replace(wanted, shortest=_length(request.shortest, "shortest"))
        if request.HasField("longest"):
            wanted = replace(wanted, longest=_length(request.longest, "longest"))
        if wanted.shortest > wanted.longest:
            raise wrong("shortest", "at most longest")
        return replace(wanted, count=request.count or None)


def _length(value: Duration, field: str) -> int:
    ns = media_proto.nanoseconds(value)
    if ns <= 0:
        raise wrong(field, "more than 0")
    return ns


def door(
    service: Chaptering,
    summarizing: Summarizing,
    answering: Answering,
    highlighting: Highlighting,
    handlers: Mapping[str, Handler],
) -> tuple[ServiceDescriptor, Register]:
    """The service as `runtime.grpc_server` takes it."""
    servicer = ChapteringService(service, summarizing, answering, highlighting, handlers)
    return (
        pb.DESCRIPTOR.services_by_name["ChapteringService"],
        lambda server: pb_grpc.add_ChapteringServiceServicer_to_server(servicer, server),
    )
