"""Sentences of the visual encoder's classes."""

import numpy as np
import pytest

from services.captioning.domain.kinds import kind
from services.captioning.domain.sentences import say, with_article
from services.core.vectors import FrameClasses


def classes(*rows: dict[str, float]) -> FrameClasses:
    names = np.array([list(row) for row in rows])
    return FrameClasses(names, np.array([list(row.values()) for row in rows], np.float32))


def sentence(*rows: dict[str, float], weights: list[float] | None = None) -> str:
    said = say(classes(*rows), weights or [1.0] * len(rows))
    return said.sentence if said else ""


def test_a_class_is_named_when_it_is_likely() -> None:
    assert sentence({"mountain bike": 0.6, "unicycle": 0.1}) == "A mountain bike."
    assert sentence({"Egyptian cat": 0.8, "tabby cat": 0.1}) == "An Egyptian cat."


def test_breeds_speak_together_for_a_dog() -> None:
    assert sentence({"toy poodle": 0.2, "cocker spaniel": 0.15, "Border terrier": 0.1, "beagle dog": 0.1}) == "A dog."


def test_an_unsure_breed_is_a_dog() -> None:
    assert sentence({"Doberman dog": 0.6, "sandbar": 0.1}) == "A dog."


@pytest.mark.parametrize(
    "row", [{"sandbar": 0.4, "seashore": 0.1}, {"toy poodle": 0.3, "tabby cat": 0.3, "lynx": 0.1}, {"swing": 0.1}]
)
def test_nothing_is_said_without_enough(row: dict[str, float]) -> None:
    assert sentence(row) == ""


def test_one_of_two_things() -> None:
    assert sentence({"church": 0.45, "umbrella": 0.4}) == "A church or an umbrella."


def test_frames_count_as_long_as_they_stand() -> None:
    cat, car = {"tabby cat": 0.9, "lynx": 0.0}, {"taxi": 0.9, "jeep": 0.0}
    assert sentence(cat, car, weights=[9.0, 1.0]) == "A tabby cat."
    assert sentence(cat, car, weights=[1.0, 9.0]) == "A taxi."


def test_confidence_is_the_probability_of_what_is_said() -> None:
    said = say(classes({"toy poodle": 0.3, "cocker spaniel": 0.3}), [1.0])
    assert said is not None
    assert said.confidence == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("orange", "an orange"), ("unicycle", "a unicycle"), ("one-piece bathing suit", "a one-piece bathing suit"),
     ("umbrella", "an umbrella"), ("Afghan hound", "an Afghan hound"), ("hourglass", "an hourglass")],
)  # fmt: skip
def test_articles(name: str, wanted: str) -> None:
    assert with_article(name) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("golden retriever", "dog"), ("black and tan coonhound", "dog"), ("hot dog", "hot dog"), ("tiger cat", "cat"),
     ("teddy bear", "teddy bear"), ("polar bear", "bear"), ("spider monkey", "monkey"), ("king snake", "snake"),
     ("pair of jeans", "pair of jeans"), ("car wheel", "car wheel"), ("race car", "car"), ("hen", "bird"),
     ("freight car", "freight car"), ("black widow", "spider"), ("flagpole", "flagpole")],
)  # fmt: skip
def test_kinds(name: str, wanted: str) -> None:
    assert kind(name) == wanted
