"""vidx.search.v1.SearchService over a real server and a real stub; ports in memory behind."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import grpc
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from vidx.embedding.v1 import embedding_service_pb2, embedding_service_pb2_grpc
from vidx.media.v1 import media_pb2, text_pb2
from vidx.search.v1 import search_service_pb2 as pb
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub

from services.core.errors import Internal, Unavailable
from services.core.jobs import Job
from services.core.names import VideoName
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from services.runtime import grpc_client
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from services.runtime.text_embedding import TextEmbedding
from services.search import rpc, tasks
from services.search.embedding_client import EmbeddingClient
from services.search.ports import Against
from services.search.service import SearchService
from tests.fakes.search import FakeEncoder, FakeIndex, FakeTexts, artifacts, stored_video

AXES = np.eye(8, dtype=np.float32)
FILMS = "collections/films"


@dataclass
class World:
    objects: dict[str, bytes] = field(default_factory=dict)
    index: FakeIndex = field(default_factory=FakeIndex)
    texts: FakeTexts = field(default_factory=FakeTexts)
    encoder: FakeEncoder = field(default_factory=lambda: FakeEncoder({f"axis {i}": AXES[i] for i in range(8)}))

    def job(self, name: str, **more: object) -> Job:
        """Four frames along axes 0 to 3, in two shots of 2.5 s."""
        frames = [(i * SECOND, i * SECOND, (i + 1) * SECOND) for i in range(4)]
        cuts = [0, 2 * SECOND, 4 * SECOND + 5]
        return stored_video(
            self.objects, VideoName("films", name), [frames], cuts, AXES[:4], AXES[[0, 2]], **more  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def stub(world: World) -> Iterator[SearchServiceStub]:
    service = SearchService(artifacts(world.objects), world.index, world.texts, world.encoder)
    server = create_server(ServerSettings(drain_s=0), [(rpc.DESCRIPTOR, rpc.register(service))])
    with grpc_client.channel(f"127.0.0.1:{server.port}") as channel:
        yield SearchServiceStub(channel)
    server.stop()


def message(job: Job) -> media_pb2.Job:
    return media_pb2.Job(
        video=str(job.video),
        step=job.step,
        segment=-1,
        inputs={kind: media_pb2.Keys(keys=keys) for kind, keys in job.inputs.items()},
    )


def add(stub: SearchServiceStub, world: World, name: str, **more: object) -> pb.IndexResponse:
    return stub.Index(pb.IndexRequest(job=message(world.job(name, **more))), timeout=60)


def ask(stub: SearchServiceStub, query: str = "axis 3", **fields: object) -> pb.SearchResponse:
    return stub.Search(pb.SearchRequest(parent=FILMS, query=query, **fields), timeout=60)  # type: ignore[arg-type]


def violations(call: grpc.RpcError) -> list[str]:
    bad = error_details_pb2.BadRequest()
    status = rpc_status.from_call(call)
    assert any(detail.Unpack(bad) for detail in status.details)
    return [v.field for v in bad.field_violations]


def test_index_answers_with_its_counts(stub: SearchServiceStub, world: World) -> None:
    outputs = add(stub, world, "a").outputs
    assert dict(outputs.counts) == {"rows": 6, "expected": 6}


def test_search_answers_with_moments(stub: SearchServiceStub, world: World) -> None:
    add(stub, world, "a")
    first = ask(stub).moments[0]
    assert first.video == f"{FILMS}/videos/a"
    assert (first.range.start, first.range.end) == (Duration(seconds=2), Duration(seconds=4, nanos=5))
    assert 0 < first.score <= 1
    (evidence,) = first.evidence
    assert evidence.track == text_pb2.VISUAL
    assert (evidence.range.start, evidence.range.end) == (Duration(seconds=3), Duration(seconds=4))
    assert evidence.frame_time == Duration(seconds=3)
    assert evidence.share == 1


def test_a_text_that_matches_is_told_with_its_own_range_and_language(stub: SearchServiceStub, world: World) -> None:
    said = Passage(Track.SPEECH, TimeRange(SECOND, 2 * SECOND), "Ice picks scale ice.", "en")
    add(stub, world, "a", passages=[(said, AXES[5])])
    first = ask(stub, "ice picks", tracks=[pb.TrackWeight(track=text_pb2.SPEECH)]).moments[0]
    assert (first.range.start.seconds, first.range.end.seconds) == (1, 2)
    (evidence,) = first.evidence
    assert (evidence.track, evidence.text, evidence.language) == (text_pb2.SPEECH, said.text, "en")
    assert not evidence.HasField("frame_time")
    assert evidence.share == 1


def test_labels_are_counted_when_asked_for_and_filtered_by(stub: SearchServiceStub, world: World) -> None:
    add(stub, world, "a", shot_labels=[(0, "car"), (1, "car"), (1, 'a person\'s "cat"')])
    assert not ask(stub).facets
    facets = ask(stub, with_facets=True).facets
    assert [(f.label, f.count) for f in facets] == [("car", 2), ('a person\'s "cat"', 1)]
    only = ask(stub, with_facets=True, filter=pb.Filter(shot_labels=['a person\'s "cat"']))
    assert [m.range.start.seconds for m in only.moments] == [2]
    assert [(f.label, f.count) for f in only.facets] == [('a person\'s "cat"', 1), ("car", 1)]


def test_pages_follow_each_other(stub: SearchServiceStub, world: World) -> None:
    add(stub, world, "a")
    first = ask(stub, page_size=1)
    second = ask(stub, page_size=1, page_token=first.next_page_token)
    assert first.moments != second.moments
    assert second.next_page_token == ""


def test_filters_are_applied(stub: SearchServiceStub, world: World) -> None:
    created = 1_700_000_000 * SECOND + 1
    add(stub, world, "a", labels={"lang": "en"}, created=created)
    add(stub, world, "b", created=created + 1)

    def videos(f: pb.Filter) -> set[str]:
        return {m.video.rsplit("/", 1)[1] for m in ask(stub, filter=f).moments}

    at = Timestamp(seconds=1_700_000_000, nanos=2)
    assert videos(pb.Filter()) == {"a", "b"}
    assert videos(pb.Filter(videos=[f"{FILMS}/videos/b"])) == {"b"}
    assert videos(pb.Filter(labels={"lang": "en"})) == {"a"}
    assert videos(pb.Filter(added_after=at)) == {"b"}
    assert videos(pb.Filter(added_before=at)) == {"a"}
    assert videos(pb.Filter(added_after=Timestamp(seconds=253402300799))) == set()
    assert videos(pb.Filter(min_duration=Duration(seconds=4, nanos=6))) == set()
    assert videos(pb.Filter(max_duration=Duration(seconds=4, nanos=5))) == {"a", "b"}
    part = media_pb2.TimeRange(start=Duration(), end=Duration(seconds=1))
    assert {m.range.start.seconds for m in ask(stub, filter=pb.Filter(range=part)).moments} == {0}


@pytest.mark.parametrize(
    ("field_name", "request_"),
    [
        ("query", pb.SearchRequest(parent=FILMS)),
        ("query", pb.SearchRequest(parent=FILMS, query="x" * 10_001)),
        ("page_size", pb.SearchRequest(parent=FILMS, query="x", page_size=-1)),
        ("page_token", pb.SearchRequest(parent=FILMS, query="x", page_token="zzz")),
        ("parent", pb.SearchRequest(parent="films", query="x")),
        ("parent", pb.SearchRequest(parent='collections/a" or 1==1', query="x")),
        ("filter.videos", pb.SearchRequest(parent=FILMS, query="x", filter=pb.Filter(videos=["collections/b/videos/c"]))),  # noqa: E501
        ("filter.labels", pb.SearchRequest(parent=FILMS, query="x", filter=pb.Filter(labels={"A b": "c"}))),
        ("min_score", pb.SearchRequest(parent=FILMS, query="x", min_score=2)),
        ("max_moments_per_video", pb.SearchRequest(parent=FILMS, query="x", max_moments_per_video=-1)),
        ("tracks", pb.SearchRequest(parent=FILMS, query="x", tracks=[pb.TrackWeight()])),
        ("tracks", pb.SearchRequest(parent=FILMS, query="x", tracks=[pb.TrackWeight(track=text_pb2.SPEECH)] * 2)),
        ("tracks", pb.SearchRequest(parent=FILMS, query="x", tracks=[pb.TrackWeight(track=text_pb2.SPEECH, weight=2)])),
        ("filter.shot_labels", pb.SearchRequest(parent=FILMS, query="x", filter=pb.Filter(shot_labels=[""]))),
        ("filter.shot_labels", pb.SearchRequest(parent=FILMS, query="x", filter=pb.Filter(shot_labels=["x"] * 65))),
        (
            "filter.range",
            pb.SearchRequest(
                parent=FILMS, query="x", filter=pb.Filter(range=media_pb2.TimeRange(start=Duration(seconds=2)))
            ),
        ),
    ],
)  # fmt: skip
def test_a_bad_request_names_the_field(stub: SearchServiceStub, field_name: str, request_: pb.SearchRequest) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Search(request_, timeout=60)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert violations(caught.value) == [field_name]


def test_a_query_of_ten_thousand_characters_is_answered(stub: SearchServiceStub, world: World) -> None:
    add(stub, world, "a")
    assert len(ask(stub, "ü" * 10_000).moments) == 2


def test_delete_and_stats_say_how_many_rows(stub: SearchServiceStub, world: World) -> None:
    add(stub, world, "a")
    add(stub, world, "b")
    assert stub.Stats(pb.StatsRequest(), timeout=60) == pb.StatsResponse(rows=12, space="space")
    assert stub.DeleteVideo(pb.DeleteVideoRequest(name=f"{FILMS}/videos/a"), timeout=60).rows == 6
    assert stub.Stats(pb.StatsRequest(name=FILMS), timeout=60).rows == 6
    assert stub.Stats(pb.StatsRequest(name=f"{FILMS}/videos/a"), timeout=60).rows == 0


def test_the_queue_s_step_is_the_same_use_case(world: World) -> None:
    steps = tasks.steps(SearchService(artifacts(world.objects), world.index, world.texts, world.encoder))
    assert list(steps) == ["search.index"]
    assert steps["search.index"](world.job("a"), lambda done, total: None).counts["rows"] == 6


class Embedding(embedding_service_pb2_grpc.EmbeddingServiceServicer):
    """Answers with as many vectors as it is told."""

    def __init__(self, vectors: int) -> None:
        self._vectors = vectors

    def EmbedText(  # noqa: N802
        self, request: embedding_service_pb2.EmbedTextRequest, context: grpc.ServicerContext
    ) -> embedding_service_pb2.EmbedTextResponse:
        return embedding_service_pb2.EmbedTextResponse(
            spaces=[
                embedding_service_pb2.TextVectors(
                    vectors=[embedding_service_pb2.Vector(values=[0.6, 0.8])] * self._vectors,
                    calibrations=[embedding_service_pb2.Calibration(middle=0.25, spread=0.5)] * self._vectors,
                    space=f"{embedding_service_pb2.TextSpace.Name(space)} of {list(request.texts)}",
                )
                for space in request.text_spaces
            ]
        )


@pytest.mark.parametrize("vectors", [2, 0])
def test_text_is_encoded_by_the_embedding_service(vectors: int) -> None:
    descriptor = embedding_service_pb2.DESCRIPTOR.services_by_name["EmbeddingService"]

    def register(server: grpc.Server) -> None:
        embedding_service_pb2_grpc.add_EmbeddingServiceServicer_to_server(Embedding(vectors), server)

    server = create_server(ServerSettings(drain_s=0), [(descriptor, register)])
    with grpc_client.channel(f"127.0.0.1:{server.port}") as channel:
        client = EmbeddingClient(TextEmbedding(channel, 60))
        if vectors:
            got, said = client.encode(["a dog", "a cat"], [Against.PICTURES, Against.TEXTS])
            assert (got.space, got.middles, got.spreads) == ("JOINT of ['a dog', 'a cat']", (0.25,) * 2, (0.5,) * 2)
            assert (got.vectors.dtype, got.vectors.shape) == (np.float32, (2, 2))
            assert got.vectors[1].tolist() == pytest.approx([0.6, 0.8])
            assert said.space == "SENTENCE of ['a dog', 'a cat']"
        else:
            with pytest.raises(Internal):
                client.encode(["a dog"], [Against.PICTURES])
    server.stop()


def test_an_embedding_service_that_is_not_there_is_unavailable() -> None:
    with grpc_client.channel("127.0.0.1:1") as channel, pytest.raises(Unavailable):
        EmbeddingClient(TextEmbedding(channel, 60)).encode(["a dog"], [Against.TEXTS])
