"""Every `chaptering.ports.Writer` behaves alike."""

from collections.abc import Iterator

import pytest

from services.chaptering.chat import ChatWriter, prompts
from services.chaptering.ports import Writer
from services.core.errors import Unavailable
from services.runtime.chat import Server
from tests.fakes.chaptering import FakeWriter
from tests.servers.chat import ChatServer, chat_server

TEXTS = ["Bees dance in the dark.", "The hive is warm.", "It is cold.", "Smoke calms them."]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as found:
        yield found


@pytest.fixture(params=["fake", "chat"])
def writer(request: pytest.FixtureRequest, server: ChatServer) -> Writer:
    if request.param == "fake":
        return FakeWriter()
    return ChatWriter(Server(server.url, "lm", retries=0, timeout_s=10), 4096, prompts())


def test_it_has_a_name_a_version_and_room(writer: Writer) -> None:
    assert writer.model
    assert writer.version
    assert writer.room > 0


def test_every_text_has_a_place_for_its_title(writer: Writer) -> None:
    found = writer.titles(TEXTS)
    assert len(found) == len(TEXTS)
    assert found[0].startswith("Bees dance in")


def test_sentences_name_their_texts_by_places_from_nothing(writer: Writer) -> None:
    for found in (writer.summary(TEXTS, 60), writer.summary(TEXTS, 60, "bees"), writer.answer("Where?", TEXTS)):
        assert [(w.text, w.places) for w in found] == [(TEXTS[0], (0,)), (TEXTS[3], (3,))]


def test_one_that_does_not_answer_is_unavailable(writer: Writer, server: ChatServer) -> None:
    server.mode = "down"
    if isinstance(writer, FakeWriter):
        writer.faults = [Unavailable("down")] * 3
    for ask in (lambda: writer.titles(TEXTS), lambda: writer.summary(TEXTS, 60), lambda: writer.answer("?", TEXTS)):
        with pytest.raises(Unavailable):
            ask()


def test_the_version_changes_with_the_model_the_prompts_and_the_room(server: ChatServer) -> None:
    def version(model: str = "lm", context: int = 4096, more: str = "") -> str:
        asked = {name: prompt + more for name, prompt in prompts().items()}
        return ChatWriter(Server(server.url, model), context, asked).version

    assert len({version(), version("other"), version(context=8192), version(more="\n- Be kind.")}) == 4
    assert version() == version()
