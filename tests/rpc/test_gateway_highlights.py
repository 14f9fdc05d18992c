"""Highlights and skims over the public API."""

from collections.abc import Iterator
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import chapters_pb2

from services.catalog.states import JobState
from services.core.chapters import Chapter, Chapters
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.pipeline import ledger
from tests.fakes.chaptering_server import span
from tests.fakes.public_api import refused, serving, upload

FAILED_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND


@pytest.fixture
def gateway(house, tmp_path) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        yield found


@pytest.fixture
def video(gateway) -> pb.Video:
    """A READY video of two segments with one chapter."""
    made = upload(gateway)
    gateway.house.pipeline.dispatch()
    gateway.house.work(segments=2)
    whole = Chapters((Chapter(TimeRange(0, 10 * SECOND), "All of it"),))
    gateway.house.store.save(f"{made.name}/chaptering/chapters", whole)
    return gateway.stub.GetVideo(pb.GetVideoRequest(name=made.name), timeout=60)


def give_up(gateway, video: pb.Video, step: str) -> None:
    with gateway.house.database.write() as session:
        for job in ledger.jobs_of(session, ledger.find(session, VideoName.parse(video.name))):
            if job.step == step:
                job.state, job.reason, job.message = JobState.GIVEN_UP, "STORAGE_FULL", "the disk is full"


def highlights(gateway, name: str, **more) -> chapters_pb2.Highlights:
    return gateway.stub.GetHighlights(pb.GetHighlightsRequest(name=name, **more), timeout=60)


def skim(gateway, name: str, **more) -> chapters_pb2.Skim:
    return gateway.stub.GetSkim(pb.GetSkimRequest(name=name, **more), timeout=60)


def test_highlights_are_made_from_what_is_known_of_every_segment(gateway, video) -> None:
    found = highlights(gateway, video.name, query=" a boat ", limit=3)
    assert (found.step, len(found.saliency)) == (Duration(seconds=1), 10)
    assert [(h.range, h.peak, h.score) for h in found.highlights] == [(span(4, 7), Duration(seconds=5), 0.75)]
    (asked,) = gateway.chaptering.asked
    assert (asked.query, asked.limit) == ("a boat", 3)
    assert {"plan", "shots", "shot_vectors", "passages", "passage_vectors"} <= set(asked.sources.keys)
    each = {kind: [k.removeprefix(f"{video.name}/") for k in f.keys] for kind, f in asked.sources.segment_keys.items()}
    jobs = gateway.house.jobs(VideoName.parse(video.name))
    assert each == {
        kind: [jobs[step, i].artifacts[kind].removeprefix(f"{video.name}/") for i in (0, 1)]
        for kind, step in (("frames", "decoding.segment"), ("frame_vectors", "embedding.segment"))
    }


def test_a_skim_is_a_minute_long_unless_a_length_is_wanted(gateway, video) -> None:
    assert list(skim(gateway, video.name).ranges) == [span(0, 1), span(9, 10)]
    assert skim(gateway, video.name, length=Duration(seconds=1), focus="boats").length == Duration(seconds=1)
    first, second = gateway.chaptering.asked
    assert (first.length, first.focus) == (Duration(seconds=60), "")
    assert (second.length, second.focus) == (Duration(seconds=1), "boats")
    assert [c.title for c in first.chapters.chapters] == ["All of it"]
    assert len(first.sources.segment_keys["frames"].keys) == 2


def test_a_skim_does_without_chapters_that_were_given_up(gateway, video) -> None:
    give_up(gateway, video, "chaptering.chapter")
    assert skim(gateway, video.name).ranges
    assert not gateway.chaptering.asked[0].chapters.chapters
    assert highlights(gateway, video.name).highlights


def test_a_segment_without_vectors_is_left_out(gateway, video) -> None:
    with gateway.house.database.write() as session:
        for job in ledger.jobs_of(session, ledger.find(session, VideoName.parse(video.name))):
            if (job.step, job.segment) == ("embedding.segment", 0):
                job.artifacts = {}
    highlights(gateway, video.name)
    (asked,) = gateway.chaptering.asked
    jobs = gateway.house.jobs(VideoName.parse(video.name))
    assert list(asked.sources.segment_keys["frames"].keys) == [jobs["decoding.segment", 1].artifacts["frames"]]
    assert len(asked.sources.segment_keys["frame_vectors"].keys) == 1


def test_a_video_that_is_not_known_yet_is_refused_with_the_reason(gateway) -> None:
    name = upload(gateway).name
    for ask in (highlights, skim):
        with pytest.raises(grpc.RpcError, match="it is being made: watch the video"):
            ask(gateway, name)
        refused(lambda a=ask: a(gateway, name), FAILED_PRECONDITION)
        refused(lambda a=ask: a(gateway, "collections/c/videos/none"), NOT_FOUND)
        refused(lambda a=ask: a(gateway, "collections/c"), INVALID_ARGUMENT)


@pytest.mark.parametrize(
    ("ask", "wrong", "field"),
    [
        (highlights, {"limit": -1}, "limit"),
        (highlights, {"limit": 101}, "limit"),
        (highlights, {"query": "x" * 1001}, "query"),
        (skim, {"focus": "x" * 1001}, "focus"),
        (skim, {"length": Duration()}, "length"),
        (skim, {"length": Duration(nanos=999_999_999)}, "length"),
        (skim, {"length": Duration(seconds=3601)}, "length"),
    ],
)
def test_a_wrong_request_is_refused_with_its_field(gateway, video, ask, wrong: dict, field: str) -> None:
    _, fields = refused(lambda: ask(gateway, video.name, **wrong), INVALID_ARGUMENT)
    assert list(fields) == [field]
    assert not gateway.chaptering.asked


def test_a_chaptering_service_that_is_away_is_told(gateway, video) -> None:
    gateway.chaptering.down = True
    refused(lambda: highlights(gateway, video.name), grpc.StatusCode.UNAVAILABLE)
