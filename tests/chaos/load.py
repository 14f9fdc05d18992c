"""What goes on while faults strike: videos that come and go in two collections, and searches over both."""

import random
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import chain
from pathlib import Path

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.runtime.grpc_client import channel
from services.runtime.grpc_errors import from_call
from tests.media.films import film
from tests.media.pictures import pan

COLLECTIONS = ("one", "two")
QUERIES = ("colours", "a dog on a beach", "large shapes", "people talking")
CALL_S = 20.0
AGAIN_S = 0.5
TRIES = 240


def films(folder: Path, count: int) -> list[Path]:
    """Films of six seconds with three shots each, no two alike."""
    made = []
    for number in range(count):
        pictures = chain.from_iterable(pan(number * 3 + shot, 50, 160, 90) for shot in range(3))
        made.append(film(folder / f"film-{number:03d}.mp4", pictures))
    return made


class Uploader:
    """Adds films as a client would that tries again; what it was told is in `accepted`."""

    def __init__(self, address: str) -> None:
        # Streams of requests over a channel without retries, as the README says.
        self.address = address
        self._stub = VideoIndexServiceStub(channel(address, retries=False))
        self.accepted: list[str] = []
        self.refusals: Counter[str] = Counter()
        """Answers to uploads that were tried again, by reason."""
        self.removed: dict[str, float] = {}
        """Names by the time when their removal was answered."""

    def collections(self) -> None:
        for collection in COLLECTIONS:
            request = pb.CreateCollectionRequest(collection_id=collection, request_id=collection)
            self._again(self._stub.CreateCollection, request)

    def add(self, path: Path, number: int) -> None:
        collection, content = COLLECTIONS[number % 2], path.read_bytes()
        request_id = f"chaos-{number}"

        def send() -> pb.Video:
            upload = pb.GetUploadRequest(parent=f"collections/{collection}", request_id=request_id)
            offset = 0
            with suppress(grpc.RpcError):
                offset = self._stub.GetUpload(upload, timeout=CALL_S).offset
            header = pb.UploadHeader(
                parent=f"collections/{collection}",
                request_id=request_id,
                file_name=path.name,
                size_bytes=len(content),
                offset=offset,
            )
            parts = [content[at : at + 65_536] for at in range(offset, len(content), 65_536)]
            messages = [pb.UploadVideoRequest(header=header), *(pb.UploadVideoRequest(chunk=part) for part in parts)]
            return self._stub.UploadVideo(iter(messages), timeout=CALL_S)

        def told() -> pb.Video:
            try:
                return send()
            except grpc.RpcError as error:
                self.refusals[from_call(error).reason] += 1
                raise

        self.accepted.append(self._again(lambda _request, timeout: told(), None).name)

    def remove(self, name: str) -> None:
        self.forget(name)
        self.accepted.remove(name)
        self.removed[name] = time.monotonic()

    def forget(self, name: str) -> None:
        """Remove a video that is no longer counted among those that were accepted."""
        with suppress(KeyError):
            self._again(self._stub.DeleteVideo, pb.DeleteVideoRequest(name=name))

    def answers(self) -> dict[tuple[str, str], list[tuple[str, int, int]]]:
        """Moments as (video, start, end) in nanoseconds, best first, by collection and query."""
        found = {}
        for collection in COLLECTIONS:
            for query in QUERIES:
                request = pb.SearchRequest(parent=f"collections/{collection}", query=query, page_size=100)
                moments = self._again(self._stub.Search, request).moments
                found[collection, query] = [
                    (m.video, m.range.start.ToNanoseconds(), m.range.end.ToNanoseconds()) for m in moments
                ]
        return found

    def videos(self) -> dict[str, pb.Video]:
        """All videos of both collections by name."""
        found: dict[str, pb.Video] = {}
        for collection in COLLECTIONS:
            token = ""
            while True:
                request = pb.ListVideosRequest(parent=f"collections/{collection}", page_size=100, page_token=token)
                page = self._again(self._stub.ListVideos, request)
                found.update({video.name: video for video in page.videos})
                token = page.next_page_token
                if not token:
                    break
        return found

    def _again(self, method, request):
        """A call that is tried again for two minutes while the platform, or a part of it, is away."""
        for left in reversed(range(TRIES)):
            try:
                return method(request, timeout=CALL_S)
            except grpc.RpcError as error:
                code = error.code()  # type: ignore[attr-defined]
                if code in (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.NOT_FOUND):
                    raise KeyError(str(request)) from error
                if not left:
                    raise
                time.sleep(AGAIN_S)


class Searcher(threading.Thread):
    """Searches all the time, and keeps what must not happen."""

    def __init__(self, uploader: Uploader) -> None:
        super().__init__(daemon=True)
        self._stub = VideoIndexServiceStub(channel(uploader.address))
        self._uploader = uploader
        self._over = threading.Event()
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        """Moments of another tenant, or of a video that had been removed before the search began."""

    def run(self) -> None:
        choose = random.Random(1)
        while not self._over.wait(0.2):
            collection, began = choose.choice(COLLECTIONS), time.monotonic()
            request = pb.SearchRequest(parent=f"collections/{collection}", query=choose.choice(QUERIES), page_size=100)
            try:
                found = self._stub.Search(request, timeout=5)
            except grpc.RpcError as error:
                self.outcomes[error.code().name] += 1  # type: ignore[attr-defined]
                continue
            self.outcomes["answered"] += 1
            for moment in found.moments:
                removed = self._uploader.removed.get(moment.video)
                if not moment.video.startswith(f"collections/{collection}/") or (removed and removed < began):
                    self.wrong.append(f"{moment.video} in {collection}")

    def stop(self) -> None:
        self._over.set()
        self.join(30)
