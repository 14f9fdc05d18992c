"""What every server does with messages that nobody can read, long errors, and clients that vanish."""

import queue
import select
import socket
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import (
    VideoIndexServiceServicer,
    VideoIndexServiceStub,
    add_VideoIndexServiceServicer_to_server,
)

from services.core.errors import InvalidInput
from services.runtime import grpc_server
from services.runtime.grpc_client import channel
from services.runtime.grpc_server import Server, create_server
from services.runtime.settings import ServerSettings

SERVICE = pb.DESCRIPTOR.services_by_name["VideoIndexService"]
NOT_UTF8 = b"\n\x02\xff\xfe"


class Service(VideoIndexServiceServicer):
    def __init__(self) -> None:
        self.over = threading.Event()

    def GetVideo(self, request, context):  # noqa: N802
        raise InvalidInput("é" * 100_000, fields={"x" * 100_000: "y" * 100_000})

    def UploadVideo(self, request_iterator, context):  # noqa: N802
        return pb.Video(size_bytes=sum(len(r.chunk) for r in request_iterator))

    def WatchVideo(self, request, context):  # noqa: N802
        yield pb.Video()
        while context.is_active():
            time.sleep(0.02)
        self.over.set()


def serve(service: Service, **settings_: float) -> Server:
    settings = ServerSettings(address="127.0.0.1:0", drain_s=0, **settings_)
    return create_server(settings, [(SERVICE, lambda s: add_VideoIndexServiceServicer_to_server(service, s))])


@pytest.fixture
def port() -> Iterator[int]:
    server = serve(Service())
    yield server.port
    server.stop()


@pytest.mark.parametrize("data", [NOT_UTF8, b"\xff", b"\n\xff"])
def test_a_message_that_cannot_be_read_is_the_callers_fault(port: int, data: bytes) -> None:
    with channel(f"127.0.0.1:{port}") as connection:
        calls = [
            lambda: connection.unary_unary(f"/{SERVICE.full_name}/GetVideo")(data, timeout=60),
            lambda: list(connection.unary_stream(f"/{SERVICE.full_name}/WatchVideo")(data, timeout=60)),
            lambda: connection.stream_unary(f"/{SERVICE.full_name}/UploadVideo")(iter([b"", data]), timeout=60),
        ]
        for call in calls:
            with pytest.raises(grpc.RpcError) as caught:
                call()
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT, caught.value


def test_an_error_of_any_length_arrives(port: int) -> None:
    with channel(f"127.0.0.1:{port}") as connection, pytest.raises(grpc.RpcError) as caught:
        VideoIndexServiceStub(connection).GetVideo(pb.GetVideoRequest(), timeout=60)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith("éééé")


def pass_on(listener: socket.socket, port: int, frozen: threading.Event, over: threading.Event) -> None:
    """A wire between one client and the server, which can be cut without a word to either."""
    inner, _ = listener.accept()
    with inner, socket.create_connection(("127.0.0.1", port)) as outer:
        other = {inner: outer, outer: inner}
        while not frozen.is_set():
            for end in select.select([inner, outer], [], [], 0.05)[0]:
                data = end.recv(1 << 16)
                if not data:
                    return
                other[end].sendall(data)
        # That its ends are closed would be a word.
        over.wait(120)


def test_a_client_that_vanished_without_a_word_is_noticed(monkeypatch) -> None:
    # Half of it is how long an answer to a ping may take, also before the wire is cut.
    monkeypatch.setattr(grpc_server, "KEEPALIVE_MS", 2_000)
    service, frozen = Service(), threading.Event()
    server = serve(service)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = (listener, server.port, frozen, service.over)
        threading.Thread(target=pass_on, args=wire, daemon=True).start()
        with channel(f"127.0.0.1:{listener.getsockname()[1]}") as connection:
            stream = VideoIndexServiceStub(connection).WatchVideo(pb.WatchVideoRequest(), timeout=120)
            next(stream)
            frozen.set()
            assert service.over.wait(60)
    server.stop()


def test_a_client_connects_anew_after_a_while_and_no_call_is_cut() -> None:
    service = Service()
    server = serve(service, connection_age_s=1)
    closed = threading.Event()
    try:
        with channel(f"127.0.0.1:{server.port}") as connection:
            stub = VideoIndexServiceStub(connection)
            watch = stub.WatchVideo(pb.WatchVideoRequest(), timeout=60)
            next(watch)
            connection.subscribe(lambda state: state is grpc.ChannelConnectivity.READY or closed.set())
            # The first state that is told is the one of now; a connection that ages leaves READY.
            assert closed.wait(60)
            assert watch.is_active()
            assert stub.UploadVideo(iter([pb.UploadVideoRequest(chunk=b"abc")]), timeout=60).size_bytes == 3
            watch.cancel()
            assert service.over.wait(60)
    finally:
        server.stop()


def silent(over: threading.Event) -> Iterator[pb.UploadVideoRequest]:
    """A stream that says nothing."""
    over.wait(120)
    yield from ()


def ended(call: grpc.Future) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call.result(60)
    return caught.value.code()


def test_callers_that_open_streams_and_say_nothing_leave_room_for_others() -> None:
    server, over = serve(Service(), threads=4), threading.Event()
    with channel(f"127.0.0.1:{server.port}", retries=False) as connection:
        stub = VideoIndexServiceStub(connection)
        held = [stub.UploadVideo.future(silent(over), timeout=120) for _ in range(20)]
        # All but those that may wait are refused, each by a thread that is free again at once.
        done: queue.Queue[grpc.Future] = queue.Queue()
        for call in held:
            call.add_done_callback(done.put)
        refused = [done.get(timeout=60) for _ in held[2:]]
        assert {call.code() for call in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetVideo(pb.GetVideoRequest(), timeout=60)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        over.set()
        assert {call.result(60).size_bytes for call in held if call not in refused} == {0}
    server.stop()


def test_a_stream_whose_caller_says_nothing_is_ended_and_one_that_goes_on_is_not() -> None:
    # Longer than a busy machine may keep the lively one waiting.
    server, over = serve(Service(), threads=4, idle_s=5), threading.Event()

    def slow() -> Iterator[pb.UploadVideoRequest]:
        while not quiet.done():
            yield pb.UploadVideoRequest(chunk=b"x")
            time.sleep(0.01)

    with channel(f"127.0.0.1:{server.port}", retries=False) as connection:
        stub = VideoIndexServiceStub(connection)
        quiet = stub.UploadVideo.future(silent(over), timeout=120)
        lively = stub.UploadVideo.future(slow(), timeout=120)
        assert ended(quiet) == grpc.StatusCode.CANCELLED
        assert lively.result(60).size_bytes > 0
        over.set()
    server.stop()
