"""How well a video answers a query over its time."""

import numpy as np
import pytest

from services.chaptering.domain.matching import Asked, answers
from services.chaptering.domain.material import Material
from services.chaptering.domain.pictures import Pictures
from services.core.media import Shot
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from services.search.domain import lexical, scores
from services.search.domain.texts import either
from services.search.domain.words import terms, units
from tests.fakes.chaptering import unit

CURVE = np.array([0.6, 0.05])
TEXTS = (
    "the old dog runs on the beach",
    "bread cools on a rack",
    "a dog sleeps beside the oven of the bakery",
    "nobody knows the number 417",
)


def seconds(start: int, end: int) -> TimeRange:
    return TimeRange(start * SECOND, end * SECOND)


def towards(cosine: float, size: int = 8, other: int = 1) -> np.ndarray:
    """A unit vector whose cosine with the first axis is this."""
    vector = np.zeros(size, np.float32)
    vector[0], vector[other] = cosine, np.sqrt(1 - cosine**2)
    return vector


def shown(cosines: list[float]) -> Pictures:
    """A picture a second."""
    starts = np.arange(len(cosines), dtype=np.int64) * SECOND
    return Pictures(starts, starts + SECOND, unit(np.array([towards(c) for c in cosines])), "pictures")


def seen(material: Material, pictures: Pictures) -> np.ndarray:
    return answers(material, pictures, Asked("zzz", picture=towards(1.0), picture_curve=CURVE))


def test_a_picture_scores_as_search_scores_its_frame_and_its_shot():
    cosines = [0.5, 0.7, 0.3, 0.4]
    shots = (Shot(0, seconds(0, 2)), Shot(1, seconds(2, 4)))
    pooled = unit(np.array([towards(0.62), towards(0.9)]))
    curve = seen(Material(4 * SECOND, shots, pooled), shown(cosines))
    # As services.search.domain.moments has it: the pool counts at most as much as the best frame.
    mixed = [0.75 * 0.5 + 0.25 * 0.62, 0.75 * 0.7 + 0.25 * 0.62, 0.75 * 0.3 + 0.25 * 0.4, 0.4]
    assert curve == pytest.approx([scores.score(c, *CURVE) for c in mixed], abs=1e-5)


def test_a_frame_of_a_long_shot_scores_by_itself():
    cosines = [0.2] * 40
    cosines[31] = 0.7
    material = Material(40 * SECOND, (Shot(0, seconds(0, 40)),), unit(np.array([towards(0.3)])))
    curve = seen(material, shown(cosines))
    assert curve.argmax() == 31
    assert curve[31] == pytest.approx(scores.score(0.7, *CURVE), abs=1e-5)


@pytest.mark.parametrize("query", ["dog", "old dog on the beach", "417", "bread on the rack", "nothing of it"])
def test_shared_words_score_as_search_scores_them(query: str):
    passages = tuple(Passage(Track.SPEECH, seconds(i, i + 1), text, "en") for i, text in enumerate(TEXTS))
    curve = answers(Material(4 * SECOND, passages=passages), Pictures(), Asked(query))
    own = lexical.scores(units(query), [frozenset(terms(text).split()) for text in TEXTS])
    # Words are cut to stems in another way, and those of one or two letters are left out.
    assert (curve > 0.5).tolist() == [score > 0.5 for score in own]


def test_meaning_words_and_tracks_are_put_together_as_search_does():
    material = Material(
        2 * SECOND,
        passages=(
            Passage(Track.SPEECH, seconds(0, 1), "alpha"),
            Passage(Track.ON_SCREEN_TEXT, seconds(0, 1), "beta"),
            Passage(Track.CAPTION, seconds(0, 1), "gamma"),
            Passage(Track.CAPTION, seconds(1, 2), "delta"),
        ),
        passage_vectors=unit(np.array([towards(c) for c in (0.6, 0.55, 0.62, 0.1)])),
    )
    asked = Asked("zzz", towards(1.0), CURVE, towards(1.0), CURVE)
    curve = answers(material, shown([0.5, 0.65]), asked)
    seen_, *_ = (scores.score(c, *CURVE) for c in (0.5,))
    speech, text, caption, _ = (scores.score(c, *CURVE) for c in (0.6, 0.55, 0.62, 0.1))
    assert curve[0] == pytest.approx(either(either(max(0.3 * caption, seen_), speech), text), abs=1e-5)
    assert curve[1] == pytest.approx(scores.score(0.65, *CURVE), abs=1e-5)
    worded = answers(material, Pictures(), Asked("alpha", meaning=towards(1.0), meaning_curve=CURVE))
    assert worded[0] > curve[0]


def test_a_video_without_anything_to_compare_answers_nothing():
    assert answers(Material(3 * SECOND), Pictures(), Asked("dog", towards(1), CURVE, towards(1), CURVE)).tolist() == [
        0,
        0,
        0,
    ]
    assert len(answers(Material(0), Pictures(), Asked("dog"))) == 0


def test_what_is_left_of_a_shot_says_nothing_of_the_next_one():
    cut = 2 * SECOND + SECOND // 25
    shots = (Shot(0, TimeRange(0, cut)), Shot(1, TimeRange(cut, 4 * SECOND)))
    starts = np.array([0, SECOND, 2 * SECOND, cut, 3 * SECOND], np.int64)
    ends = np.array([*starts[1:], 4 * SECOND], np.int64)
    vectors = unit(np.array([towards(c) for c in (0.8, 0.8, 0.8, 0.1, 0.1)]))
    curve = seen(Material(4 * SECOND, shots), Pictures(starts, ends, vectors, "pictures"))
    assert (curve > 0.5).tolist() == [True, True, False, False]
