"""The chaptering service's gRPC door: a real server and stub, fakes behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from vidx.chaptering.v1 import chaptering_service_pb2 as pb
from vidx.chaptering.v1 import chaptering_service_pb2_grpc as pb_grpc
from vidx.media.v1 import chapters_pb2, media_pb2

from services.chaptering import rpc, tasks
from services.chaptering.highlighting import Highlighting
from services.chaptering.ports import Found
from services.core.chapters import Chapters
from services.core.errors import InvalidInput, NotFound
from services.core.text import Track
from services.core.times import SECOND, TimeRange
from services.runtime.artifacts import ArtifactStore
from services.runtime.grpc_client import call, channel, stream
from services.runtime.grpc_server import create_server
from services.runtime.media_proto import range_to
from services.runtime.settings import ServerSettings
from services.runtime.store_folder import FolderStore
from tests.fakes.chaptering import SENTENCE, VIDEO, FakeQueries, answering, stage, store, summarizing, talk

LENGTHS = (20, 25, 30)
FOUND = [
    Found(VIDEO, TimeRange(SECOND, 2 * SECOND), "Bees dance.", Track.SPEECH, 0.9),
    Found(VIDEO, TimeRange(0, SECOND), "Bread cools.", Track.CAPTION, 0.1),
]


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(FolderStore(tmp_path))


@pytest.fixture
def sources(artifacts: ArtifactStore) -> pb.Sources:
    return pb.Sources(keys=store(artifacts, talk(LENGTHS)))


@pytest.fixture
def stub(artifacts: ArtifactStore) -> Iterator[pb_grpc.ChapteringServiceStub]:
    service = stage(artifacts)
    highlighting = Highlighting(artifacts, FakeQueries())
    door = rpc.door(service, summarizing(artifacts), answering(FOUND), highlighting, tasks.steps(service))
    server = create_server(ServerSettings(drain_s=0), [door])
    with channel(f"127.0.0.1:{server.port}") as connection:
        yield pb_grpc.ChapteringServiceStub(connection)
    server.stop()


def span(first: int, last: int) -> media_pb2.TimeRange:
    """Of sentences."""
    return range_to(TimeRange(first * SENTENCE, last * SENTENCE))


def summarize(stub: pb_grpc.ChapteringServiceStub, request: pb.SummarizeRequest) -> chapters_pb2.Summary:
    *_, last = stream(stub.Summarize, request, 10, lambda _: True)
    return last.summary


def test_chapters_are_found_and_counted(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    found = call(stub.Chapter, pb.ChapterRequest(sources=sources), 60).chapters
    assert [c.range for c in found.chapters] == [span(0, 20), span(20, 45), span(45, 75)]
    assert all(c.title and c.title_source == chapters_pb2.Chapter.PHRASE and not c.locked for c in found.chapters)
    five = call(stub.Chapter, pb.ChapterRequest(sources=sources, count=5), 60).chapters
    assert len(five.chapters) == 5


def test_lengths_are_kept(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    request = pb.ChapterRequest(sources=sources, longest=Duration(seconds=90), shortest=Duration(seconds=30))
    found = call(stub.Chapter, request, 60).chapters
    assert all(30 <= c.range.end.seconds - c.range.start.seconds <= 90 for c in found.chapters)


def test_locked_chapters_stay(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    locked = chapters_pb2.Chapter(range=span(3, 20), title="Mine")
    found = call(stub.Chapter, pb.ChapterRequest(sources=sources, locked=[locked]), 60).chapters
    (mine,) = (c for c in found.chapters if c.locked)
    assert (mine.range, mine.title, mine.title_source) == (locked.range, "Mine", chapters_pb2.Chapter.EDITED)


def test_titles_are_placed(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    found = call(stub.Chapter, pb.ChapterRequest(sources=sources, titles=["One", "Two"]), 60).chapters
    assert [c.title for c in found.chapters] == ["One", "Two"]


def test_a_summary_of_a_chapter_names_it(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    chapters = call(stub.Chapter, pb.ChapterRequest(sources=sources), 60).chapters
    request = pb.SummarizeRequest(sources=sources, chapters=chapters, range=span(20, 45), length=chapters_pb2.SHORT)
    summary = summarize(stub, request)
    assert (summary.chapter, summary.length, summary.writer) == (1, chapters_pb2.SHORT, "builtin")
    assert summary.sentences
    for sentence in summary.sentences:
        assert 20 * 6 <= sentence.ranges[0].start.seconds < 45 * 6
    whole = summarize(stub, pb.SummarizeRequest(sources=sources, focus="bees"))
    assert (whole.chapter, whole.length, whole.focus) == (-1, chapters_pb2.MEDIUM, "bees")


def test_a_summary_begins_with_how_far_it_is(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    first, last = stub.Summarize(pb.SummarizeRequest(sources=sources), timeout=60)
    assert first.making == chapters_pb2.Making(done=0, total=1)
    assert last.summary.sentences


def test_several_videos_are_summed_up_together(
    stub: pb_grpc.ChapteringServiceStub, artifacts: ArtifactStore, sources: pb.Sources
) -> None:
    other = f"{VIDEO}2"
    chapters = call(stub.Chapter, pb.ChapterRequest(sources=sources), 60).chapters
    asked = [
        pb.VideoSources(video=other, sources=pb.Sources(keys=store(artifacts, talk((20,), seed=1), video=other))),
        pb.VideoSources(video=VIDEO, sources=sources, chapters=chapters),
    ]
    found = summarize(stub, pb.SummarizeRequest(videos=asked, length=chapters_pb2.LONG))
    assert (list(found.videos), found.HasField("range"), found.chapter) == ([other, VIDEO], False, -1)
    assert [s.video for s in found.sentences] == sorted((s.video for s in found.sentences), reverse=True)
    assert {(s.video, s.chapter) for s in found.sentences} == {(other, 0), (VIDEO, 0), (VIDEO, 1), (VIDEO, 2)}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ChapterRequest(count=-1), "count"),
        (pb.ChapterRequest(count=501), "count"),
        (pb.ChapterRequest(titles=["a"], count=2), "titles"),
        (pb.ChapterRequest(titles=["a", " "]), "titles[1]"),
        (pb.ChapterRequest(shortest=Duration(seconds=-1)), "shortest"),
        (pb.ChapterRequest(shortest=Duration(seconds=9), longest=Duration(seconds=8)), "shortest"),
        (pb.ChapterRequest(locked=[chapters_pb2.Chapter()]), "locked[0].range"),
        (pb.ChapterRequest(locked=[chapters_pb2.Chapter(title="x" * 201)]), "locked[0].title"),
        (pb.ChapterRequest(locked=[chapters_pb2.Chapter(title_source=99)]), "locked[0].title_source"),  # type: ignore[arg-type]
        (pb.ChapterRequest(), "sources.keys"),
    ],
)
def test_wrong_requests_are_invalid_arguments(
    stub: pb_grpc.ChapteringServiceStub, request_: pb.ChapterRequest, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        call(stub.Chapter, request_, 60)
    assert list(caught.value.fields) == [field]


def test_wrong_summaries_are_invalid_arguments(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    for request, field in (
        (pb.SummarizeRequest(sources=sources, focus="x" * 1001), "focus"),
        (pb.SummarizeRequest(sources=sources, length=9), "length"),  # type: ignore[arg-type]
        (pb.SummarizeRequest(sources=sources, range=span(5, 5)), "range"),
        (pb.SummarizeRequest(videos=[pb.VideoSources(video="v")]), "videos[0].video"),
        (pb.SummarizeRequest(videos=[pb.VideoSources(video=VIDEO, sources=sources)] * 2), "videos[1].video"),
        (pb.SummarizeRequest(videos=[pb.VideoSources(video=VIDEO)] * 21), "videos"),
        (pb.SummarizeRequest(videos=[pb.VideoSources(video=VIDEO)], range=span(0, 5)), "videos"),
        (pb.SummarizeRequest(videos=[pb.VideoSources(video=VIDEO)], sources=sources), "videos"),
        (pb.SummarizeRequest(videos=[pb.VideoSources(video=VIDEO)]), "videos[0].sources.keys"),
    ):
        with pytest.raises(InvalidInput) as caught:
            summarize(stub, request)
        assert list(caught.value.fields) == [field]


def test_an_answer_cites_each_sentence(stub: pb_grpc.ChapteringServiceStub) -> None:
    request = pb.AnswerRequest(parent="collections/c", question="What do bees do?", videos=[VIDEO])
    answer = call(stub.Answer, request, 60).answer
    (sentence,) = answer.sentences
    (citation,) = sentence.citations
    assert (sentence.text, citation.text, citation.video) == ("Bees dance.", "Bees dance.", VIDEO)
    assert (citation.range.start.seconds, citation.range.end.seconds) == (1, 2)
    assert (answer.writer, answer.HasField("fault")) == ("builtin", False)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.AnswerRequest(question="a"), "parent"),
        (pb.AnswerRequest(parent="collections/c", question=" "), "question"),
        (pb.AnswerRequest(parent="collections/c", question="x" * 1001), "question"),
        (pb.AnswerRequest(parent="collections/c", question="a", videos=["v"]), "videos[0]"),
        (pb.AnswerRequest(parent="collections/d", question="a", videos=[VIDEO]), "videos[0]"),
        (pb.AnswerRequest(parent="collections/c", question="a", videos=[VIDEO] * 101), "videos"),
    ],
)
def test_wrong_questions_are_invalid_arguments(
    stub: pb_grpc.ChapteringServiceStub, request_: pb.AnswerRequest, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        call(stub.Answer, request_, 60)
    assert list(caught.value.fields) == [field]


def test_run_does_a_step(stub: pb_grpc.ChapteringServiceStub, artifacts: ArtifactStore, sources: pb.Sources) -> None:
    job = media_pb2.Job(video=VIDEO, step="chaptering.chapter", segment=-1, attempt=1)
    for kind, key in sources.keys.items():
        job.inputs[kind].keys.append(key)
    outputs = call(stub.Run, pb.RunRequest(job=job), 60).outputs
    assert dict(outputs.counts) == {"chapters": 3}
    (key,) = outputs.artifacts["chapters"].keys
    assert len(artifacts.load(key, Chapters).chapters) == 3


def test_what_is_gone_is_not_found(stub: pb_grpc.ChapteringServiceStub) -> None:
    with pytest.raises(NotFound):
        call(stub.Chapter, pb.ChapterRequest(sources=pb.Sources(keys={"plan": f"{VIDEO}/gone"})), 60)


def test_chapters_go_out_and_come_in_as_files(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    chapters = call(stub.Chapter, pb.ChapterRequest(sources=sources), 60).chapters
    request = pb.ExportRequest(
        chapters=chapters, format="edl", frame_rate=media_pb2.Rational(numerator=50, denominator=1)
    )
    file = call(stub.Export, request, 60)
    assert (file.media_type, file.ending) == ("text/plain", "edl")
    assert b"00:02:00:00" in file.content
    file = call(stub.Export, pb.ExportRequest(chapters=chapters, format="webvtt"), 60)
    back = pb.ImportRequest(content=file.content, format="webvtt", duration=Duration(seconds=75 * 6))
    found = call(stub.Import, back, 60).chapters
    assert [(c.range, c.title) for c in found.chapters] == [(c.range, c.title) for c in chapters.chapters]
    assert all(c.locked for c in found.chapters)


def test_wrong_files_are_invalid_arguments(stub: pb_grpc.ChapteringServiceStub, sources: pb.Sources) -> None:
    one = chapters_pb2.Chapters(chapters=[chapters_pb2.Chapter(range=span(0, 1))])
    for method, request, field in (
        (stub.Export, pb.ExportRequest(chapters=one, format="doc"), "format"),
        (stub.Export, pb.ExportRequest(format="srt"), "chapters"),
        (stub.Export, pb.ExportRequest(chapters=one, format="edl", frame_rate=media_pb2.Rational()), "frame_rate"),
        (stub.Import, pb.ImportRequest(format="webvtt", content=b"WEBVTT"), "duration"),
    ):
        with pytest.raises(InvalidInput) as caught:
            call(method, request, 60)
        assert list(caught.value.fields) == [field]
