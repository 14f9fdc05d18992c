"""Questions answered over the search service's own door, with its ports in memory behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from services.chaptering.answering import Answering
from services.chaptering.search_client import NoSearch, SearchClient
from services.core.errors import Conflict, InvalidInput, Unavailable
from services.core.text import Track
from services.core.times import SECOND, TimeRange
from services.runtime import grpc_client
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from services.search import rpc
from tests.fakes.chaptering import FakeEncoder
from tests.fakes.search_world import AXES, World, near, said

PARENT = "collections/films"
QUESTION = "axis 1"
STILL = np.stack([AXES[0]] * 8)


@dataclass
class Place:
    """A search service, and what asks it."""

    world: World
    moments: SearchClient
    answering: Answering


@pytest.fixture
def place() -> Iterator[Place]:
    world = World()
    server = create_server(ServerSettings(drain_s=0), [(rpc.DESCRIPTOR, rpc.register(world.service))])
    with grpc_client.channel(f"127.0.0.1:{server.port}") as channel:
        moments = SearchClient(channel, 10)
        yield Place(world, moments, Answering(moments, FakeEncoder()))
    server.stop()


def test_an_answer_is_the_texts_that_match_with_their_places(place: Place) -> None:
    place.world.add("a", STILL, 4, passages=[said(1, 2, "Bees dance.", 1), said(5, 6, "Bread cools.", 2)])
    place.world.add("b", STILL, 4, passages=[said(3, 4, "They dance in the dark.", 1, Track.ON_SCREEN_TEXT)])
    answer = place.answering.answer(PARENT, QUESTION)
    cited = {s.text: [(c.video, c.range, c.text) for c in s.citations] for s in answer.sentences}
    assert cited == {
        "Bees dance.": [(f"{PARENT}/videos/a", TimeRange(SECOND, 2 * SECOND), "Bees dance.")],
        "They dance in the dark.": [
            (f"{PARENT}/videos/b", TimeRange(3 * SECOND, 4 * SECOND), "They dance in the dark.")
        ],
    }


def test_only_the_videos_that_are_named_answer(place: Place) -> None:
    for name in ("a", "b"):
        place.world.add(name, STILL, 4, passages=[said(1, 2, f"Bees dance in {name}.", 1)])
    answer = place.answering.answer(PARENT, QUESTION, [f"{PARENT}/videos/b"])
    assert [s.text for s in answer.sentences] == ["Bees dance in b."]


def test_what_nothing_matches_has_an_empty_answer(place: Place) -> None:
    place.world.add("a", STILL, 4, passages=[said(1, 2, "Bread cools.", 2)])
    assert place.answering.answer(PARENT, QUESTION).sentences == ()
    assert place.answering.answer("collections/empty", QUESTION).sentences == ()


def test_a_moment_that_is_only_seen_has_no_text_to_cite(place: Place) -> None:
    place.world.add("a", np.stack([AXES[1]] * 8), 4)
    assert place.world.ask(QUESTION)[0]
    assert place.moments.find(PARENT, QUESTION, ()) == []


def test_a_texts_score_is_its_own_share_of_the_moments(place: Place) -> None:
    place.world.add("alone", STILL, 4, passages=[said(1, 2, "Bees dance.", 1)])
    place.world.add("both", np.stack([near(1, 0.5)] * 8), 4, passages=[said(1, 2, "Bees dance again.", 1)])
    scores = {f.video: f.score for f in place.moments.find(PARENT, QUESTION, ())}
    moments = {str(m.video): m.score for m in place.world.ask(QUESTION)[0]}
    assert moments[f"{PARENT}/videos/both"] >= moments[f"{PARENT}/videos/alone"]
    alone, both = scores[f"{PARENT}/videos/alone"], scores[f"{PARENT}/videos/both"]
    assert both == pytest.approx(alone, abs=1e-3)


def test_texts_come_best_first_and_one_video_does_not_crowd_out_the_others(place: Place) -> None:
    many = [said(2 * i, 2 * i + 1, f"Bees dance {i}.", 1) for i in range(30)]
    place.world.add("many", np.stack([AXES[0]] * 64), 64, passages=many)
    place.world.add("one", STILL, 4, passages=[(said(1, 2, "A dance.", 1)[0], near(1, 0.95))])
    found = place.moments.find(PARENT, QUESTION, ())
    assert {f.video for f in found} == {f"{PARENT}/videos/many", f"{PARENT}/videos/one"}
    assert len([f for f in found if f.video.endswith("many")]) <= 10
    assert all(a.score >= b.score - 1e-6 for a, b in pairwise(found))
    assert len(place.moments.find(PARENT, QUESTION, [f"{PARENT}/videos/many"])) > 10


def test_what_search_refuses_is_told(place: Place) -> None:
    with pytest.raises(InvalidInput):
        place.answering.answer(PARENT, " ")


def test_without_a_search_service_it_is_said_what_to_set() -> None:
    with pytest.raises(Conflict, match="VIDX_CHAPTERING_SEARCH_ADDRESS"):
        NoSearch().find(PARENT, QUESTION, ())
    with grpc_client.channel("127.0.0.1:1", retries=False) as channel, pytest.raises(Unavailable):
        SearchClient(channel, 10).find(PARENT, QUESTION, ())
