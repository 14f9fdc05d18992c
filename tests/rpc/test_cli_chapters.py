"""The commands about chapters, summaries and answers against a gateway behind a real server."""

import json
from pathlib import Path

import pytest
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import chapters_pb2, media_pb2

from services.cli import progress
from services.cli.progress import Silent

VIDEO = "collections/default/videos/v0"
FAULT = media_pb2.Fault(reason="TIMED_OUT", message="the model is slow")
SAID = "vidx: written without the language model: TIMED_OUT: the model is slow; "
RETRY = f"`vidx retry {VIDEO} --stage chaptering` tries again\n"


def test_chapters_are_printed_with_times_titles_and_locks(gateway, vidx):
    assert vidx("chapters", "v0").lines == [
        "1\t0:00:00.000-0:00:01.000\tOpening\t",
        "2\t0:00:01.000-0:00:02.000\tThe end\tlocked",
    ]
    gateway.file_names = frozenset({"Opening", "The end"})
    assert [line.split("\t")[-1] for line in vidx("chapters", "v0").lines] == ["file", "locked"]
    gateway.file_names = frozenset()
    for arguments in (["--json"], ["--format", "json"]):
        found = json.loads(vidx("chapters", "v0", *arguments).out)
        assert found["chapters"][0] == {
            "name": f"{VIDEO}/chapters/c0000",
            "range": {"start": "0s", "end": "1s"},
            "title": "Opening",
            "locked": False,
            "titleSource": "TITLE_SOURCE_UNSPECIFIED",
        }
        assert found["chapters"][1]["locked"] is True


def test_so_many_chapters_or_the_place_of_titles_can_be_asked_for(gateway, vidx):
    assert [line.split("\t")[2] for line in vidx("chapters", "v0", "--count", "3").lines] == [
        "part 0",
        "part 1",
        "part 2",
    ]
    found = json.loads(vidx("chapters", "v0", "--title", "One", "--title", "Two", "--json").out)
    assert [c["title"] for c in found["chapters"]] == ["One", "Two"]
    assert vidx("chapters", "v0", "--shortest", "2m", "--longest", "1:30:00").status == 0
    asked = gateway.lists[-1]
    assert (asked.count, asked.shortest.seconds, asked.longest.seconds) == (0, 120, 5400)


def test_chapters_are_saved_for_another_tool(gateway, vidx, tmp_path: Path):
    for format_ in ("webvtt", "youtube", "ffmetadata", "srt", "edl", "otio"):
        assert vidx("chapters", "v0", "--format", format_).out == f"{format_} of Öl\n"
    file = tmp_path / "c.vtt"
    done = vidx("chapters", "v0", "--format", "webvtt", "-o", str(file))
    assert (done.status, done.out) == (0, f"{file}: 14 bytes\n")
    assert file.read_text() == "webvtt of Öl\n"
    assert [path.name for path in tmp_path.iterdir()] == ["c.vtt"]
    vidx("chapters", "v0", "--json", "-o", str(file))
    assert len(json.loads(file.read_text())["chapters"]) == 2
    assert vidx("chapters", "v0", "--format", "srt", "-o", str(tmp_path / "none" / "x")).status == 1


def test_what_json_prints_can_be_edited_and_set(gateway, vidx, tmp_path: Path):
    gateway.add("film")
    file = tmp_path / "edited"
    file.write_text(vidx("chapters", "v0", "--json").out.replace("Opening", "Beginning"))
    done = vidx("chapters", "v0", "--set", str(file))
    assert (done.status, done.out) == (0, f"{VIDEO}: PROCESSING\n")
    sent = gateway.edits[0].chapters.chapters
    assert [(c.title, c.range.end.seconds) for c in sent] == [("Beginning", 1), ("The end", 2)]
    named = tmp_path / "edited.json"
    for path, text in ((named, "[1, 2]"), (file, '{"chapters": [{"range": 1}]}'), (file, '{"chapters"'), (named, "")):
        path.write_text(text)
        done = vidx("chapters", "v0", "--set", str(path))
        assert (done.status, len(done.err.splitlines())) == (1, 1)
        assert f"{path.name}: JSON must be what `vidx chapters --json` prints" in done.err
    # Another tool's JSON names no chapters, and is no wish to forget those that are there.
    for text in ('{"OTIO_SCHEMA": "Timeline.1", "tracks": {}}', "{}", '{"chapters": []}'):
        named.write_text(text)
        done = vidx("chapters", "v0", "--set", str(named))
        assert (done.status, "edited.json: it names no chapter; --clear forgets" in done.err) == (1, True)
    assert len(gateway.edits) == 1


def test_a_file_of_chapters_is_set_as_it_is_and_can_be_waited_for_and_forgotten(gateway, vidx, tmp_path: Path):
    video = gateway.add("film")
    file = tmp_path / "c.txt"
    file.write_bytes(b"[0:00] One\n[1:00] Two\n")
    done = vidx("chapters", "v0", "--set", str(file), "--wait", "--json")
    assert (done.status, json.loads(done.out)["state"]) == (0, "READY")
    sent = gateway.edits[0]
    assert (sent.parent, sent.file.content, sent.file.format) == (video.name, file.read_bytes(), "")
    assert vidx("chapters", "v0", "--clear", "--wait").out == f"{VIDEO}: READY\n"
    assert gateway.edits[1].WhichOneof("edit") is None
    file.write_bytes(b"rubbish")
    assert vidx("chapters", "v0", "--set", str(file)).err == "vidx: the file of chapters: line 1: rubbish\n"
    file.write_bytes(b"0:00 x\n" * 200_000)
    assert "more than 1048576 bytes" in vidx("chapters", "v0", "--set", str(file)).err
    assert vidx("chapters", "v0", "--set", str(tmp_path / "none")).status == 1
    stage = video.stages.add(stage="chaptering", state=pb.Stage.INCOMPLETE)
    stage.error.MergeFrom(pb.StageError(stage="chaptering", reason="TIMED_OUT", message="the model is slow"))
    done = vidx("chapters", "v0", "--clear", "--wait")
    assert (done.status, done.err) == (
        0,
        f"vidx: {VIDEO}: chaptering incomplete: TIMED_OUT: the model is slow; {RETRY}",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", "x", "--clear"],
        ["--set", "x", "--format", "srt"],
        ["--set", "x", "-o", "y"],
        ["--clear", "--count", "2"],
        ["--wait"],
        ["--count", "2", "--title", "x"],
        ["--shortest", "2m", "--title", "x"],
        ["--longest", "0s"],
        ["--clear", "--longest", "2m"],
        ["--count", "0"],
        ["--count", "501"],
        ["--count", "2", "--format", "srt"],
        ["--format", "srt", "--json"],
        ["--format", "betamax"],
        ["-o", "x"],
    ],
)
def test_ways_of_asking_for_chapters_that_exclude_each_other_are_wrong_usage(gateway, vidx, arguments):
    assert vidx("chapters", "v0", *arguments).status == 2


def test_a_stored_summary_is_printed_with_the_times_that_it_rests_on(gateway, vidx):
    assert vidx("summary", "v0").lines == ["0:00:01.000-0:00:02.000, 0:00:03.000-0:00:04.000\tA boat comes."]
    vidx("summary", "v0", "--length", "long")
    vidx("summary", "v0", "--chapter", "2")
    found = json.loads(vidx("summary", "v0", "--chapter", "c1000", "--length", "short", "--json").out)
    assert (found["sentences"][0]["ranges"][0], found["chapter"]) == ({"start": "1s", "end": "2s"}, 0)
    assert all(isinstance(asked, pb.GetSummaryRequest) for asked in gateway.summaries)
    assert [(asked.name, asked.length) for asked in gateway.summaries] == [
        (VIDEO, chapters_pb2.MEDIUM),
        (VIDEO, chapters_pb2.LONG),
        (f"{VIDEO}/chapters/c1000", chapters_pb2.SHORT),
        (f"{VIDEO}/chapters/c1000", chapters_pb2.SHORT),
    ]


@pytest.mark.parametrize(
    ("arguments", "name", "length"),
    [
        (["--focus", "boats"], VIDEO, chapters_pb2.MEDIUM),
        (["--range", "0:01-1:02:03.5", "--length", "short"], VIDEO, chapters_pb2.SHORT),
        (["--chapter", "1", "--length", "long"], f"{VIDEO}/chapters/c0000", chapters_pb2.LONG),
        (["--chapter", f"{VIDEO}/chapters/c1000", "--focus", "boats"], f"{VIDEO}/chapters/c1000", chapters_pb2.SHORT),
    ],
)
def test_a_summary_that_is_not_stored_is_made(gateway, vidx, arguments, name, length):
    assert vidx("summary", "v0", *arguments).status == 0
    (asked,) = gateway.summaries
    assert isinstance(asked, pb.SummarizeRequest)
    assert (asked.name, asked.length) == (name, length)
    assert asked.focus == ("boats" if "--focus" in arguments else "")
    assert asked.range.end.nanos == (500_000_000 if "--range" in arguments else 0)


def test_a_summary_that_is_not_there_yet_is_made_where_it_can_be(gateway, vidx):
    assert vidx("summary", "new").status == 0
    assert [type(asked) for asked in gateway.summaries] == [pb.GetSummaryRequest, pb.SummarizeRequest]
    done = vidx("summary", "none")
    assert (done.status, done.out, done.err) == (0, "", "nothing is said, shown as text or described\n")
    assert vidx("summary", "v0", "--chapter", "3").err == f"vidx: {VIDEO} has 2 chapters, none of number 3\n"


def test_several_videos_have_one_summary_that_names_them(gateway, vidx):
    gateway.add("film\n\x1b[31m", "mine")
    gone = "collections/mine/videos/gone"
    done = vidx("summary", "v0", gone, "--collection", "mine", "--length", "short", "--focus", "boats")
    times = "0:00:01.000-0:00:02.000, 0:00:03.000-0:00:04.000"
    assert (done.status, done.err) == (0, "")
    assert done.lines == [
        f"film \N{REPLACEMENT CHARACTER}[31m\t{times}\tA boat comes.",
        f"{gone}\t{times}\tA boat comes.",
    ]
    (asked,) = gateway.summaries
    assert (asked.name, asked.length, asked.focus) == ("collections/mine", chapters_pb2.SHORT, "boats")
    assert list(asked.videos) == ["collections/mine/videos/v0", gone]
    found = json.loads(vidx("summary", "v0", "v1", "--json").out)
    assert found["videos"] == [VIDEO, "collections/default/videos/v1"]
    assert [one["video"] for one in found["sentences"]] == found["videos"]
    assert gateway.summaries[-1].length == chapters_pb2.MEDIUM


def test_how_far_a_summary_has_come_is_shown_on_a_terminal_only(gateway, vidx, monkeypatch: pytest.MonkeyPatch):
    shown = []
    assert vidx("summary", "v0", "--focus", "boats").err == ""

    class Shown(Silent):
        def show(self, key: str, phase: str, fraction: float) -> None:
            shown.append((key, phase, fraction))

        def done(self, key: str, text: str) -> None:
            shown.append((key, text, 1.0))

    monkeypatch.setattr(progress, "board", lambda json: Shown() if json else Silent())
    assert vidx("summary", "v0", "--focus", "boats").lines[0].endswith("A boat comes.")
    assert shown == [(VIDEO, "part 1/2", 0.5), (VIDEO, "summed up", 1.0)]
    vidx("summary", "v0", "v1", "--json")
    assert shown[2:] == [("2 videos", "part 1/2", 0.5), ("2 videos", "summed up", 1.0)]


def test_a_summary_that_fails_on_the_way_says_why(gateway, vidx):
    done = vidx("summary", "v0", "v1", "--focus", "nonsense")
    assert (done.status, done.out, done.err) == (1, "", "vidx: it is not there yet\n")
    done = vidx("summary", "v0", "--focus", "silence")
    assert (done.status, done.err) == (1, "vidx: the gateway ended without a summary; ask again\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["v1", "--range", "1-2"],
        ["v1", "--chapter", "1"],
        ["--range", "5"],
        ["--range", "5-5"],
        ["--range", "1-2", "--chapter", "1"],
        ["--length", "huge"],
    ],
)
def test_wrong_ways_of_asking_for_a_summary_are_wrong_usage(gateway, vidx, arguments):
    assert vidx("summary", "v0", *arguments).status == 2


def test_an_answer_is_printed_with_its_sources(gateway, vidx):
    gateway.add("film\n\x1b[31m")
    gone = "collections/default/videos/gone"
    done = vidx("ask", "when?", "--video", "v0", "--video", gone)
    assert (done.status, done.lines) == (
        0,
        [
            "At nine.",
            f"    0:00:01.000-0:00:02.000  film \N{REPLACEMENT CHARACTER}[31m  {VIDEO}",
            f"    0:00:05.000-0:00:06.000  film \N{REPLACEMENT CHARACTER}[31m  {VIDEO}",
            f"    0:00:02.000-0:00:03.000  {gone}  {gone}",
        ],
    )
    (asked,) = gateway.questions
    assert (asked.parent, asked.question, list(asked.videos)) == ("collections/default", "when?", [VIDEO, gone])
    found = json.loads(vidx("ask", "when?", "--collection", "mine", "--json").out)
    assert found["sentences"][0]["citations"][0]["video"] == VIDEO
    assert gateway.questions[1].parent == "collections/mine"


def test_that_videos_do_not_answer_is_an_answer(gateway, vidx):
    done = vidx("ask", "nothing")
    assert (done.status, done.out, done.err) == (0, "Not in these videos.\n", "")
    assert json.loads(vidx("ask", "nothing", "--json").out)["sentences"] == []


def test_a_language_model_that_was_asked_in_vain_is_told_with_what_to_do(gateway, vidx):
    gateway.fault = FAULT
    for stored in (["chapters", "v0"], ["chapters", "v0", "--json"], ["summary", "v0"]):
        done = vidx(*stored)
        assert (done.status, done.err) == (0, SAID + RETRY)
    for made in (["chapters", "v0", "--count", "2"], ["summary", "v0", "--focus", "x"], ["ask", "nothing"]):
        done = vidx(*made)
        assert (done.status, done.err) == (0, f"{SAID}ask again once that is done\n")
