"""The chaptering service as a process of its own, on a folder store and an embedding service."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1.chaptering_service_pb2_grpc import ChapteringServiceStub
from vidx.media.v1 import chapters_pb2

from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from tests.fakes.chaptering import embedding_service, store, talk
from tests.fakes.embedding import DIMENSION
from tests.servers import stores
from tests.servers.ports import free_ports

KEY = "a-key-that-nobody-may-see"


def test_a_process_starts_without_its_language_model_and_search_and_says_what_is_missing(
    tmp_path: Path, objects: StoreSettings
) -> None:
    keys = store(connect(objects), talk((20, 25, 30), dimension=DIMENSION))
    address, nobody = (f"127.0.0.1:{port}" for port in free_ports(2))
    with embedding_service(tmp_path / "embedding") as embedding:
        environment = {
            **os.environ,
            "VIDX_SERVER_ADDRESS": address,
            **stores.environment(objects),
            "VIDX_CHAPTERING_EMBEDDING_ADDRESS": embedding,
            "VIDX_CHAPTERING_CHAT_URL": f"http://{nobody}/v1",
            "VIDX_CHAPTERING_CHAT_KEY": KEY,
            "VIDX_CHAPTERING_CHAT_RETRIES": "0",
        }
        with (tmp_path / "log").open("wb") as log:
            command = [sys.executable, "-m", "services.chaptering", "--role", "serve"]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            with grpc.insecure_channel(address) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                health.Check(health_pb2.HealthCheckRequest(), timeout=120, wait_for_ready=True)
                stub, sources = ChapteringServiceStub(channel), pb.Sources(keys=keys)
                chapters = stub.Chapter(pb.ChapterRequest(sources=sources), timeout=30).chapters
                assert (chapters.writer, chapters.fault.reason) == ("builtin", "UNAVAILABLE")
                assert nobody in chapters.fault.message
                *_, last = stub.Summarize(pb.SummarizeRequest(sources=sources), timeout=30)
                summary = last.summary
                assert summary.sentences
                assert summary.fault.reason == "UNAVAILABLE"
                with pytest.raises(grpc.RpcError) as caught:
                    stub.Answer(pb.AnswerRequest(parent="collections/c", question="What do bees do?"), timeout=30)
                assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
                assert "VIDX_CHAPTERING_SEARCH_ADDRESS" in caught.value.details()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=120) == 0
            assert KEY.encode() not in (tmp_path / "log").read_bytes()
        finally:
            process.kill()


def test_a_process_chapters_sums_up_and_ends_in_order(tmp_path: Path, every_store: StoreSettings) -> None:
    keys = store(connect(every_store), talk((20, 25, 30), dimension=DIMENSION))
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with embedding_service(tmp_path / "embedding") as embedding:
        environment = {
            **os.environ,
            "VIDX_SERVER_ADDRESS": address,
            **stores.environment(every_store),
            "VIDX_CHAPTERING_EMBEDDING_ADDRESS": embedding,
            "VIDX_CHAPTERING_SHORTEST_S": "30",
        }
        process = subprocess.Popen([sys.executable, "-m", "services.chaptering", "--role", "serve"], env=environment)
        try:
            with grpc.insecure_channel(address) as channel:
                request = health_pb2.HealthCheckRequest(service="vidx.chaptering.v1.ChapteringService")
                health = health_pb2_grpc.HealthStub(channel).Check(request, timeout=120, wait_for_ready=True)
                assert health.status == health_pb2.HealthCheckResponse.SERVING
                stub, sources = ChapteringServiceStub(channel), pb.Sources(keys=keys)
                chapters = stub.Chapter(pb.ChapterRequest(sources=sources), timeout=30).chapters
                assert [c.range.start.seconds for c in chapters.chapters] == [0, 120, 270]
                assert all(c.title_source == chapters_pb2.Chapter.PHRASE for c in chapters.chapters)
                request = pb.SummarizeRequest(sources=sources, chapters=chapters)
                *_, last = stub.Summarize(request, timeout=30)
                summary = last.summary
                assert summary.sentences
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=120) == 0
        finally:
            process.kill()
