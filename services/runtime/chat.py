"""One way to ask a server that speaks OpenAI's chat API, with httpx2: JSON answers, deadlines, retries, named errors.

What a server answers is data: it is read by whoever asked, bounded, and never shown at length.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import httpx2 as httpx
import tenacity
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.core.errors import Denied, Exhausted, InvalidInput, NotFound, TimedOut, Unavailable, VidxError

T = TypeVar("T")

MOST_BYTES = 1 << 20
"""Of an answer; more is none that anybody asked for."""
_CONNECT_S = 10.0
_BEYOND = re.compile(
    r"context[\s_-]*(length|size|window)|maximum context|max_model_len|too many tokens|tokens? must be"
    r"|prompt is too long|exceeds? the (available|maximum) context",
    re.IGNORECASE,
)
"""How servers (OpenAI's, vLLM, llama.cpp, TGI) say that a question is longer than their model's context."""


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


@dataclass(frozen=True)
class Form(Generic[T]):
    """What an answer is to look like: a JSON schema for the server, and what reads the JSON text.

    `read` raises ValueError (pydantic's is one) for something else. `tokens` is the longest answer.
    """

    name: str
    schema: dict[str, Any]
    tokens: int
    read: Callable[[str], T]


@dataclass(frozen=True)
class Server:
    """Where to ask, and how its people are told. `url` ends before /chat/completions."""

    url: str
    model: str
    key: str = ""
    who: str = "chat"
    """Names it in messages: "the captioning server"."""
    settings: str = "VIDX_CHAT"
    """What its settings begin with."""
    shorter: str = "send less"
    """What to do when its context is too small."""
    timeout_s: float = 60.0
    retries: int = 2
    wait_s: float = 0.5

    def __repr__(self) -> str:
        return f"Server({self.url}, {self.model})"


class Chat:
    """A question that failed is asked again up to `retries` times, but not one that took `timeout_s`.

    Any number of threads may ask.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._url = server.url.rstrip("/") + "/chat/completions"
        self._where = f"the {server.who} server at {self._url}"
        self._schema = True
        """False once the server has shown that it does not take a schema."""
        self._client = httpx.Client(
            timeout=httpx.Timeout(server.timeout_s, connect=min(server.timeout_s, _CONNECT_S)),
            headers={"Authorization": f"Bearer {server.key}"} if server.key else {},
            follow_redirects=False,
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_soon),
            wait=tenacity.wait_exponential_jitter(multiplier=server.wait_s, max=20),
            stop=tenacity.stop_after_attempt(server.retries + 1),
            reraise=True,
        )

    @property
    def model(self) -> str:
        return self._server.model

    def ask(self, system: str, content: str | list[dict[str, Any]], form: Form[T]) -> T:
        """An answer as the form wants it.

        Raises InvalidInput when the server refuses the question or it is longer than the model's context; Unavailable,
        TimedOut or Exhausted when it did not answer, or with something else; Denied or NotFound when it never will.
        """
        found: T = self._retrying.copy()(self._ask, system, content, form)
        return found

    def _ask(self, system: str, content: str | list[dict[str, Any]], form: Form[T]) -> T:
        question: dict[str, Any] = {
            "model": self._server.model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": content}],
            "temperature": 0,
            "max_tokens": form.tokens,
        }
        if self._schema:
            shape = {"name": form.name, "strict": True, "schema": form.schema}
            wanted = {"type": "json_schema", "json_schema": shape}
            status, body = self._post({**question, "response_format": wanted})
            if status not in (400, 422) or _beyond(body):
                return self._read(status, body, form)
        # Either the schema or the question was refused: only an answer without a schema tells.
        status, body = self._post(question)
        found = self._read(status, body, form)
        self._schema = False
        return found

    def _post(self, question: dict[str, Any]) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._server.timeout_s
        body = bytearray()
        try:
            with self._client.stream("POST", self._url, json=question) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if time.monotonic() > deadline:
                        raise self._late()
                    if len(body) > MOST_BYTES:
                        raise Unavailable(f"{self._where} answers without end")
                return response.status_code, bytes(body)
        except httpx.TimeoutException as error:
            raise self._late() from error
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._where} cannot be reached: {error}") from error

    def _late(self) -> TimedOut:
        s = self._server
        late = f"{self._where} did not answer within {s.timeout_s:g} s"
        return TimedOut(f"{late}: raise {s.settings}_TIMEOUT_S, or look at the server")

    def _read(self, status: int, body: bytes, form: Form[T]) -> T:
        if status != 200:
            raise self._refused(status, body)
        cut_off = False
        try:
            choice = _Answer.model_validate_json(body).choices[0]
            text = choice.message.content or ""
            if choice.message.refusal or choice.finish_reason == "content_filter":
                raise InvalidInput(f"{self._where} refuses to answer")
            cut_off = choice.finish_reason == "length"
            # Some put their JSON between fences or words, whatever they are told.
            return form.read(text[text.find("{") : text.rfind("}") + 1])
        except ValueError as error:
            why = f"cut off after {form.tokens} tokens" if cut_off else _why(error)
            raise Unavailable(f"{self._where} answered something else than {form.name} ({why})") from error

    def _refused(self, status: int, body: bytes) -> VidxError:
        """The error for a status; what the server says is kept short, as it may be a whole page."""
        said = clean(body[:300].decode("utf-8", "replace"), 300)
        s, where = self._server, f"{self._where} answered {status}"
        if status in (401, 403):
            return Denied(f"{where}: set {s.settings}_KEY to a key that it takes")
        if status == 404:
            return NotFound(f"{where}: check {s.settings}_URL, and that it has the model {s.model!r}")
        if status in (408, 425, 429):
            return Exhausted(f"{where}: too many requests, or out of quota ({said})")
        if status in (400, 413, 422) and _beyond(body):
            return InvalidInput(f"{where}: the question is longer than the model's context: {s.shorter} ({said})")
        if 400 <= status < 500:
            return InvalidInput(f"{where}: it refuses the question ({said})")
        return Unavailable(f"{where} ({said})")


def clean(text: str, most: int) -> str:
    """On one line, without control characters, and no longer than `most` characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most].rstrip()


def _soon(error: BaseException) -> bool:
    """True when the same question may be answered when it is asked again at once."""
    return isinstance(error, VidxError) and error.retryable and not isinstance(error, TimedOut)


def _beyond(body: bytes) -> bool:
    return bool(_BEYOND.search(body[:2000].decode("utf-8", "replace")))


def _why(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return clean(str(error), 100)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
