"""Transcripts, captions and on-screen text over the public API."""

from collections.abc import Iterator
from types import SimpleNamespace

import grpc
import pytest
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import media_pb2, text_pb2
from vidx.transcription.v1 import transcription_service_pb2 as transcription_pb

from services.catalog.states import JobState
from services.core import text
from services.core.media import Shot, Shots, VideoInfo
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.pipeline import ledger, workflow
from services.runtime.media_proto import range_to
from tests.fakes.public_api import refused, serving, upload

FAILED_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
INVALID_ARGUMENT = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def gateway(house, tmp_path) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        yield found


@pytest.fixture
def video(gateway) -> pb.Video:
    """A READY video of ten seconds whose artifacts hold nothing yet."""
    made = upload(gateway)
    gateway.house.pipeline.dispatch()
    gateway.house.work()
    with gateway.house.database.write() as session:
        ledger.find(session, VideoName.parse(made.name)).duration = 10 * SECOND
    return gateway.stub.GetVideo(pb.GetVideoRequest(name=made.name), timeout=60)


def cue(start: int, end: int, said: str, *words: text.Word) -> text.Cue:
    return text.Cue(TimeRange(start * SECOND, end * SECOND), said, words=words)


def keep(gateway, video: pb.Video, kind: str, noun) -> None:
    stage = "captioning" if kind in ("captions", "on_screen_text", "shot_labels") else "transcription"
    gateway.house.store.save(f"{video.name}/{'decoding' if kind == 'shots' else stage}/{kind}", noun)


def transcript(gateway, video: pb.Video, *tracks: text.TranscriptTrack) -> None:
    keep(gateway, video, "transcript", text.Transcript(tracks))


def give_up(gateway, video: pb.Video, step: str, message: str = "it does not answer", *, partly: bool = False) -> None:
    """Every unit of a step has ended without all that it should have given."""
    with gateway.house.database.write() as session:
        for job in ledger.jobs_of(session, ledger.find(session, VideoName.parse(video.name))):
            if job.step == step:
                job.state = JobState.SUCCEEDED if partly else JobState.GIVEN_UP
                job.reason, job.message = "UNAVAILABLE", message


def ask(gateway, video: pb.Video, **more) -> pb.GetTranscriptResponse:
    return gateway.stub.GetTranscript(pb.GetTranscriptRequest(name=video.name, **more), timeout=60)


def said(gateway, video: pb.Video, **more) -> list[str]:
    return [segment.text for segment in ask(gateway, video, **more).segments]


def info(gateway, video: pb.Video) -> VideoInfo:
    return gateway.house.store.load(gateway.house.video(VideoName.parse(video.name)).info_key, VideoInfo)


ENGLISH = text.TranscriptTrack(
    "en-GB",
    text.Source.SUBTITLE_STREAM,
    cues=(cue(1, 2, "hello", text.Word(TimeRange(SECOND, 2 * SECOND), "hello", 0.5)), cue(3, 4, "two\nlines")),
)
GERMAN = text.TranscriptTrack("de", text.Source.SUBTITLE_STREAM, cues=(cue(1, 2, "hallo"),))
NAMELESS = text.TranscriptTrack("", text.Source.RECOGNIZED, cues=(cue(1, 2, "hm"),))


def test_the_first_transcript_is_given_with_its_times_words_and_source(gateway, video) -> None:
    transcript(gateway, video, ENGLISH, GERMAN, NAMELESS)
    answer = ask(gateway, video)
    assert list(answer.languages) == ["en-GB", "de", "und"]
    first = answer.segments[0]
    assert (first.text, first.language, first.source) == ("hello", "en-GB", text_pb2.TranscriptTrack.SUBTITLE_STREAM)
    assert (first.range, first.confidence) == (range_to(TimeRange(SECOND, 2 * SECOND)), 1.0)
    assert [(w.text, w.confidence) for w in first.words] == [("hello", 0.5)]
    assert answer.segments[1].text == "two\nlines"


@pytest.mark.parametrize(
    ("language", "first"), [("en", "hello"), ("EN-gb", "hello"), ("de", "hallo"), ("und", "hm"), ("", "hello")]
)
def test_a_transcript_is_chosen_by_its_language(gateway, video, language: str, first: str) -> None:
    transcript(gateway, video, ENGLISH, GERMAN, NAMELESS)
    assert said(gateway, video, language=language)[0] == first


def test_a_language_that_there_is_no_transcript_in_is_not_found(gateway, video) -> None:
    transcript(gateway, video, ENGLISH, GERMAN)
    refused(lambda: ask(gateway, video, language="fr"), grpc.StatusCode.NOT_FOUND)
    refused(lambda: ask(gateway, video, language="e"), grpc.StatusCode.NOT_FOUND)


def test_a_long_transcript_comes_in_pages_and_is_read_once(gateway, video) -> None:
    many = tuple(cue(i, i + 1, f"word {i}") for i in range(2500))
    transcript(gateway, video, text.TranscriptTrack("en", text.Source.RECOGNIZED, cues=many))
    loads = []
    load = gateway.house.store.load
    gateway.house.store.load = lambda key, kind: loads.append(key) or load(key, kind)
    request = pb.GetTranscriptRequest(name=video.name)
    found = []
    while True:
        page = gateway.stub.GetTranscript(request, timeout=60)
        found += [segment.text for segment in page.segments]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found == [f"word {i}" for i in range(2500)]
    assert len(loads) == 1
    request.language = "en"
    refused(lambda: gateway.stub.GetTranscript(request, timeout=60), INVALID_ARGUMENT)


def test_a_video_in_which_nothing_is_said_has_an_empty_transcript_that_is_not_missing(gateway, video) -> None:
    transcript(gateway, video)
    assert said(gateway, video) == []
    assert said(gateway, video, language="en") == []
    assert not video.missing_tracks
    exported = gateway.stub.ExportTranscript(pb.ExportTranscriptRequest(name=video.name), timeout=60)
    assert exported.content == b"WEBVTT\n"


def test_texts_that_are_still_being_made_are_refused_with_the_reason(gateway) -> None:
    video = upload(gateway)
    calls = {
        "transcript": lambda: ask(gateway, video),
        "captions": lambda: gateway.stub.ListCaptions(pb.ListCaptionsRequest(parent=video.name), timeout=60),
        "on-screen text": lambda: gateway.stub.ListOnScreenText(
            pb.ListOnScreenTextRequest(parent=video.name), timeout=60
        ),
    }
    for what, call in calls.items():
        with pytest.raises(grpc.RpcError, match=f"the {what} of .* is not there yet; it is being made"):
            call()
        refused(call, FAILED_PRECONDITION)
    gateway.stub.CancelVideo(pb.CancelVideoRequest(name=video.name), timeout=60)
    with pytest.raises(grpc.RpcError, match="the video is CANCELLED: retry it"):
        calls["transcript"]()


def test_a_missing_track_is_told_with_the_video_and_where_it_is_asked_for(gateway, video) -> None:
    transcript(gateway, video)
    give_up(gateway, video, "transcription.segment", "the speech server does not answer")
    now = gateway.stub.GetVideo(pb.GetVideoRequest(name=video.name), timeout=60)
    assert now.state == pb.Video.READY
    (lost,) = now.missing_tracks
    assert (lost.track, lost.error.stage, lost.error.reason) == (text_pb2.SPEECH, "transcription", "UNAVAILABLE")
    assert lost.error.message == "the speech server does not answer (and 1 more)"
    stage = next(s for s in now.stages if s.stage == "transcription")
    assert (stage.state, stage.done, stage.total, stage.progress) == (pb.Stage.INCOMPLETE, 2, 4, 1.0)
    with pytest.raises(grpc.RpcError, match=r"missing: UNAVAILABLE: the speech server .* stage transcription fills it"):
        ask(gateway, video)


def test_what_is_there_of_a_track_that_is_partly_missing_is_given(gateway, video) -> None:
    transcript(gateway, video, ENGLISH)
    give_up(gateway, video, "transcription.segment", partly=True)
    assert said(gateway, video) == ["hello", "two\nlines"]
    assert gateway.stub.GetVideo(pb.GetVideoRequest(name=video.name), timeout=60).missing_tracks


def test_a_transcript_that_could_not_be_put_together_says_why(gateway, video) -> None:
    give_up(gateway, video, "transcription.assemble", "the disk is full")
    with pytest.raises(grpc.RpcError, match="the disk is full"):
        ask(gateway, video)


def test_a_transcript_is_exported_in_the_format_that_is_asked_for(gateway, video) -> None:
    transcript(gateway, video, ENGLISH, GERMAN)
    for format_ in (transcription_pb.SRT, transcription_pb.TEXT):
        request = pb.ExportTranscriptRequest(name=video.name, language="de", format=format_)
        name = transcription_pb.SubtitleFormat.Name(format_)
        assert gateway.stub.ExportTranscript(request, timeout=60).content == f"{name}\nhallo\n".encode()
    assert gateway.transcription.writes[-1].track.language == "de"


def put(gateway, video: pb.Video, **more) -> pb.Video:
    return gateway.stub.UpdateTranscript(pb.UpdateTranscriptRequest(name=video.name, **more), timeout=60)


def segments(*found: tuple[int, int, str]) -> pb.TranscriptSegments:
    return pb.TranscriptSegments(
        segments=[
            pb.TranscriptSegment(range=range_to(TimeRange(start * SECOND, end * SECOND)), text=said)
            for start, end, said in found
        ]
    )


def edited(gateway, video: pb.Video) -> text.TranscriptTrack:
    """What the transcription stage is told that a person put in."""
    (track,) = gateway.house.store.load(info(gateway, video).transcript_key, text.Transcript).tracks
    return track


def redone(gateway) -> set[str]:
    """Steps that are done again."""
    gateway.house.pipeline.dispatch()
    sent = len(gateway.house.queue.sent) - len(gateway.house.queue.messages)
    gateway.house.work()
    return {job.step for job in gateway.house.queue.sent[sent:]}


def test_a_corrected_transcript_takes_the_place_and_the_language_of_the_one_before(gateway, video) -> None:
    transcript(gateway, video, ENGLISH)
    assert put(gateway, video, segments=segments((3, 4, "second"), (1, 2, " first \r\n line"))).state == (
        pb.Video.PROCESSING
    )
    track = edited(gateway, video)
    assert (track.language, track.source) == ("en-GB", text.Source.EDITED)
    assert track.cues == (cue(1, 2, "first\nline"), cue(3, 4, "second"))
    refused(lambda: ask(gateway, video), FAILED_PRECONDITION)
    assert redone(gateway) == workflow.downstream({"transcription.subtitles"})


def test_an_edit_that_is_taken_back_leaves_the_other_sources(gateway, video) -> None:
    before = info(gateway, video)
    transcript(gateway, video, ENGLISH)
    put(gateway, video, segments=segments((1, 2, "corrected")))
    redone(gateway)
    put(gateway, video)
    assert info(gateway, video) == before
    assert redone(gateway) == workflow.downstream({"transcription.subtitles"})


def test_an_empty_edit_says_that_nothing_is_said(gateway, video) -> None:
    transcript(gateway, video, ENGLISH)
    put(gateway, video, segments=pb.TranscriptSegments())
    assert edited(gateway, video).cues == ()


def test_words_keep_their_times(gateway, video) -> None:
    transcript(gateway, video)
    sent = segments((1, 3, "hello you"))
    for start, said_ in ((1, "hello"), (2, "you")):
        sent.segments[0].words.add(range=range_to(TimeRange(start * SECOND, (start + 1) * SECOND)), text=said_)
    put(gateway, video, segments=sent, language="en")
    assert edited(gateway, video).language == "en"
    assert [(w.range.start // SECOND, w.text) for w in edited(gateway, video).cues[0].words] == [
        (1, "hello"),
        (2, "you"),
    ]


def test_words_of_another_text_are_left_out(gateway, video) -> None:
    transcript(gateway, video)
    stale = word(1, 2, "hullo")
    put(gateway, video, segments=pb.TranscriptSegments(segments=[stale]))
    assert edited(gateway, video).cues == (cue(1, 2, "hello"),)


def test_a_subtitle_file_is_taken_as_far_as_the_video_goes(gateway, video) -> None:
    transcript(gateway, video)
    file = pb.SubtitleFile(file_name="x/talk.SRT", content=b"1 2 hello\n9 12 over the end\n20 21 behind it")
    put(gateway, video, file=file)
    assert edited(gateway, video) == text.TranscriptTrack(
        "de", text.Source.EDITED, cues=(cue(1, 2, "hello"), cue(9, 10, "over the end"))
    )
    assert gateway.transcription.reads[-1].file_name == "talk.SRT"
    behind = pb.SubtitleFile(file_name="talk.srt", content=b"20 21 behind it")
    _, fields = refused(lambda: put(gateway, video, file=behind), INVALID_ARGUMENT)
    assert "file.content" in fields


def test_a_subtitle_file_that_is_wrong_is_refused_with_its_line_and_changes_nothing(gateway, video) -> None:
    transcript(gateway, video, ENGLISH)
    before = info(gateway, video)
    wrong = pb.SubtitleFile(file_name="talk.srt", content=b"1 2 hello\nrubbish")
    with pytest.raises(grpc.RpcError, match="line 2: not a time"):
        put(gateway, video, file=wrong)
    _, fields = refused(lambda: put(gateway, video, file=wrong), INVALID_ARGUMENT)
    assert fields["file.content"] == "line 2: not a time"
    named = pb.SubtitleFile(file_name="talk.exe", content=b"1 2 hello")
    _, fields = refused(lambda: put(gateway, video, file=named), INVALID_ARGUMENT)
    assert "file.file_name" in fields
    gateway.transcription.down = True
    right = pb.SubtitleFile(file_name="talk.srt", content=b"1 2 hello")
    refused(lambda: put(gateway, video, file=right), grpc.StatusCode.UNAVAILABLE)
    assert info(gateway, video) == before
    assert said(gateway, video) == ["hello", "two\nlines"]


def word(start: int, end: int, said_: str) -> pb.TranscriptSegment:
    sent = segments((1, 2, "hello")).segments[0]
    sent.words.add(range=range_to(TimeRange(start * SECOND, end * SECOND)), text=said_)
    return sent


def ranged(start: int, end: int, nanos: int = 0) -> pb.TranscriptSegment:
    sent = pb.TranscriptSegment(text="x", range=media_pb2.TimeRange())
    sent.range.start.seconds, sent.range.end.seconds, sent.range.end.nanos = start, end, nanos
    return sent


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (ranged(9, 11), "range"),
        (ranged(9, 10, 1), "range"),
        (ranged(-1, 5), "range"),
        (ranged(5, 4), "range"),
        (ranged(5, 5), "range"),
        (ranged(0, 1 << 62), "range"),
        (pb.TranscriptSegment(text="no range"), "range"),
        (segments((1, 2, " \n ")).segments[0], "text"),
        (segments((1, 2, "x" * 2001)).segments[0], "text"),
        (word(0, 2, "early"), "words[0].range"),
        (word(1, 2, ""), "words[0].text"),
        (pb.TranscriptSegment(text="x", range=ranged(1, 2).range, words=[text_pb2.Word()] * 1001), "words"),
    ],
)
def test_a_segment_that_is_wrong_is_refused_by_its_number(gateway, video, wrong, field: str) -> None:
    sent = pb.TranscriptSegments(segments=[segments((0, 1, "fine")).segments[0], wrong])
    transcript(gateway, video)
    _, fields = refused(lambda: put(gateway, video, segments=sent), INVALID_ARGUMENT)
    assert list(fields) == [f"segments.segments[1].{field}"]
    assert info(gateway, video).transcript_key == ""


def test_a_wrong_language_is_refused(gateway, video) -> None:
    transcript(gateway, video)
    for bad in ("e", "english please", "en_GB", "x" * 40):
        _, fields = refused(
            lambda b=bad: put(gateway, video, segments=segments((1, 2, "x")), language=b), INVALID_ARGUMENT
        )
        assert "language" in fields
    refused(lambda: put(gateway, video, language="en"), INVALID_ARGUMENT)


def test_a_video_of_unknown_length_takes_no_transcript_yet(gateway) -> None:
    video = upload(gateway)
    refused(lambda: put(gateway, video, segments=segments((1, 2, "x"))), FAILED_PRECONDITION)


def test_captions_and_labels_are_given_by_shot_in_pages(gateway, video) -> None:
    shots = [Shot(i, TimeRange(i * SECOND, (i + 1) * SECOND)) for i in range(4)]
    keep(gateway, video, "shots", Shots(tuple(shots)))
    captions = tuple(text.Caption(i, shots[i].range, f"shot {i}", "", 0.5, 0.25, "classes") for i in (0, 2))
    keep(gateway, video, "captions", text.Captions(captions))
    labels = (text.ShotLabel(0, "a tree", 0.75), text.ShotLabel(0, "a car", 0.5), text.ShotLabel(3, "a car", 1.0))
    keep(gateway, video, "shot_labels", text.ShotLabels(labels))
    request = pb.ListCaptionsRequest(parent=video.name, page_size=2)
    first = gateway.stub.ListCaptions(request, timeout=60)
    request.page_token = first.next_page_token
    rest = gateway.stub.ListCaptions(request, timeout=60)
    found = [*first.descriptions, *rest.descriptions]
    assert [d.shot for d in found] == [0, 2, 3]
    assert [d.range.start.seconds for d in found] == [0, 2, 3]
    assert [d.caption.brief for d in found] == ["shot 0", "shot 2", ""]
    assert [d.HasField("caption") for d in found] == [True, True, False]
    assert [[label.label for label in d.labels] for d in found] == [["a tree", "a car"], [], ["a car"]]
    assert not rest.next_page_token


def test_missing_captions_are_told_and_are_not_the_same_as_none(gateway, video) -> None:
    for kind, noun in (("shots", Shots(())), ("captions", text.Captions()), ("shot_labels", text.ShotLabels())):
        keep(gateway, video, kind, noun)
    request = pb.ListCaptionsRequest(parent=video.name)
    assert not gateway.stub.ListCaptions(request, timeout=60).descriptions
    give_up(gateway, video, "captioning.describe", "the caption server refuses pictures")
    with pytest.raises(grpc.RpcError, match="the caption server refuses pictures"):
        gateway.stub.ListCaptions(request, timeout=60)
    now = gateway.stub.GetVideo(pb.GetVideoRequest(name=video.name), timeout=60)
    assert [m.track for m in now.missing_tracks] == [text_pb2.CAPTION]


def test_on_screen_text_is_given_with_its_boxes(gateway, video) -> None:
    line = text.TextLine("EXIT", text.Box(0.25, 0.5, 0.75, 1.0), 0.5)
    readings = tuple(text.Reading(TimeRange(i * SECOND, (i + 1) * SECOND), "EXIT", 0.5, (line,)) for i in range(3))
    keep(gateway, video, "on_screen_text", text.OnScreenText(readings))
    request = pb.ListOnScreenTextRequest(parent=video.name, page_size=2)
    page = gateway.stub.ListOnScreenText(request, timeout=60)
    assert [r.range.start.seconds for r in page.readings] == [0, 1]
    assert (page.readings[0].lines[0].box.left, page.readings[0].lines[0].text) == (0.25, "EXIT")
    request.page_token = page.next_page_token
    assert len(gateway.stub.ListOnScreenText(request, timeout=60).readings) == 1


def test_labels_of_a_collection_are_told_to_its_videos_and_to_those_that_come(gateway, video) -> None:
    change = pb.UpdateCollectionRequest(collection=pb.Collection(name="collections/c", shot_labels=["a tree"]))
    gateway.stub.UpdateCollection(change, timeout=60)
    assert info(gateway, video).shot_labels == ("a tree",)
    assert redone(gateway) == workflow.downstream({"captioning.assemble"})
    gateway.stub.UpdateCollection(change, timeout=60)
    assert redone(gateway) == set()
    later = upload(gateway, b"another film", request_id="r2")
    assert info(gateway, later).shot_labels == ("a tree",)


def test_a_new_subtitle_file_for_known_bytes_redoes_the_transcription(gateway, video) -> None:
    given = pb.SubtitleFile(file_name="talk.srt", content=b"1 2 hello")
    again = upload(gateway, request_id="r2", spec=pb.VideoSpec(subtitles=given))
    assert (again.name, again.state) == (video.name, pb.Video.PROCESSING)
    assert info(gateway, video).subtitles_name == "talk.srt"
    assert redone(gateway) == workflow.downstream({"transcription.subtitles"})
    upload(gateway, request_id="r3", spec=pb.VideoSpec(subtitles=given))
    assert redone(gateway) == set()


def test_an_upload_with_a_wrong_subtitle_file_is_refused_before_its_bytes_are_taken(gateway) -> None:
    wrong = pb.SubtitleFile(file_name="talk.srt", content=b"1 2 hello\nrubbish")
    with pytest.raises(grpc.RpcError, match="line 2"):
        upload(gateway, spec=pb.VideoSpec(subtitles=wrong))
    assert list(gateway.house.store.objects.walk("")) == []
