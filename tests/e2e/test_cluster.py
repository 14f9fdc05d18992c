"""The platform as on a cluster: what is restarted under load, and workers of two versions on the same queues.

PostgreSQL, S3, Valkey, milvus-lite and Triton are real, and every service is a process at an address of its own.
"""

import io
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import grpc
import pytest
from pydantic import SecretStr
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.cli.machine.programs import STAGES
from services.runtime.grpc_client import channel
from services.runtime.queue import celery_app
from services.runtime.settings import QueueSettings
from tests.media.films import two_scenes
from tests.servers import cluster as clusters
from tests.servers.cluster import PARTS, SERVICES, Cluster
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3
from tests.servers.triton import built_pack

pytestmark = pytest.mark.timeout(2400)

REPOSITORY = Path(__file__).parents[2]
PREVIOUS = "16aa661"
"""A commit whose workers must get along with today's pipeline, until there is a release to name."""
SETTINGS = {"VIDX_PIPELINE_SILENCE_S": "8", "VIDX_SEARCH_EMBEDDING_TIMEOUT_S": "30", "VIDX_GATEWAY_CALL_S": "30"}
PARENT = "collections/c"
WITHIN_S = 300.0
PASSING = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
"""What a client tries again. Any other answer to a request that was right is a fault."""
T = TypeVar("T")


@pytest.fixture(scope="module")
def cluster(postgresql: Postgres, s3_server: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pack = built_pack(tmp_path_factory.mktemp("models"))
    folder = tmp_path_factory.mktemp("cluster")
    with clusters.serving(folder, pack, postgresql, s3_server, SETTINGS) as found:
        yield found


class Client:
    """Calls the gateway as clients do that try again, and counts: `asked`, and `failed` by method and status."""

    def __init__(self, address: str, film: bytes) -> None:
        self._film = film
        self._channel = channel(address, retries=False)
        self.stub = VideoIndexServiceStub(self._channel)
        self._lock = threading.Lock()
        self.asked: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def again(self, name: str, act: Callable[[], T]) -> T:
        """What `act` gives, as often as it takes."""
        deadline = time.monotonic() + WITHIN_S
        with self._lock:
            self.asked[name] += 1
        while True:
            try:
                return act()
            except grpc.RpcError as error:
                with self._lock:
                    self.failed[f"{name} {error.code().name}"] += 1
                if error.code() not in PASSING or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def upload(self, request_id: str) -> str:
        """The name of a video of its own."""

        def messages() -> Iterator[pb.UploadVideoRequest]:
            spec = pb.VideoSpec(title=request_id, allow_duplicate=True)
            size = len(self._film)
            yield pb.UploadVideoRequest(
                header=pb.UploadHeader(parent=PARENT, request_id=request_id, size_bytes=size, spec=spec)
            )
            yield pb.UploadVideoRequest(chunk=self._film)

        return self.again("UploadVideo", lambda: self.stub.UploadVideo(messages(), timeout=60)).name

    def search(self) -> pb.SearchResponse:
        request = pb.SearchRequest(parent=PARENT, query="colours", page_size=3)
        return self.again("Search", lambda: self.stub.Search(request, timeout=60))

    def ready(self, name: str) -> pb.Video:
        """The video, once it is READY."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            video = self.again("GetVideo", lambda: self.stub.GetVideo(pb.GetVideoRequest(name=name), timeout=60))
            if video.state == pb.Video.READY:
                return video
            assert video.state == pb.Video.PROCESSING, f"{name}: {video.error}"
            assert time.monotonic() < deadline, f"{name} is not READY: {video}"
            time.sleep(0.3)

    def close(self) -> None:
        self._channel.close()


@pytest.fixture(scope="module")
def client(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    film = two_scenes(tmp_path_factory.mktemp("film") / "film.mp4").read_bytes()
    found = Client(cluster.address("gateway"), film)
    found.again("CreateCollection", lambda: found.stub.CreateCollection(_collection(), timeout=60))
    yield found
    found.close()


def _collection() -> pb.CreateCollectionRequest:
    return pb.CreateCollectionRequest(collection_id="c", request_id="c")


@pytest.fixture(scope="module")
def whole(client: Client) -> pb.Video:
    """A video that was indexed while nothing went wrong."""
    return client.ready(client.upload("whole"))


def test_every_process_restarts_under_load_and_nothing_is_lost(
    cluster: Cluster, postgresql: Postgres, s3_server: S3, client: Client, whole: pb.Video
) -> None:
    stores = {"postgresql": postgresql.restart, "s3": s3_server.restart}
    ended = threading.Event()
    searches = threading.Lock()
    found = 0

    def search() -> None:
        nonlocal found
        while not ended.is_set():
            answer = client.search()
            assert answer.moments
            with searches:
                found += 1

    order = [*PARTS, *stores, *SERVICES]
    with ThreadPoolExecutor(len(order) + 1) as pool:
        searching = pool.submit(search)
        try:
            uploads = []
            for number, name in enumerate(order):
                uploads.append(pool.submit(client.upload, f"while-{name}"))
                # In order and by force, in turns.
                restart = stores.get(name) or partial(cluster.restart, name)
                restart(kill=number % 2 == 0)
                so_far = found
                deadline = time.monotonic() + WITHIN_S
                while found == so_far:
                    assert not searching.done(), searching.exception()
                    assert time.monotonic() < deadline, f"no search after {name} came back"
                    time.sleep(0.05)
            videos = [client.ready(upload.result(WITHIN_S)) for upload in uploads]
        finally:
            ended.set()
        searching.result(WITHIN_S)
    print(f"{len(order)} restarts; {dict(client.asked)}; tried again: {dict(client.failed)}; none lost")
    assert len({video.name for video in videos}) == len(order)
    assert {video.row_count for video in videos} == {whole.row_count}
    assert not any(video.missing_tracks for video in videos)


def test_workers_of_an_earlier_version_and_of_this_one_share_the_queues(
    cluster: Cluster, client: Client, whole: pb.Video, tmp_path: Path
) -> None:
    earlier = _earlier(tmp_path)
    queues = celery_app(QueueSettings(url=SecretStr(cluster.settings["VIDX_QUEUE_URL"]))).control
    old = {f"{stage}-before": stage for stage in STAGES}
    path = os.pathsep.join(map(str, (earlier, earlier / "protos/gen")))
    # What a worker is called, as `worker.run` does.
    own = {stage: [f"{stage}-{cluster.pid(stage)}@{socket.gethostname()}"] for stage in STAGES}
    for stage in STAGES:
        # Those of this version hold back, so that the first videos are the earlier one's.
        assert queues.cancel_consumer(stage, destination=own[stage], reply=True, timeout=60, limit=1)
    try:
        for name, stage in old.items():
            argv = [sys.executable, "-m", f"services.{stage}", "--role", "work"]
            cluster.run(name, argv, {**cluster.settings, "PYTHONPATH": path}, earlier)
        first = [client.ready(client.upload(f"before-{number}")) for number in range(2)]
        for name in old:
            assert "job_done" in cluster.log(name), cluster.log(name)[-1000:]
        for stage in STAGES:
            assert queues.add_consumer(stage, destination=own[stage], reply=True, timeout=60, limit=1)
        both = [client.upload(f"both-{number}") for number in range(4)]
        for name in old:
            assert cluster.stop(name) == 0
        after = [client.ready(name) for name in both] + [client.ready(client.upload("after"))]
    finally:
        for stage in STAGES:
            queues.add_consumer(stage, destination=own[stage])
    done = {name: cluster.log(name).count("job_done") for name in old}
    print(f"jobs done by workers of {PREVIOUS}: {done}; {len(first) + len(after)} videos READY")
    assert {video.row_count for video in first + after} == {whole.row_count}
    assert not any(video.missing_tracks for video in first + after)


def _earlier(folder: Path) -> Path:
    """The files of the earlier commit."""
    packed = subprocess.run(
        ["git", "-C", REPOSITORY, "archive", PREVIOUS, "services", "protos/gen", "deploy/models"],
        capture_output=True,
        timeout=60,
    )
    if packed.returncode:
        pytest.skip(f"this clone does not have the commit {PREVIOUS}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        tar.extractall(folder / "earlier", filter="data")
    return folder / "earlier"
