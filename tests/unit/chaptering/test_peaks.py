"""Local maxima and the moments around them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chaptering.domain.curves import Steps
from services.chaptering.domain.material import Material
from services.chaptering.domain.peaks import LONGEST, SHORTEST, highlights, peaks
from services.core.media import Shot
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange

curves = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9, 1.0]), min_size=1, max_size=40)


def seconds(start: float, end: float) -> TimeRange:
    return TimeRange(int(start * SECOND), int(end * SECOND))


def film(length: int, cuts: tuple[float, ...] = (), said: tuple[tuple[float, float], ...] = ()) -> Material:
    edges = [0, *cuts, length]
    shots = tuple(Shot(i, seconds(a, b)) for i, (a, b) in enumerate(itertools.pairwise(edges)))
    return Material(length * SECOND, shots, passages=tuple(Passage(Track.SPEECH, seconds(a, b), "x") for a, b in said))


def plain_saddle(curve: list[float], place: int) -> float:
    """The lowest that one has to go to something higher, by looking everywhere."""
    ways = []
    for step in (-1, 1):
        low, at = curve[place], place
        while 0 <= at < len(curve) and curve[at] <= curve[place]:
            low = min(low, curve[at])
            at += step
        if 0 <= at < len(curve):
            ways.append(low)
    return max(ways, default=0.0)


@given(curves)
def test_every_strict_local_maximum_is_a_peak_with_its_saddle(values: list[float]):
    # A little apart, so that no two places are equally high.
    curve = [value + i * 1e-6 for i, value in enumerate(values, 1)]
    found = {p.place: p for p in peaks(np.array(curve))}
    around = [-1.0, *curve, -1.0]
    assert set(found) == {i for i in range(len(curve)) if around[i] < around[i + 1] > around[i + 2]}
    for place, peak in found.items():
        assert (peak.height, peak.saddle) == (curve[place], plain_saddle(curve, place))


@given(curves)
def test_peaks_are_sorted_and_plateaus_are_one(values: list[float]):
    found = peaks(np.array(values))
    assert [p.height for p in found] == sorted((p.height for p in found), reverse=True)
    runs = [v for i, v in enumerate(values) if i == 0 or values[i - 1] != v]
    around = [-1.0, *runs, -1.0]
    tops = sum(around[i] < around[i + 1] > around[i + 2] for i in range(len(runs)))
    assert len(found) == tops - (runs == [0.0])


def test_a_plateau_is_one_moment_around_its_middle():
    curve = np.array([0.1] * 10 + [0.8] * 11 + [0.1] * 9)
    (found,) = highlights(curve, film(30), 10)
    assert (found.range, found.peak, found.score) == (seconds(10, 21), 15 * SECOND + SECOND // 2, pytest.approx(0.8))


def test_a_moment_is_what_rises_above_the_usual():
    curve = np.full(60, 0.4)
    curve[20:24] = [0.7, 0.9, 0.9, 0.5]
    curve[40:] = 0.3
    (found,) = highlights(curve, film(60), 1)
    assert found.range == seconds(20, 23)


def test_what_hardly_rises_above_the_way_to_something_higher_belongs_to_it():
    curve = np.array([0.1, 0.9, 0.8, 0.85, 0.1, 0.1, 0.4, 0.1])
    found = highlights(curve, film(8), 10)
    assert [h.peak // SECOND for h in found] == [1, 6]
    assert len(highlights(curve, film(8), 1)) == 1


def test_a_moment_begins_and_ends_with_what_begins_and_ends_near():
    curve = np.zeros(60)
    curve[20:26] = 0.9
    (cut,) = highlights(curve, film(60, cuts=(18.5, 27)), 10)
    assert cut.range == seconds(18.5, 27)
    (said,) = highlights(curve, film(60, said=((19.25, 26.75),)), 10)
    assert said.range == seconds(19.25, 26.75)
    (far,) = highlights(curve, film(60, cuts=(10, 40)), 10)
    assert far.range == seconds(20, 26)


def test_nothing_stands_out_of_a_flat_curve_or_of_no_video():
    assert not highlights(np.zeros(50), film(50), 10)
    assert not highlights(np.zeros(0), Material(0), 10)


@given(curves, st.lists(st.integers(1, 399), max_size=10), st.integers(0, 20), st.integers(1, 10))
def test_moments_hold_their_peaks_and_do_not_overlap(values: list[float], cuts: list[int], limit: int, tenths: int):
    duration = (len(values) - 1) * SECOND + tenths * SECOND // 10
    inside = tuple(sorted({c / 10 for c in cuts if c * SECOND // 10 < duration}))
    shots = [int(c * SECOND) for c in (0, *inside)] + [duration]
    ranges = [TimeRange(a, b) for a, b in itertools.pairwise(shots) if a < b]
    material = Material(duration, tuple(Shot(i, r) for i, r in enumerate(ranges)))
    found = highlights(np.array(values), material, limit)
    assert len(found) <= limit
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    assert bool(found) == (limit > 0 and max(values) > 0)
    for i, h in enumerate(found):
        assert h.range.contains(h.peak)
        assert h.range.end <= duration
        assert min(SHORTEST, duration) <= h.range.duration <= LONGEST
        assert values[h.peak // Steps(duration).length] == h.score
        assert not any(h.range.overlaps(other.range) for other in found[:i])
