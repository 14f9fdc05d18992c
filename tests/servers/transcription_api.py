"""A local server of OpenAI's transcription API that answers as it is told, and keeps what it was asked."""

import io
import json
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/v1/audio/transcriptions"


@dataclass
class Asked:
    """One request: its headers, its fields, and how many samples of sound it brought."""

    headers: dict[str, str]
    fields: dict[str, list[str]]
    samples: int
    rate: int


@dataclass
class Answer:
    """What to answer. `body` may be bytes, or anything that JSON can hold."""

    body: Any
    status: int = 200
    delay_s: float = 0.0


@dataclass
class TranscriptionApi:
    """The server. `answers` are given in turn, the last one for ever."""

    url: str = ""
    answers: list[Answer | Callable[[Asked], Answer]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, asked: Asked) -> Answer:
        with self.lock:
            self.asked.append(asked)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(asked) if callable(answer) else answer


@contextmanager
def serving() -> Iterator[TranscriptionApi]:
    """A server on a free loopback port."""
    api = TranscriptionApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            answer = Answer(b"not here", 404) if self.path != PATH else api.next(_parsed(dict(self.headers), data))
            if answer.delay_s:
                time.sleep(answer.delay_s)
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            try:
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                # The client has given up waiting.
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _parsed(headers: dict[str, str], data: bytes) -> Asked:
    """The form, read as the mail message that multipart/form-data is."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + data)
    fields: dict[str, list[str]] = {}
    samples = rate = 0
    for part in message.iter_parts():  # type: ignore[attr-defined]
        name = str(part.get_param("name", header="content-disposition"))
        if name == "file":
            with wave.open(io.BytesIO(part.get_payload(decode=True))) as sound:
                samples, rate = sound.getnframes(), sound.getframerate()
        else:
            fields.setdefault(name, []).append(part.get_payload(decode=True).decode())
    return Asked(headers, fields, samples, rate)
