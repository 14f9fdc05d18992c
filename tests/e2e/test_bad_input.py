"""Files that are broken, hostile or merely odd: a clear end for each, and no harm to others."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from tests.e2e.index import objects, rows
from tests.media import broken, films
from tests.media.films import film
from tests.media.pictures import hold, pan, plain, scene
from tests.servers.platform import Platform

COLLECTION = "odd"
VARIABLE = [0, 40, 80, 400, 420, 1000, 1040, 1500, 1900, 1940, 1980, 2400]


def huge(path: Path) -> Path:
    """One picture of 8192 x 8192 pixels, which is above the bound of 36 million."""
    return film(path, [plain(90, 8192, 8192)], codec="mjpeg", pixel_format="yuvj420p")


def tiny(path: Path) -> Path:
    return film(path, hold(plain(90, 1, 1), 25), codec="ffv1", pixel_format="bgr0")


def variable(path: Path) -> Path:
    """Twelve frames at uneven times, with a cut at exactly one second."""
    pictures = [*hold(scene(1), 5), *hold(scene(2), 7)]
    return film(path, pictures, times=VARIABLE, gop=100)


def late(path: Path) -> Path:
    """A transport stream whose first frame is far from zero."""
    return films.two_scenes(path, start=5000)


FAILS: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "a text named mp4": ("text.mp4", broken.text, "DECODE_ERROR"),
    "a file without its end": ("headless.mp4", broken.headless, "DECODE_ERROR"),
    "sound only": ("sound.m4a", films.sound_only, "NO_VIDEO_STREAM"),
    "8k x 8k pixels": ("huge.mkv", huge, "MEDIA_LIMIT"),
    **{
        f"a {kind} list": (
            f"{kind}.mp4",
            lambda path, kind=kind: broken.playlist(path, kind, "/etc/passwd"),
            "DECODE_ERROR",
        )
        for kind in broken.PLAYLISTS
    },
}
WORKS: dict[str, tuple[str, Callable[[Path], Path], int]] = {
    "one frame": ("one.mp4", lambda path: film(path, [scene(3)]), 1),
    "no duration": ("timeless.mp4", broken.timeless, 1),
    "1 x 1 pixel": ("tiny.mkv", tiny, 1),
    "a variable rate": ("variable.mkv", variable, 2),
    "a start that is not zero": ("late.ts", late, 2),
    "a turned picture": ("turned.mp4", lambda path: films.two_scenes(path, rotation=90), 2),
    "ten hours of stills": ("stills.mkv", lambda path: films.stills(path, 36_000), 60),
    "a file cut off after its first half": ("half.mp4", lambda path: broken.truncated(path, 0.6), 1),
}


@pytest.mark.parametrize("case", FAILS)
def test_what_cannot_be_indexed_fails_with_its_cause_and_leaves_no_row(platform: Platform, tmp_path, case: str) -> None:
    name, make, reason = FAILS[case]
    done = platform.vidx("index", str(make(tmp_path / name)), "--collection", COLLECTION, "--wait")
    assert done.returncode == 1
    assert reason in done.stderr
    videos = {v["title"]: v for v in platform.messages("list", "--collection", COLLECTION, "--state", "FAILED")}
    video = videos[name]
    assert (video["error"]["stage"], video["error"]["reason"]) == ("decoding", reason)
    assert "passwd" not in video["error"]["message"]
    assert rows(platform, COLLECTION, video["name"].split("/")[-1]) == []
    platform.run("delete", video["name"])
    assert objects(platform, video["name"]) == []


@pytest.mark.parametrize("case", WORKS)
def test_what_is_odd_but_legal_is_indexed(platform: Platform, tmp_path, case: str) -> None:
    name, make, shots = WORKS[case]
    video = platform.messages("index", str(make(tmp_path / name)), "--collection", COLLECTION, "--wait")[-1]
    assert video["state"] == "READY", video
    found = platform.messages("shots", video["name"])[0]["shots"]
    assert len(found) >= shots if shots == 1 else len(found) == shots
    assert len(rows(platform, COLLECTION, video["name"].split("/")[-1])) == int(video["rowCount"])


def test_a_cut_at_a_variable_rate_lies_at_its_own_time(platform: Platform, tmp_path) -> None:
    video = platform.messages("index", str(variable(tmp_path / "v.mkv")), "--collection", "variable", "--wait")[-1]
    shots = platform.messages("shots", video["name"])[0]["shots"]
    assert shots[0]["range"]["end"] == "1s"


def test_an_empty_file_is_refused_before_it_is_a_video(platform: Platform, tmp_path) -> None:
    done = platform.vidx("index", str(broken.empty(tmp_path / "empty.mp4")), "--collection", "empty", "--wait")
    assert done.returncode == 1
    assert "empty" in done.stderr
    assert platform.messages("list", "--collection", "empty") == []


@pytest.mark.parametrize("name", ["a\nb.mp4", "quote'\"s.mp4", "..mp4", "sp ace; rm -rf $HOME.mp4", "ünï.mp4"])
def test_any_file_name_is_only_a_title(platform: Platform, tmp_path, name: str) -> None:
    pictures = chain(pan(hash(name) % 1000, 12, 96, 64), pan(7, 12, 96, 64))
    path = film(tmp_path / "plain.mp4", pictures).rename(tmp_path / name)
    video = platform.messages("index", str(path), "--collection", "names", "--wait")[-1]
    assert video["state"] == "READY"
    assert "\n" not in video["title"]


def test_no_worker_died_of_any_of_this(platform: Platform) -> None:
    services = platform.services()
    assert {row["state"] for row in services.values()} == {"RUNNING"}
    for worker in ("decoding", "decoding-2", "embedding", "search"):
        assert "Traceback" not in platform.log(worker)
