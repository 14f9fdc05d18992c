"""Search on a real milvus-lite: index, find, delete, restart, and what is said when it is not there."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pymilvus import MilvusClient

from services.core.errors import Incomplete, Unavailable
from services.core.jobs import Job, no_progress
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.search.domain import query as queries
from services.search.domain.query import Query, Scope
from services.search.milvus import MilvusIndex
from services.search.service import SearchService
from services.search.settings import SearchSettings
from tests.fakes.search import FakeEncoder, FakeIndex, FakeTexts, artifacts, stored_video
from tests.servers import milvus
from tests.servers.ports import free_ports

DIM = 64
FRAMES, PER_SHOT = 600, 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus.serving(tmp_path_factory.mktemp("milvus") / "data") as (uri, _):
        yield uri


def settings(uri: str, prefix: str, connect_s: float = 60) -> SearchSettings:
    """Patient: on a busy machine a server that is there may take its time."""
    return SearchSettings(
        milvus_uri=uri,
        milvus_prefix=prefix,
        embedding_address="127.0.0.1:1",
        connect_timeout_s=connect_s,
        search_timeout_s=60,
    )


def units(seed: int, count: int) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), dtype=np.float32)


def film(objects: dict[str, bytes], name: str, seed: int, frames: int = FRAMES) -> tuple[Job, NDArray[np.float32]]:
    """A film of shots of four like frames, in segments of 100; and its shots' vectors."""
    shots = units(seed, frames // PER_SHOT)
    vectors = np.repeat(shots, PER_SHOT, axis=0) + 0.02 * units(seed + 1000, frames)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    times = [(i * SECOND, i * SECOND, (i + 1) * SECOND) for i in range(frames)]
    cuts = [i * SECOND for i in range(0, frames + 1, PER_SHOT)]
    segments = [times[at : at + 100] for at in range(0, frames, 100)]
    return stored_video(objects, VideoName("films", name), segments, cuts, vectors.astype(np.float32), shots), shots


def ask(text: str, page_size: int = 10) -> Query:
    return queries.check(text, Scope("films"), page_size, "", 0, 0.0)


def test_every_shot_is_found_first_by_its_own_vector(server: str) -> None:
    objects: dict[str, bytes] = {}
    encoder = FakeEncoder({}, dimensions=DIM)
    service = SearchService(artifacts(objects), MilvusIndex(settings(server, "first")), FakeTexts(), encoder)
    for n in range(2):
        job, shots = film(objects, f"v{n}", n)
        encoder.vectors.update({f"v{n} {i}": shot for i, shot in enumerate(shots)})
        assert service.index(job, no_progress).counts == {"rows": 750, "expected": 750}
    for n, shot in ((0, 0), (0, 77), (1, 149), (1, 3)):
        moments, _ = service.search(ask(f"v{n} {shot}"))
        assert (moments[0].video.video, moments[0].range.start) == (f"v{n}", shot * PER_SHOT * SECOND)
        assert moments[0].range == TimeRange(shot * 4 * SECOND, (shot + 1) * 4 * SECOND)
    assert service.delete_video(VideoName("films", "v0")) == 750
    assert {m.video.video for m in service.search(ask("v0 77"))[0]} == {"v1"}


def test_pages_through_milvus_are_those_of_an_exact_index(server: str) -> None:
    objects: dict[str, bytes] = {}
    encoder = FakeEncoder({"some": units(5, 1)[0]}, dimensions=DIM)
    real = SearchService(artifacts(objects), MilvusIndex(settings(server, "pages")), FakeTexts(), encoder)
    exact = SearchService(artifacts(objects), FakeIndex(), FakeTexts(), encoder)
    for n in range(3):
        job, _ = film(objects, f"v{n}", n, 200)
        for service in (real, exact):
            service.index(job, no_progress)

    def whole(service: SearchService) -> list[tuple[str, int]]:
        got, token = [], ""
        while True:
            page, token = service.search(queries.check("some", Scope("films"), 20, token, 0, 0.0))
            got += [(m.video.video, m.range.start) for m in page]
            if not token:
                return got

    assert len(whole(exact)) == 150
    assert whole(real) == whole(exact)


def test_twenty_videos_by_two_processes_are_the_same_as_one_by_one(server: str) -> None:
    """The processes are real ones: each has a client of its own, as two workers have."""
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, server, "two", str(n)], stderr=subprocess.PIPE)
        for n in range(2)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=200)
        assert worker.returncode == 0, errors.decode()[-2000:]
    one = MilvusIndex(settings(server, "one"))
    objects: dict[str, bytes] = {}
    service = SearchService(artifacts(objects), one, FakeTexts(), FakeEncoder({}, dimensions=DIM))
    for n in range(20):
        service.index(film(objects, f"v{n:02d}", n, 40)[0], no_progress)
    two = MilvusIndex(settings(server, "two"))
    vector = units(3, 1)[0]
    assert two.total("space") == one.total("space") == 20 * 50
    first, second = (
        {(h.video, h.frame_time): h.cosine for h in index.search("space", vector, Scope("films"), 800)}
        for index in (one, two)
    )
    assert len(first) == 800
    assert first == pytest.approx(second, abs=1e-5)


_WORKER = """
import sys
from services.core.jobs import no_progress
from services.search.milvus import MilvusIndex
from services.search.service import SearchService
from tests.fakes.search import FakeEncoder, FakeTexts, artifacts
from tests.integration.test_search import film, settings
uri, prefix, part = sys.argv[1:]
objects = {}
service = SearchService(artifacts(objects), MilvusIndex(settings(uri, prefix)), FakeTexts(), FakeEncoder({}))
for n in range(int(part), 20, 2):
    service.index(film(objects, f"v{n:02d}", n, 40)[0], no_progress)
"""


def test_searches_go_on_while_videos_are_indexed(server: str) -> None:
    objects: dict[str, bytes] = {}
    encoder = FakeEncoder({}, dimensions=DIM)
    service = SearchService(artifacts(objects), MilvusIndex(settings(server, "beside")), FakeTexts(), encoder)
    job, shots = film(objects, "first", 0, 40)
    encoder.vectors["it"] = shots[3]
    service.index(job, no_progress)
    more = [film(objects, f"v{n}", n, 40)[0] for n in range(1, 6)]
    done = threading.Event()
    failed: list[BaseException] = []

    def index() -> None:
        try:
            for each in more:
                service.index(each, no_progress)
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=index)
    thread.start()
    searches = 0
    while not done.is_set() or not searches:
        moments, _ = service.search(ask("it"))
        assert (moments[0].video.video, moments[0].range.start) == ("first", 12 * SECOND)
        searches += 1
    thread.join()
    assert not failed


def test_a_worker_killed_while_it_writes_leaves_nothing_double_or_missing(server: str) -> None:
    objects: dict[str, bytes] = {}
    job, _ = film(objects, "v", 0, 200)
    index = MilvusIndex(settings(server, "killed"))
    service = SearchService(artifacts(objects), index, FakeTexts(), FakeEncoder({}, dimensions=DIM))

    def die(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.index(job, die)
    assert 0 < index.count("space", job.video) < 250
    again = SearchService(
        artifacts(objects), MilvusIndex(settings(server, "killed")), FakeTexts(), FakeEncoder({}, dimensions=DIM)
    )
    assert again.index(job, no_progress).counts["rows"] == 250


def test_an_index_that_is_not_there_is_unavailable_and_named() -> None:
    (port,) = free_ports(1)
    index = MilvusIndex(settings(f"http://127.0.0.1:{port}", "none", connect_s=3))
    service = SearchService(artifacts({}), index, FakeTexts(), FakeEncoder({}))
    with pytest.raises(Unavailable, match=f"127.0.0.1:{port}"):
        service.search(ask("a dog"))


def test_an_index_that_comes_back_is_used_again(tmp_path: Path) -> None:
    objects: dict[str, bytes] = {}
    (port,) = free_ports(1)
    uri = f"http://127.0.0.1:{port}"
    encoder = FakeEncoder({}, dimensions=DIM)
    service = SearchService(artifacts(objects), MilvusIndex(settings(uri, "back")), FakeTexts(), encoder)
    job, shots = film(objects, "v", 0, 40)
    encoder.vectors["it"] = shots[3]
    with milvus.serving(tmp_path / "data", port):
        service.index(job, no_progress)
    with milvus.serving(tmp_path / "data", port):
        moments, _ = service.search(ask("it"))
    assert moments[0].range.start == 12 * SECOND


def test_a_collection_that_somebody_removed_is_made_again_by_the_next_attempt(server: str) -> None:
    objects: dict[str, bytes] = {}
    job, _ = film(objects, "v", 0, 40)
    index = MilvusIndex(settings(server, "removed"))
    service = SearchService(artifacts(objects), index, FakeTexts(), FakeEncoder({}, dimensions=DIM))
    service.index(job, no_progress)
    client = MilvusClient(server)
    client.drop_alias("removed_visual2")
    client.drop_collection("removed_visual2_space")
    with pytest.raises(Incomplete):
        service.index(job, no_progress)
    assert service.index(job, no_progress).counts["rows"] == 50
    client.close()
