"""What every captioner does, whatever it asks: the built-in one, a chat server, a model on Triton."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest

from services.captioning.chat import ChatCaptioner
from services.captioning.classes import ClassCaptioner
from services.captioning.ports import Captioner, View
from services.captioning.triton import TritonCaptioner
from services.core.errors import Unavailable
from services.core.vectors import FrameClasses
from services.packs.manifest import Captioner as Role
from services.runtime.triton import Array
from tests.fakes.captioning import picture
from tests.servers.chat import chat_server

CLASSES = FrameClasses(np.array([["tabby cat", "lynx"]]), np.array([[0.9, 0.05]], np.float32))
SHOT = View((picture(10), picture(200)), CLASSES, (1.0,))
NOTHING = View((), None, ())
ROLE = Role(
    technology="triton", model="captioner", version="1", input="image", output="text", height=32, width=48, prompt="p"
)


class Served:
    """Stands for `runtime.triton.Triton`: answers a text a picture with control characters in it."""

    down = False

    def infer(self, model: str, inputs: dict[str, Array], *, version: str = "") -> dict[str, Array]:
        if self.down:
            raise Unavailable("Triton does not answer")
        image = inputs["image"]
        assert (model, version, image.shape[1:], image.dtype) == ("captioner", "1", (32, 48, 3), np.uint8)
        texts = [[f"A dog\x07 number {i}.\nIt is brown.".encode()] for i in range(len(image))]
        return {"text": np.array(texts, object)}


@dataclass
class Case:
    """A captioner, and how to make its server fail."""

    captioner: Captioner
    fail: object = None


@pytest.fixture(params=["classes", "chat", "triton"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with ExitStack() as stack:
        if request.param == "classes":
            yield Case(ClassCaptioner())
        elif request.param == "chat":
            server = stack.enter_context(chat_server())
            server.candidates = [{"brief": "A dog\u0007\nruns.", "detailed": "x" * 9999}]
            chat = ChatCaptioner(server.url, "m", "", "prompt", retries=0, timeout_s=10)
            yield Case(chat, lambda: setattr(server, "mode", "down"))
        else:
            served = Served()
            captioner = TritonCaptioner(served, ROLE, 10_000)  # type: ignore[arg-type]
            yield Case(captioner, lambda: setattr(served, "down", True))


def test_it_gives_captions_of_one_plain_line(case: Case) -> None:
    found = case.captioner.captions(SHOT)
    assert found
    for candidate in found:
        assert candidate.brief
        assert all(text == "" or text.isprintable() for text in (candidate.brief, candidate.detailed))
        assert len(candidate.brief) <= 300
        assert len(candidate.detailed) <= 2000
        assert candidate.confidence is None or 0 <= candidate.confidence <= 1


def test_it_says_the_same_of_the_same_shot(case: Case) -> None:
    assert list(case.captioner.captions(SHOT)) == list(case.captioner.captions(SHOT))


def test_it_names_itself(case: Case) -> None:
    captioner = case.captioner
    assert captioner.model
    assert captioner.version
    assert 0 <= captioner.pictures <= 4
    assert (captioner.model, captioner.version) == (case.captioner.model, case.captioner.version)


def test_a_server_that_is_down_is_unavailable(case: Case) -> None:
    if case.fail is None:
        assert case.captioner.captions(NOTHING) == ()
        return
    case.fail()  # type: ignore[operator]
    with pytest.raises(Unavailable):
        case.captioner.captions(SHOT)
