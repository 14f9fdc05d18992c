"""Titles, summaries and answers by any server that speaks OpenAI's chat API. What it answers is data."""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from string import Template
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.chaptering.domain.titles import MOST_WORDS
from services.chaptering.domain.tokens import tokens
from services.chaptering.ports import Written
from services.core.artifacts import digest
from services.core.errors import InvalidInput
from services.runtime.chat import Chat, Form, Server, clean

PROMPTS = ("titles", "summary", "answer")
MOST_TITLE, MOST_SENTENCE = 100, 500
"""Characters; a longer title is none, and of a longer sentence nothing is kept."""
MOST_SENTENCES = 60
MOST_ANSWER = 6
"""Sentences of an answer."""
REPLY = 1500
"""Tokens of the longest answer, which the context must hold as well; less in a small context."""
MARGIN = 100
"""Tokens of a question around its texts: the object that holds them, and the server's own marks."""
LEAST_ROOM = 200


class _Title(BaseModel):
    model_config = ConfigDict(extra="ignore")
    number: int
    title: str


class _Titles(BaseModel):
    model_config = ConfigDict(extra="ignore")
    titles: Annotated[list[_Title], Field(max_length=1000)]


class _Sentence(BaseModel):
    model_config = ConfigDict(extra="ignore")
    text: str
    passages: Annotated[list[int], Field(max_length=100)] = []


class _Sentences(BaseModel):
    model_config = ConfigDict(extra="ignore")
    sentences: Annotated[list[_Sentence], Field(max_length=MOST_SENTENCES)]


def _list(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    item = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {name: {"type": "array", "items": item}},
        "required": [name],
        "additionalProperties": False,
    }


_TITLES = _list("titles", {"number": {"type": "integer"}, "title": {"type": "string"}})
_SENTENCES = _list(
    "sentences", {"text": {"type": "string"}, "passages": {"type": "array", "items": {"type": "integer"}}}
)


def prompts() -> dict[str, str]:
    """The prompts by name, from the files beside this module; `$words` and `$sentences` are put in when asking."""
    folder = resources.files("services.chaptering") / "prompts"
    return {name: (folder / f"{name}.txt").read_text("utf-8") for name in PROMPTS}


class ChatWriter:
    """Implements `ports.Writer`. `context` is what the model's window holds in tokens, its answer included.

    Texts of videos are sent as strings of a JSON object, which nothing inside them can end, apart from the prompt.
    Raises InvalidInput for a context that has no room for texts.
    """

    def __init__(self, server: Server, context: int, prompts: Mapping[str, str]) -> None:
        self._chat = Chat(server)
        self._prompts = {name: Template(prompts[name]) for name in PROMPTS}
        self._version = f"chat:{server.model}:{context}:{digest(dict(prompts), _TITLES, _SENTENCES)}"
        self._reply = min(REPLY, context // 4)
        self._room = context - self._reply - MARGIN - max(tokens(text) for text in prompts.values())
        if self._room < LEAST_ROOM:
            least = context + LEAST_ROOM - self._room
            raise InvalidInput(f"{server.settings}_CONTEXT_TOKENS is {context}: too little to ask in, about {least}")

    @property
    def model(self) -> str:
        return self._chat.model

    @property
    def version(self) -> str:
        return self._version

    @property
    def room(self) -> int:
        return self._room

    def titles(self, texts: Sequence[str]) -> Sequence[str]:
        form = Form("titles", _TITLES, self._reply, lambda text: _Titles.model_validate_json(text).titles)
        given = self._ask("titles", {"chapters": _numbered(texts)}, form, words=MOST_WORDS)
        found = [""] * len(texts)
        for one in given:
            title = clean(one.title, MOST_TITLE + 1).strip(" \"'“”‘’«».,;:")
            if 1 <= one.number <= len(texts) and len(title) <= MOST_TITLE:
                found[one.number - 1] = found[one.number - 1] or title
        return found

    def summary(self, texts: Sequence[str], words: int, focus: str = "") -> Sequence[Written]:
        data = {"focus": focus} if focus else {}
        return self._sentences("summary", {**data, "passages": _numbered(texts)}, words=words)

    def answer(self, question: str, texts: Sequence[str]) -> Sequence[Written]:
        return self._sentences("answer", {"question": question, "passages": _numbered(texts)}, sentences=MOST_ANSWER)

    def _sentences(self, name: str, data: Mapping[str, object], **values: object) -> Sequence[Written]:
        form = Form(name, _SENTENCES, self._reply, lambda text: _Sentences.model_validate_json(text).sentences)
        cleaned = [(clean(one.text, MOST_SENTENCE + 1), one.passages) for one in self._ask(name, data, form, **values)]
        return [
            Written(text, tuple(dict.fromkeys(number - 1 for number in numbers)))
            for text, numbers in cleaned
            if 1 <= len(text) <= MOST_SENTENCE
        ]

    def _ask(self, name: str, data: Mapping[str, object], form: Form[Any], **values: object) -> Any:
        return self._chat.ask(self._prompts[name].substitute(values), json.dumps(data, ensure_ascii=False), form)


def _numbered(texts: Sequence[str]) -> dict[str, str]:
    return {str(number): text for number, text in enumerate(texts, 1)}
