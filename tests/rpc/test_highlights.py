"""Highlights and skims over the chaptering service's gRPC door: a real server and stub, fakes behind."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1 import chaptering_service_pb2_grpc as pb_grpc
from vidx.media.v1 import chapters_pb2, media_pb2

from services.chaptering import rpc, tasks
from services.chaptering.highlighting import Highlighting
from services.core.errors import InvalidInput, NotFound
from services.core.times import SECOND, TimeRange
from services.runtime.artifacts import ArtifactStore
from services.runtime.grpc_client import call, channel
from services.runtime.grpc_server import create_server
from services.runtime.media_proto import range_from, range_to
from services.runtime.settings import ServerSettings
from services.runtime.store_folder import FolderStore
from tests.fakes.chaptering import (
    DIMENSION,
    FakeQueries,
    answering,
    silent_film,
    stage,
    store,
    store_frames,
    summarizing,
    unit,
)

AT = 77
SHOT = TimeRange(76 * SECOND, 80 * SECOND)


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(FolderStore(tmp_path))


@pytest.fixture
def sources(artifacts: ArtifactStore) -> pb.Sources:
    """Two minutes without a word; in second 77 what is looked for is seen."""
    rows = np.random.default_rng(1).normal(size=(120, DIMENSION))
    rows[:, 0] = 0
    rows[AT] = np.eye(1, DIMENSION)[0]
    segments = store_frames(artifacts, unit(rows), SECOND)
    return pb.Sources(
        keys=store(artifacts, silent_film((15, 15))),
        segment_keys={kind: pb.SegmentKeys(keys=keys) for kind, keys in segments.items()},
    )


@pytest.fixture
def stub(artifacts: ArtifactStore) -> Iterator[pb_grpc.ChapteringServiceStub]:
    service = stage(artifacts)
    highlighting = Highlighting(artifacts, FakeQueries())
    door = rpc.door(service, summarizing(artifacts), answering(), highlighting, tasks.steps(service))
    server = create_server(ServerSettings(drain_s=0), [door])
    with channel(f"127.0.0.1:{server.port}", retries=False) as connection:
        yield pb_grpc.ChapteringServiceStub(connection)
    server.stop()


def test_a_query_has_a_curve_and_its_maxima(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    found = call(stub.Highlight, pb.HighlightRequest(sources=sources, query="a boat", limit=2), 60).highlights
    assert (found.step, len(found.saliency)) == (Duration(seconds=1), 120)
    best = found.highlights[0]
    assert range_from(best.range) == SHOT
    assert best.score == pytest.approx(max(found.saliency))
    assert SHOT.contains(best.peak.seconds * SECOND)
    assert len(found.highlights) <= 2


def test_without_a_query_there_are_at_most_ten(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    found = call(stub.Highlight, pb.HighlightRequest(sources=sources), 60).highlights
    assert 0 < len(found.highlights) <= 10
    assert 0 < max(found.saliency) <= 1


def test_a_skim_is_as_long_as_wanted_and_of_what_is_in_focus(
    stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources
) -> None:
    chapters = chapters_pb2.Chapters(
        chapters=[
            chapters_pb2.Chapter(range=range_to(TimeRange(i * 60 * SECOND, (i + 1) * 60 * SECOND))) for i in (0, 1)
        ]
    )
    request = pb.SkimRequest(sources=sources, chapters=chapters, length=Duration(seconds=12), focus="a boat")
    skim = call(stub.Skim, request, 60).skim
    assert skim.length == Duration(seconds=12)
    assert any(range_from(r).contains(AT * SECOND) for r in skim.ranges)
    whole = call(stub.Skim, pb.SkimRequest(sources=sources, length=Duration(seconds=3600)), 60).skim
    assert [range_from(r) for r in whole.ranges] == [TimeRange(0, 120 * SECOND)]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.HighlightRequest(limit=-1), "limit"),
        (pb.HighlightRequest(limit=101), "limit"),
        (pb.HighlightRequest(query="x" * 1001), "query"),
        (pb.HighlightRequest(query="?"), "query"),
        (pb.HighlightRequest(sources=pb.Sources(segment_keys={"frames": pb.SegmentKeys(keys=["a"])})), "sources.keys"),
        (pb.SkimRequest(), "length"),
        (pb.SkimRequest(length=Duration(nanos=999_999_999)), "length"),
        (pb.SkimRequest(length=Duration(seconds=3600, nanos=1)), "length"),
        (pb.SkimRequest(length=Duration(seconds=9), focus="x" * 1001), "focus"),
        (pb.SkimRequest(length=Duration(seconds=9), focus="?"), "focus"),
        (
            pb.SkimRequest(
                length=Duration(seconds=9),
                chapters=chapters_pb2.Chapters(chapters=[chapters_pb2.Chapter(range=media_pb2.TimeRange())]),
            ),
            "chapters.chapters[0].range",
        ),
    ],
)
def test_wrong_requests_are_invalid_arguments(
    stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources, request_: pb.HighlightRequest | pb.SkimRequest, field: str
) -> None:
    if not request_.HasField("sources"):
        request_.sources.CopyFrom(sources)
    method = stub.Skim if isinstance(request_, pb.SkimRequest) else stub.Highlight
    with pytest.raises(InvalidInput) as caught:
        call(method, request_, 60)  # type: ignore[arg-type]
    assert list(caught.value.fields) == [field]


def test_sources_that_are_gone_are_not_found(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    sources.segment_keys["frames"].keys[0] = "collections/c/videos/v/gone"
    with pytest.raises(NotFound):
        call(stub.Highlight, pb.HighlightRequest(sources=sources), 60)
