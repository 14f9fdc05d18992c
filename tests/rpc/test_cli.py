"""The command line against a gateway behind a real server."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import text_pb2

from services.cli import upload, watching

MIB = 1 << 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (upload, watching):
        monkeypatch.setattr(module, "BACKOFF_S", 0.001)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    file = tmp_path / "film.mp4"
    file.write_bytes(os.urandom(3 * MIB + 5))
    return file


def test_index_waits_and_prints_the_video_as_json(gateway, vidx, film):
    done = vidx("index", str(film), "--wait", "--json", "--title", "A film", "--label", "k=v")
    assert (done.status, done.err) == (0, "")
    video = json.loads(done.lines[0])
    assert video["state"] == "READY"
    assert video["title"] == "A film"
    assert video["duration"] == "4s"
    header = gateway.headers[0]
    assert (header.file_name, header.size_bytes, dict(header.spec.labels)) == ("film.mp4", 3 * MIB + 5, {"k": "v"})
    assert list(gateway.collections) == ["default"]


def test_index_prints_a_line_a_change_where_no_terminal_is(gateway, vidx, film):
    done = vidx("index", str(film), "--wait", "--collection", "mine")
    assert done.status == 0
    assert [line.removeprefix(f"{film}: ") for line in done.lines] == [
        "reading",
        "uploading",
        "decoding 1/2",
        "READY  collections/mine/videos/v0",
    ]


def test_bars_on_a_terminal_leave_standard_output_to_the_messages(gateway, film):
    terminal, end = os.openpty()
    command = [sys.executable, "-m", "services.cli", "index", str(film), "--wait", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end) as process:
        os.close(end)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal says that its other end is closed
            while part := os.read(terminal, 1 << 16):
                shown += part
        assert json.loads(process.stdout.read())["state"] == "READY"
    os.close(terminal)
    assert process.returncode == 0
    assert b"film.mp4" in shown


def test_broken_upload_goes_on_from_what_the_server_kept(gateway, vidx, film):
    gateway.broken_uploads = [MIB, 2 * MIB]
    assert vidx("index", str(film), "--json").status == 0
    assert [header.offset for header in gateway.headers] == [0, MIB, 2 * MIB]
    assert len({header.request_id for header in gateway.headers}) == 1


class Wire:
    """A TCP relay that cuts the first connection after so many bytes, once `ready`, as networks do."""

    def __init__(self, port: int, cut_after: int, ready: Callable[[], object]) -> None:
        self._ready = ready
        self._target = ("127.0.0.1", port)
        self._left = cut_after
        self._once = threading.Lock()
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                for a, b, counted in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pump, args=(a, b, counted), daemon=True).start()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        while not self._ready() and time.monotonic() < deadline:
            time.sleep(0.001)

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                self._left -= len(data) if counted and not self.cuts else 0
                if self._left < 0 and self._once.acquire(blocking=False):
                    # Nothing more passes meanwhile: on a busy machine it would be the whole film.
                    self._wait_ready()
                    self.cuts += 1
                    break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_upload_goes_on_over_a_new_connection_when_the_first_is_cut(gateway, vidx, tmp_path, monkeypatch):
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(24 * MIB))
    # Enough for the first chunk to be whole.
    port = int(os.environ["VIDX_ADDRESS"].split(":")[1])
    wire = Wire(port, cut_after=2 * MIB, ready=lambda: gateway.uploads)
    monkeypatch.setenv("VIDX_ADDRESS", f"127.0.0.1:{wire.port}")
    done = vidx("index", str(film), "--json")
    wire.close()
    assert (done.status, done.err, wire.cuts) == (0, "", 1)
    assert gateway.headers[-1].offset > 0
    assert json.loads(done.out)["sizeBytes"] == str(24 * MIB)


def test_upload_that_never_gets_on_gives_up_in_one_line(gateway, vidx, film):
    gateway.broken_uploads = [MIB] + [0] * 50
    done = vidx("index", str(film), "--json")
    assert done.status == 1
    assert done.err.startswith(f"vidx: {film}: UNAVAILABLE: the store is away")
    assert len(done.err.splitlines()) == 1
    assert {header.offset for header in gateway.headers[1:]} == {MIB}


def test_same_command_again_sends_nothing_again(gateway, vidx, film):
    first = vidx("index", str(film), "--json")
    again = vidx("index", str(film), "--json")
    assert len(gateway.headers) == 1
    assert json.loads(first.out)["name"] == json.loads(again.out)["name"]


def test_deleted_video_is_sent_again(gateway, vidx, film):
    name = json.loads(vidx("index", str(film), "--json").out)["name"]
    assert vidx("delete", name).status == 0
    gateway.finished.clear()
    gateway.uploads.clear()
    assert vidx("index", str(film), "--json").status == 0
    assert len(gateway.headers) == 2


def test_a_subtitle_file_goes_with_its_video_and_makes_another_request(gateway, vidx, film, tmp_path):
    given = tmp_path / "talk.srt"
    given.write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    assert vidx("index", str(film)).status == 0
    assert vidx("index", str(film), "--subtitles", str(given)).status == 0
    sent = gateway.headers[1].spec.subtitles
    assert (sent.file_name, sent.content) == ("talk.srt", given.read_bytes())
    assert gateway.headers[0].request_id != gateway.headers[1].request_id
    missing = vidx("index", str(film), "--subtitles", str(tmp_path / "none.srt"))
    assert missing.status == 1
    assert "none.srt" in missing.err
    assert vidx("index", str(film), str(given), "--subtitles", str(given)).status == 2


def test_duplicate_is_sent_under_an_id_of_its_own(gateway, vidx, film):
    vidx("index", str(film), "--json")
    assert vidx("index", str(film), "--duplicate", "--json").status == 0
    assert len({header.request_id for header in gateway.headers}) == 2
    assert gateway.headers[1].spec.allow_duplicate


def test_many_files_are_printed_in_the_order_given(gateway, vidx, tmp_path):
    for number in range(12):
        (tmp_path / f"{number:02d}.mp4").write_bytes(bytes([number]) * 100)
    done = vidx("index", str(tmp_path), "--wait", "--json")
    assert done.status == 0
    assert [json.loads(line)["title"] for line in done.lines] == [f"{number:02d}.mp4" for number in range(12)]


def test_failed_video_makes_the_status_1_and_leaves_the_others_alone(gateway, vidx, tmp_path):
    gateway.fails["bad.mp4"] = "there is only sound"
    for name in ("bad.mp4", "good.mp4"):
        (tmp_path / name).write_bytes(name.encode())
    done = vidx("index", str(tmp_path), "--wait", "--json")
    assert done.status == 1
    assert [json.loads(line)["state"] for line in done.lines] == ["FAILED", "READY"]
    assert done.err == (
        f"vidx: {tmp_path}/bad.mp4: NO_VIDEO_STREAM in decoding: there is only sound (collections/default/videos/"
        f"{json.loads(done.lines[0])['name'].split('/')[-1]})\n"
    )


def test_file_that_cannot_be_read_is_one_line_and_the_others_are_added(gateway, vidx, film, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = vidx("index", str(tmp_path / "none.mp4"), str(fifo), str(film), "--json")
    assert done.status == 1
    assert [line.split(": ", 2)[2] for line in done.err.splitlines()] == [
        "No such file or directory",
        "INVALID_INPUT: not a regular file",
    ]
    assert len(done.lines) == 1


@pytest.mark.parametrize("name", [b"a'\"\n\x1b[31m.mp4", b"caf\xe9.mp4", b"-rf.mp4"])
def test_hostile_file_name_becomes_a_printable_title(gateway, vidx, tmp_path, name):
    folder = os.fsencode(tmp_path)
    with open(folder + b"/" + name, "wb") as file:
        file.write(b"x")
    done = vidx("index", "--wait", "--json", str(tmp_path))
    assert done.status == 0
    title = json.loads(done.out)["title"]
    assert title.isprintable()
    assert title.endswith(".mp4")
    assert len(vidx("index", "--wait", str(tmp_path)).err) == 0


def test_address_is_imported(gateway, vidx):
    done = vidx("index", "s3://bucket/a.mp4", "--json", "--label", "a=b")
    assert done.status == 0
    assert (gateway.imports[0].uri, dict(gateway.imports[0].spec.labels)) == ("s3://bucket/a.mp4", {"a": "b"})


def test_title_of_many_videos_is_wrong_usage(gateway, vidx):
    assert vidx("index", "a.mp4", "b.mp4", "--title", "T").status == 2


def test_wait_survives_a_gateway_that_breaks_off(gateway, vidx, film):
    gateway.broken_watches = 3
    assert vidx("index", str(film), "--wait", "--json").status == 0


def test_watch_gives_up_when_nothing_new_comes(gateway, vidx):
    gateway.broken_watches = 10_000
    video = gateway.add("film", state=pb.Video.PROCESSING)
    done = vidx("watch", video.name, "--json")
    assert done.status == 1
    assert done.err == "vidx: the catalog is away\n"


def test_watch_prints_each_change_and_ends_with_the_video(gateway, vidx):
    video = gateway.add("film", state=pb.Video.PROCESSING)
    done = vidx("watch", video.name, "--json")
    assert done.status == 0
    assert [json.loads(line)["state"] for line in done.lines] == ["PROCESSING", "READY"]


def test_watch_of_a_failed_video_prints_its_cause(gateway, vidx):
    gateway.fails["film"] = "no picture"
    video = gateway.add("film", state=pb.Video.PROCESSING)
    done = vidx("watch", video.name)
    assert done.status == 1
    assert done.err == f"vidx: {video.name}: NO_VIDEO_STREAM in decoding: no picture\n"


def test_search_asks_what_it_was_told(gateway, vidx):
    arguments = ["--collection", "mine", "--video", "v1", "--video", "collections/mine/videos/v2", "--limit", "3"]
    arguments += ["--min-score", "0.25", "--label", "k=v", "--per-video", "2", "--json"]
    done = vidx("search", "a dog", *arguments)
    assert done.status == 0
    assert len(json.loads(done.out)["moments"]) == 3
    asked = gateway.searches[0]
    assert (asked.parent, asked.query, asked.page_size) == ("collections/mine", "a dog", 3)
    assert list(asked.filter.videos) == ["collections/mine/videos/v1", "collections/mine/videos/v2"]
    assert (dict(asked.filter.labels), asked.min_score, asked.max_moments_per_video) == ({"k": "v"}, 0.25, 2)


def test_search_puts_pages_together(gateway, vidx):
    moments = json.loads(vidx("search", "dog", "--limit", "230", "--json").out)["moments"]
    assert [float(m["range"]["end"][:-1]) for m in moments] == list(range(1, 231))
    assert [request.page_size for request in gateway.searches] == [100, 100, 100]


def test_search_saves_thumbnails_and_says_where(gateway, vidx, tmp_path):
    done = vidx("search", "dog", "--limit", "2", "--thumbnails", str(tmp_path / "t"))
    files = sorted((tmp_path / "t").iterdir())
    assert [file.name for file in files] == ["01-dog-0.000s.jpg", "02-dog-1.000s.jpg"]
    assert files[1].read_bytes() == b'\xff\xd8"1s"'
    assert [line.split()[-1] for line in done.lines[::2]] == [str(file) for file in files]
    assert done.lines[0].split()[:3] == ["1.", "1.000", "0:00:00.000-0:00:01.000"]


def test_search_says_which_tracks_matched_with_the_text_and_its_time(gateway, vidx, tmp_path):
    lines = vidx("search", "dog", "--limit", "2", "--facets").lines
    assert lines[1].split() == ["visual", "100%", "0:00:00.000"]
    assert lines[4:] == ["       3 shots  a tree"]
    done = vidx("search", "said", "--limit", "1", "--thumbnails", str(tmp_path))
    line = done.lines[1].split(maxsplit=3)
    assert line[:3] == ["speech", "100%", "0:00:00.000-0:00:01.000"]
    assert line[3].startswith('"What was said, at length. What was said,')
    assert len(line[3]) == 102
    assert [file.name for file in tmp_path.iterdir()] == ["01-said-0.500s.jpg"]


def test_search_asks_for_tracks_their_weights_shot_labels_and_facets(gateway, vidx):
    tracks = ["--track", "speech", "--track", "ON_SCREEN_TEXT", "--weight", "speech=0.5"]
    assert vidx("search", "x", *tracks, "--shot-label", "a tree", "--facets", "--json").status == 0
    asked = gateway.searches[-1]
    assert [(t.track, t.weight) for t in asked.tracks] == [(text_pb2.SPEECH, 0.5), (text_pb2.ON_SCREEN_TEXT, 0)]
    assert (list(asked.filter.shot_labels), asked.with_facets) == (["a tree"], True)
    assert vidx("search", "x", "--weight", "title=0.25").status == 0
    assert {(t.track, t.weight) for t in gateway.searches[-1].tracks} == {
        (text_pb2.TITLE, 0.25), *((n, 0) for n in text_pb2.Track.values() if n not in (0, text_pb2.TITLE))
    }  # fmt: skip
    assert vidx("search", "x").status == 0
    assert not gateway.searches[-1].tracks
    for wrong in (["--weight", "speech"], ["--weight", "smell=1"], ["--weight", "speech=2"], ["--track", "smell"]):
        assert vidx("search", "x", *wrong).status == 2
    assert vidx("search", "x", "--track", "speech", "--weight", "title=1").status == 2


def _typed(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))


def test_search_stream_answers_in_order_however_long_each_takes(gateway, vidx, monkeypatch):
    gateway.slow["q0"] = threading.Event()

    def release() -> None:
        while len(gateway.searches) < 3:
            threading.Event().wait(0.001)
        gateway.slow["q0"].set()

    threading.Thread(target=release, daemon=True).start()
    _typed(monkeypatch, b"".join(b"q%d\n" % i for i in range(20)))
    done = vidx("search", "-", "--limit", "1", "--json")
    assert done.status == 0
    assert [json.loads(line)["moments"][0]["video"].split("/")[-1] for line in done.lines] == [
        f"q{i}" for i in range(20)
    ]


def test_search_stream_goes_on_after_a_query_that_fails(gateway, vidx, monkeypatch):
    _typed(monkeypatch, "first\n\nthird\ncaf\xe9".encode("latin-1"))
    done = vidx("search", "-", "--limit", "1")
    assert done.status == 1
    assert done.err == "vidx: query 2: INVALID_INPUT: the query is empty\n"
    answers = [json.loads(line) for line in done.lines]
    assert ["moments" in answer for answer in answers] == [True, False, True, True]
    assert answers[1]["error"]["message"] == "the query is empty"
    assert answers[1]["error"]["details"][0]["reason"] == "INVALID_INPUT"


def test_search_stream_answers_before_the_next_query_is_written(gateway):
    vidx = [sys.executable, "-m", "services.cli", "search", "-", "--limit", "1", "--json"]
    with subprocess.Popen(vidx, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        for query in (b"one", b"two"):
            process.stdin.write(query + b"\n")
            assert query in process.stdout.readline()
        process.stdin.close()
        assert process.wait() == 0


def test_shots_are_one_message_over_all_pages(gateway, vidx):
    done = vidx("shots", "v0", "--json")
    shots = json.loads(done.out)["shots"]
    assert [shot.get("index", 0) for shot in shots] == [0, 1, 2, 3, 4, 5]
    assert shots[1]["range"] == {"start": "1s", "end": "2s"}
    assert vidx("shots", "v0").lines[1] == "1\t0:00:01.000-0:00:02.000\tcut"


def test_list_goes_through_all_pages_and_filters_by_state(gateway, vidx):
    for number in range(5):
        video = gateway.add(f"film {number}", state=pb.Video.FAILED if number == 3 else pb.Video.READY)
        video.error.CopyFrom(pb.StageError(stage="decoding", reason="X", message="no picture"))
    assert len(vidx("list", "--json").lines) == 5
    failed = vidx("list", "--state", "failed").lines
    assert failed == ["collections/default/videos/v3\tFAILED\t0:00:04.000\tfilm 3\tX in decoding: no picture"]


def test_get_by_name_and_by_id(gateway, vidx):
    video = gateway.add("film", collection="mine")
    assert json.loads(vidx("get", video.name, "--json").out)["title"] == "film"
    assert json.loads(vidx("get", "v0", "--collection", "mine", "--json").out)["title"] == "film"
    assert "state     READY" in vidx("get", video.name).lines


@pytest.mark.parametrize("name", ["collections/c/videos", "../etc", "A B", "collections/c/videos/v/x"])
def test_what_is_not_a_name_is_refused_in_one_line(gateway, vidx, name):
    done = vidx("get", name)
    assert done.status == 1
    assert len(done.err.splitlines()) == 1


def test_unknown_video_is_one_line(gateway, vidx):
    done = vidx("get", "v9")
    assert (done.status, done.out) == (1, "")
    assert done.err == "vidx: no video collections/default/videos/v9\n"


def test_delete_says_what_was_removed_and_goes_on_after_a_failure(gateway, vidx):
    gateway.add("film")
    done = vidx("delete", "v9", "v0")
    assert done.status == 1
    assert done.lines == ["collections/default/videos/v0: removed 1 videos, 7 objects (8 bytes), 9 rows"]
    assert "v9" in done.err


def test_retry_and_cancel(gateway, vidx):
    gateway.add("film")
    assert vidx("retry", "v0").status == 1
    assert vidx("retry", "v0", "--stage", "decoding").out == "collections/default/videos/v0: PROCESSING\n"
    assert vidx("retry", "v0", "--stage", "decoding", "--wait").out == "collections/default/videos/v0: READY\n"
    assert json.loads(vidx("cancel", "v0", "--json").out)["state"] == "CANCELLED"


def test_frame_is_saved_whole(gateway, vidx, tmp_path):
    file = tmp_path / "f.jpg"
    done = vidx("frame", "v0", "1:02.5", "-o", str(file))
    assert done.status == 0
    assert file.read_bytes() == b'\xff\xd8"62.500s"'
    assert [f.name for f in tmp_path.iterdir()] == ["f.jpg"]
    assert vidx("frame", "v0", "1", "-o", str(tmp_path / "no" / "f.jpg")).status == 1


MISSING = pb.MissingTrack(
    track=text_pb2.CAPTION, error=pb.StageError(stage="captioning", reason="UNAVAILABLE", message="it is\naway")
)
ADVICE = "without caption: UNAVAILABLE: it is away; `vidx retry {} --stage captioning` tries again"


def test_a_missing_track_is_told_wherever_the_video_is(gateway, vidx, film):
    gateway.lacks["film.mp4"] = MISSING
    done = vidx("index", str(film), "--wait")
    name = "collections/default/videos/v0"
    assert (done.status, done.err) == (0, f"vidx: {film}: {ADVICE.format(name)}\n")
    assert f"missing   {ADVICE.format(name)}" in vidx("get", name).lines
    assert vidx("list").lines[0].endswith(f"\tfilm.mp4\t{ADVICE.format(name)}")
    done = vidx("watch", name)
    assert (done.status, done.err) == (0, f"vidx: {name}: {ADVICE.format(name)}\n")
    assert json.loads(vidx("get", name, "--json").out)["missingTracks"][0]["track"] == "CAPTION"


def test_a_transcript_is_printed_with_times_as_one_message_or_as_a_file(gateway, vidx):
    lines = vidx("transcript", "v0").lines
    assert (len(lines), lines[1]) == (6, "0:00:01.000-0:00:02.000\tcue 1 / line 2")
    for arguments in (["--json"], ["--format", "json"]):
        whole = json.loads(vidx("transcript", "v0", *arguments).out)
        assert [s["text"] for s in whole["segments"]] == [f"cue {i}\nline 2" for i in range(6)]
        assert whole["segments"][1]["range"] == {"start": "1s", "end": "2s"}
        assert whole["segments"][1]["source"] == "SUBTITLE_STREAM"
        assert whole["languages"] == ["en", "de"]
    assert json.loads(vidx("transcript", "silent", "--json").out)["segments"] == []
    assert vidx("transcript", "v0", "--format", "srt", "--language", "de").out == "format 1 of de\n"
    assert vidx("transcript", "v0", "--format", "webvtt").out == "format 2 of \n"
    assert vidx("transcript", "v0", "--format", "text").out == "format 3 of \n"
    assert vidx("transcript", "v0", "--language", "fr").err == "vidx: no transcript in 'fr'\n"


def test_what_json_prints_can_be_put_back(gateway, vidx, tmp_path):
    gateway.add("film")
    file = tmp_path / "corrected.json"
    file.write_text(vidx("transcript", "v0", "--json").out.replace("cue 1", "corrected"))
    done = vidx("transcript", "v0", "--set", str(file))
    assert (done.status, done.out) == (0, "collections/default/videos/v0: PROCESSING\n")
    sent = gateway.changes[0]
    assert [s.text for s in sent.segments.segments][:2] == ["cue 0\nline 2", "corrected\nline 2"]
    assert (sent.segments.segments[1].range.start.seconds, sent.language) == (1, "en")
    file.write_text('{"segments": []}')
    assert vidx("transcript", "v0", "--set", str(file), "--language", "de").status == 0
    assert (gateway.changes[1].WhichOneof("transcript"), gateway.changes[1].language) == ("segments", "de")
    for text in ("[1, 2]", '{"segments": [{"range": 1}]}', "not json", "\xff"):
        file.write_text(text, "latin-1")
        done = vidx("transcript", "v0", "--set", str(file))
        assert (done.status, len(done.err.splitlines())) == (1, 1)
        assert "corrected.json: it must hold what `vidx transcript --json` prints" in done.err
    assert len(gateway.changes) == 2


def test_a_subtitle_file_is_put_in_as_it_is_and_can_be_waited_for_and_taken_back(gateway, vidx, tmp_path):
    gateway.add("film")
    file = tmp_path / "talk.srt"
    file.write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    done = vidx("transcript", "v0", "--set", str(file), "--wait", "--json")
    assert (done.status, json.loads(done.out)["state"]) == (0, "READY")
    sent = gateway.changes[0]
    assert (sent.file.file_name, sent.file.content, sent.language) == ("talk.srt", file.read_bytes(), "")
    assert vidx("transcript", "v0", "--clear", "--wait").out == "collections/default/videos/v0: READY\n"
    assert gateway.changes[1].WhichOneof("transcript") is None
    file.write_bytes(b"rubbish")
    assert vidx("transcript", "v0", "--set", str(file)).err == "vidx: line 1: rubbish\n"
    assert vidx("transcript", "v0", "--set", str(tmp_path / "none.srt")).status == 1
    gateway.fails["film"] = "why"
    done = vidx("transcript", "v0", "--clear", "--wait")
    assert (done.status, done.err) == (1, "vidx: collections/default/videos/v0: NO_VIDEO_STREAM in decoding: why\n")


@pytest.mark.parametrize(
    "arguments",
    [["--set", "x", "--clear"], ["--set", "x", "--format", "srt"], ["--clear", "--language", "en"], ["--wait"]],
)
def test_ways_of_asking_for_a_transcript_that_exclude_each_other_are_wrong_usage(gateway, vidx, arguments):
    assert vidx("transcript", "v0", *arguments).status == 2


def test_captions_labels_and_text_are_printed_over_all_pages(gateway, vidx):
    assert vidx("captions", "v0").lines == [
        "0\t0:00:00.000-0:00:01.000\t0.50\tA cat. It sleeps.\t",
        "2\t0:00:02.000-0:00:03.000\t\t\ta tree 0.75",
    ]
    found = json.loads(vidx("captions", "v0", "--json").out)["descriptions"]
    assert [d.get("shot", 0) for d in found] == [0, 2]
    assert vidx("text", "v0").lines == ["0:00:01.000-0:00:04.000\t0.90\tEXIT / this way"]
    assert json.loads(vidx("text", "v0", "--json").out)["readings"][0]["text"] == "EXIT\nthis way"
    assert vidx("captions", "none").err == "nothing could be said of any shot\n"
    assert vidx("text", "none").err == "nothing is written in the picture\n"


def test_the_labels_of_a_collection_are_shown_and_changed(gateway, vidx, tmp_path):
    assert vidx("collections", "create", "mine", "--shot-label", "a tree").status == 0
    assert vidx("collections", "labels", "mine").out == "a tree\n"
    assert vidx("collections", "labels", "mine", "a dog", "a cat").lines == ["a dog", "a cat"]
    file = tmp_path / "labels.txt"
    file.write_text("a car\n\n  a bus \n")
    answer = json.loads(vidx("collections", "labels", "mine", "--file", str(file), "--json").out)
    assert answer["shotLabels"] == ["a car", "a bus"]
    assert vidx("collections", "labels", "mine", "--clear").out == ""
    assert gateway.collections["mine"] == []
    file.write_text("\n")
    assert vidx("collections", "labels", "mine", "--file", str(file)).status == 2
    assert vidx("collections", "labels", "mine", "x", "--clear").status == 2
    assert vidx("collections", "labels", "none").status == 1


def test_collections_create_list_delete(gateway, vidx):
    assert vidx("collections", "create", "mine").out == "collections/mine\n"
    assert vidx("collections", "create", "mine").status == 1
    assert json.loads(vidx("collections", "list", "--json").out) == {"name": "collections/mine"}
    assert vidx("collections", "delete", "mine").status == 1
    assert vidx("collections", "delete", "mine", "--force").status == 0


def test_no_gateway_says_what_to_do(vidx, monkeypatch):
    monkeypatch.setenv("VIDX_ADDRESS", "127.0.0.1:1")
    done = vidx("list")
    assert done.status == 1
    assert done.err == (
        "vidx: no answer from the gateway at 127.0.0.1:1: is the platform running? start it with `vidx up`\n"
    )


def test_bench_says_what_it_needs(gateway, vidx, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = vidx("bench")
    assert (done.status, done.lines) == (1, [])
    assert "pip install 'vidx[local]'" in done.err
    assert not gateway.collections
