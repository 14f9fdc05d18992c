"""Uploads that go on where a broken connection left them, within one run and between runs."""

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli.client import Gateway
from services.cli.output import printable
from services.core.errors import Cancelled, InvalidInput, NotFound, Unavailable, VidxError

CHUNK_BYTES = 1 << 20
STREAM_S = 600.0
"""Deadline of one stream; a longer upload goes on in the next."""
TRIES = 6
"""Streams in a row that may break without the server having kept a byte more."""
BACKOFF_S = 0.25

Moved = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


@dataclass(frozen=True)
class Film:
    """A file to upload: its path, what it is called, its size and SHA-256."""

    path: str
    name: str
    size: int
    sha256: str


def title_of(path: str) -> str:
    """The base name, made printable, of at most 500 characters."""
    return printable(os.path.basename(os.path.normpath(path)))[:500]


def measure(path: str, stop: threading.Event, moved: Moved) -> Film:
    """Read the file once for its size and SHA-256."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise InvalidInput("not a regular file")
    digest, done = hashlib.sha256(), 0
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while chunk := file.read(CHUNK_BYTES):
            _check(stop)
            digest.update(chunk)
            done += len(chunk)
            moved(done, size)
    return Film(path, title_of(path), done, digest.hexdigest())


def request_id(film: Film, parent: str, spec: pb.VideoSpec, salt: str = "") -> str:
    """The same for the same bytes, collection and description, so that a repeated command goes on with its upload."""
    subtitles = hashlib.sha256(spec.subtitles.SerializeToString()).hexdigest()
    parts = [film.sha256, parent, spec.title, repr(sorted(spec.labels.items())), subtitles, salt]
    return "sha256-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def upload(
    gateway: Gateway, film: Film, parent: str, spec: pb.VideoSpec, id_: str, stop: threading.Event, moved: Moved
) -> pb.Video:
    """Send the file from wherever the server has it, as often as it takes, and return its video."""
    known, tries = -1, 0
    while True:
        try:
            offset, video = _kept(gateway, parent, id_)
            if video is not None:
                return video
            tries = 0 if offset > known else tries
            known = max(known, offset)
            header = pb.UploadHeader(
                parent=parent,
                request_id=id_,
                file_name=film.name,
                size_bytes=film.size,
                offset=offset,
                sha256=film.sha256,
                spec=spec,
            )
            return _send(gateway, film, header, stop, moved)
        except Unavailable:
            tries += 1
            if tries >= TRIES or stop.is_set():
                raise
            time.sleep(BACKOFF_S * 2**tries)


def _kept(gateway: Gateway, parent: str, id_: str) -> tuple[int, pb.Video | None]:
    """Bytes that the server has of an upload, and its video when that is finished and was not deleted since."""
    try:
        kept = gateway.call(gateway.stub.GetUpload, pb.GetUploadRequest(parent=parent, request_id=id_))
        if not kept.video:
            return kept.offset, None
        return 0, gateway.call(gateway.stub.GetVideo, pb.GetVideoRequest(name=kept.video))
    except NotFound:
        return 0, None


def _send(gateway: Gateway, film: Film, header: pb.UploadHeader, stop: threading.Event, moved: Moved) -> pb.Video:
    failed: list[VidxError | OSError] = []

    def parts() -> Iterator[pb.UploadVideoRequest]:
        # gRPC only says that iterating failed, so what failed is kept aside.
        try:
            with open(film.path, "rb") as file:
                file.seek(header.offset)
                yield pb.UploadVideoRequest(header=header)
                yield from _chunks(file, film.size, header.offset, stop, moved)
        except (VidxError, OSError) as error:
            failed.append(error)
            raise

    send: Any = gateway.streams.UploadVideo
    try:
        with gateway.errors():
            video: pb.Video = send(parts(), timeout=STREAM_S)
            return video
    except VidxError:
        if failed:
            raise failed[0] from None
        raise


def _chunks(
    file: BinaryIO, size: int, offset: int, stop: threading.Event, moved: Moved
) -> Iterator[pb.UploadVideoRequest]:
    while offset < size:
        _check(stop)
        # Never more than was announced, should the file grow meanwhile.
        chunk = file.read(min(CHUNK_BYTES, size - offset))
        if not chunk:
            raise InvalidInput("the file became shorter while it was sent")
        offset += len(chunk)
        yield pb.UploadVideoRequest(chunk=chunk)
        moved(offset, size)


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("interrupted")
