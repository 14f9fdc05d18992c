"""A chaptering service behind the real API: chapters of equal parts, summaries of one sentence, files of one format."""

import threading

from google.protobuf.duration_pb2 import Duration
from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1.chaptering_service_pb2_grpc import (
    ChapteringServiceServicer,
    add_ChapteringServiceServicer_to_server,
)
from vidx.media.v1 import chapters_pb2, media_pb2

from services.core.errors import Incomplete, InvalidInput, Unavailable
from services.runtime.grpc_server import Server, create_server
from services.runtime.settings import ServerSettings

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["ChapteringService"]
SECONDS = 10
"""How long it takes every video to be."""


class FakeChaptering(ChapteringServiceServicer):
    """`asked` is what was asked; `down` makes it answer that it is away, `fault` that a language model was.

    A question waits for `slow`, where it is set, and so does a summary; `gone` is set when its caller is.
    """

    def __init__(self) -> None:
        self.asked: list = []
        self.down = False
        self.slow: threading.Event | None = None
        self.gone = threading.Event()
        self.fault: media_pb2.Fault | None = None

    def serve(self) -> Server:
        """A real server on a free port."""
        settings = ServerSettings(address="127.0.0.1:0", drain_s=0.0)
        return create_server(
            settings, [(DESCRIPTOR, lambda server: add_ChapteringServiceServicer_to_server(self, server))]
        )

    def Chapter(self, request, context):  # noqa: N802
        self._take(request)
        if request.shortest.seconds > SECONDS:
            raise InvalidInput("shortest: too long", fields={"shortest": "too long"})
        titles = list(request.titles) or [f"part {i}" for i in range(request.count or 1)]
        if len(titles) > SECONDS:
            raise InvalidInput("there is not so much room", fields={"locked": "there is not so much room"})
        edges = [i * SECONDS // len(titles) for i in range(len(titles) + 1)]
        found = [chapter(a, b, title) for a, b, title in zip(edges, edges[1:], titles, strict=False)]
        return pb.ChapterResponse(chapters=chapters_pb2.Chapters(chapters=found, writer="builtin", fault=self.fault))

    def Summarize(self, request, context):  # noqa: N802
        """A sentence, of several videos one of each; `slow` holds it up after the first part of two."""
        self._take(request)
        if not context.add_callback(self.gone.set):
            self.gone.set()
        yield pb.SummarizeResponse(making=chapters_pb2.Making(done=0, total=2))
        if self.slow is not None:
            assert self.slow.wait(120)
        if request.focus == "nonsense":
            raise Incomplete("vectors are of several spaces: embed these videos again")
        yield pb.SummarizeResponse(making=chapters_pb2.Making(done=1, total=2))
        range_ = request.range if request.HasField("range") else span(0, SECONDS)
        videos = [one.video for one in request.videos]
        sentences = [
            chapters_pb2.SummarySentence(text="It is said.", ranges=[range_], video=video) for video in videos or [""]
        ]
        summary = chapters_pb2.Summary(
            range=None if videos else range_,
            length=request.length,
            sentences=sentences,
            chapter=-1,
            focus=request.focus,
            fault=self.fault,
            videos=videos,
        )
        yield pb.SummarizeResponse(summary=summary)

    def Highlight(self, request, context):  # noqa: N802
        self._take(request)
        best = chapters_pb2.Highlight(range=span(4, 7), peak=Duration(seconds=5), score=0.75)
        saliency = [0.75 if i == 5 else 0.25 for i in range(SECONDS)]
        curve = chapters_pb2.Highlights(step=Duration(seconds=1), saliency=saliency, highlights=[best])
        return pb.HighlightResponse(highlights=curve)

    def Skim(self, request, context):  # noqa: N802
        """The first and the last second, as far as there is room."""
        self._take(request)
        kept = [span(0, 1), span(SECONDS - 1, SECONDS)][: max(1, request.length.seconds)]
        return pb.SkimResponse(skim=chapters_pb2.Skim(ranges=kept, length=Duration(seconds=len(kept))))

    def Answer(self, request, context):  # noqa: N802
        self._take(request)
        if self.slow is not None:
            assert self.slow.wait(120)
        if request.question == "nothing":
            return pb.AnswerResponse(answer=chapters_pb2.Answer(writer="builtin"))
        video = request.videos[0] if request.videos else f"{request.parent}/videos/v"
        cited = chapters_pb2.Citation(video=video, range=span(1, 2), text="The boat comes at nine.")
        sentence = chapters_pb2.AnswerSentence(text="At nine.", citations=[cited])
        answer = chapters_pb2.Answer(sentences=[sentence], writer="a model", fault=self.fault)
        return pb.AnswerResponse(answer=answer)

    def Export(self, request, context):  # noqa: N802
        self._take(request)
        if request.format != "webvtt":
            raise InvalidInput("no such format", fields={"format": "webvtt"})
        titles = ", ".join(one.title for one in request.chapters.chapters)
        rate = f"{request.frame_rate.numerator}/{request.frame_rate.denominator}"
        return pb.ExportResponse(content=f"{request.title} {rate}: {titles}".encode(), media_type="a/b", ending="vtt")

    def Import(self, request, context):  # noqa: N802
        """A chapter a line, "seconds seconds title", after the first line; one without a title is not locked."""
        self._take(request)
        found = []
        for number, line in enumerate(request.content.decode(errors="replace").splitlines()[1:], 2):
            start, end, title = (*line.split(" ", 2), "", "")[:3]
            if not start.isdigit():
                raise InvalidInput(f"line {number}: not a time", fields={"content": "not a time"})
            found.append(chapter(int(start), int(end), title, locked=bool(title)))
        return pb.ImportResponse(chapters=chapters_pb2.Chapters(chapters=found))

    def _take(self, request) -> None:
        self.asked.append(request)
        if self.down:
            raise Unavailable("the chaptering service is away")


def span(start: int, end: int) -> media_pb2.TimeRange:
    """Of seconds."""
    return media_pb2.TimeRange(start=Duration(seconds=start), end=Duration(seconds=end))


def chapter(start: int, end: int, title: str, *, locked: bool = False) -> chapters_pb2.Chapter:
    source = chapters_pb2.Chapter.EDITED if locked else chapters_pb2.Chapter.PHRASE
    return chapters_pb2.Chapter(range=span(start, end), title=title, locked=locked, title_source=source)
