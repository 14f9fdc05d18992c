"""The service as a process: its gRPC door in front of the sandbox, and its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from google.protobuf.duration_pb2 import Duration
from vidx.decoding.v1 import decoding_service_pb2 as pb
from vidx.decoding.v1 import decoding_service_pb2_grpc as pb_grpc
from vidx.media.v1 import media_pb2

from services.core.errors import BadMedia
from services.runtime.grpc_client import call, channel
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from tests.media.broken import text
from tests.media.counters import count
from tests.media.films import film, two_scenes
from tests.servers import stores
from tests.servers.ports import free_ports

FILM, TEXT = "collections/c/videos/film/source", "collections/c/videos/text/source"
LONG = "collections/c/videos/long/source"
DEADLINE_S = 120.0


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def served(
    tmp_path: Path, every_store: StoreSettings
) -> Iterator[tuple[subprocess.Popen[bytes], pb_grpc.DecodingServiceStub]]:
    store = connect(every_store).objects
    store.put(FILM, two_scenes(tmp_path / "f.mp4").read_bytes())
    store.put(TEXT, text(tmp_path / "t.mp4").read_bytes())
    (port,) = free_ports(1)
    settings = {**stores.environment(every_store), "VIDX_SERVER_ADDRESS": f"127.0.0.1:{port}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.decoding", "--role", "serve"],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
    )
    with channel(f"127.0.0.1:{port}") as connection:
        yield process, pb_grpc.DecodingServiceStub(connection)
    process.kill()
    process.wait()


def test_a_frame_is_given_while_a_film_is_cut_and_the_cut_ends_with_its_caller(
    served: tuple[subprocess.Popen[bytes], pb_grpc.DecodingServiceStub], tmp_path: Path, every_store: StoreSettings
) -> None:
    process, stub = served
    connect(every_store).objects.put(LONG, film(tmp_path / "l.mp4", count(2500, 320, 240)).read_bytes())
    wait_for(lambda: _answers(stub))
    whole = media_pb2.TimeRange(end=Duration(seconds=100))
    cut = stub.CutRanges(pb.CutRangesRequest(source=LONG, ranges=[whole]), timeout=DEADLINE_S)
    # It is held as soon as it is seen, so that it is under way however fast this machine is.
    held: list[psutil.Process] = []

    def hold() -> bool:
        for found in _cutting(process.pid):
            found.suspend()
            held.append(found)
        return bool(held)

    wait_for(hold)
    (child,) = held
    assert call(stub.GetFrame, pb.GetFrameRequest(source=FILM), DEADLINE_S).jpeg
    assert child.status() == psutil.STATUS_STOPPED
    cut.cancel()
    wait_for(lambda: not child.is_running())
    assert b"".join(part.chunk for part in stub.CutRanges(pb.CutRangesRequest(source=FILM, ranges=[_second()])))


def _second() -> media_pb2.TimeRange:
    return media_pb2.TimeRange(end=Duration(seconds=1))


def _cutting(pid: int) -> list[psutil.Process]:
    """Child processes that write a film."""
    children = psutil.Process(pid).children(recursive=True)
    return [one for one in children if any(file.path.endswith("cut.mp4") for file in one.open_files())]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_serves_and_leaves_no_process_behind(
    number: signal.Signals, served: tuple[subprocess.Popen[bytes], pb_grpc.DecodingServiceStub]
) -> None:
    process, stub = served
    wait_for(lambda: _answers(stub))
    with pytest.raises(BadMedia, match="cannot be read as a video"):
        call(stub.Probe, pb.ProbeRequest(source=TEXT), DEADLINE_S)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(number)
    process.wait(DEADLINE_S)
    wait_for(lambda: not any(child.is_running() for child in children))


def _answers(stub: pb_grpc.DecodingServiceStub) -> bool:
    try:
        return bool(call(stub.Probe, pb.ProbeRequest(source=FILM), DEADLINE_S).probe.duration.seconds == 2)
    except Exception:
        return False
