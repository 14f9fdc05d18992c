"""`vidx skim` against a gateway behind a real server."""

import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from vidx.gateway.v1 import video_index_service_pb2 as pb

VIDEO = "collections/default/videos/v0"
KEPT = {
    "ranges": [{"start": "1s", "end": "2s"}, {"start": "5s", "end": "8s"}],
    "length": "4s",
}


def test_what_is_kept_is_printed(gateway, vidx):
    assert vidx("skim", "v0").lines == ["1\t0:00:01.000-0:00:02.000", "2\t0:00:05.000-0:00:08.000"]
    done = vidx("skim", "v0", "--length", "2m", "--focus", "boats", "--json")
    assert (done.status, json.loads(done.out)) == (0, KEPT)
    first, second = gateway.skims
    assert (first.name, first.length, first.focus) == (VIDEO, Duration(seconds=60), "")
    assert (second.length, second.focus) == (Duration(seconds=120), "boats")


def test_a_film_is_written_whole(gateway, vidx, tmp_path: Path):
    file = tmp_path / "short.mp4"
    file.write_bytes(b"an older one")
    done = vidx("skim", "v0", "-o", str(file), "--length", "1:30", "--max-height", "360")
    assert (done.status, done.err) == (0, "")
    assert done.out == f"{file}: 19 bytes, 2 ranges, 0:00:04.000\n"
    assert file.read_bytes() == b"a film in two parts"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["short.mp4"]
    (asked,) = gateway.skims
    wish = pb.GetSkimRequest(name=VIDEO, length=Duration(seconds=90))
    assert asked == pb.ExportSkimRequest(skim=wish, max_height=360)
    assert json.loads(vidx("skim", "v0", "-o", str(file), "--json").out) == KEPT
    assert gateway.skims[1].max_height == 0


def test_how_far_it_has_come_is_told_on_a_terminal(gateway, vidx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    assert vidx("skim", "v0", "-o", str(tmp_path / "short.mp4")).status == 0
    assert "choosing what to keep" in screen.getvalue() or "2 ranges, 0:00:04.000" in screen.getvalue()


@pytest.mark.parametrize("case", ["breaks", "empty", "refused"])
def test_a_film_that_does_not_come_whole_is_not_there(gateway, vidx, tmp_path: Path, case: str):
    file = tmp_path / "short.mp4"
    gateway.film_breaks = case == "breaks"
    if case == "empty":
        gateway.film = []
    done = vidx("skim", "v0", "-o", str(file), *(["--length", "2h"] if case == "refused" else []))
    assert done.status == 1
    told = {"breaks": "the file is damaged", "empty": "the gateway sent no film", "refused": "length: 1 s to 3600 s"}
    assert done.err == f"vidx: {told[case]}\n"
    assert os.listdir(tmp_path) == []


def test_a_film_cannot_go_where_there_is_no_folder(gateway, vidx, tmp_path: Path):
    done = vidx("skim", "v0", "-o", str(tmp_path / "none" / "short.mp4"))
    assert done.status == 1
    assert "No such file or directory" in done.err
    assert gateway.skims == []


@pytest.mark.parametrize(
    "arguments", [["--length", "0"], ["--length", "soon"], ["--max-height", "360"], ["-o", "x", "--max-height", "5000"]]
)
def test_wrong_ways_of_asking_are_wrong_usage(gateway, vidx, arguments):
    assert vidx("skim", "v0", *arguments).status == 2
    assert gateway.skims == []
