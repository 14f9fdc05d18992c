"""Summaries over the gateway: the stored ones, and those that are made for a call, with how far they have come."""

from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import chapters_pb2

from services.cli.chapters import MAKING_S, chapter_name
from services.cli.client import Gateway
from services.cli.progress import Board
from services.core.errors import Conflict, Incomplete
from services.core.names import VideoName
from services.core.times import TimeRange
from services.runtime.media_proto import range_to


def summary(
    gateway: Gateway,
    name: str,
    chapter: str,
    range_: tuple[int, int] | None,
    length: str,
    focus: str,
    board: Board,
) -> tuple[chapters_pb2.Summary, bool]:
    """The stored summary where there is one, else one made for this call; and whether it is stored.

    `length` "" is medium, and short for a chapter.
    """
    full = chapter_name(gateway, name, chapter) if chapter else name
    number = chapters_pb2.SummaryLength.Value((length or ("short" if chapter else "medium")).upper())
    if not focus and range_ is None and (not chapter or number == chapters_pb2.SHORT):
        try:
            return gateway.call(gateway.stub.GetSummary, pb.GetSummaryRequest(name=full, length=number)), True
        except Conflict:
            # It was given up, or is still to be written; it may be made all the same.
            pass
    request = pb.SummarizeRequest(name=full, length=number, focus=focus)
    if range_ is not None:
        request.range.CopyFrom(range_to(TimeRange(*range_)))
    return _made(gateway, request, full, board), False


def together(gateway: Gateway, names: list[str], length: str, focus: str, board: Board) -> chapters_pb2.Summary:
    """A summary of several videos of one collection, by their full names."""
    number = chapters_pb2.SummaryLength.Value((length or "medium").upper())
    parent = str(VideoName.parse(names[0]).parent)
    request = pb.SummarizeRequest(name=parent, length=number, focus=focus, videos=names)
    return _made(gateway, request, f"{len(names)} videos", board)


def _made(gateway: Gateway, request: pb.SummarizeRequest, what: str, board: Board) -> chapters_pb2.Summary:
    found = None
    with gateway.errors():
        for part in gateway.stub.Summarize(request, timeout=MAKING_S):
            if part.WhichOneof("part") == "making":
                done, total = part.making.done, part.making.total
                board.show(what, f"part {done}/{total}", done / max(total, 1))
            else:
                found = part.summary
    board.done(what, "summed up")
    if found is None:
        raise Incomplete("the gateway ended without a summary; ask again")
    return found
