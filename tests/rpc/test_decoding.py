"""The decoding service's gRPC door: a real server and stub, a fake reader behind."""

import time
from collections.abc import Callable, Iterator
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
from services.runtime.grpc_errors import from_call
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
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def stub(tmp_path: Path, scratch: Path, reader: FakeReader) -> Iterator[pb_grpc.DecodingServiceStub]:
    store = ArtifactStore(FolderStore(tmp_path / "store"))
    store.objects.put(SOURCE, b"film")
    stage = Decoding(store, reader, Shape(segment=5 * SECOND), scratch, max_cuts=2)
    server = create_server(ServerSettings(drain_s=0), [rpc.door(stage, tasks.steps(stage))])
    with channel(f"127.0.0.1:{server.port}") as connection:
        yield pb_grpc.DecodingServiceStub(connection)
    server.stop()


def refused(method: grpc.UnaryUnaryMultiCallable, request: object) -> VidxError:
    with pytest.raises(VidxError) as caught:
        call(method, request, 60)
    return caught.value


def test_probe_tells_what_a_file_holds(stub: pb_grpc.DecodingServiceStub) -> None:
    probe = call(stub.Probe, pb.ProbeRequest(source=SOURCE), 60).probe
    assert (probe.duration.seconds, probe.size_bytes) == (20, 4)
    assert (probe.video.codec, probe.video.width, probe.video.height) == ("h264", 320, 180)
    assert [a.language for a in probe.audio] == ["eng"]


def test_a_frame_comes_with_the_time_that_it_begins_at(stub: pb_grpc.DecodingServiceStub, reader: FakeReader) -> None:
    request = pb.GetFrameRequest(source=SOURCE, time=Duration(seconds=3, nanos=5), max_height=90)
    response = call(stub.GetFrame, request, 60)
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


def cut(*bounds: tuple[float, float], **more: object) -> pb.CutRangesRequest:
    def moment(seconds: float) -> Duration:
        return Duration(seconds=int(seconds), nanos=round(seconds % 1 * SECOND))

    ranges = [media_pb2.TimeRange(start=moment(start), end=moment(end)) for start, end in bounds]
    return pb.CutRangesRequest(source=SOURCE, ranges=ranges, **more)


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def room(stub: pb_grpc.DecodingServiceStub) -> bool:
    """Whether a further film may be cut."""
    try:
        list(stub.CutRanges(cut((0, 1)), timeout=60))
    except grpc.RpcError as error:
        return error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED
    return True


def test_ranges_come_as_a_file_in_chunks(stub: pb_grpc.DecodingServiceStub, reader: FakeReader, scratch: Path) -> None:
    reader.film = bytes(range(256)) * 3000
    parts = [part.chunk for part in stub.CutRanges(cut((0, 1.5), (2, 3), max_height=360), timeout=60)]
    assert b"".join(parts) == reader.film
    assert {len(part) for part in parts[:-1]} == {256 << 10}
    assert reader.asked == [f"cut 0-{SECOND * 3 // 2} {2 * SECOND}-{3 * SECOND} 360"]
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (cut(), "ranges"),
        (cut((1, 0.5)), "ranges[0]"),
        (cut((-1, 0.5)), "ranges[0]"),
        (cut((0, 1), (0.5, 2)), "ranges[1]"),
        (cut((0, 1), max_height=-1), "max_height"),
        (cut((0, 3601)), "ranges"),
    ],
)
def test_wrong_ranges_are_refused(
    stub: pb_grpc.DecodingServiceStub, reader: FakeReader, request_: pb.CutRangesRequest, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        next(stub.CutRanges(request_, timeout=60))
    error = from_call(caught.value)
    assert isinstance(error, InvalidInput)
    assert list(error.fields) == [field]
    assert reader.asked == []


def test_a_cut_ends_when_the_caller_goes(stub: pb_grpc.DecodingServiceStub, reader: FakeReader, scratch: Path) -> None:
    reader.cut_may_end.clear()
    calls = [stub.CutRanges(cut((0, 1)), timeout=120) for _ in range(2)]
    wait_for(lambda: len(reader.asked) == 2)
    assert len(list(scratch.iterdir())) == 2
    assert not room(stub)
    # Others are not kept from a frame meanwhile.
    assert call(stub.GetFrame, pb.GetFrameRequest(source=SOURCE), 60).jpeg
    for one in calls:
        one.cancel()
    wait_for(lambda: list(scratch.iterdir()) == [])
    reader.cut_may_end.set()
    wait_for(lambda: room(stub))


def test_a_caller_who_goes_while_he_is_sent_the_file_leaves_nothing(
    stub: pb_grpc.DecodingServiceStub, reader: FakeReader, scratch: Path
) -> None:
    reader.film = bytes(64 << 20)
    calls = [stub.CutRanges(cut((0, 1)), timeout=120) for _ in range(2)]
    assert all(len(next(one).chunk) == 256 << 10 for one in calls)
    assert list(scratch.iterdir()) == []
    assert not room(stub)
    for one in calls:
        one.cancel()
    wait_for(lambda: room(stub))


def test_run_does_a_unit_of_work(stub: pb_grpc.DecodingServiceStub) -> None:
    job = media_pb2.Job(
        video=str(VIDEO), step="decoding.plan", segment=-1, inputs={"source": media_pb2.Keys(keys=[SOURCE])}
    )
    outputs = call(stub.Run, pb.RunRequest(job=job), 60).outputs
    assert outputs.counts["segments"] == 4
    assert set(outputs.artifacts) == {"plan", "subtitles"}


def test_run_names_its_steps_when_asked_for_another(stub: pb_grpc.DecodingServiceStub) -> None:
    error = refused(stub.Run, pb.RunRequest(job=media_pb2.Job(video=str(VIDEO), step="search.index")))
    assert isinstance(error, InvalidInput)
    assert "decoding.segment" in error.message
