"""Any server of OpenAI's transcription API: a real local HTTP server, well-behaved and not."""

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from services.core.errors import Denied, Exhausted, InvalidInput, NotFound, TimedOut, Unavailable, VidxError
from services.core.jobs import no_progress
from services.core.times import SECOND, TimeRange
from services.transcription.domain.sound import RATE, Span
from services.transcription.langcodes import LangcodesLanguages
from services.transcription.openai_api import OpenAiApi
from tests.servers.transcription_api import Answer, TranscriptionApi, serving

SOUND = np.zeros(400 * RATE, np.int16)
SPANS = [Span(10 * RATE, 14 * RATE)]
SAID = {
    "task": "transcribe",
    "language": "english",
    "duration": 4.0,
    "text": "A brown dog. It runs.",
    "segments": [
        {"id": 0, "start": 0.0, "end": 2.0, "text": " A brown dog.", "avg_logprob": -0.5, "tokens": [1]},
        {"id": 1, "start": 2.0, "end": 9.0, "text": " It runs.", "avg_logprob": -3.0},
    ],
    "words": [
        {"word": "A", "start": 0.25, "end": 0.5},
        {"word": "brown", "start": 0.5, "end": 1.0},
        {"word": "dog", "start": 1.0, "end": 1.75},
        {"word": "It", "start": 2.0, "end": 2.5},
        {"word": "runs", "start": 2.5, "end": 9.0},
    ],
}


@pytest.fixture
def api() -> Iterator[TranscriptionApi]:
    with serving() as found:
        found.answers = [Answer(SAID)]
        yield found


def recognizer(api: TranscriptionApi, key: str = "", **more: Any) -> OpenAiApi:
    return OpenAiApi(api.url, "some-model", key, LangcodesLanguages(), **{"wait_s": 0.001, **more})


def refused(api: TranscriptionApi, **more: Any) -> VidxError:
    with pytest.raises(VidxError) as caught:
        recognizer(api, "secret", **more).hear(SOUND, SPANS, "", no_progress)
    assert "secret" not in caught.value.message
    return caught.value


def test_segments_become_cues_with_their_words_at_the_sounds_own_times(api: TranscriptionApi) -> None:
    heard = recognizer(api).hear(SOUND, SPANS, "", no_progress)
    first, second = heard.cues
    assert heard.language == "en"
    assert (first.text, first.range) == ("A brown dog.", TimeRange(10 * SECOND, 12 * SECOND))
    assert [w.text for w in first.words] == ["A", "brown", "dog"]
    assert first.words[0].range == TimeRange(10_250_000_000, 10_500_000_000)
    assert first.confidence == pytest.approx(np.exp(-0.5))
    assert second.range == TimeRange(12 * SECOND, 14 * SECOND), "never beyond what was sent"


def test_it_is_asked_as_the_api_wants_it(api: TranscriptionApi) -> None:
    recognizer(api, "secret").hear(SOUND, SPANS, "de-AT", no_progress)
    (asked,) = api.asked
    assert asked.headers["Authorization"] == "Bearer secret"
    assert asked.fields == {
        "model": ["some-model"],
        "response_format": ["verbose_json"],
        "timestamp_granularities[]": ["word", "segment"],
        "temperature": ["0"],
        "language": ["de"],
    }
    assert (asked.samples, asked.rate) == (4 * RATE, RATE)


def test_neighbouring_speech_goes_in_one_request_and_long_silence_in_none(api: TranscriptionApi) -> None:
    spans = [Span(i * RATE, (i + 9) * RATE) for i in range(0, 150, 10)] + [Span(300 * RATE, 310 * RATE)]
    recognizer(api).hear(SOUND, spans, "", no_progress)
    assert [asked.samples // RATE for asked in api.asked] == [119, 29, 10]


@pytest.mark.parametrize(
    ("said", "texts", "words"),
    [
        ({"text": "Only text."}, ["Only text."], 0),
        ({"text": "", "segments": []}, [], 0),
        ({"text": "x", "language": "xx", "segments": [{"start": 0, "end": 1, "text": "x"}]}, ["x"], 0),
        (
            {
                "text": "x",
                "segments": [{"start": 0, "end": 1, "text": "x", "words": [{"word": "x", "start": 0, "end": 1}]}],
            },
            ["x"],
            1,
        ),
    ],
)
def test_servers_that_say_less_are_understood(
    api: TranscriptionApi, said: dict[str, object], texts: list[str], words: int
) -> None:
    api.answers = [Answer(said)]
    heard = recognizer(api).hear(SOUND, SPANS, "", no_progress)
    assert [c.text for c in heard.cues] == texts
    assert sum(len(c.words) for c in heard.cues) == words
    assert heard.language == ""


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(api: TranscriptionApi, status: int) -> None:
    api.answers = [Answer(b"busy", status), Answer(b"<html>", 200), Answer(SAID)]
    assert len(recognizer(api).hear(SOUND, SPANS, "", no_progress).cues) == 2
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("status", "kind", "tries"),
    [
        (401, Denied, 1),
        (404, NotFound, 1),
        (400, InvalidInput, 1),
        (413, InvalidInput, 1),
        (429, Exhausted, 3),
        (502, Unavailable, 3),
    ],
)
def test_a_refusal_is_named_by_its_cause(api: TranscriptionApi, status: int, kind: type[VidxError], tries: int) -> None:
    api.answers = [Answer({"error": {"message": "because of the moon"}}, status)]
    error = refused(api, attempts=3)
    assert type(error) is kind
    assert str(status) in error.message
    assert len(api.asked) == tries


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>hello</html>",
        b"",
        b"[]",
        {"segments": []},
        {"text": "x", "segments": [{"start": "soon", "end": 1, "text": "x"}]},
        {"text": "x", "segments": [{"start": -4, "end": 1, "text": "x"}]},
        b'{"text": "x", "segments": [{"start": NaN, "end": 1, "text": "x"}]}',
    ],
)
def test_garbage_is_no_transcript(api: TranscriptionApi, garbage: object) -> None:
    api.answers = [Answer(garbage)]
    error = refused(api, attempts=2)
    assert type(error) is Unavailable
    assert "something else than verbose_json" in error.message
    assert len(api.asked) == 2


def test_a_slow_server_times_out(api: TranscriptionApi) -> None:
    api.answers = [Answer(SAID, delay_s=1.0)]
    error = refused(api, timeout_s=0.1, attempts=2)
    assert type(error) is TimedOut
    assert "VIDX_TRANSCRIPTION_API_TIMEOUT_S" in error.message


def test_a_server_that_is_down_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    api = TranscriptionApi(f"http://127.0.0.1:{port}/v1")
    assert type(refused(api, attempts=2)) is Unavailable
