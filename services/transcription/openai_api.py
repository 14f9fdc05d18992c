"""Speech recognition by any server that speaks OpenAI's transcription API, with httpx2."""

import io
import math
import wave
from collections.abc import Iterator, Sequence

import httpx2 as httpx
import tenacity
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.core.errors import Denied, Exhausted, InvalidInput, NotFound, TimedOut, Unavailable, VidxError
from services.core.jobs import Progress
from services.core.text import Cue, Word
from services.core.times import TimeRange, from_seconds
from services.transcription.domain.sound import RATE, Samples, Span, range_of
from services.transcription.ports import Heard, Languages

LONGEST = 30 * RATE
"""Whisper's models hear as much at once."""
REQUEST = 120 * RATE
"""Samples of a request, about: few requests, and an answer comes before the timeout."""
GAP = 5 * RATE
"""Samples of silence that a request does not bridge; servers make words up in long silence."""
_CONNECT_S = 10.0


class _Word(BaseModel):
    model_config = ConfigDict(extra="ignore")
    word: str
    start: float = Field(ge=0, allow_inf_nan=False)
    end: float = Field(ge=0, allow_inf_nan=False)
    probability: float | None = None


class _Segment(BaseModel):
    model_config = ConfigDict(extra="ignore")
    text: str
    start: float = Field(ge=0, allow_inf_nan=False)
    end: float = Field(ge=0, allow_inf_nan=False)
    avg_logprob: float | None = None
    words: list[_Word] | None = None


class _Answer(BaseModel):
    """`verbose_json`; some servers put the words into the segments."""

    model_config = ConfigDict(extra="ignore")
    text: str
    language: str | None = None
    segments: list[_Segment] | None = None
    words: list[_Word] | None = None


class OpenAiApi:
    """Implements `ports.Recognizer`. `url` ends before /audio/transcriptions."""

    def __init__(
        self,
        url: str,
        model: str,
        key: str,
        languages: Languages,
        *,
        timeout_s: float = 120.0,
        attempts: int = 4,
        wait_s: float = 0.5,
    ) -> None:
        self._url = url.rstrip("/") + "/audio/transcriptions"
        self._model = model
        self._languages = languages
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            follow_redirects=False,
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, VidxError) and error.retryable),
            wait=tenacity.wait_random_exponential(multiplier=wait_s, max=20),
            stop=tenacity.stop_after_attempt(attempts),
            reraise=True,
        )

    @property
    def version(self) -> str:
        return f"{self._url} {self._model}"

    @property
    def longest(self) -> int:
        return LONGEST

    def hear(self, samples: Samples, spans: Sequence[Span], language: str, progress: Progress) -> Heard:
        cues: list[Cue] = []
        found = language
        for done, span in enumerate(requests := list(_requests(spans))):
            progress(done, len(requests))
            answer = self._retrying.copy()(self._ask, _wav(samples[span.start : span.end]), language)
            found = found or self._languages.tag(answer.language or "")
            cues += _cues(answer, span)
        progress(len(requests), len(requests))
        return Heard(found, tuple(cues))

    def _ask(self, sound: bytes, language: str) -> _Answer:
        form = {
            "model": self._model,
            "response_format": "verbose_json",
            "timestamp_granularities[]": ["word", "segment"],
            "temperature": "0",
            **({"language": language.split("-")[0]} if language else {}),
        }
        try:
            response = self._client.post(self._url, data=form, files={"file": ("speech.wav", sound, "audio/wav")})
        except httpx.TimeoutException as error:
            raise TimedOut(
                f"the transcription server at {self._url} did not answer within {self._timeout_s:.0f} s: raise "
                "VIDX_TRANSCRIPTION_API_TIMEOUT_S, or look at the server"
            ) from error
        except httpx.HTTPError as error:
            raise Unavailable(f"the transcription server at {self._url} cannot be reached: {error}") from error
        if response.status_code != 200:
            raise _refused(self._url, self._model, response)
        try:
            return _Answer.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors()[0]
            raise Unavailable(
                f"the transcription server at {self._url} answered something else than verbose_json "
                f"({'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']})"
            ) from error


def _refused(url: str, model: str, response: httpx.Response) -> VidxError:
    """The error for a status; what the server says is kept short, as it may be a whole page."""
    status = response.status_code
    said = " ".join(response.text[:300].split())
    where = f"the transcription server at {url} answered {status}"
    if status in (401, 403):
        return Denied(f"{where}: set VIDX_TRANSCRIPTION_API_KEY to a key that it takes")
    if status == 404:
        return NotFound(f"{where}: check VIDX_TRANSCRIPTION_API_URL, and that it has the model {model!r} ({said})")
    if status in (408, 425, 429):
        return Exhausted(f"{where}: too many requests, or out of quota ({said})")
    if status >= 500:
        return Unavailable(f"{where} ({said})")
    return InvalidInput(f"{where}: it refuses the request ({said})")


def _requests(spans: Sequence[Span]) -> Iterator[Span]:
    """Neighbouring spans together, in stretches of about REQUEST samples."""
    now: Span | None = None
    for span in spans:
        if now is not None and span.end - now.start <= REQUEST and span.start - now.end <= GAP:
            now = Span(now.start, span.end)
            continue
        if now is not None:
            yield now
        now = span
    if now is not None:
        yield now


def _wav(samples: Samples) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def _cues(answer: _Answer, span: Span) -> list[Cue]:
    """Cues of an answer; one without segments is a single cue as long as what was sent."""
    whole = range_of(span)
    if answer.segments is None:
        return [Cue(whole, answer.text.strip(), 1.0)] if answer.text.strip() else []
    rest = list(answer.words or [])
    found = []
    for i, segment in enumerate(answer.segments):
        own = segment.words
        if own is None:
            # A word belongs to the segment in which its middle lies; the last takes what is left.
            last = i + 1 == len(answer.segments)
            count = next(
                (n for n, w in enumerate(rest) if not last and (w.start + w.end) / 2 >= segment.end), len(rest)
            )
            own, rest = rest[:count], rest[count:]
        confidence = min(1.0, math.exp(min(0.0, segment.avg_logprob))) if segment.avg_logprob is not None else 1.0
        words = tuple(
            Word(
                _within(whole, word.start, word.end),
                word.word.strip(),
                confidence if word.probability is None else min(1.0, max(0.0, word.probability)),
            )
            for word in own
            if word.word.strip()
        )
        if segment.text.strip():
            found.append(Cue(_within(whole, segment.start, segment.end), segment.text.strip(), confidence, words))
    return found


def _within(whole: TimeRange, start: float, end: float) -> TimeRange:
    """Seconds from the range's start as a time inside it that is not empty."""
    begin = min(whole.start + from_seconds(min(start, 1e6)), whole.end - 1)
    return TimeRange(begin, max(begin + 1, min(whole.start + from_seconds(min(end, 1e6)), whole.end)))
