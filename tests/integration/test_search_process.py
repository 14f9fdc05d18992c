"""The search service as a process of its own, on a folder store, milvus-lite, and an embedding service."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from vidx.embedding.v1 import embedding_service_pb2 as embedding_pb
from vidx.embedding.v1 import embedding_service_pb2_grpc as embedding_grpc
from vidx.media.v1 import media_pb2, text_pb2
from vidx.search.v1 import search_service_pb2 as pb
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub

from services.core.names import VideoName
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings, StoreSettings
from services.runtime.store import connect
from tests.fakes.search import stored_video
from tests.servers import milvus, stores
from tests.servers.ports import free_ports

AXES = np.eye(8, dtype=np.float32)
WITHIN_S = 120.0


class Embedding(embedding_grpc.EmbeddingServiceServicer):
    """Knows the axes by their numbers, in both spaces."""

    def EmbedText(  # noqa: N802
        self, request: embedding_pb.EmbedTextRequest, context: grpc.ServicerContext
    ) -> embedding_pb.EmbedTextResponse:
        return embedding_pb.EmbedTextResponse(
            spaces=[
                embedding_pb.TextVectors(
                    vectors=[embedding_pb.Vector(values=AXES[int(text)].tolist()) for text in request.texts],
                    calibrations=[embedding_pb.Calibration(middle=0.45, spread=0.09)] * len(request.texts),
                    space="sentences" if space == embedding_pb.SENTENCE else "axes",
                )
                for space in request.text_spaces
            ]
        )


@pytest.fixture
def embedding() -> Iterator[str]:
    descriptor = embedding_pb.DESCRIPTOR.services_by_name["EmbeddingService"]
    server = create_server(
        ServerSettings(drain_s=0),
        [(descriptor, lambda s: embedding_grpc.add_EmbeddingServiceServicer_to_server(Embedding(), s))],
    )
    yield f"127.0.0.1:{server.port}"
    server.stop()


def start(objects: StoreSettings, milvus_uri: str, embedding: str, **more: str) -> tuple[subprocess.Popen[bytes], str]:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    environment = {
        **os.environ,
        "VIDX_SERVER_ADDRESS": address,
        **stores.environment(objects),
        "VIDX_SEARCH_MILVUS_URI": milvus_uri,
        "VIDX_SEARCH_EMBEDDING_ADDRESS": embedding,
        "VIDX_SEARCH_CONNECT_TIMEOUT_S": "2",
        **more,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "services.search", "--role", "serve"], env=environment, stdout=subprocess.DEVNULL
    )
    return process, address


def serving(channel: grpc.Channel) -> bool:
    request = health_pb2.HealthCheckRequest(service="vidx.search.v1.SearchService")
    answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=WITHIN_S, wait_for_ready=True)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def test_a_process_indexes_finds_deletes_and_ends_in_order(
    tmp_path: Path, every_store: StoreSettings, embedding: str
) -> None:
    kept: dict[str, bytes] = {}
    frames = [(i * SECOND, i * SECOND, (i + 1) * SECOND) for i in range(4)]
    cuts = [0, 2 * SECOND, 4 * SECOND]
    said = [(Passage(Track.SPEECH, TimeRange(SECOND, 2 * SECOND), "Words that were said.", "en"), AXES[5])]
    job = stored_video(
        kept,
        VideoName("films", "a"),
        [frames],
        cuts,
        AXES[:4],
        AXES[[0, 2]],
        space="axes",
        title="3",
        passages=said,
        shot_labels=[(0, "car"), (1, "car"), (1, "tree")],
    )
    store = connect(every_store).objects
    for key, data in kept.items():
        store.put(key, data)
    message = media_pb2.Job(video=str(job.video), step=job.step, segment=-1)
    for kind, keys in job.inputs.items():
        message.inputs[kind].keys.extend(keys)
    with milvus.serving(tmp_path / "milvus") as (uri, _):
        # On a busy machine a Milvus that is there may take its time.
        patience = {"VIDX_SEARCH_CONNECT_TIMEOUT_S": "60", "VIDX_SEARCH_SEARCH_TIMEOUT_S": "60"}
        process, address = start(every_store, uri, embedding, **patience)
        try:
            with grpc.insecure_channel(address) as channel:
                assert serving(channel)
                stub = SearchServiceStub(channel)
                counts = stub.Index(pb.IndexRequest(job=message), timeout=WITHIN_S).outputs.counts
                assert dict(counts) == {"rows": 8, "expected": 8}
                request = pb.SearchRequest(
                    parent="collections/films",
                    query="3",
                    tracks=[pb.TrackWeight(track=text_pb2.VISUAL)],
                    with_facets=True,
                )
                found = stub.Search(request, timeout=30)
                assert [m.range.start.seconds for m in found.moments] == [2, 0]
                assert found.moments[0].evidence[0].frame_time.seconds == 3
                assert [(f.label, f.count) for f in found.facets] == [("car", 2), ("tree", 1)]
                spoken = stub.Search(pb.SearchRequest(parent="collections/films", query='5 "words that"'), timeout=30)
                (moment,) = spoken.moments
                assert (moment.range.start.seconds, moment.range.end.seconds) == (1, 2)
                assert moment.evidence[0].text == "Words that were said."
                assert stub.Stats(pb.StatsRequest(), timeout=30) == pb.StatsResponse(rows=8, space="axes")
                assert stub.DeleteVideo(pb.DeleteVideoRequest(name=str(job.video)), timeout=30).rows == 8
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) == 0
        finally:
            process.kill()
            process.wait()


def test_a_process_without_milvus_starts_and_says_what_is_missing(objects: StoreSettings, embedding: str) -> None:
    uri = f"http://127.0.0.1:{free_ports(1)[0]}"
    process, address = start(objects, uri, embedding)
    try:
        with grpc.insecure_channel(address) as channel:
            assert serving(channel)
            with pytest.raises(grpc.RpcError) as caught:
                SearchServiceStub(channel).Search(pb.SearchRequest(parent="collections/films", query="3"), timeout=30)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert uri in caught.value.details()
    finally:
        process.terminate()
        process.wait(WITHIN_S)


@pytest.mark.parametrize("connected", [True, False])
def test_a_search_ends_by_its_deadline_when_milvus_hangs(
    tmp_path: Path, objects: StoreSettings, embedding: str, connected: bool
) -> None:
    with hanging(tmp_path, objects, embedding, connected, VIDX_SEARCH_SEARCH_TIMEOUT_S="2") as (_, channel):
        with pytest.raises(grpc.RpcError) as caught:
            SearchServiceStub(channel).Search(REQUEST, timeout=120)
        # Not the caller's own clock: the service says who did not answer.
        assert caught.value.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
        assert "Milvus at http://" in caught.value.details()
        assert serving(channel)


def test_a_process_ends_within_its_drain_time_while_milvus_hangs(
    tmp_path: Path, objects: StoreSettings, embedding: str
) -> None:
    patience = {"VIDX_SEARCH_SEARCH_TIMEOUT_S": "600", "VIDX_SERVER_DRAIN_S": "1"}
    with hanging(tmp_path, objects, embedding, True, **patience) as (process, channel):
        under_way = SearchServiceStub(channel).Search.future(REQUEST, timeout=600)
        assert serving(channel)
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
        assert under_way.code() is not grpc.StatusCode.OK


REQUEST = pb.SearchRequest(parent="collections/films", query="3")


@contextmanager
def hanging(
    tmp_path: Path, objects: StoreSettings, embedding: str, connected: bool, **more: str
) -> Iterator[tuple["subprocess.Popen[bytes]", grpc.Channel]]:
    """The process, and a channel to it, beside a Milvus that has stopped to answer but keeps its port."""
    with milvus.serving(tmp_path / "milvus") as (uri, server):
        process, address = start(objects, uri, embedding, **more)
        try:
            with grpc.insecure_channel(address) as channel:
                assert serving(channel)
                if connected:
                    until_answered(channel)
                server.send_signal(signal.SIGSTOP)
                yield process, channel
        finally:
            server.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def until_answered(channel: grpc.Channel) -> None:
    """Search until Milvus has answered, which on a busy machine may take longer than the process waits for it."""
    late = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            assert not SearchServiceStub(channel).Search(REQUEST, timeout=WITHIN_S).moments
            return
        except grpc.RpcError as error:
            if error.code() not in late or time.monotonic() > deadline:
                raise
