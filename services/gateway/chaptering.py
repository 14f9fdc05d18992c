"""Chapters, summaries and answers, made by the chaptering service."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1.chaptering_service_pb2_grpc import ChapteringServiceStub

from services.core.chapters import Answer, Chapter, Chapters, Highlights, Length, Skim, Summary
from services.core.errors import Exhausted, InvalidInput
from services.core.names import CollectionName, VideoName
from services.core.times import TimeRange
from services.runtime import chapters_proto, grpc_client
from services.runtime.media_proto import duration, range_to, rational_to

T = TypeVar("T")
Made = tuple[int, int] | Summary
"""(done, total) parts of a summary that is being made, or at last the summary."""


@dataclass(frozen=True)
class Caller:
    """Who waits: the seconds that he gives, None for no bound, and what registers a call for when he has gone.

    `on_end` says whether he is still there.
    """

    left: float | None
    on_end: Callable[[Callable[[], None]], bool]


@dataclass(frozen=True)
class Wish:
    """What chapters are to be made: so many, around the locked ones; or one for each title.

    None is to be shorter than `shortest` or longer than `longest` ns; None leaves that to the chaptering service.
    """

    count: int = 0
    titles: tuple[str, ...] = ()
    locked: tuple[Chapter, ...] = ()
    shortest: int | None = None
    longest: int | None = None

    @property
    def lengths(self) -> bool:
        """Whether lengths are wished for."""
        return self.shortest is not None or self.longest is not None


@dataclass(frozen=True)
class File:
    """A file of chapters; `ending` is that of its name, without the dot."""

    content: bytes
    media_type: str
    ending: str


@dataclass(frozen=True)
class Sources:
    """What is known of one video of several: object keys by kind, and its chapters."""

    video: VideoName
    keys: Mapping[str, str]
    chapters: Chapters


class Chaptering:
    """A client of the chaptering service. `sources` are object keys by kind.

    What it makes for a call may take `making_s`, for a language model may write it; `left` are the seconds that the
    caller gives, None for no bound. Of such calls `max_making` may be under way; more raise Exhausted.
    """

    def __init__(self, stub: ChapteringServiceStub, call_s: float, making_s: float, max_making: int) -> None:
        self._stub = stub
        self._call_s = call_s
        self._making_s = making_s
        self._room = threading.Semaphore(max_making)

    def chapters(self, sources: Mapping[str, str], wish: Wish, left: float | None) -> Chapters:
        """Raises InvalidInput for titles that do not fit the video, or more than it has room for."""
        request = pb.ChapterRequest(
            sources=pb.Sources(keys=sources),
            count=wish.count,
            titles=wish.titles,
            locked=map(chapters_proto.chapter_to, wish.locked),
            shortest=None if wish.shortest is None else duration(wish.shortest),
            longest=None if wish.longest is None else duration(wish.longest),
        )
        try:
            made = self._make(self._stub.Chapter, request, left)
        except InvalidInput as error:
            if error.fields.keys() & {"shortest", "longest"}:
                raise
            at = "titles" if wish.titles else "count"
            raise InvalidInput(error.message, fields={at: error.message}) from error
        return chapters_proto.chapters_from(made.chapters)

    def summary(
        self,
        sources: Mapping[str, str],
        chapters: Chapters,
        range_: TimeRange | None,
        length: Length,
        focus: str,
        caller: Caller,
    ) -> Iterator[Made]:
        """Of a range or, with None, of the whole: how far it has come, then the summary. Raises InvalidInput."""
        request = pb.SummarizeRequest(
            sources=pb.Sources(keys=sources),
            chapters=chapters_proto.chapters_to(chapters),
            range=range_to(range_) if range_ else None,
            length=chapters_proto.LENGTHS[length],
            focus=focus,
        )
        return self._told(request, caller)

    def together(self, videos: Sequence[Sources], length: Length, focus: str, caller: Caller) -> Iterator[Made]:
        """The same of several videos, one after the other."""
        request = pb.SummarizeRequest(
            videos=[
                pb.VideoSources(
                    video=str(one.video),
                    sources=pb.Sources(keys=one.keys),
                    chapters=chapters_proto.chapters_to(one.chapters),
                )
                for one in videos
            ],
            length=chapters_proto.LENGTHS[length],
            focus=focus,
        )
        return self._told(request, caller)

    def highlights(
        self,
        sources: Mapping[str, str],
        segments: Mapping[str, Sequence[str]],
        query: str,
        limit: int,
        left: float | None,
    ) -> Highlights:
        """`segments` are object keys by kind, in order of segments. Raises InvalidInput."""
        request = pb.HighlightRequest(sources=_sources(sources, segments), query=query, limit=limit)
        return chapters_proto.highlights_from(self._make(self._stub.Highlight, request, left).highlights)

    def skim(
        self,
        sources: Mapping[str, str],
        segments: Mapping[str, Sequence[str]],
        chapters: Chapters,
        length: int,
        focus: str,
        left: float | None,
    ) -> Skim:
        """What to keep in at most `length` ns; `segments` as above. Raises InvalidInput."""
        request = pb.SkimRequest(
            sources=_sources(sources, segments),
            chapters=chapters_proto.chapters_to(chapters),
            length=duration(length),
            focus=focus,
        )
        return chapters_proto.skim_from(self._make(self._stub.Skim, request, left).skim)

    def answer(self, parent: CollectionName, question: str, videos: Sequence[VideoName], left: float | None) -> Answer:
        request = pb.AnswerRequest(parent=str(parent), question=question, videos=map(str, videos))
        return chapters_proto.answer_from(self._make(self._stub.Answer, request, left).answer)

    def write(self, format_: str, chapters: Chapters, title: str, frame_rate: Fraction | None) -> File:
        """Chapters as a file. Raises InvalidInput for an unknown format, or chapters that it cannot hold."""
        request = pb.ExportRequest(
            chapters=chapters_proto.chapters_to(chapters),
            format=format_,
            title=title,
            frame_rate=rational_to(frame_rate) if frame_rate else None,
        )
        file = grpc_client.call(self._stub.Export, request, self._call_s)
        return File(file.content, file.media_type, file.ending)

    def read(self, format_: str, content: bytes, length: int) -> Chapters:
        """The chapters of a file for a video of so many nanoseconds; those that the file names are locked.

        Raises InvalidInput, which names the field of `file`.
        """
        request = pb.ImportRequest(content=content, format=format_, duration=duration(length))
        try:
            found = grpc_client.call(self._stub.Import, request, self._call_s)
        except InvalidInput as error:
            at = "file.format" if "format" in error.fields else "file.content"
            raise InvalidInput(f"the file of chapters: {error.message}", fields={at: error.message}) from error
        return chapters_proto.chapters_from(found.chapters)

    def _told(self, request: pb.SummarizeRequest, caller: Caller) -> Iterator[Made]:
        with self._making():
            for part in grpc_client.stream(self._stub.Summarize, request, self._limit(caller.left), caller.on_end):
                if part.WhichOneof("part") == "making":
                    yield part.making.done, part.making.total
                else:
                    yield chapters_proto.summary_from(part.summary)

    def _make(self, method: Callable[..., T], request: object, left: float | None) -> T:
        with self._making():
            return grpc_client.call(method, request, self._limit(left))

    def _limit(self, left: float | None) -> float:
        return self._making_s if left is None else min(self._making_s, max(0.001, left))

    @contextmanager
    def _making(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise Exhausted("too many chapters, summaries and answers are being made; try again later")
        try:
            yield
        finally:
            self._room.release()


def _sources(keys: Mapping[str, str], segments: Mapping[str, Sequence[str]]) -> pb.Sources:
    each = {kind: pb.SegmentKeys(keys=found) for kind, found in segments.items()}
    return pb.Sources(keys=keys, segment_keys=each)
