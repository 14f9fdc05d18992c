"""A server that should write captions and does not: the video is READY without them, and they are filled in later."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.demo_films import Film, Scene, write
from tests.servers.chat import ChatServer, chat_server
from tests.servers.platform import Platform, serving

KEY = "a-key-that-nobody-may-see"
SCENES = ("chelsea.png", "rocket.jpg", "coffee.png")
SAID = [{"brief": "A picture of something.", "detailed": "There is more of it."}]
REASONS = {
    "down": "UNAVAILABLE",
    "slow": "TIMED_OUT",
    "garbage": "UNAVAILABLE",
    "wrong": "UNAVAILABLE",
    "refuses": "INVALID_INPUT",
    "denied": "DENIED",
}


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatServer]:
    with chat_server() as server:
        server.candidates = SAID
        yield server


@pytest.fixture(scope="module")
def platform(chat: ChatServer, tmp_path_factory) -> Iterator[Platform]:
    """One whose captions are written by the server; it is given up after two tries, a second apart."""
    extra = {
        "VIDX_CAPTIONING_CHAT_URL": chat.url,
        "VIDX_CAPTIONING_CHAT_KEY": KEY,
        "VIDX_CAPTIONING_CHAT_TIMEOUT_S": "4",
        "VIDX_CAPTIONING_CHAT_RETRIES": "0",
        # What the made answer says has nothing to do with the pictures.
        "VIDX_CAPTIONING_AGREEMENT": "0",
        "VIDX_PIPELINE_SPARE_TRIES": "2",
    }
    with serving(tmp_path_factory.mktemp("chatting"), extra=extra) as found:
        yield found


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """Three seconds in three shots."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write(Film("film", tuple(Scene(picture, 1, "") for picture in SCENES)), path)
    return path


def captions(platform: Platform, name: str) -> list[str]:
    (answer,) = platform.messages("captions", name)
    return [d["caption"]["brief"] for d in answer.get("descriptions", [])]


def stage(video: dict) -> dict:
    return next(s for s in video["stages"] if s["stage"] == "captioning")


@pytest.mark.parametrize("mode", REASONS)
def test_a_video_is_ready_without_captions_and_says_why_and_a_retry_fills_them_in(
    platform: Platform, chat: ChatServer, film: Path, mode: str
) -> None:
    chat.mode = mode
    done = platform.vidx("index", str(film), "--collection", mode, "--wait")
    assert done.returncode == 0
    assert f"without caption: {REASONS[mode]}" in done.stderr
    (video,) = platform.messages("list", "--collection", mode)
    (lost,) = video["missingTracks"]
    assert (video["state"], lost["track"], lost["error"]["stage"]) == ("READY", "CAPTION", "captioning")
    assert (lost["error"]["reason"], stage(video)["state"]) == (REASONS[mode], "INCOMPLETE")
    assert platform.messages("search", "a cat", "--collection", mode)[0]["moments"]
    refused = platform.vidx("captions", video["name"])
    assert refused.returncode == 1
    assert REASONS[mode] in refused.stderr
    chat.mode = "ok"
    platform.run("retry", video["name"], "--stage", "captioning")
    now = platform.messages("watch", video["name"])[-1]
    assert (now["state"], stage(now)["state"], now.get("missingTracks")) == ("READY", "SUCCEEDED", None)
    assert captions(platform, video["name"]) == [SAID[0]["brief"]] * len(SCENES)
    found = platform.messages("search", '"picture of something"', "--collection", mode, "--track", "caption")
    assert len(found[0]["moments"]) == len(SCENES)


def test_what_was_answered_before_the_server_went_is_kept(platform: Platform, chat: ChatServer, film: Path) -> None:
    chat.mode, chat.modes = "down", ["ok"]
    video = platform.messages("index", str(film), "--collection", "partly", "--wait")[-1]
    assert video["missingTracks"][0]["error"]["message"].startswith("2 of 3 shots have no caption")
    assert captions(platform, video["name"]) == [SAID[0]["brief"]]
    chat.mode = "ok"
    asked = len(chat.requests)
    platform.run("retry", video["name"])
    assert "missingTracks" not in platform.messages("watch", video["name"])[-1]
    assert len(captions(platform, video["name"])) == len(SCENES)
    assert len(chat.requests) - asked == 2


def test_the_key_reaches_the_server_and_is_written_nowhere(platform: Platform, chat: ChatServer) -> None:
    assert set(chat.keys) == {f"Bearer {KEY}"}
    holding = [p for p in platform.home.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()]
    assert holding == []
