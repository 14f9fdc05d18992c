"""Where chapters begin."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chaptering.domain.boundaries import Wanted, boundaries
from services.chaptering.domain.material import Material
from services.core.media import Shot
from services.core.text import Box, Passage, Reading, TextLine, Track
from services.core.times import SECOND, TimeRange, covers
from tests.fakes.chaptering import SENTENCE, silent_film, talk, unit, word

LENGTHS = (30, 45, 25, 40)
TRUTH = [0, 30 * SENTENCE, 75 * SENTENCE, 100 * SENTENCE]


def starts(material: Material, wanted: Wanted | None = None) -> list[int]:
    found = boundaries(material, wanted or Wanted())
    assert covers(found, TimeRange(0, material.duration))
    return [r.start for r in found]


def wandering(seed: int) -> Material:
    """Four topics of 200 sentences, each in two halves that differ less than two topics do."""
    rng = np.random.default_rng(seed)
    common = [word(i) for i in range(30)]
    passages, vectors = list[Passage](), []
    for topic in range(4):
        own, centre = [word(1000 * (topic + 1) + i) for i in range(12)], rng.normal(size=64)
        for half in range(2):
            more = [word(500_000 + 1000 * (2 * topic + half) + i) for i in range(12)]
            middle = centre + 0.8 * rng.normal(size=64)
            for _ in range(100):
                at = len(passages) * SENTENCE
                text = " ".join([*rng.choice(common, 5), *rng.choice(own, 3), *rng.choice(more, 2)])
                passages.append(Passage(Track.SPEECH, TimeRange(at, at + SENTENCE), f"{text}.", "en"))
                vectors.append(middle + 1.5 * rng.normal(size=64))
    return Material(len(passages) * SENTENCE, passages=tuple(passages), passage_vectors=unit(np.array(vectors)))


def test_chapters_begin_where_the_topic_changes() -> None:
    assert starts(talk(LENGTHS)) == TRUTH


def test_words_alone_and_vectors_alone_are_enough() -> None:
    material = talk(LENGTHS)
    assert starts(replace(material, passage_vectors=np.zeros((0, 0), np.float32))) == TRUTH
    dumb = tuple(replace(p, text="Well.") for p in material.passages)
    assert starts(replace(material, passages=dumb)) == TRUTH


def test_a_talk_on_one_topic_is_one_chapter() -> None:
    assert starts(talk([100])) == [0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_chapter_that_wanders_stays_whole(seed: int) -> None:
    assert starts(wandering(seed)) == [i * 200 * SENTENCE for i in range(4)]


def test_words_that_come_in_bursts_are_no_topics() -> None:
    rng = np.random.default_rng(1)
    common, pool = [word(i) for i in range(30)], [word(9000 + i) for i in range(60)]
    each, passages = 2 * SECOND, list[Passage]()
    for _ in range(60):
        burst = rng.choice(pool, 3)
        for _ in range(5):
            at = len(passages) * each
            text = " ".join([*rng.choice(common, 4), *burst])
            passages.append(Passage(Track.SPEECH, TimeRange(at, at + each), f"{text}.", "en"))
    assert starts(Material(len(passages) * each, passages=tuple(passages))) == [0]


def test_shots_alone_are_enough() -> None:
    shot = 4 * SECOND
    assert starts(silent_film((60, 80, 50))) == [0, 60 * shot, 140 * shot]


def test_captions_stand_in_for_speech() -> None:
    material = talk(LENGTHS)
    told = tuple(replace(p, track=Track.CAPTION, language="") for p in material.passages)
    shots = tuple(Shot(i, p.range) for i, p in enumerate(told))
    assert starts(replace(material, passages=told, shots=shots)) == TRUTH


def test_without_anything_there_is_one_chapter_or_as_many_as_asked() -> None:
    assert starts(Material(600 * SECOND)) == [0]
    assert starts(Material(600 * SECOND), Wanted(count=4)) == [0, 150 * SECOND, 300 * SECOND, 450 * SECOND]
    assert boundaries(Material(0), Wanted()) == []


def test_under_a_minute_there_is_one_chapter_unless_more_are_asked() -> None:
    material = talk([5, 4])
    assert starts(material) == [0]
    assert starts(material, Wanted(count=2)) == [0, 5 * SENTENCE]


def test_silence_does_not_move_a_chapter_from_its_first_sentence() -> None:
    material = talk(LENGTHS, gap=5 * SECOND)
    assert starts(material) == [0, *(t + i * 5 * SECOND for i, t in enumerate(TRUTH[1:], 1))]


def test_pauses_tell_where_chapters_begin_when_words_do_not() -> None:
    material = talk(LENGTHS, gap=5 * SECOND)
    dumb = tuple(replace(p, text="Well.") for p in material.passages)
    found = starts(replace(material, passages=dumb, passage_vectors=np.zeros((0, 0), np.float32)), Wanted(count=4))
    assert found == [0, *(t + i * 5 * SECOND for i, t in enumerate(TRUTH[1:], 1))]


def test_rare_cuts_pull_chapters_and_many_do_not() -> None:
    material = talk(LENGTHS)
    # A slide is shown two sentences before each new topic.
    cuts = [0, *(t - 2 * SENTENCE for t in TRUTH[1:]), material.duration]
    slides = tuple(Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(itertools.pairwise(cuts)))
    noisy = replace(material, passages=tuple(replace(p, text="Well.") for p in material.passages))
    vague = replace(noisy, passage_vectors=np.zeros((0, 0), np.float32))
    assert starts(replace(vague, shots=slides), Wanted(count=4)) == cuts[:-1]
    every = tuple(Shot(i, p.range) for i, p in enumerate(material.passages))
    assert starts(replace(material, shots=every)) == TRUTH


def test_a_slide_that_comes_shortly_before_its_words_begins_the_chapter() -> None:
    material = talk(LENGTHS)
    cuts = [0, *(t - 2 * SENTENCE for t in TRUTH[1:]), material.duration]
    slides = tuple(Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(itertools.pairwise(cuts)))
    assert starts(replace(material, shots=slides), Wanted(count=4)) == cuts[:-1]


def test_a_new_heading_begins_a_chapter() -> None:
    material = talk([140])
    box = Box(0.1, 0.1, 0.9, 0.2)
    readings = tuple(
        Reading(TimeRange(t, t + 60 * SECOND), text, 0.9, (TextLine(text, box, 0.9),))
        for t, text in zip(TRUTH, ("Introduction", "Budget for next year", "New hires", "Questions"), strict=True)
    )
    assert starts(replace(material, readings=readings), Wanted(count=4)) == TRUTH


def test_of_two_languages_one_is_worked_on() -> None:
    material = talk(LENGTHS)
    other = tuple(replace(p, language="de", text="Ja.") for p in material.passages)
    vectors = np.concatenate([material.passage_vectors, material.passage_vectors[::-1]])
    both = replace(material, passages=material.passages + other, passage_vectors=vectors, language="en")
    assert starts(both) == TRUTH


@pytest.mark.parametrize("count", [1, 2, 4, 7, 30])
def test_as_many_chapters_as_asked(count: int) -> None:
    assert len(starts(talk(LENGTHS), Wanted(count=count))) == count


def test_lengths_are_kept() -> None:
    found = boundaries(talk([20] * 12), Wanted(shortest=200 * SECOND, longest=300 * SECOND))
    assert all(200 * SECOND <= r.duration <= 300 * SECOND for r in found)


def test_locked_chapters_stay_and_the_rest_is_fitted_around_them() -> None:
    locked = TimeRange(TRUTH[1] + 12_345, TRUTH[2] + 50 * SECOND)
    material = talk(LENGTHS)
    found = boundaries(material, Wanted(locked=(locked,)))
    assert locked in found
    assert covers(found, TimeRange(0, material.duration))
    assert [r.start for r in found] == [0, locked.start, locked.end, TRUTH[3]]


@pytest.mark.parametrize("locked", [(TimeRange(5, 5),), (TimeRange(0, 10**15),), (TimeRange(0, 9), TimeRange(8, 20))])
def test_locked_chapters_that_cannot_be_are_refused(locked: tuple[TimeRange, ...]) -> None:
    with pytest.raises(ValueError, match="locked"):
        boundaries(talk([20]), Wanted(locked=locked))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_known_and_asked_chapters_cover_the_video(data: st.DataObject) -> None:
    duration = data.draw(st.integers(1, 900 * SECOND))
    times = st.integers(0, duration)
    ranges = st.tuples(times, times).map(lambda ab: TimeRange(min(ab), max(ab)))
    passages = tuple(
        Passage(Track.SPEECH, r, "some words that return") for r in data.draw(st.lists(ranges, max_size=20))
    )
    cuts = sorted({0, *data.draw(st.lists(st.integers(0, duration - 1), max_size=20))})
    shots = tuple(Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(zip(cuts, [*cuts[1:], duration], strict=True)))
    edges = sorted(set(data.draw(st.lists(times, max_size=4))))
    locked = tuple(TimeRange(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False))
    count = data.draw(st.one_of(st.none(), st.integers(1, 12)))
    found = boundaries(Material(duration, shots, passages=passages), Wanted(count=count, locked=locked))
    assert covers(found, TimeRange(0, duration))
    assert set(locked) <= set(found)
    if count is not None and duration > 20 * SECOND and not locked:
        assert len(found) == count
