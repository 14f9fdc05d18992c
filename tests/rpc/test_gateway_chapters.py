"""Chapters, summaries and answers over the public API."""

import contextlib
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import chapters_pb2, media_pb2

from services.catalog.states import JobState
from services.core.chapters import (
    Chapter,
    Chapters,
    Length,
    Summaries,
    Summary,
    SummarySentence,
    TitleSource,
)
from services.core.jobs import Fault
from services.core.media import Plan, Probe, Segment, VideoInfo, VideoStream
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.pipeline import ledger
from tests.fakes.chaptering_server import span
from tests.fakes.public_api import refused, serving, upload

FAILED_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
WHOLE = TimeRange(0, 10 * SECOND)
OPENING = Chapter(TimeRange(0, 4_500_000_000), "Opening", source=TitleSource.HEADING)
ENDING = Chapter(TimeRange(4_500_000_000, 10 * SECOND), "The end", locked=True)


@pytest.fixture
def gateway(house, tmp_path) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        yield found


@pytest.fixture
def video(gateway) -> pb.Video:
    """A READY video of ten seconds with two chapters."""
    made = upload(gateway)
    gateway.house.pipeline.dispatch()
    gateway.house.work()
    with gateway.house.database.write() as session:
        ledger.find(session, VideoName.parse(made.name)).duration = 10 * SECOND
    stream = VideoStream(0, "h264", 2, 2, 2, 2, Fraction(1, 25), average_frame_rate=Fraction(30000, 1001))
    plan = Plan(Probe("mp4", 10 * SECOND, 0, 1, stream), (Segment(0, WHOLE),))
    keep(gateway, made, "decoding/plan", plan)
    keep(gateway, made, "chaptering/chapters", Chapters((OPENING, ENDING), fault=Fault("TIMED_OUT", "it is slow")))
    sums = [Summary(WHOLE, length, (sentence(length.value),)) for length in Length]
    sums += [Summary(one.range, Length.SHORT, (sentence(one.title),), i) for i, one in enumerate((OPENING, ENDING))]
    keep(gateway, made, "chaptering/summaries", Summaries(tuple(sums)))
    return gateway.stub.GetVideo(pb.GetVideoRequest(name=made.name), timeout=60)


def sentence(text: str) -> SummarySentence:
    return SummarySentence(text, (TimeRange(0, SECOND),))


def keep(gateway, video: pb.Video, path: str, noun) -> None:
    gateway.house.store.save(f"{video.name}/{path}", noun)


def give_up(gateway, video: pb.Video, step: str) -> None:
    with gateway.house.database.write() as session:
        for job in ledger.jobs_of(session, ledger.find(session, VideoName.parse(video.name))):
            if job.step == step:
                job.state, job.reason, job.message = JobState.GIVEN_UP, "STORAGE_FULL", "the disk is full"


def chapters(gateway, video: pb.Video, **more) -> pb.ListChaptersResponse:
    return gateway.stub.ListChapters(pb.ListChaptersRequest(parent=video.name, **more), timeout=60)


def put(gateway, video: pb.Video, **edit) -> pb.Video:
    return gateway.stub.UpdateChapters(pb.UpdateChaptersRequest(parent=video.name, **edit), timeout=60)


def given(*found: tuple[int, int, str]) -> pb.ChapterList:
    return pb.ChapterList(chapters=[pb.Chapter(range=span(start, end), title=title) for start, end, title in found])


def locked(gateway, video: pb.Video) -> tuple[Chapter, ...]:
    """What the chaptering stage is told that a person set."""
    key = gateway.house.store.load(gateway.house.video(VideoName.parse(video.name)).info_key, VideoInfo).chapters_key
    return gateway.house.store.load(key, Chapters).chapters if key else ()


def redone(gateway) -> list[str]:
    """Steps that are done again."""
    gateway.house.pipeline.dispatch()
    sent = len(gateway.house.queue.sent) - len(gateway.house.queue.messages)
    gateway.house.work()
    return [job.step for job in gateway.house.queue.sent[sent:]]


def test_stored_chapters_are_named_by_when_they_begin(gateway, video) -> None:
    found = chapters(gateway, video)
    assert [c.name for c in found.chapters] == [f"{video.name}/chapters/c0", f"{video.name}/chapters/c4500"]
    assert [(c.title, c.locked) for c in found.chapters] == [("Opening", False), ("The end", True)]
    assert [c.title_source for c in found.chapters] == [chapters_pb2.Chapter.HEADING, chapters_pb2.Chapter.EDITED]
    assert found.chapters[1].range == media_pb2.TimeRange(
        start=Duration(seconds=4, nanos=500_000_000), end=Duration(seconds=10)
    )
    assert (found.writer, found.fault.reason, found.fault.message) == ("builtin", "TIMED_OUT", "it is slow")
    assert not gateway.chaptering.asked


def test_chapters_by_number_are_made_from_what_is_known_around_the_locked_ones_and_not_stored(gateway, video) -> None:
    put(gateway, video, chapters=given((2, 5, "Mine")))
    redone(gateway)
    found = chapters(gateway, video, count=5)
    assert [c.title for c in found.chapters] == [f"part {i}" for i in range(5)]
    assert found.chapters[1].name == f"{video.name}/chapters/c2000"
    (asked,) = gateway.chaptering.asked
    assert {kind: key.removeprefix(f"{video.name}/") for kind, key in asked.sources.keys.items()} == {
        "plan": "decoding/plan",
        "shots": "decoding/shots",
        "shot_vectors": "embedding/shot_vectors",
        "passages": "embedding/passages",
        "passage_vectors": "embedding/passage_vectors",
        "transcript": "transcription/transcript",
        "on_screen_text": "captioning/on_screen_text",
    }
    assert [(c.title, c.locked, c.range) for c in asked.locked] == [("Mine", True, span(2, 5))]
    assert [c.title for c in chapters(gateway, video).chapters] == ["Opening", "The end"]


def test_titles_are_found_in_the_video(gateway, video) -> None:
    put(gateway, video, chapters=given((2, 5, "Mine")))
    redone(gateway)
    found = chapters(gateway, video, titles=["One", " Two "])
    assert [(c.title, c.range) for c in found.chapters] == [("One", span(0, 5)), ("Two", span(5, 10))]
    assert not gateway.chaptering.asked[0].locked


def test_the_lengths_of_chapters_can_be_wished_for(gateway, video) -> None:
    shortest, longest = Duration(seconds=2), Duration(seconds=5, nanos=500_000_000)
    assert len(chapters(gateway, video, shortest=shortest).chapters) == 1
    assert len(chapters(gateway, video, count=2, longest=longest).chapters) == 2
    first, second = gateway.chaptering.asked
    assert (first.count, first.shortest, first.HasField("longest")) == (0, shortest, False)
    assert (second.count, second.HasField("shortest"), second.longest) == (2, False, longest)


def test_what_was_given_up_is_left_out_of_what_chapters_are_made_from(gateway, video) -> None:
    give_up(gateway, video, "transcription.assemble")
    chapters(gateway, video, count=2)
    assert "transcript" not in gateway.chaptering.asked[0].sources.keys
    assert "on_screen_text" in gateway.chaptering.asked[0].sources.keys


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"count": -1}, "count"),
        ({"count": 501}, "count"),
        ({"count": 11}, "count"),
        ({"count": 2, "titles": ["a"]}, "titles"),
        ({"titles": ["a"] * 501}, "titles"),
        ({"titles": ["a"] * 11}, "titles"),
        ({"titles": ["a", " "]}, "titles[1]"),
        ({"titles": ["x" * 201]}, "titles[0]"),
        ({"titles": ["a\nb"]}, "titles[0]"),
        ({"titles": ["a"], "longest": Duration(seconds=2)}, "titles"),
        ({"shortest": Duration(seconds=11)}, "shortest"),
    ],
)
def test_a_wrong_wish_is_refused_with_its_field(gateway, video, wrong: dict, field: str) -> None:
    _, fields = refused(lambda: chapters(gateway, video, **wrong), INVALID_ARGUMENT)
    assert list(fields) == [field]


def test_chapters_that_are_not_there_are_refused_with_the_reason(gateway) -> None:
    video = upload(gateway)
    for more in ({}, {"count": 3}):
        with pytest.raises(grpc.RpcError, match="it is being made: watch the video"):
            chapters(gateway, video, **more)
        refused(lambda m=more: chapters(gateway, video, **m), FAILED_PRECONDITION)
    name = f"{video.name}/chapters/c0"
    for call in (
        lambda: gateway.stub.GetSummary(pb.GetSummaryRequest(name=video.name), timeout=60),
        lambda: summarize(gateway, name),
        lambda: gateway.stub.ExportChapters(pb.ExportChaptersRequest(parent=video.name, format="webvtt"), timeout=60),
        lambda: put(gateway, video, chapters=given((1, 2, "x"))),
    ):
        refused(call, FAILED_PRECONDITION)
    refused(lambda: chapters(gateway, pb.Video(name="collections/c/videos/none")), NOT_FOUND)
    refused(lambda: chapters(gateway, pb.Video(name="collections/c")), INVALID_ARGUMENT)


def test_chapters_that_were_given_up_say_why_and_a_number_of_them_is_still_made(gateway, video) -> None:
    give_up(gateway, video, "chaptering.chapter")
    with pytest.raises(
        grpc.RpcError, match="missing: STORAGE_FULL: the disk is full; RetryVideo with stage chaptering"
    ):
        chapters(gateway, video)
    assert len(chapters(gateway, video, count=2).chapters) == 2
    assert summarize(gateway, video.name).sentences
    refused(lambda: summarize(gateway, f"{video.name}/chapters/c0"), FAILED_PRECONDITION)


def test_chapters_that_are_set_are_locked_and_only_what_depends_on_them_is_done_again(gateway, video) -> None:
    now = put(gateway, video, chapters=given((6, 10, " Last "), (1, 3, "")))
    assert now.state == pb.Video.PROCESSING
    assert locked(gateway, video) == (
        Chapter(TimeRange(SECOND, 3 * SECOND), "", locked=True),
        Chapter(TimeRange(6 * SECOND, 10 * SECOND), "Last", locked=True),
    )
    refused(lambda: chapters(gateway, video), FAILED_PRECONDITION)
    assert redone(gateway) == ["chaptering.chapter", "chaptering.summarize"]
    assert len(chapters(gateway, video).chapters) == 2


@pytest.mark.parametrize("edit", [{}, {"chapters": pb.ChapterList()}])
def test_setting_none_forgets_what_was_set(gateway, video, edit: dict) -> None:
    put(gateway, video, chapters=given((1, 3, "x")))
    redone(gateway)
    put(gateway, video, **edit)
    assert locked(gateway, video) == ()
    assert redone(gateway) == ["chaptering.chapter", "chaptering.summarize"]


@pytest.mark.parametrize(
    ("content", "format_", "told"),
    [
        (b"WEBVTT\n", "", "webvtt"),
        (b"\xef\xbb\xbfWEBVTT - chapters\n", "", "webvtt"),
        (b";FFMETADATA1\n", "", "ffmetadata"),
        (b"Chapters:\n", "", "youtube"),
        (b"WEBVTT\n", "youtube", "youtube"),
    ],
)
def test_a_file_is_read_in_its_format_and_what_it_names_is_locked(gateway, video, content, format_, told) -> None:
    file = pb.ChapterFile(format=format_, content=content + b"0 1\n1 4 First\n4 10 Second\n")
    put(gateway, video, file=file)
    (asked,) = gateway.chaptering.asked
    assert (asked.format, asked.content, asked.duration.seconds) == (told, file.content, 10)
    assert [(c.title, c.locked, c.range.start // SECOND) for c in locked(gateway, video)] == [
        ("First", True, 1),
        ("Second", True, 4),
    ]


def test_a_file_that_is_wrong_is_refused_and_changes_nothing(gateway, video) -> None:
    for content, rule in (
        (b"WEBVTT\n1 4 First\nrubbish", "line 3: not a time"),
        (b"WEBVTT\n1 4\n", "it names no chapter"),
        (b"", "1 to 1048576 bytes"),
        (b"x" * (1 << 20) + b"x", "1 to 1048576 bytes"),
    ):
        file = pb.ChapterFile(content=content)
        _, fields = refused(lambda f=file: put(gateway, video, file=f), INVALID_ARGUMENT)
        assert fields["file.content"].endswith(rule)
    gateway.chaptering.down = True
    refused(lambda: put(gateway, video, file=pb.ChapterFile(content=b"WEBVTT\n1 4 x")), grpc.StatusCode.UNAVAILABLE)
    assert locked(gateway, video) == ()
    assert chapters(gateway, video).chapters


def ranged(start: int, end: int, nanos: int = 0) -> pb.Chapter:
    return pb.Chapter(range=media_pb2.TimeRange(start=Duration(seconds=start), end=Duration(seconds=end, nanos=nanos)))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (ranged(9, 11), "range"),
        (ranged(9, 10, 1), "range"),
        (ranged(-1, 2), "range"),
        (ranged(6, 5), "range"),
        (ranged(6, 6), "range"),
        (ranged(6, 6, 999_999), "range"),
        (ranged(0, 5, 1), "range"),
        (pb.Chapter(title="no range"), "range"),
        (given((6, 7, "x" * 201)).chapters[0], "title"),
        (given((6, 7, "a\nb")).chapters[0], "title"),
        (given((6, 7, "\x1b[31m")).chapters[0], "title"),
    ],
)
def test_a_chapter_that_is_wrong_is_refused_by_its_number(gateway, video, wrong: pb.Chapter, field: str) -> None:
    fine = given((0, 1, "fine"), (5, 6, "fine")).chapters
    sent = [fine[0], wrong, fine[1]]
    _, fields = refused(lambda: put(gateway, video, chapters=pb.ChapterList(chapters=sent)), INVALID_ARGUMENT)
    ((at, _),) = fields.items()
    assert at in (f"chapters.chapters[1].{field}", f"chapters.chapters[2].{field}")
    assert locked(gateway, video) == ()


def test_more_chapters_than_there_may_be_are_refused(gateway, video) -> None:
    many = pb.ChapterList(chapters=[ranged(1, 2)] * 501)
    _, fields = refused(lambda: put(gateway, video, chapters=many), INVALID_ARGUMENT)
    assert fields == {"chapters.chapters": "at most 500"}


def test_chapters_are_exported_with_the_videos_title_and_frame_rate(gateway, video) -> None:
    request = pb.ExportChaptersRequest(parent=video.name, format="webvtt")
    file = gateway.stub.ExportChapters(request, timeout=60)
    assert file.content == b"film.mp4 30000/1001: Opening, The end"
    assert (file.media_type, file.ending) == ("a/b", "vtt")
    request.format = "betamax"
    _, fields = refused(lambda: gateway.stub.ExportChapters(request, timeout=60), INVALID_ARGUMENT)
    assert fields == {"format": "webvtt"}


def stored(gateway, name: str, length: int = 0) -> chapters_pb2.Summary:
    return gateway.stub.GetSummary(pb.GetSummaryRequest(name=name, length=length), timeout=60)


def summarize(gateway, name: str, **more) -> chapters_pb2.Summary:
    *_, last = gateway.stub.Summarize(pb.SummarizeRequest(name=name, **more), timeout=60)
    return last.summary


def test_stored_summaries_are_of_the_video_in_a_length_or_of_a_chapter(gateway, video) -> None:
    assert [stored(gateway, video.name, n).sentences[0].text for n in (0, 1, 2, 3)] == [
        "medium",
        "short",
        "medium",
        "long",
    ]
    second = stored(gateway, f"{video.name}/chapters/c4500")
    assert (second.sentences[0].text, second.chapter, second.length) == ("The end", 1, chapters_pb2.SHORT)
    assert stored(gateway, f"{video.name}/chapters/c0", chapters_pb2.SHORT).sentences[0].text == "Opening"
    assert not gateway.chaptering.asked


def test_names_and_lengths_that_there_are_no_summaries_of_are_refused(gateway, video) -> None:
    for call in (stored, summarize):
        with pytest.raises(grpc.RpcError, match=r"no chapter 'c1'; ListChapters tells those that it has"):
            call(gateway, f"{video.name}/chapters/c1")
        refused(lambda c=call: c(gateway, f"{video.name}/chapters/c1"), NOT_FOUND)
        for name in (f"{video.name}/chapters/4500", f"{video.name}/chapters/", "chapters/c0"):
            _, fields = refused(lambda c=call, n=name: c(gateway, n), INVALID_ARGUMENT)
            assert list(fields) == ["name"]
        _, fields = refused(lambda c=call: c(gateway, video.name, length=9), INVALID_ARGUMENT)
        assert list(fields) == ["length"]
    _, fields = refused(lambda: stored(gateway, f"{video.name}/chapters/c0", chapters_pb2.LONG), INVALID_ARGUMENT)
    assert list(fields) == ["length"]
    give_up(gateway, video, "chaptering.summarize")
    with pytest.raises(grpc.RpcError, match=r"the summaries of .* are missing: STORAGE_FULL: the disk is full"):
        stored(gateway, video.name)


def test_a_summary_is_made_of_the_whole_a_range_or_a_chapter_with_a_focus(gateway, video) -> None:
    gateway.chaptering.fault = media_pb2.Fault(reason="UNAVAILABLE", message="the model is away")
    made = summarize(gateway, video.name, focus=" boats ", length=chapters_pb2.LONG)
    assert (made.focus, made.length, made.range) == ("boats", chapters_pb2.LONG, span(0, 10))
    assert made.fault.message == "the model is away"
    assert summarize(gateway, video.name, range=span(2, 3)).range == span(2, 3)
    second = summarize(gateway, f"{video.name}/chapters/c4500", length=chapters_pb2.SHORT)
    assert (second.range.start.nanos, second.range.end.seconds) == (500_000_000, 10)
    whole, part, chapter = gateway.chaptering.asked
    assert not whole.HasField("range")
    assert part.length == chapters_pb2.MEDIUM
    assert [c.title for c in chapter.chapters.chapters] == ["Opening", "The end"]
    assert set(part.sources.keys) >= {"plan", "passages", "passage_vectors"}


@pytest.mark.parametrize(
    ("suffix", "wrong", "field"),
    [
        ("", {"range": span(3, 3)}, "range"),
        ("", {"range": span(-1, 3)}, "range"),
        ("", {"range": span(10, 11)}, "range"),
        ("/chapters/c0", {"range": span(1, 2)}, "range"),
        ("", {"focus": "x" * 1001}, "focus"),
    ],
)
def test_a_wrong_wish_for_a_summary_is_refused_with_its_field(gateway, video, suffix, wrong, field) -> None:
    _, fields = refused(lambda: summarize(gateway, video.name + suffix, **wrong), INVALID_ARGUMENT)
    assert list(fields) == [field]


def test_how_far_a_summary_has_come_is_passed_on(gateway, video) -> None:
    first, second, last = gateway.stub.Summarize(pb.SummarizeRequest(name=video.name), timeout=60)
    assert [first.making, second.making] == [chapters_pb2.Making(done=0, total=2), chapters_pb2.Making(done=1, total=2)]
    assert last.summary.sentences[0].text == "It is said."


@pytest.fixture
def other(gateway, video) -> pb.Video:
    """A second video, whose chapters are missing."""
    made = upload(gateway, b"another film", request_id="r2")
    gateway.house.pipeline.dispatch()
    gateway.house.work()
    give_up(gateway, made, "chaptering.chapter")
    return made


def test_several_videos_are_summed_up_in_the_order_asked(gateway, video, other) -> None:
    names = [other.name, video.name]
    found = summarize(gateway, "collections/c", videos=names, focus=" boats ", length=chapters_pb2.SHORT)
    assert (list(found.videos), [s.video for s in found.sentences]) == (names, names)
    assert not found.HasField("range")
    (asked,) = gateway.chaptering.asked
    assert (asked.focus, asked.length, asked.HasField("sources")) == ("boats", chapters_pb2.SHORT, False)
    assert [[c.title for c in one.chapters.chapters] for one in asked.videos] == [[], ["Opening", "The end"]]
    assert all(set(one.sources.keys) >= {"plan", "passages", "passage_vectors"} for one in asked.videos)
    assert asked.videos[0].sources != asked.videos[1].sources


def test_several_videos_that_cannot_be_summed_up_are_refused_with_their_field(gateway, video) -> None:
    elsewhere = "collections/other/videos/v"
    for wrong, field in (
        ({}, "videos"),
        ({"videos": [f"{video.name}{i}" for i in range(21)]}, "videos"),
        ({"videos": [video.name, elsewhere]}, "videos[1]"),
        ({"videos": [video.name, "v"]}, "videos[1]"),
        ({"videos": [video.name, video.name]}, "videos[1]"),
        ({"videos": [video.name], "range": span(0, 1)}, "range"),
        ({"videos": [video.name], "focus": "x" * 1001}, "focus"),
        ({"videos": [video.name], "length": 9}, "length"),
    ):
        _, fields = refused(lambda w=wrong: summarize(gateway, "collections/c", **w), INVALID_ARGUMENT)
        assert list(fields) == [field]
    for name in (video.name, f"{video.name}/chapters/c0", "collection/c"):
        _, fields = refused(lambda n=name: summarize(gateway, n, videos=[video.name]), INVALID_ARGUMENT)
        assert list(fields) == ["name"]
    refused(lambda: summarize(gateway, "collections/c", videos=["collections/c/videos/none"]), NOT_FOUND)
    assert not gateway.chaptering.asked


def test_a_video_of_several_that_is_not_known_well_enough_says_why(gateway, video) -> None:
    new = upload(gateway, b"a new film", request_id="r2")
    with pytest.raises(grpc.RpcError, match=rf"{new.name} is not known well enough yet; it is being made: watch"):
        summarize(gateway, "collections/c", videos=[video.name, new.name])
    refused(lambda: summarize(gateway, "collections/c", videos=[video.name, new.name]), FAILED_PRECONDITION)


def test_what_goes_wrong_on_the_way_ends_the_stream_with_the_reason(gateway, video) -> None:
    parts = gateway.stub.Summarize(pb.SummarizeRequest(name=video.name, focus="nonsense"), timeout=60)
    assert next(parts).making.total == 2
    with pytest.raises(grpc.RpcError, match="embed these videos again"):
        next(parts)
    reason, _ = refused(lambda: summarize(gateway, video.name, focus="nonsense"), grpc.StatusCode.ABORTED)
    assert reason == "INCOMPLETE"
    gateway.chaptering.down = True
    refused(lambda: summarize(gateway, video.name), grpc.StatusCode.UNAVAILABLE)


def test_a_deadline_that_passes_ends_the_work(gateway, video) -> None:
    gateway.chaptering.slow = threading.Event()
    # On a busy machine the first may pass before there is any work that it could end.
    for seconds in (1, 5, 25):
        parts = gateway.stub.Summarize(pb.SummarizeRequest(name=video.name), timeout=seconds)
        with contextlib.suppress(grpc.RpcError):
            list(parts)
        assert parts.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        if gateway.chaptering.asked:
            break
    assert gateway.chaptering.gone.wait(60)
    gateway.chaptering.slow.set()


def answered(gateway, video: pb.Video) -> grpc.StatusCode:
    """The status of a summary."""
    parts = gateway.stub.Summarize(pb.SummarizeRequest(name=video.name), timeout=60)
    with contextlib.suppress(grpc.RpcError):
        list(parts)
    return parts.code()


def test_a_caller_who_goes_ends_the_work_and_leaves_room_for_others(gateway, video) -> None:
    gateway.chaptering.slow = threading.Event()
    under_way = [gateway.stub.Summarize(pb.SummarizeRequest(name=video.name), timeout=120) for _ in range(2)]
    for parts in under_way:
        assert next(parts).making.total == 2
    reason, _ = refused(lambda: summarize(gateway, video.name), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert reason == "EXHAUSTED"
    assert chapters(gateway, video).chapters
    for parts in under_way:
        parts.cancel()
    assert gateway.chaptering.gone.wait(60)
    gateway.chaptering.slow.set()
    # The gateway hears of it a moment after the caller has gone.
    while (answer := answered(gateway, video)) == grpc.StatusCode.RESOURCE_EXHAUSTED:
        time.sleep(0.001)
    assert answer == grpc.StatusCode.OK


def ask(gateway, question: str, parent: str = "collections/c", **more) -> chapters_pb2.Answer:
    return gateway.stub.Ask(pb.AskRequest(parent=parent, question=question, **more), timeout=60)


def test_a_question_is_answered_with_its_sources(gateway, video) -> None:
    found = ask(gateway, " When does the boat come? ", videos=[video.name, video.name])
    assert (found.sentences[0].text, found.writer) == ("At nine.", "a model")
    cited = found.sentences[0].citations[0]
    assert (cited.video, cited.range, cited.text) == (video.name, span(1, 2), "The boat comes at nine.")
    (asked,) = gateway.chaptering.asked
    assert (asked.parent, asked.question) == ("collections/c", "When does the boat come?")
    assert list(asked.videos) == [video.name]
    assert not ask(gateway, "nothing").sentences
    gateway.chaptering.down = True
    refused(lambda: ask(gateway, "anything"), grpc.StatusCode.UNAVAILABLE)


def test_a_question_that_cannot_be_asked_is_refused(gateway, video) -> None:
    other = "collections/other/videos/v"
    for call, field in (
        (lambda: ask(gateway, " "), "question"),
        (lambda: ask(gateway, "x" * 1001), "question"),
        (lambda: ask(gateway, "x", videos=[video.name, "v"]), "videos[1]"),
        (lambda: ask(gateway, "x", videos=[other]), "videos[0]"),
        (lambda: ask(gateway, "x", videos=[video.name] * 101), "videos"),
        (lambda: ask(gateway, "x", "c"), "parent"),
    ):
        _, fields = refused(call, INVALID_ARGUMENT)
        assert list(fields) == [field]
    refused(lambda: ask(gateway, "x", "collections/none"), NOT_FOUND)
    refused(lambda: ask(gateway, "x", videos=["collections/c/videos/none"]), NOT_FOUND)
    assert not gateway.chaptering.asked


def test_calls_that_are_being_answered_leave_room_for_others_and_have_a_bound(gateway, video) -> None:
    gateway.chaptering.slow = threading.Event()
    request = pb.AskRequest(parent="collections/c", question="When?")
    under_way = [gateway.stub.Ask.future(request, timeout=120) for _ in range(2)]
    while len(gateway.chaptering.asked) < 2:
        time.sleep(0.001)
    reason, _ = refused(lambda: ask(gateway, "When?"), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert reason == "EXHAUSTED"
    assert chapters(gateway, video).chapters
    gateway.chaptering.slow.set()
    assert all(answer.result().sentences for answer in under_way)
    assert ask(gateway, "When?").sentences
