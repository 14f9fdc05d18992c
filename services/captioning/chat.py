"""Captions by any vision-language server that speaks OpenAI's chat API. What it answers is data."""

import base64
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.captioning.ports import Candidate, View
from services.core.artifacts import digest
from services.runtime.chat import Chat, Form, Server, clean

MOST_BRIEF, MOST_DETAILED = 300, 2000
"""Characters that are kept."""
MOST_CANDIDATES = 5
MOST_TOKENS = 800
_TOLD = "Describe this shot as you were told, in JSON."


class _Caption(BaseModel):
    model_config = ConfigDict(extra="ignore")
    brief: str
    detailed: str = ""


class _Captions(BaseModel):
    model_config = ConfigDict(extra="ignore")
    candidates: Annotated[list[_Caption], Field(min_length=1, max_length=MOST_CANDIDATES)]


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
        prefix = "VIDX_CAPTIONING_CHAT"
        shorter = f"lower {prefix}_FRAMES"
        self._chat = Chat(Server(url, model, key, "captioning", prefix, shorter, timeout_s, retries, wait_s))
        self._prompt = prompt
        self._pictures = pictures

    @property
    def model(self) -> str:
        return self._chat.model

    @property
    def version(self) -> str:
        return f"chat:{self.model}:{digest(self._prompt, _TOLD, _SCHEMA)}:{self._pictures}"

    @property
    def pictures(self) -> int:
        return self._pictures

    def captions(self, view: View) -> Sequence[Candidate]:
        images = [{"type": "image_url", "image_url": {"url": _data_url(picture)}} for picture in view.pictures]
        form = Form("captions", _SCHEMA, MOST_TOKENS, _read)
        return self._chat.ask(self._prompt, [{"type": "text", "text": _TOLD}, *images], form)


def _read(text: str) -> Sequence[Candidate]:
    answer = _Captions.model_validate_json(text)
    cleaned = [(clean(one.brief, MOST_BRIEF), clean(one.detailed, MOST_DETAILED)) for one in answer.candidates]
    found = tuple(Candidate(brief, detailed) for brief, detailed in cleaned if brief)
    if not found:
        raise ValueError("captions without a word")
    return found


def _data_url(picture: bytes) -> str:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
