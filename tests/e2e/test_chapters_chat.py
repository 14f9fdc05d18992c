"""A language model that should write chapters and summaries and does not: they come all the same, and say so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.pipeline import workflow
from tests.e2e.index import jobs
from tests.media.films import Cue, film
from tests.media.pictures import pan
from tests.servers.chat import ChatServer, chat_server
from tests.servers.platform import Platform, serving

KEY = "a-key-that-nobody-may-see"
SAID = (
    "The ferry to the island leaves the harbour at nine in the morning.",
    "Tickets for the ferry are sold at the blue kiosk beside the pier.",
    "In winter the ferry does not sail when the harbour is frozen.",
    "The captain of the ferry has sailed to the island for thirty years.",
    "On the island the passengers walk up the hill to the old lighthouse.",
    "From the lighthouse one can see the whole coast on a clear day.",
    "A small café beside the lighthouse sells coffee and fresh cake.",
    "The last ferry back to the harbour leaves the island at six.",
)
CUES = tuple(Cue(i * 1000, i * 1000 + 900, text) for i, text in enumerate(SAID))
REASONS = {"down": "UNAVAILABLE", "slow": "TIMED_OUT", "wrong": "UNAVAILABLE", "denied": "DENIED"}


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatServer]:
    with chat_server() as server:
        yield server


@pytest.fixture(scope="module")
def platform(chat: ChatServer, tmp_path_factory) -> Iterator[Platform]:
    extra = {
        "VIDX_CHAPTERING_CHAT_URL": chat.url,
        "VIDX_CHAPTERING_CHAT_KEY": KEY,
        "VIDX_CHAPTERING_CHAT_MODEL": "parrot",
        "VIDX_CHAPTERING_CHAT_TIMEOUT_S": "4",
        "VIDX_CHAPTERING_CHAT_RETRIES": "0",
        "VIDX_PIPELINE_SPARE_TRIES": "2",
    }
    with serving(tmp_path_factory.mktemp("written"), extra=extra) as found:
        yield found


@pytest.fixture(scope="module")
def ferry(tmp_path_factory) -> Path:
    """Eight seconds with a subtitle stream."""
    return film(tmp_path_factory.mktemp("ferry") / "ferry.mkv", pan(70, 200, 320, 180), cues=CUES)


def stage(video: dict) -> dict:
    return next(s for s in video["stages"] if s["stage"] == "chaptering")


@pytest.mark.parametrize("mode", REASONS)
def test_chapters_and_summaries_come_without_the_model_and_are_written_by_it_on_a_retry(
    platform: Platform, chat: ChatServer, ferry: Path, mode: str
) -> None:
    chat.mode = mode
    done = platform.vidx("index", str(ferry), "--collection", mode, "--wait")
    assert done.returncode == 0
    assert f"chaptering incomplete: {REASONS[mode]}" in done.stderr
    (video,) = platform.messages("list", "--collection", mode)
    assert (video["state"], video.get("missingTracks")) == ("READY", None)
    assert (stage(video)["state"], stage(video)["error"]["reason"]) == ("INCOMPLETE", REASONS[mode])
    name = video["name"]
    advice = f"`vidx retry {name} --stage chaptering` tries again"
    for command in ("chapters", "summary"):
        shown = platform.vidx(command, name)
        assert shown.stdout.strip()
        assert f"written without the language model: {REASONS[mode]}: " in shown.stderr
        assert advice in shown.stderr
        (found,) = platform.messages(command, name)
        assert (found["writer"], found["fault"]["reason"]) == ("builtin", REASONS[mode])
    answered = platform.vidx("ask", "When does the ferry leave?", "--collection", mode)
    assert SAID[0] in answered.stdout
    assert REASONS[mode] in answered.stderr
    before = jobs(platform, name)
    chat.mode = "ok"
    platform.run("retry", name, "--stage", "chaptering")
    now = platform.messages("watch", name)[-1]
    assert (now["state"], stage(now)["state"]) == ("READY", "SUCCEEDED")
    after = jobs(platform, name)
    assert {step for step, segment in after if after[step, segment] != before[step, segment]} == workflow.steps_of(
        "chaptering"
    )
    for command in ("chapters", "summary"):
        (found,) = platform.messages(command, name)
        assert (found["writer"], found.get("fault")) == ("parrot", None)
    (answer,) = platform.messages("ask", "When does the ferry leave?", "--collection", mode)
    assert (answer["writer"], answer.get("fault")) == ("parrot", None)


def test_the_key_reaches_the_server_and_is_written_nowhere(platform: Platform, chat: ChatServer) -> None:
    assert set(chat.keys) == {f"Bearer {KEY}"}
    assert [p for p in platform.home.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()] == []
