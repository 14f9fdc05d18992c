"""Captions by a chat server: a real one on loopback, in every mood."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.captioning.chat import ChatCaptioner
from services.captioning.describe import Describing
from services.captioning.ports import View
from services.core.errors import Denied, InvalidInput, NotFound, TimedOut, Unavailable, VidxError
from services.core.jobs import no_progress
from services.core.text import Captions
from tests.fakes.captioning import Bucket, FakeEncoder, picture
from tests.servers.chat import CANDIDATES, ChatServer, chat_server

SHOT = View((picture(10), picture(200)))
AXES = {"A dog runs over the grass.": 0, "A red car.": 1}


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as found:
        yield found


def captioner(server: ChatServer, **more: float) -> ChatCaptioner:
    settings = {"timeout_s": 10.0, "retries": 0, "wait_s": 0.01, **more}
    return ChatCaptioner(server.url, "vl", "secret-key", "the prompt", **settings)  # type: ignore[arg-type]


def briefs(found: object) -> list[str]:
    return [candidate.brief for candidate in found]  # type: ignore[attr-defined]


def test_the_question_carries_prompt_pictures_schema_and_key(server: ChatServer) -> None:
    assert briefs(captioner(server).captions(SHOT)) == [c["brief"] for c in CANDIDATES]
    (asked,) = server.requests
    assert server.keys == ["Bearer secret-key"]
    assert asked["model"] == "vl"
    assert asked["messages"][0] == {"role": "system", "content": "the prompt"}
    urls = [part["image_url"]["url"] for part in asked["messages"][1]["content"] if part["type"] == "image_url"]
    assert [base64.b64decode(url.split(",")[1]) for url in urls] == list(SHOT.pictures)
    assert all(url.startswith("data:image/png;base64,") for url in urls)
    assert asked["response_format"]["type"] == "json_schema"
    json.dumps(asked["response_format"]["json_schema"]["schema"])


def test_a_server_without_schemas_is_asked_without_from_then_on(server: ChatServer) -> None:
    server.mode = "no_schema"
    chat = captioner(server)
    assert briefs(chat.captions(SHOT)) == briefs(chat.captions(SHOT))
    assert ["response_format" in asked for asked in server.requests] == [True, False, False]


def test_json_inside_fences_is_read(server: ChatServer) -> None:
    server.mode = "fenced"
    assert briefs(captioner(server).captions(SHOT)) == [c["brief"] for c in CANDIDATES]


@pytest.mark.parametrize(
    ("mode", "error"),
    [("down", Unavailable), ("garbage", Unavailable), ("wrong", Unavailable), ("refuses", InvalidInput),
     ("declines", InvalidInput), ("denied", Denied)],
)  # fmt: skip
def test_failures_are_told_apart_and_never_show_the_key(server: ChatServer, mode: str, error: type[VidxError]) -> None:
    server.mode = mode
    with pytest.raises(error) as caught:
        captioner(server).captions(SHOT)
    assert type(caught.value) is error
    assert "secret-key" not in caught.value.message


def test_a_slow_server_times_out_and_is_not_asked_again(server: ChatServer) -> None:
    server.mode = "slow"
    with pytest.raises(TimedOut, match="VIDX_CAPTIONING_CHAT_TIMEOUT_S"):
        captioner(server, timeout_s=0.3, retries=5).captions(SHOT)
    server.await_question()
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_unavailable(server: ChatServer) -> None:
    chat = captioner(server)
    server.stop()
    with pytest.raises(Unavailable):
        chat.captions(SHOT)


def test_a_wrong_address_is_told(server: ChatServer) -> None:
    chat = ChatCaptioner(server.url + "/wrong", "vl", "", "p", retries=0)
    with pytest.raises(NotFound, match="VIDX_CAPTIONING_CHAT_URL"):
        chat.captions(SHOT)


def test_a_failure_that_passes_is_asked_again(server: ChatServer) -> None:
    server.modes = ["down", "garbage"]
    assert briefs(captioner(server, retries=2).captions(SHOT)) == [c["brief"] for c in CANDIDATES]
    assert len(server.requests) == 3


@pytest.mark.parametrize("mode", ["down", "garbage", "slow"])
def test_a_segment_with_a_failing_server_fails_and_is_filled_in_later(
    server: ChatServer, tmp_path: Path, mode: str
) -> None:
    bucket = Bucket(tmp_path)
    stage = Describing(bucket.store, captioner(server, timeout_s=0.5 if mode == "slow" else 10), FakeEncoder(AXES))
    server.mode = mode
    with pytest.raises(Unavailable):
        stage.segment(bucket.describe(), no_progress)
    server.release.set()
    server.mode = "ok"
    if mode == "slow":
        # An answer may take its time on a busy machine.
        stage = Describing(bucket.store, captioner(server), FakeEncoder(AXES))
    outputs = stage.segment(bucket.describe(), no_progress)
    found = bucket.store.load(outputs.artifacts["descriptions"], Captions).captions
    assert [(c.brief, c.detailed, c.model) for c in found] == [
        ("A dog runs over the grass.", "It is brown.", "vl"),
        ("A red car.", "", "vl"),
    ]
    assert outputs.fault is None


def test_a_picture_that_is_refused_is_missing_until_it_is_not(server: ChatServer, tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    stage = Describing(bucket.store, captioner(server), FakeEncoder(AXES))
    # The second shot is asked about with a schema, then without.
    server.modes = ["ok", "refuses", "refuses"]
    outputs = stage.segment(bucket.describe(), no_progress)
    assert outputs.counts == {"captions": 1}
    assert outputs.fault is not None
    assert outputs.fault.message.startswith("1 of 2 shots have no caption")
    asked = len(server.requests)
    again = stage.segment(bucket.describe(), no_progress)
    assert (again.counts, again.fault) == ({"captions": 2}, None)
    assert len(server.requests) == asked + 1
