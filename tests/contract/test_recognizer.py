"""What every recognizer keeps to, whatever it hears: PocketSphinx, Whisper, a server, the fake."""

import functools
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.core.errors import Cancelled, InvalidInput
from services.core.jobs import no_progress
from services.runtime.sandbox import Sandbox
from services.transcription.domain.sound import RATE, Samples, Span, range_of
from services.transcription.langcodes import LangcodesLanguages
from services.transcription.openai_api import OpenAiApi
from services.transcription.pocketsphinx import PocketSphinx
from services.transcription.ports import Heard, Recognizer
from tests.fakes.transcription import FakeRecognizer, speech
from tests.media.sounds import babble, band, noise
from tests.media.whisper import tiny_whisper
from tests.servers import transcription_api
from tests.servers.transcription_api import Answer, Asked

KINDS = ("fake", "pocketsphinx", "openai_api", "faster_whisper")
SPANS = [Span(RATE // 2, 3 * RATE), Span(4 * RATE, 6 * RATE + 77)]


def answer(asked: Asked) -> Answer:
    """Two segments with words; the second says that it ends after the sound does."""
    length = asked.samples / asked.rate
    words = [{"word": w, "start": i * length / 2, "end": (i + 1) * length} for i, w in enumerate(("one", "two"))]
    segments = [{"start": w["start"], "end": w["end"], "text": w["word"], "avg_logprob": -0.1} for w in words]
    return Answer({"text": "one two", "language": "english", "segments": segments, "words": words})


@pytest.fixture(scope="module")
def recognizers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Recognizer]]:
    found: dict[str, Recognizer] = {"fake": FakeRecognizer()}
    with Sandbox(2, 4 << 30) as sandbox, transcription_api.serving() as api:
        api.answers = [answer]
        found["pocketsphinx"] = PocketSphinx(sandbox)
        found["openai_api"] = OpenAiApi(api.url, "m", "", LangcodesLanguages())
        try:
            from services.transcription.faster_whisper import FasterWhisper
        except Exception:
            pass
        else:
            found["faster_whisper"] = FasterWhisper(tiny_whisper(tmp_path_factory.mktemp("whisper")))
        yield found


@pytest.fixture(params=KINDS)
def recognizer(request: pytest.FixtureRequest, recognizers: dict[str, Recognizer]) -> Recognizer:
    if request.param not in recognizers:
        pytest.skip("faster-whisper is not installed")
    return recognizers[request.param]


@functools.cache
def sound(seed: int = 0) -> Samples:
    found = babble(7, seed)
    found[: RATE // 2] = speech([Span(0, 100)], RATE // 2)
    return found


def hear(recognizer: Recognizer, samples: Samples, spans: list[Span]) -> Heard:
    return recognizer.hear(samples, spans, "", no_progress)


def test_everything_lies_within_the_speech_that_was_given(recognizer: Recognizer) -> None:
    heard = hear(recognizer, sound(), SPANS)
    assert heard.cues
    whole = range_of(Span(SPANS[0].start, SPANS[-1].end))
    for piece in [*heard.cues, *(word for cue in heard.cues for word in cue.words)]:
        assert whole.start <= piece.range.start < piece.range.end <= whole.end
        assert 0 <= piece.confidence <= 1
        assert piece.text.strip() == piece.text != ""
    assert heard.language == "en"


def test_the_same_sound_gives_the_same_words_whatever_was_heard_before(recognizer: Recognizer) -> None:
    first = hear(recognizer, sound(), SPANS)
    hear(recognizer, noise(7), SPANS)
    hear(recognizer, band(7), [Span(0, 7 * RATE)])
    assert hear(recognizer, sound(), SPANS) == first


def test_several_threads_hear_what_one_does(recognizer: Recognizer) -> None:
    sounds = [sound(seed) for seed in range(3)]
    alone = [hear(recognizer, each, SPANS) for each in sounds]
    found: dict[int, Heard] = {}
    threads = [
        threading.Thread(target=lambda i=i: found.update({i: hear(recognizer, sounds[i], SPANS)}))
        for i in range(len(sounds))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(len(sounds))] == alone


def test_no_speech_is_no_words(recognizer: Recognizer) -> None:
    assert hear(recognizer, sound(), []).cues == ()


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.int16), np.full(RATE, -32768, np.int16), noise(1)])
def test_any_sound_can_be_heard(recognizer: Recognizer, samples: Samples) -> None:
    for span in (Span(0, 1), Span(0, 200), Span(0, len(samples))):
        cues = hear(recognizer, samples, [span]).cues
        assert all(cue.text.strip() and 0 <= cue.confidence <= 1 for cue in cues)


def test_what_is_no_longer_wanted_stops(recognizer: Recognizer) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped by a person")

    with pytest.raises(Cancelled):
        recognizer.hear(sound(), SPANS, "", stop)


def test_its_version_names_it(recognizers: dict[str, Recognizer]) -> None:
    versions = [recognizer.version for recognizer in recognizers.values()]
    assert len(set(versions)) == len(versions)
    assert all(recognizer.longest >= 10 * RATE for recognizer in recognizers.values())


def test_a_language_that_it_does_not_know_is_refused(recognizers: dict[str, Recognizer]) -> None:
    with pytest.raises(InvalidInput) as caught:
        recognizers["pocketsphinx"].hear(sound(), SPANS, "de", no_progress)
    assert list(caught.value.fields) == ["language"]
    assert recognizers["pocketsphinx"].hear(sound(), SPANS, "en-GB", no_progress).language == "en"


def test_a_whisper_model_without_its_tokenizer_is_refused_instead_of_looked_for(tmp_path: Path) -> None:
    faster_whisper = pytest.importorskip("services.transcription.faster_whisper")
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(Exception, match=r"tokenizer\.json"):
        faster_whisper.FasterWhisper(tmp_path)
