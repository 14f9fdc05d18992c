"""What is asked of a Triton's models, and what its answers say of their health."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.packs import probe, serve
from services.packs.probe import Probe

CONFIGS = {
    "see": {
        "name": "see",
        "max_batch_size": 4,
        "input": [{"name": "image", "data_type": "TYPE_UINT8", "dims": ["2", "3", "3"]}],
    },
    "read": {
        "name": "read",
        "max_batch_size": 0,
        "input": [{"name": n, "data_type": "TYPE_INT64", "dims": [1, -1]} for n in ("ids", "mask")],
    },
}
DEAD = (500, {"error": "Stub process 'see_0_0' is not healthy."})
FULL = (503, {"error": "Exceeds maximum queue size"})
LATE_S = 0.5
"""Longer than a busy machine needs for an answer that comes."""


class FakeTriton:
    """A server's HTTP door, with an answer for each model's inferences; None is no answer until it closes."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object] | None] = dict.fromkeys(CONFIGS, (200, {}))
        self.asked: list[tuple[str, bytes, int]] = []
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200, CONFIGS[self.path.split("/")[3]])

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v2/repository/index":
                    self.answer(200, [{"name": name, "version": "1", "state": "READY"} for name in CONFIGS])
                    return
                model = self.path.split("/")[3]
                outer.asked.append((model, body, int(self.headers["Inference-Header-Content-Length"])))
                answer = outer.answers[model]
                if answer is None:
                    outer.closing.wait(30)
                else:
                    self.answer(*answer)

            def answer(self, status: int, message: object) -> None:
                data = json.dumps(message).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def triton() -> Iterator[FakeTriton]:
    found = FakeTriton()
    yield found
    found.close()


def test_every_model_is_asked_for_the_smallest_inference_that_it_takes(triton: FakeTriton) -> None:
    for each in probe.of_models(triton.port, 60):
        assert each.send(triton.port, 60) == ("well", "")
    (see, pixels, at), (read, tokens, end) = triton.asked
    assert (see, read) == ("see", "read")
    assert pixels[at:] == b"\1" * 18
    assert tokens[end:] == (b"\1" + b"\0" * 7) * 2
    assert [i["shape"] for i in json.loads(pixels[:at])["inputs"]] == [[1, 2, 3, 3]]
    assert [i["shape"] for i in json.loads(tokens[:end])["inputs"]] == [[1, 1], [1, 1]]


@pytest.mark.parametrize(("answer", "health"), [(DEAD, "dead"), (FULL, "well"), (None, "late")])
def test_only_what_triton_says_of_its_process_is_death(triton: FakeTriton, answer: object, health: str) -> None:
    triton.answers["see"] = answer  # type: ignore[assignment]
    within_s = 0.2 if answer is None else 60
    assert Probe("see", b"{}", b"").send(triton.port, within_s)[0] == health


def test_a_dead_model_is_a_fault_at_once_and_is_named(triton: FakeTriton) -> None:
    watch = serve.Watch(triton.port, lambda: 0.0)
    assert [watch.fault() for _ in CONFIGS] == ["", ""]
    triton.answers["see"] = DEAD
    said = [watch.fault() for _ in CONFIGS]
    assert said[0].startswith("see is dead: ")
    assert "not healthy" in said[0]
    assert said[1] == ""


def looks(triton: FakeTriton, spent: Iterator[float], count: int) -> list[bool]:
    watch = serve.Watch(triton.port, lambda: next(spent))
    assert watch.fault() == ""
    triton.answers["read"] = None
    return [sum(bool(watch.fault()) for _ in CONFIGS) > 0 for _ in range(count)]


def test_an_idle_model_that_does_not_answer_is_a_fault_after_some_looks(
    triton: FakeTriton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "DEADLINE_S", LATE_S)
    assert looks(triton, iter([7.0] * 9), 3) == [False, False, True]


def test_a_busy_model_may_be_late_for_ever(triton: FakeTriton, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "DEADLINE_S", LATE_S)
    assert not any(looks(triton, iter(range(1, 9)), 6))


def test_one_answer_in_between_starts_the_count_again() -> None:
    patience = serve.Patience()
    seen = []
    for _ in range(4):
        seen += [patience.missed(1.0), patience.missed(1.0)]
        patience.answered()
    assert not any(seen)


def test_a_server_that_is_loading_is_waited_for_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    triton = FakeTriton()
    triton.close()
    watch = serve.Watch(triton.port, lambda: 0.0)
    assert [watch.fault() for _ in range(5)] == [""] * 5
    monkeypatch.setattr(serve, "START_S", -1.0)
    assert watch.fault().startswith("not ready after")
