"""Chapters, summaries and answers, made by the chaptering service."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1.chaptering_service_pb2_grpc import ChapteringServiceStub

from services.core.chapters import Answer, Chapter, Chapters, Length, Summary
from services.core.errors import Exhausted, InvalidInput
from services.core.names import CollectionName, VideoName
from services.core.times import TimeRange
from services.runtime import chapters_proto, grpc_client
from services.runtime.media_proto import duration, range_to, rational_to

T = TypeVar("T")


@dataclass(frozen=True)
class Wish:
    """What chapters are to be made: so many, around the locked ones; or one for each title."""

    count: int = 0
    titles: tuple[str, ...] = ()
    locked: tuple[Chapter, ...] = ()


@dataclass(frozen=True)
class File:
    """A file of chapters; `ending` is that of its name, without the dot."""

    content: bytes
    media_type: str
    ending: str


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
        )
        try:
            made = self._make(self._stub.Chapter, request, left)
        except InvalidInput as error:
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
        left: float | None,
    ) -> Summary:
        """Of a range or, with None, of the whole. Raises InvalidInput."""
        request = pb.SummarizeRequest(
            sources=pb.Sources(keys=sources),
            chapters=chapters_proto.chapters_to(chapters),
            range=range_to(range_) if range_ else None,
            length=chapters_proto.LENGTHS[length],
            focus=focus,
        )
        made = self._make(self._stub.Summarize, request, left)
        return chapters_proto.summary_from(made.summary)

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
        """The chapters of a file for a video of so many nanoseconds; those with a title are locked.

        Raises InvalidInput, which names the field of `file`.
        """
        request = pb.ImportRequest(content=content, format=format_, duration=duration(length))
        try:
            found = grpc_client.call(self._stub.Import, request, self._call_s)
        except InvalidInput as error:
            at = "file.format" if "format" in error.fields else "file.content"
            raise InvalidInput(f"the file of chapters: {error.message}", fields={at: error.message}) from error
        return chapters_proto.chapters_from(found.chapters)

    def _make(self, method: Callable[..., T], request: object, left: float | None) -> T:
        if not self._room.acquire(blocking=False):
            raise Exhausted("too many chapters, summaries and answers are being made; try again later")
        try:
            limit = self._making_s if left is None else min(self._making_s, max(0.001, left))
            return grpc_client.call(method, request, limit)
        finally:
            self._room.release()
