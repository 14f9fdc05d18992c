"""Calls are counted by method and code, timed, and traced from client to server."""

import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import (
    VideoIndexServiceServicer,
    VideoIndexServiceStub,
    add_VideoIndexServiceServicer_to_server,
)

from services.core.errors import NotFound
from services.runtime import metrics, tracing
from services.runtime.grpc_client import channel
from services.runtime.grpc_server import Server, create_server
from services.runtime.grpc_watch import code_name
from services.runtime.settings import ServerSettings
from tests.fakes.spans import recorded

SERVICE = pb.DESCRIPTOR.services_by_name["VideoIndexService"]
NAME = SERVICE.full_name


class Service(VideoIndexServiceServicer):
    def __init__(self) -> None:
        self.gone = threading.Event()
        self.trace = ""

    def GetVideo(self, request, context):  # noqa: N802
        self.trace = tracing.traceparent()
        return pb.Video(name=request.name)

    def GetCollection(self, request, context):  # noqa: N802
        raise NotFound("no such")

    def GetUpload(self, request, context):  # noqa: N802
        raise RuntimeError("a fault of ours")

    def WatchVideo(self, request, context):  # noqa: N802
        context.add_callback(self.gone.set)
        yield pb.Video(title="first")
        yield pb.Video(title="second")
        if request.name == "for ever":
            self.gone.wait(60)

    def UploadVideo(self, request_iterator, context):  # noqa: N802
        return pb.Video(size_bytes=sum(len(r.chunk) for r in request_iterator))


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def server(service: Service) -> Iterator[Server]:
    settings = ServerSettings(address="127.0.0.1:0", drain_s=0)
    made = create_server(settings, [(SERVICE, lambda s: add_VideoIndexServiceServicer_to_server(service, s))])
    yield made
    made.stop()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with recorded() as found:
        yield found


@pytest.fixture
def stub(server: Server, spans: InMemorySpanExporter) -> Iterator[VideoIndexServiceStub]:
    with channel(f"127.0.0.1:{server.port}") as connection:
        yield VideoIndexServiceStub(connection)


def handled(type_: str, method: str, code: str) -> float:
    labels = {"grpc_type": type_, "grpc_service": NAME, "grpc_method": method, "grpc_code": code}
    return metrics.REGISTRY.get_sample_value("grpc_server_handled_total", labels) or 0.0


def timed(type_: str, method: str) -> float:
    labels = {"grpc_type": type_, "grpc_service": NAME, "grpc_method": method}
    return metrics.REGISTRY.get_sample_value("grpc_server_handling_seconds_count", labels) or 0.0


def pair(spans: InMemorySpanExporter, server: Server, method: str):
    """The client's and the server's span of a call. The server has stopped, so its own has ended."""
    server.stop()
    deadline = time.monotonic() + 60
    # A stream's client ends its span in a thread of gRPC's, after the last message was read.
    while len(found := {s.kind: s for s in spans.get_finished_spans() if s.name == f"{NAME}/{method}"}) < 2:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found[SpanKind.CLIENT], found[SpanKind.SERVER]


def test_a_call_is_one_trace_and_counts_once(stub, server, service, spans) -> None:
    before, times = handled("unary", "GetVideo", "OK"), timed("unary", "GetVideo")
    assert stub.GetVideo(pb.GetVideoRequest(name="v"), timeout=30).name == "v"
    client, served = pair(spans, server, "GetVideo")
    assert served.parent.span_id == client.context.span_id
    assert served.context.trace_id == client.context.trace_id
    assert service.trace.split("-")[1:3] == [f"{served.context.trace_id:032x}", f"{served.context.span_id:016x}"]
    assert dict(served.attributes)["rpc.method"] == "GetVideo"
    assert (handled("unary", "GetVideo", "OK"), timed("unary", "GetVideo")) == (before + 1, times + 1)


def test_a_refusal_is_counted_by_its_code_and_is_no_fault_of_the_server(stub, server, spans) -> None:
    before = handled("unary", "GetCollection", "NotFound")
    with pytest.raises(grpc.RpcError):
        stub.GetCollection(pb.GetCollectionRequest(name="c"), timeout=30)
    client, served = pair(spans, server, "GetCollection")
    assert {s.status.status_code for s in (client, served)} == {StatusCode.UNSET}
    assert dict(served.attributes)["vidx.reason"] == "NOT_FOUND"
    assert dict(client.attributes)["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]
    assert handled("unary", "GetCollection", "NotFound") == before + 1


def test_a_fault_is_an_error_of_both_spans(stub, server, spans) -> None:
    before = handled("unary", "GetUpload", "Internal")
    with pytest.raises(grpc.RpcError):
        stub.GetUpload(pb.GetUploadRequest(parent="p"), timeout=30)
    client, served = pair(spans, server, "GetUpload")
    assert [s.status.description for s in (client, served)] == ["INTERNAL", "INTERNAL"]
    assert handled("unary", "GetUpload", "Internal") == before + 1


def test_streams_either_way_are_spans_that_last_as_long_as_they(stub, server, spans) -> None:
    before = handled("server_stream", "WatchVideo", "OK")
    titles = [video.title for video in stub.WatchVideo(pb.WatchVideoRequest(name="v"), timeout=30)]
    assert titles == ["first", "second"]
    sent = [pb.UploadVideoRequest(chunk=b"12"), pb.UploadVideoRequest(chunk=b"345")]
    assert stub.UploadVideo(iter(sent), timeout=30).size_bytes == 5
    for method in ("WatchVideo", "UploadVideo"):
        client, served = pair(spans, server, method)
        assert served.parent.span_id == client.context.span_id
    assert handled("server_stream", "WatchVideo", "OK") == before + 1


def test_a_stream_whose_caller_goes_is_canceled(stub, server, service, spans) -> None:
    before = handled("server_stream", "WatchVideo", "Canceled")
    call = stub.WatchVideo(pb.WatchVideoRequest(name="for ever"), timeout=60)
    assert next(call).title == "first"
    call.cancel()
    deadline = time.monotonic() + 60
    while handled("server_stream", "WatchVideo", "Canceled") == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert handled("server_stream", "WatchVideo", "Canceled") == before + 1


def test_without_tracing_nothing_is_sent_along(server, service) -> None:
    with channel(f"127.0.0.1:{server.port}") as connection:
        VideoIndexServiceStub(connection).GetVideo(pb.GetVideoRequest(name="v"), timeout=30)
    assert service.trace == ""


def test_codes_are_spelled_as_every_dashboard_of_grpc_does() -> None:
    assert [code_name(c) for c in (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, grpc.StatusCode.NOT_FOUND)] == [
        "OK", "Canceled", "NotFound",
    ]  # fmt: skip
