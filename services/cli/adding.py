"""Many videos into a collection at a time: uploads and imports, then the way to READY."""

import threading
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli import upload as uploads
from services.cli.client import Gateway
from services.cli.inputs import is_address
from services.cli.output import printable, valid
from services.cli.progress import Board
from services.cli.watching import FINAL, cause, doing, fraction, watch

IMPORT_S = 3600.0
WATCHED = 6
"""Streams open at a time: each holds a thread of the gateway. Videos are watched in the order in which they came."""


@dataclass(frozen=True)
class Order:
    """What to do with every source."""

    parent: str
    spec: pb.VideoSpec
    wait: bool
    parallel: int


class Adder:
    """Adds sources side by side. `add` hands out futures; each raises what went wrong with its source."""

    def __init__(self, gateway: Gateway, order: Order, board: Board) -> None:
        self._gateway = gateway
        self._order = order
        self._board = board
        self._stop = threading.Event()
        self._senders = ThreadPoolExecutor(order.parallel, "send")
        self._watchers = ThreadPoolExecutor(WATCHED, "watch")

    def add(self, source: str) -> Future[pb.Video]:
        """The video of a source: as it is when added or, when waited for, at its end."""
        result: Future[pb.Video] = Future()
        self._senders.submit(self._send, source, result)
        return result

    def stop(self) -> None:
        """Begin nothing more and let go of what is under way."""
        self._stop.set()
        self._senders.shutdown(wait=False, cancel_futures=True)
        self._watchers.shutdown(wait=False, cancel_futures=True)
        self._gateway.close()

    def _send(self, source: str, result: Future[pb.Video]) -> None:
        key = printable(source)
        try:
            video = self._import(source) if is_address(source) else self._upload(source, key)
        except BaseException as error:
            self._board.done(key, "not added")
            result.set_exception(error)
            return
        if self._order.wait and video.state not in FINAL:
            self._board.show(key, doing(video), fraction(video))
            self._watchers.submit(self._watch, key, video, result)
        else:
            self._end(key, video, result)

    def _watch(self, key: str, video: pb.Video, result: Future[pb.Video]) -> None:
        try:
            for now in watch(self._gateway, video.name, self._stop):
                video = now
                if now.state not in FINAL:
                    self._board.show(key, doing(now), fraction(now))
        except BaseException as error:
            self._board.done(key, "lost sight of")
            result.set_exception(error)
            return
        self._end(key, video, result)

    def _end(self, key: str, video: pb.Video, result: Future[pb.Video]) -> None:
        state = pb.Video.State.Name(video.state)
        text = f"{state}: {cause(video)}" if video.state == pb.Video.FAILED else state
        self._board.done(key, f"{text}  {video.name}")
        result.set_result(video)

    def _import(self, uri: str) -> pb.Video:
        self._board.show(printable(uri), "fetched by the server", 0.0)
        request = pb.ImportVideoRequest(
            parent=self._order.parent, uri=valid(uri), spec=self._order.spec, request_id=uuid.uuid4().hex
        )
        return self._gateway.call(self._gateway.stub.ImportVideo, request, IMPORT_S)

    def _upload(self, path: str, key: str) -> pb.Video:
        order, gateway = self._order, self._gateway

        def moved(phase: str) -> uploads.Moved:
            return lambda done, size: self._board.show(key, phase, done / size if size else 1.0)

        film = uploads.measure(path, self._stop, moved("reading"))
        salt = uuid.uuid4().hex if order.spec.allow_duplicate else ""
        id_ = uploads.request_id(film, order.parent, order.spec, salt)
        return uploads.upload(gateway, film, order.parent, order.spec, id_, self._stop, moved("uploading"))
