"""Extractive summaries, and titles found in a video."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from services.chaptering.domain import summaries
from services.chaptering.domain.extracts import WORDS, extract
from services.chaptering.domain.focus import Focus
from services.chaptering.domain.grounding import ground
from services.chaptering.domain.material import Material
from services.chaptering.domain.phrases import words
from services.chaptering.domain.summaries import Line, choose
from services.core.chapters import Length
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange, covers
from tests.fakes.chaptering import SENTENCE, talk, unit

LENGTHS = (20, 20, 20)


def chapters() -> list[TimeRange]:
    return [TimeRange(i * 20 * SENTENCE, (i + 1) * 20 * SENTENCE) for i in range(3)]


def long_talk() -> Material:
    """A talk whose sentences are long enough to stand alone."""
    material = talk(LENGTHS)
    return replace(material, passages=tuple(replace(p, text=f"{p.text[:-1]} and so on.") for p in material.passages))


def test_sentences_come_in_order_from_every_chapter_within_the_length() -> None:
    material = long_talk()
    whole = TimeRange(0, material.duration)
    for length in Length:
        found = extract(material, chapters(), whole, length)
        times = [s.ranges[0].start for s in found]
        assert times == sorted(set(times))
        assert 0 < sum(len(words(s.text)) for s in found) <= WORDS[length]
        assert {s.chapter for s in found} == {0, 1, 2}
        said = {(p.text, p.range) for p in material.passages}
        assert all((s.text, s.ranges[0]) in said for s in found)


def test_only_the_range_is_summed_up() -> None:
    material = long_talk()
    found = extract(material, chapters(), chapters()[1], Length.SHORT)
    assert {s.chapter for s in found} == {1}


def test_what_is_said_twice_is_told_once() -> None:
    material = long_talk()
    same = tuple(replace(p, text=material.passages[0].text) for p in material.passages)
    found = extract(replace(material, passages=same), chapters(), TimeRange(0, material.duration), Length.LONG)
    assert [s.text for s in found] == [same[0].text]


def test_a_focus_draws_the_summary_to_it() -> None:
    material = long_talk()
    focus = unit(material.passage_vectors[40:].mean(0, keepdims=True))[0]
    whole, curve = TimeRange(0, material.duration), np.array([0.3, 0.05])
    found = extract(material, chapters(), whole, Length.SHORT, Focus(focus, curve))
    assert {s.chapter for s in found} == {2}


def test_what_is_not_about_the_focus_is_left_out_and_where_nothing_is_there_is_no_summary() -> None:
    material = long_talk()
    whole, wanted = TimeRange(0, material.duration), material.passages[44]
    # A curve so steep that only the very same sentence is about it.
    own = Focus(material.passage_vectors[44], np.array([0.98, 0.001]))
    assert [s.text for s in extract(material, chapters(), whole, Length.LONG, own)] == [wanted.text]
    other = Focus(unit(np.random.default_rng(5).normal(size=(1, len(own.vector))))[0], np.array([0.9, 0.01]))
    assert extract(material, chapters(), whole, Length.LONG, other) == ()


def test_without_vectors_words_are_compared_and_without_speech_captions() -> None:
    material = replace(long_talk(), passage_vectors=np.zeros((0, 0), np.float32))
    whole = TimeRange(0, material.duration)
    assert len(extract(material, chapters(), whole, Length.SHORT)) > 1
    told = replace(material, passages=tuple(replace(p, track=Track.CAPTION) for p in material.passages))
    assert len(extract(told, chapters(), whole, Length.SHORT)) > 1
    assert extract(replace(material, passages=()), chapters(), whole, Length.SHORT) == ()


def one_of(texts: list[str], vectors: npt.NDArray[np.float64] | None = None, functions: str = "") -> str:
    """The sentence that sums up some of six seconds each, of which there is room for one."""
    said = tuple(
        Passage(Track.SPEECH, TimeRange(i * SENTENCE, (i + 1) * SENTENCE), text, "en") for i, text in enumerate(texts)
    )
    rows = np.zeros((0, 0), np.float32) if vectors is None else unit(vectors)
    material = Material(
        len(texts) * SENTENCE, passages=said, passage_vectors=rows, functions=frozenset(functions.split())
    )
    (found,) = extract(material, [], TimeRange(0, material.duration), Length.SHORT)
    return found.text


def test_the_sentence_that_says_most_in_as_many_words_is_chosen() -> None:
    idle = "So what we have here is what it was that we did."
    dense = "Red bees like blue buds on mild days near old oaks."
    loose = "And this one was the one that they had for it."
    assert (
        one_of(
            [idle, dense, loose], functions="so what we have here is it was that did on and this one the they had for"
        )
        == dense
    )
    assert (
        one_of(
            [idle, loose, dense], functions="so what we have here is it was that did on and this one the they had for"
        )
        == dense
    )


def test_without_a_list_of_function_words_long_words_tell() -> None:
    idle = "So what we have here is what it was that we did."
    dense = "Photosynthesis converts sunlight into chemical energy inside chloroplast membranes of plants every day."
    assert one_of([idle, dense, idle.replace("here", "then")]) == dense


def test_the_sentence_nearest_to_the_subject_is_chosen_of_equal_ones() -> None:
    texts = [f"{a} bees like blue buds on mild days near old oaks." for a in ("Red", "Big", "Odd")]
    vectors = np.array([[1.0, 0.9, 0.0], [1.0, 0.0, 0.0], [1.0, -0.9, 0.0]])
    assert one_of(texts, vectors, functions="on") == texts[1]


def test_a_few_words_are_summed_up_by_a_sentence() -> None:
    one = (Passage(Track.SPEECH, TimeRange(0, SECOND), "Hello there.", "en"),)
    assert len(extract(Material(SECOND, passages=one), [TimeRange(0, SECOND)], TimeRange(0, SECOND), Length.SHORT)) == 1


def test_the_choice_avoids_repetition() -> None:
    likeness = np.eye(4)
    likeness[0, 1] = likeness[1, 0] = 1.0
    lines = [Line(10, 0) for _ in range(4)]
    assert len({0, 1} & set(choose(lines, likeness, np.ones(4), 30))) == 1
    assert choose([], np.zeros((0, 0)), np.zeros(0), 30) == []


def test_the_choice_does_not_depend_on_how_many_sentences_are_looked_at_together(monkeypatch) -> None:
    rng = np.random.default_rng(5)
    vectors = unit(rng.normal(size=(50, 8))).astype(np.float32)
    likeness = np.clip(vectors @ vectors.T, 0, 1)
    lines = [Line(10 + n % 7, n // 10) for n in range(50)]
    telling = rng.random(50)
    chosen = []
    for rows in (1, 7, 49, 50, 1000):
        monkeypatch.setattr(summaries, "_ROWS", rows)
        chosen.append(choose(lines, likeness, telling, 120))
    assert len(chosen[0]) > 3
    assert all(one == chosen[0] for one in chosen)


def test_titles_are_found_where_they_are_spoken_of() -> None:
    material = talk(LENGTHS)
    titles = [" ".join(material.passages[20 * k].text.rstrip(".").split()[-4:]) for k in range(3)]
    vectors = unit(np.stack([material.passage_vectors[20 * k : 20 * k + 20].mean(0) for k in range(3)]))
    assert ground(material, titles, vectors) == chapters()


@pytest.mark.parametrize("count", [1, 3, 8])
def test_titles_of_nothing_said_are_spread_evenly(count: int) -> None:
    found = ground(Material(80 * SECOND), ["x"] * count, np.zeros((0, 0), np.float32))
    assert covers(found, TimeRange(0, 80 * SECOND))
    assert len(found) == count


def test_the_greedy_choice_is_near_the_best() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(9, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = np.clip(vectors @ vectors.T, 0, 1)
    chosen = choose([Line(10, 0) for _ in range(9)], likeness, np.zeros(9), 30)
    cap = 0.12 * likeness.sum(1)

    def covered(places: tuple[int, ...]) -> float:
        return float((np.minimum(likeness[:, places].sum(1), cap) / cap).sum())

    assert covered(tuple(chosen)) >= (1 - 1 / np.e) * max(covered(c) for c in combinations(range(9), 3))
