"""Time as steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chaptering.domain.curves import MOST, Steps, smoothed
from services.core.times import SECOND

HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("duration", "length", "count"),
    [(0, 1, 0), (1, 1, 1), (SECOND, 1, 1), (SECOND + 1, 1, 2), (MOST * SECOND, 1, MOST), (24 * HOUR, 9, 9600)],
)
def test_a_step_is_as_few_whole_seconds_as_make_a_curve_of_bounded_length(duration: int, length: int, count: int):
    steps = Steps(duration)
    assert (steps.length, steps.count) == (length * SECOND, count)
    assert steps.edges()[-1] == duration


@given(st.integers(1, 30 * HOUR), st.data())
def test_every_stretch_has_a_step_and_touches_all_that_it_has(duration: int, data: st.DataObject):
    steps = Steps(duration)
    start = data.draw(st.integers(0, duration - 1))
    end = data.draw(st.integers(start, duration))
    (first,), (after,) = steps.covered(np.array([start]), np.array([end]))
    assert 0 <= first < after <= steps.count
    edges = steps.edges()
    for step in (first, after - 1):
        assert edges[step] < max(end, start + 1)
        assert edges[step + 1] > start
    if end - start > 2 * steps.length:
        inside = [i for i in range(first, min(after, first + 3)) if edges[i] >= start and edges[i + 1] <= end]
        assert inside


def test_a_step_belongs_to_what_has_most_of_it_and_to_what_lies_inside_it():
    steps = Steps(4 * SECOND)
    starts, ends = np.array([0, 1.2, 2.4, 2.5]) * SECOND, np.array([1.2, 2.4, 2.5, 4]) * SECOND
    curve = steps.highest(steps.covered(starts.astype(np.int64), ends.astype(np.int64)), np.array([0.1, 0.2, 0.9, 0.3]))
    assert curve.tolist() == [0.1, 0.2, 0.9, 0.3]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.sampled_from([1, 3, 5, 11]))
def test_smoothing_keeps_the_length_and_the_bounds(values: list[float], width: int):
    curve = np.array(values)
    found = smoothed(curve, width)
    assert len(found) == len(curve)
    assert curve.min() - 1e-9 <= found.min()
    assert found.max() <= curve.max() + 1e-9
    np.testing.assert_allclose(smoothed(np.full(len(curve), 0.5), width), 0.5)
