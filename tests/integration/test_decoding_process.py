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
from vidx.decoding.v1 import decoding_service_pb2 as pb
from vidx.decoding.v1 import decoding_service_pb2_grpc as pb_grpc

from services.core.errors import BadMedia
from services.runtime.grpc_client import call, channel
from services.runtime.store_folder import FolderStore
from tests.media.broken import text
from tests.media.films import two_scenes
from tests.servers.ports import free_ports

FILM, TEXT = "collections/c/videos/film/source", "collections/c/videos/text/source"
DEADLINE_S = 60.0


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], pb_grpc.DecodingServiceStub]]:
    store = FolderStore(tmp_path / "store")
    store.put(FILM, two_scenes(tmp_path / "f.mp4").read_bytes())
    store.put(TEXT, text(tmp_path / "t.mp4").read_bytes())
    (port,) = free_ports(1)
    settings = {"VIDX_STORE_URL": f"folder://{tmp_path}/store", "VIDX_SERVER_ADDRESS": f"127.0.0.1:{port}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.decoding", "--role", "serve"],
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
    )
    with channel(f"127.0.0.1:{port}") as connection:
        yield process, pb_grpc.DecodingServiceStub(connection)
    process.kill()
    process.wait()


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
