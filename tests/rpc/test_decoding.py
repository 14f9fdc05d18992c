"""The decoding service's gRPC door: a real server and stub, a fake reader behind."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from vidx.decoding.v1 import decoding_service_pb2 as pb
from vidx.decoding.v1 import decoding_service_pb2_grpc as pb_grpc
from vidx.media.v1 import media_pb2

from services.core import artifacts
from services.core.errors import BadMedia, InvalidInput, NotFound, VidxError
from services.core.names import VideoName
from services.core.times import SECOND
from services.decoding import rpc, tasks
from services.decoding.service import Decoding, Shape
from services.runtime.artifacts import ArtifactStore
from services.runtime.grpc_client import call, channel
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from services.runtime.store_folder import FolderStore
from tests.fakes.decoding import FakeReader

VIDEO = VideoName("c", "v")
SOURCE = artifacts.source_key(VIDEO)


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def stub(tmp_path: Path, reader: FakeReader) -> Iterator[pb_grpc.DecodingServiceStub]:
    store = ArtifactStore(FolderStore(tmp_path))
    store.objects.put(SOURCE, b"film")
    stage = Decoding(store, reader, Shape(segment=5 * SECOND))
    server = create_server(ServerSettings(drain_s=0), [rpc.door(stage, tasks.steps(stage))])
    with channel(f"127.0.0.1:{server.port}") as connection:
        yield pb_grpc.DecodingServiceStub(connection)
    server.stop()


def refused(method: grpc.UnaryUnaryMultiCallable, request: object) -> VidxError:
    with pytest.raises(VidxError) as caught:
        call(method, request, 10)
    return caught.value


def test_probe_tells_what_a_file_holds(stub: pb_grpc.DecodingServiceStub) -> None:
    probe = call(stub.Probe, pb.ProbeRequest(source=SOURCE), 10).probe
    assert (probe.duration.seconds, probe.size_bytes) == (20, 4)
    assert (probe.video.codec, probe.video.width, probe.video.height) == ("h264", 320, 180)
    assert [a.language for a in probe.audio] == ["eng"]


def test_a_frame_comes_with_the_time_that_it_begins_at(stub: pb_grpc.DecodingServiceStub, reader: FakeReader) -> None:
    request = pb.GetFrameRequest(source=SOURCE, time=Duration(seconds=3, nanos=5), max_height=90)
    response = call(stub.GetFrame, request, 10)
    assert response.jpeg.startswith(b"\xff\xd8")
    assert response.time == Duration(seconds=3)
    assert reader.asked == [f"frame {3 * SECOND + 5} 90"]


def test_a_frame_beyond_the_video_is_invalid(stub: pb_grpc.DecodingServiceStub) -> None:
    error = refused(stub.GetFrame, pb.GetFrameRequest(source=SOURCE, time=Duration(seconds=20)))
    assert isinstance(error, InvalidInput)
    assert error.fields == {"time": "within [0, duration)"}


def test_a_file_that_is_no_video_is_told_as_such(stub: pb_grpc.DecodingServiceStub, reader: FakeReader) -> None:
    reader.fails = BadMedia("the file is empty")
    error = refused(stub.Probe, pb.ProbeRequest(source=SOURCE))
    assert isinstance(error, BadMedia)
    assert error.reason == "DECODE_ERROR"
    assert "empty" in error.message


def test_a_missing_source_is_not_found(stub: pb_grpc.DecodingServiceStub) -> None:
    assert isinstance(refused(stub.Probe, pb.ProbeRequest(source="collections/c/videos/x/source")), NotFound)


def test_run_does_a_unit_of_work(stub: pb_grpc.DecodingServiceStub) -> None:
    job = media_pb2.Job(
        video=str(VIDEO), step="decoding.plan", segment=-1, inputs={"source": media_pb2.Keys(keys=[SOURCE])}
    )
    outputs = call(stub.Run, pb.RunRequest(job=job), 10).outputs
    assert outputs.counts["segments"] == 4
    assert set(outputs.artifacts) == {"plan", "subtitles"}


def test_run_names_its_steps_when_asked_for_another(stub: pb_grpc.DecodingServiceStub) -> None:
    error = refused(stub.Run, pb.RunRequest(job=media_pb2.Job(video=str(VIDEO), step="search.index")))
    assert isinstance(error, InvalidInput)
    assert "decoding.segment" in error.message
