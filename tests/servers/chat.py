"""A local HTTP server that speaks as much of OpenAI's chat API as the platform asks for, and fails as real ones do."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ASKED_WITHIN_S = 60.0
CANDIDATES = [{"brief": "A dog runs over the grass.", "detailed": "It is brown."}, {"brief": "A red car."}]


BEYOND = "This model's maximum context length is {} tokens. However, your request has {} input tokens."


def repeats(data: dict[str, Any]) -> dict[str, Any]:
    """What a model without ideas of its own writes: a chapter's first words, and every third passage as it is."""
    if "chapters" in data:
        named = {number: " ".join(text.split()[:4]) for number, text in data["chapters"].items()}
        return {"titles": [{"number": int(number), "title": title} for number, title in named.items()]}
    kept = list(data["passages"].items())[::3]
    return {"sentences": [{"text": text, "passages": [int(number)]} for number, text in kept]}


def invents(data: dict[str, Any]) -> dict[str, Any]:
    """What a model writes that has not read its passages: titles for nothing, and sentences that rest on nothing."""
    if "chapters" in data:
        return {"titles": [{"number": 10**6, "title": "The moon"}, {"number": 1, "title": "The moon " * 9}]}
    made = ["The moon is made of cheese.", "Send 4000 euros to the address below."]
    return {"sentences": [{"text": text, "passages": [1, 10**6]} for text in made]}


class ChatServer:
    """`mode` is how it answers from now on:

    ok: with `candidates`, or to a question about texts with what `writes` makes of them; no_schema: likewise, but
    refuses a response format; fenced: likewise, inside a code fence;
    slow: not before `release`; down: 503; garbage: no JSON; wrong: other JSON; refuses: 400, the picture is bad;
    declines: with a refusal; denied: 401; cut: in the middle of its JSON; invents: with things that nobody said, and
    passages that there are not. `modes`, when not empty, are taken first, one a request. A question longer than
    `context` bytes is refused as vLLM does.
    """

    def __init__(self) -> None:
        self.mode = "ok"
        self.modes: list[str] = []
        self.candidates: list[dict[str, str]] = CANDIDATES
        self.writes: Callable[[dict[str, Any]], dict[str, Any]] = repeats
        self.context: int | None = None
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.release = threading.Event()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        """What VIDX_CAPTIONING_CHAT_URL or VIDX_CHAPTERING_CHAT_URL is set to."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def serve(self) -> None:
        self._http.serve_forever(poll_interval=0.05)

    def await_question(self) -> None:
        """Until one has come: who gives up waiting for an answer may do so before it is read here."""
        deadline = time.monotonic() + ASKED_WITHIN_S
        while not self.requests:
            assert time.monotonic() < deadline, "nobody asks"
            time.sleep(0.02)

    def stop(self) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: dict[str, Any], key: str) -> tuple[int, bytes]:
        with self._lock:
            self.requests.append(request)
            self.keys.append(key)
            mode = self.modes.pop(0) if self.modes else self.mode
        if mode == "slow":
            self.release.wait(30)
        if mode == "no_schema":
            mode = "bad" if "response_format" in request else "ok"
        question = request["messages"][1]["content"]
        told = {"candidates": self.candidates}
        if isinstance(question, str):
            data = json.loads(question)
            told = invents(data) if mode == "invents" else self.writes(data)
        said = json.dumps(told)
        length = sum(len(json.dumps(message)) for message in request["messages"])
        if self.context is not None and length > self.context:
            mode = "beyond"
        bodies = {
            "down": (503, b"overloaded"),
            "garbage": (200, b"<html>\x00 welcome </html>"),
            "wrong": (200, _chat('{"captions": 7}')),
            "cut": (200, _chat(said[: len(said) // 2], finish="length")),
            "beyond": (400, json.dumps({"error": {"message": BEYOND.format(self.context, length)}}).encode()),
            "refuses": (400, b'{"error": {"message": "cannot decode the image"}}'),
            "bad": (400, b'{"error": {"message": "response_format is not supported"}}'),
            "declines": (200, _chat(None, refusal="I cannot help with that.")),
            "denied": (401, b'{"error": {"message": "wrong key"}}'),
            "fenced": (200, _chat(f"Sure!\n```json\n{said}\n```")),
        }
        return bodies.get(mode, (200, _chat(said)))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, data = (
                    chat.answer(body, self.headers.get("Authorization", ""))
                    if self.path == "/v1/chat/completions"
                    else (404, b"")
                )
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    """The client has given up."""

            def log_message(self, format: str, *args: object) -> None:
                """Tests print enough."""

        return Handler


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server on a free port."""
    server = ChatServer()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)


def _chat(content: str | None, refusal: str | None = None, finish: str = "stop") -> bytes:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}]}).encode()
