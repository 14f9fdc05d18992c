"""ExportSkim over the public API: what is kept, then the film, as fast as it is taken."""

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core import artifacts
from services.core.chapters import Chapters
from services.core.errors import BadMedia
from services.core.names import VideoName
from services.core.times import SECOND
from services.pipeline import ledger
from tests.fakes.chaptering_server import span
from tests.fakes.decoding_server import CHUNK
from tests.fakes.public_api import refused, serving, upload


@pytest.fixture
def gateway(house, tmp_path) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        yield found


@pytest.fixture
def name(gateway) -> str:
    """A READY video of ten seconds."""
    made = upload(gateway)
    gateway.house.pipeline.dispatch()
    gateway.house.work()
    with gateway.house.database.write() as session:
        ledger.find(session, VideoName.parse(made.name)).duration = 10 * SECOND
    gateway.house.store.save(f"{made.name}/chaptering/chapters", Chapters())
    return made.name


def export(gateway, name: str, seconds: int = 2, timeout: float = 120, **more):
    skim = pb.GetSkimRequest(name=name, length=Duration(seconds=seconds), focus="boats")
    return gateway.stub.ExportSkim(pb.ExportSkimRequest(skim=skim, **more), timeout=timeout)


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_what_is_kept_comes_first_and_then_the_film(gateway, name) -> None:
    first, *rest = export(gateway, name, max_height=360)
    assert (list(first.skim.ranges), first.skim.length) == ([span(0, 1), span(9, 10)], Duration(seconds=2))
    assert b"".join(part.chunk for part in rest) == CHUNK * 3
    (asked,) = gateway.decoding.asked
    assert asked.source == artifacts.source_key(VideoName.parse(name))
    assert (list(asked.ranges), asked.max_height) == ([span(0, 1), span(9, 10)], 360)
    assert gateway.chaptering.asked[-1].focus == "boats"


def test_what_is_wrong_is_told_where_it_is(gateway, name) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    for length in (0, 3601):
        assert list(refused(lambda n=length: list(export(gateway, name, n)), invalid)[1]) == ["skim.length"]
    assert list(refused(lambda: list(export(gateway, "collections/c")), invalid)[1]) == ["skim.name"]
    refused(lambda: list(export(gateway, "collections/c/videos/none")), grpc.StatusCode.NOT_FOUND)
    assert not gateway.decoding.asked


def test_a_fault_of_the_cut_is_told_as_it_is(gateway, name) -> None:
    gateway.decoding.fault = BadMedia("the file is damaged")
    assert refused(lambda: list(export(gateway, name)), grpc.StatusCode.INVALID_ARGUMENT)[0] == "DECODE_ERROR"


def test_no_more_films_than_are_set_are_under_way(gateway, name) -> None:
    gateway.decoding.slow = threading.Event()
    calls = [export(gateway, name) for _ in range(2)]
    assert all(next(call).skim.ranges for call in calls)
    refused(lambda: list(export(gateway, name)), grpc.StatusCode.RESOURCE_EXHAUSTED)
    gateway.decoding.slow.set()
    assert all(len(list(call)) == 3 for call in calls)
    assert len(list(export(gateway, name))) == 4


def test_the_cut_ends_when_the_caller_goes(gateway, name) -> None:
    gateway.decoding.slow = threading.Event()
    calls = [export(gateway, name) for _ in range(2)]
    assert all(next(call).skim.ranges for call in calls)
    wait_for(lambda: len(gateway.decoding.asked) == 2)
    for call in calls:
        call.cancel()
    wait_for(lambda: gateway.decoding.ended == 2)
    gateway.decoding.slow.set()
    wait_for(lambda: gives(lambda: export(gateway, name)))


def test_the_cut_ends_at_the_callers_deadline(gateway, name) -> None:
    gateway.decoding.slow = threading.Event()
    # On a busy machine the first may pass before there is a cut that it could end.
    for seconds in (1, 5, 25):
        with pytest.raises(grpc.RpcError) as caught:
            list(export(gateway, name, timeout=seconds))
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        if gateway.decoding.asked:
            break
    wait_for(lambda: 0 < len(gateway.decoding.asked) == gateway.decoding.ended)


def test_a_slow_reader_holds_the_film_back(gateway, name) -> None:
    """No more chunks leave decoding than the connections' windows hold."""
    gateway.decoding.chunks = 1000
    call = export(gateway, name)
    assert next(call).skim.ranges
    assert next(call).chunk
    sent = -1
    while sent != gateway.decoding.sent:
        sent = gateway.decoding.sent
        time.sleep(0.5)
    assert sent < 200
    assert sum(len(part.chunk) for part in call) == 999 * len(CHUNK)


def gives(call: Callable[[], Iterator[pb.ExportSkimResponse]]) -> bool:
    """Whether there is room for a further film."""
    try:
        return len(list(call())) == 4
    except grpc.RpcError as error:
        return error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED
