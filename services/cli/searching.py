"""Queries over one channel: pages put together, a stream of queries in order, thumbnails of moments."""

import json
import os
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.search.v1 import search_service_pb2 as search_pb

from services.cli.client import CALL_S, Gateway
from services.cli.output import clock, complain, json_line, one_line, say, span
from services.cli.tracks import word
from services.core.errors import VidxError
from services.runtime.grpc_errors import to_status
from services.runtime.media_proto import duration, nanoseconds

PAGE = 100
"""Most moments of one answer."""
IN_FLIGHT = 4
THUMBNAIL_HEIGHT = 360
SHOWN = 100
"""Characters of a text that matched."""


def search(gateway: Gateway, ask: pb.SearchRequest, limit: int) -> pb.SearchResponse:
    """At most `limit` moments, of as many pages as they take."""
    ask.page_size = min(limit, PAGE)
    return _rest(gateway, ask, gateway.call(gateway.stub.Search, ask), limit)


def stream(gateway: Gateway, ask: pb.SearchRequest, limit: int, lines: BinaryIO) -> int:
    """Answer each line as a query, in order, as soon as it can be; returns how many failed.

    A few are under way at a time; a line is answered even when no other follows it.
    """
    under_way: queue.Queue[tuple[pb.SearchRequest, Any] | None] = queue.Queue(IN_FLIGHT - 1)

    def read() -> None:
        try:
            for line in lines:
                one = pb.SearchRequest()
                one.CopyFrom(ask)
                one.page_size = min(limit, PAGE)
                one.query = line.decode("utf-8", "replace").rstrip("\r\n")
                under_way.put((one, gateway.stub.Search.future(one, timeout=CALL_S)))
        finally:
            under_way.put(None)

    # A daemon: when the output breaks, nothing may wait for a terminal's next line.
    threading.Thread(target=read, daemon=True).start()
    number = failed = 0
    while (item := under_way.get()) is not None:
        number += 1
        one, answer = item
        try:
            with gateway.errors():
                first = answer.result()
            say(json_line(_rest(gateway, one, first, limit)))
        except VidxError as error:
            failed += 1
            complain(f"query {number}: {error.reason}: {error.message}")
            say(json.dumps({"error": MessageToDict(to_status(error))}, ensure_ascii=False))
    return failed


def thumbnails(gateway: Gateway, moments: Iterable[search_pb.Moment], folder: str) -> list[str]:
    """Save the best frame of each moment as a JPEG, named by rank, video and time; the files, in order."""
    os.makedirs(folder, exist_ok=True)
    files = []
    for number, moment in enumerate(moments, 1):
        time = _picture(moment)
        request = pb.GetFrameRequest(name=moment.video, time=time, max_height=THUMBNAIL_HEIGHT)
        frame = gateway.call(gateway.stub.GetFrame, request)
        at = f"{time.seconds}.{time.nanos // 1_000_000:03d}s"
        file = os.path.join(folder, f"{number:02d}-{moment.video.split('/')[-1]}-{at}.jpg")
        with open(file, "wb") as out:
            out.write(frame.jpeg)
        files.append(file)
    return files


def evidence(moment: search_pb.Moment) -> Iterator[str]:
    """A line a track that matched: its share, its time, and the text."""
    for found in moment.evidence:
        if found.text:
            text = one_line(found.text)
            shown = f'{span(found.range)}  "{text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"}"'
        else:
            shown = clock(found.frame_time)
        yield f"{word(found.track):14} {found.share:4.0%}  {shown}"


def _picture(moment: search_pb.Moment) -> Duration:
    """When to look at a moment: the best frame where the picture matched, else its middle."""
    for found in moment.evidence:
        if found.HasField("frame_time"):
            return found.frame_time
    middle = (nanoseconds(moment.range.start) + nanoseconds(moment.range.end)) // 2
    return duration(middle)


def _rest(gateway: Gateway, ask: pb.SearchRequest, answer: pb.SearchResponse, limit: int) -> pb.SearchResponse:
    while answer.next_page_token and len(answer.moments) < limit:
        ask.page_token = answer.next_page_token
        more = gateway.call(gateway.stub.Search, ask)
        answer.moments.extend(more.moments[: limit - len(answer.moments)])
        answer.next_page_token = more.next_page_token
    answer.ClearField("next_page_token")
    return answer
