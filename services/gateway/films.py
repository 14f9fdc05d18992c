"""Short versions of videos as files, cut by the decoding service."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from vidx.decoding.v1 import decoding_service_pb2 as pb
from vidx.decoding.v1.decoding_service_pb2_grpc import DecodingServiceStub

from services.core.chapters import Skim
from services.core.errors import Conflict, Exhausted
from services.gateway.chaptering import Caller
from services.runtime import grpc_client
from services.runtime.media_proto import range_to


class Films:
    """A client of the decoding service.

    A film may take `cut_s`, within what its caller gives; of them `max_cuts` may be under way, more raise Exhausted.
    """

    def __init__(self, stub: DecodingServiceStub, cut_s: float, max_cuts: int) -> None:
        self._stub = stub
        self._cut_s = cut_s
        self._room = threading.Semaphore(max_cuts)

    @contextmanager
    def room(self) -> Iterator[None]:
        """Room for one film, before anything is made for it."""
        if not self._room.acquire(blocking=False):
            raise Exhausted("too many films are being cut; try again later")
        try:
            yield
        finally:
            self._room.release()

    def cut(self, source: str, skim: Skim, max_height: int, caller: Caller) -> Iterator[bytes]:
        """The chunks of an MP4 file of what a skim keeps; they come as fast as they are taken.

        `source` is an object key. Raises InvalidInput, Conflict when nothing is kept.
        """
        if not skim.ranges:
            raise Conflict("the video has nothing to keep")
        request = pb.CutRangesRequest(source=source, ranges=map(range_to, skim.ranges), max_height=max_height)
        limit = self._cut_s if caller.left is None else min(self._cut_s, max(0.001, caller.left))
        for part in grpc_client.stream(self._stub.CutRanges, request, limit, caller.on_end):
            yield part.chunk
