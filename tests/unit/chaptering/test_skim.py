"""What a short version of a video keeps."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chaptering.domain.curves import Steps
from services.chaptering.domain.material import Material
from services.chaptering.domain.pictures import Pictures
from services.chaptering.domain.skim import ENOUGH, LEFT, skim
from services.chaptering.domain.units import LONGEST, PAUSE, SHORTEST, units
from services.core.media import Shot
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange, covers
from tests.fakes.chaptering import DIMENSION, unit

MINUTE = 60 * SECOND


def seconds(start: float, end: float) -> TimeRange:
    return TimeRange(round(start * SECOND), round(end * SECOND))


@st.composite
def films(draw: st.DrawFn) -> Material:
    """Up to five minutes with any cuts, and sentences of any length that do not overlap."""
    duration = draw(st.integers(1, 5 * MINUTE))
    times = st.integers(1, max(1, duration - 1))
    cuts = sorted({0, *draw(st.lists(times, max_size=40))} & set(range(duration))) if duration < 10 else None
    cuts = cuts or sorted({0, *draw(st.lists(times, max_size=40))})
    shots = tuple(Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(zip(cuts, [*cuts[1:], duration], strict=True)))
    edges = sorted(set(draw(st.lists(times, max_size=60))))
    said = [TimeRange(a, b) for a, b in itertools.pairwise(edges)]
    kept = [r for r in said if draw(st.booleans())]
    return Material(duration, shots, passages=tuple(Passage(Track.SPEECH, r, "said") for r in kept))


def curve(material: Material, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(Steps(material.duration).count)


def shown(material: Material, seed: int) -> Pictures:
    n = Steps(material.duration).count
    starts = np.arange(n, dtype=np.int64) * SECOND
    vectors = unit(np.random.default_rng(seed).normal(size=(n, DIMENSION)))
    return Pictures(starts, np.minimum(starts + SECOND, material.duration), vectors, "pictures")


@given(films())
def test_units_cover_the_video_and_divide_no_sentence(material: Material):
    found = units(material)
    assert covers([u.range for u in found], TimeRange(0, material.duration))
    assert min(u.range.duration for u in found) >= min(SHORTEST, material.duration)
    assert max(u.range.duration for u in found) <= LONGEST
    whole = units(material, longest=10 * MINUTE)
    for passage in material.passages:
        assert not any(passage.range.start < u.range.start < passage.range.end for u in whole)


def test_a_unit_begins_with_a_sentence_or_with_a_cut_or_a_silence_that_nobody_speaks_over():
    said = [seconds(2, 5), seconds(5, 9), seconds(9 + PAUSE / SECOND / 2, 12), seconds(20, 24)]
    shots = [seconds(0, 3), seconds(3, 15), seconds(15, 40)]
    passages = tuple(Passage(Track.SPEECH, r, "said") for r in said)
    found = units(Material(40 * SECOND, tuple(map(Shot, range(3), shots)), passages=passages))
    assert [u.range.start / SECOND for u in found][:8] == [0, 2, 5, 9.25, 12, 15, 20, 24]
    assert [u.spoken for u in found][:9] == [False, True, True, True, False, False, True, False, False]


@settings(max_examples=150, deadline=None)
@given(films(), st.integers(SECOND, 6 * MINUTE), st.integers(0, 9), st.integers(0, 4), st.booleans())
def test_a_skim_is_in_order_within_the_length_and_close_to_it(
    material: Material, length: int, seed: int, chapters: int, focused: bool
):
    edges = [material.duration * i // max(1, chapters) for i in range(chapters + 1)]
    parts = [TimeRange(a, b) for a, b in itertools.pairwise(edges) if a < b]
    found = skim(material, shown(material, seed), curve(material, seed), parts, length, focused=focused)
    if length >= material.duration:
        assert found.ranges == (TimeRange(0, material.duration),)
        return
    assert all(a.end < b.start for a, b in itertools.pairwise(found.ranges))
    assert found.ranges
    assert found.ranges[-1].end <= material.duration
    assert ENOUGH * length <= found.length <= length
    assert min(r.duration for r in found.ranges) >= min(SHORTEST, length)
    if not material.passages:
        assert found.length >= length - SHORTEST
    # Sentences are cut only when whole ones would fill too little, or when they are longer than a unit may be.
    longest = max(LONGEST, length // 3)
    cuts = [
        (p, at)
        for p in material.passages
        for r in found.ranges
        for at in (r.start, r.end)
        if p.range.start < at < p.range.end and p.range.duration <= longest - 2 * SHORTEST
    ]
    if cuts:
        assert found.length == length


def test_without_any_length_there_is_nothing():
    assert skim(Material(0), Pictures(), np.zeros(0), [], SECOND).ranges == ()


def test_what_is_left_of_the_length_is_filled_with_a_part_where_nobody_speaks():
    shots = (Shot(0, seconds(0, 50)), Shot(1, seconds(50, 100)))
    found = skim(Material(100 * SECOND, shots), Pictures(), np.ones(100), [], 12_345_678_901)
    assert found.length == 12_345_678_901
    passages = tuple(Passage(Track.SPEECH, seconds(10 * i, 10 * i + 10), "said") for i in range(10))
    spoken = skim(Material(100 * SECOND, shots, passages=passages), Pictures(), np.ones(100), [], 25 * SECOND)
    assert spoken.length == 20 * SECOND
    assert {t % (10 * SECOND) for r in spoken.ranges for t in (r.start, r.end)} == {0}


def test_a_sentence_is_cut_when_no_whole_one_fits():
    passages = tuple(Passage(Track.SPEECH, seconds(10 * i, 10 * i + 10), "said") for i in range(10))
    height = np.zeros(100)
    height[70:80] = 1
    (kept,) = skim(Material(100 * SECOND, passages=passages), Pictures(), height, [], 4 * SECOND).ranges
    assert kept == seconds(70, 74)


def film(shots: int, length: float = 5) -> Material:
    ranges = [seconds(length * i, length * (i + 1)) for i in range(shots)]
    return Material(ranges[-1].end, tuple(Shot(i, r) for i, r in enumerate(ranges)))


def test_what_stands_out_is_kept():
    height = np.full(300, 0.1)
    height[40:50] = height[205:215] = 1.0
    found = skim(film(60), Pictures(), height, [], 20 * SECOND)
    assert all(any(r.start <= at * SECOND < r.end for r in found.ranges) for at in (40, 45, 205, 210))


def test_every_chapter_is_shown_when_there_is_room():
    height = np.full(300, 0.3)
    height[:60] = 0.6
    chapters = [seconds(60 * i, 60 * i + 60) for i in range(5)]
    found = skim(film(60), Pictures(), height, chapters, 30 * SECOND)
    assert all(any(r.overlaps(c) for r in found.ranges) for c in chapters)
    focused = skim(film(60), Pictures(), height, chapters, 30 * SECOND, focused=True)
    assert sum(r.duration for r in focused.ranges if r.end <= MINUTE) > 15 * SECOND


def test_the_same_is_not_shown_twice_while_there_is_something_else():
    rows = np.repeat(np.random.default_rng(3).normal(size=(6, DIMENSION)), 50, axis=0)
    starts = np.arange(300, dtype=np.int64) * SECOND
    pictures = Pictures(starts, starts + SECOND, unit(rows), "pictures")
    found = skim(film(60), pictures, np.full(300, 0.5), [seconds(0, 300)], 30 * SECOND)
    assert all(any(r.overlaps(seconds(50 * i, 50 * i + 50)) for r in found.ranges) for i in range(6))


@pytest.mark.parametrize("length", [SECOND, 10 * SECOND, 60 * SECOND])
def test_where_nothing_is_known_parts_are_spread_over_the_video(length: int):
    found = skim(Material(600 * SECOND), Pictures(), np.zeros(600), [], length)
    assert found.length == length
    assert len(found.ranges) == max(1, length // (10 * SECOND))


def test_a_day_of_video_is_skimmed():
    said = tuple(Passage(Track.SPEECH, seconds(8 * i, 8 * i + 7), "said") for i in range(10_800))
    material = Material(24 * 3600 * SECOND, passages=said)
    found = skim(material, Pictures(), curve(material, 1), [], 10 * MINUTE)
    assert 9 * MINUTE <= found.length <= 10 * MINUTE
    assert len({r.start // (3600 * SECOND) for r in found.ranges}) > 12
    assert LEFT > 0
