"""Captions by any vision-language server that speaks OpenAI's chat API, with httpx2. What it answers is data."""

import base64
import time
from collections.abc import Sequence
from typing import Annotated, Any

import httpx2 as httpx
import tenacity
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.captioning.ports import Candidate, View
from services.core.artifacts import digest
from services.core.errors import Denied, Exhausted, InvalidInput, NotFound, TimedOut, Unavailable, VidxError

MOST_BRIEF, MOST_DETAILED = 300, 2000
"""Characters that are kept."""
MOST_CANDIDATES = 5
MOST_BYTES = 1 << 20
"""Of an answer; more is no caption."""
MOST_TOKENS = 800
_CONNECT_S = 10.0
_TOLD = "Describe this shot as you were told, in JSON."


class _Caption(BaseModel):
    model_config = ConfigDict(extra="ignore")
    brief: str
    detailed: str = ""


class _Captions(BaseModel):
    model_config = ConfigDict(extra="ignore")
    candidates: Annotated[list[_Caption], Field(min_length=1, max_length=MOST_CANDIDATES)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    model_config = ConfigDict(extra="ignore")
    message: _Message
    finish_reason: str | None = None


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")
    choices: Annotated[list[_Choice], Field(min_length=1)]


_CAPTION_SCHEMA = {
    "type": "object",
    "properties": {"brief": {"type": "string"}, "detailed": {"type": "string"}},
    "required": ["brief", "detailed"],
    "additionalProperties": False,
}
_SCHEMA = {
    "type": "object",
    "properties": {"candidates": {"type": "array", "items": _CAPTION_SCHEMA}},
    "required": ["candidates"],
    "additionalProperties": False,
}
_FORMAT = {"type": "json_schema", "json_schema": {"name": "captions", "strict": True, "schema": _SCHEMA}}


class ChatCaptioner:
    """Implements `ports.Captioner`. `url` ends before /chat/completions; `pictures` of a shot are sent, 1 to 4.

    A question that failed is asked again up to `retries` times, but not one that took `timeout_s`.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key: str,
        prompt: str,
        *,
        pictures: int = 2,
        timeout_s: float = 60.0,
        retries: int = 2,
        wait_s: float = 0.5,
    ) -> None:
        self._url = url.rstrip("/") + "/chat/completions"
        self._model = model
        self._prompt = prompt
        self._pictures = pictures
        self._timeout_s = timeout_s
        self._schema = True
        """False once the server has shown that it does not take a schema."""
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            follow_redirects=False,
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_soon),
            wait=tenacity.wait_exponential_jitter(multiplier=wait_s, max=20),
            stop=tenacity.stop_after_attempt(retries + 1),
            reraise=True,
        )

    @property
    def model(self) -> str:
        return self._model

    @property
    def version(self) -> str:
        return f"chat:{self._model}:{digest(self._prompt, _TOLD, _SCHEMA)}:{self._pictures}"

    @property
    def pictures(self) -> int:
        return self._pictures

    def captions(self, view: View) -> Sequence[Candidate]:
        found: Sequence[Candidate] = self._retrying.copy()(self._ask, view.pictures)
        return found

    def _ask(self, pictures: Sequence[bytes]) -> Sequence[Candidate]:
        images = [{"type": "image_url", "image_url": {"url": _data_url(picture)}} for picture in pictures]
        question: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": self._prompt},
                {"role": "user", "content": [{"type": "text", "text": _TOLD}, *images]},
            ],
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
        }
        if self._schema:
            status, body = self._post({**question, "response_format": _FORMAT})
            if status not in (400, 422):
                return self._read(status, body)
        # Either the schema or the pictures were refused: only an answer without a schema tells.
        status, body = self._post(question)
        found = self._read(status, body)
        self._schema = False
        return found

    def _post(self, question: dict[str, Any]) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout_s
        body = bytearray()
        try:
            with self._client.stream("POST", self._url, json=question) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if time.monotonic() > deadline:
                        raise self._late()
                    if len(body) > MOST_BYTES:
                        raise Unavailable(f"the captioning server at {self._url} answers without end")
                return response.status_code, bytes(body)
        except httpx.TimeoutException as error:
            raise self._late() from error
        except httpx.HTTPError as error:
            raise Unavailable(f"the captioning server at {self._url} cannot be reached: {error}") from error

    def _late(self) -> TimedOut:
        return TimedOut(
            f"the captioning server at {self._url} did not answer within {self._timeout_s:g} s: raise "
            "VIDX_CAPTIONING_CHAT_TIMEOUT_S, or look at the server"
        )

    def _read(self, status: int, body: bytes) -> Sequence[Candidate]:
        if status != 200:
            raise self._refused(status, body)
        try:
            choice = _Answer.model_validate_json(body).choices[0]
            text = choice.message.content or ""
            if choice.message.refusal or choice.finish_reason == "content_filter":
                raise InvalidInput(f"the captioning server at {self._url} refuses to describe the shot")
            # Some put their JSON between fences or words, whatever they are told.
            answer = _Captions.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "body"
            raise Unavailable(
                f"the captioning server at {self._url} answered something else than captions ({where}: {first['msg']})"
            ) from error
        cleaned = [(_clean(one.brief, MOST_BRIEF), _clean(one.detailed, MOST_DETAILED)) for one in answer.candidates]
        found = tuple(Candidate(brief, detailed) for brief, detailed in cleaned if brief)
        if not found:
            raise Unavailable(f"the captioning server at {self._url} answered captions without a word")
        return found

    def _refused(self, status: int, body: bytes) -> VidxError:
        """The error for a status; what the server says is kept short, as it may be a whole page."""
        said = _clean(body[:300].decode("utf-8", "replace"), 300)
        where = f"the captioning server at {self._url} answered {status}"
        if status in (401, 403):
            return Denied(f"{where}: set VIDX_CAPTIONING_CHAT_KEY to a key that it takes")
        if status == 404:
            return NotFound(f"{where}: check VIDX_CAPTIONING_CHAT_URL, and that it has the model {self._model!r}")
        if status in (408, 425, 429):
            return Exhausted(f"{where}: too many requests, or out of quota ({said})")
        if 400 <= status < 500:
            return InvalidInput(f"{where}: it refuses the pictures ({said})")
        return Unavailable(f"{where} ({said})")


def _soon(error: BaseException) -> bool:
    """True when the same question may be answered when it is asked again at once."""
    return isinstance(error, VidxError) and error.retryable and not isinstance(error, TimedOut)


def _data_url(picture: bytes) -> str:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _clean(text: str, most: int) -> str:
    """On one line, without control characters, and no longer than `most` characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most].rstrip()
