"""Exact times: no PTS loses its identity, and ranges are half-open."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.times import SECOND, TimeRange, covers, from_pts

TIME_BASES = [
    Fraction(1, 90_000), Fraction(1001, 24_000), Fraction(1001, 30_000), Fraction(1, 12_800), Fraction(1, 1000),
    Fraction(1, 50), Fraction(1, 44_100), Fraction(1, 10_000_000),
]  # fmt: skip
times = st.integers(0, 100 * 3600 * SECOND)
ranges = st.tuples(times, times).map(lambda t: TimeRange(min(t), max(t)))


@given(st.integers(0, 10**9), st.sampled_from(TIME_BASES))
def test_neighbouring_pts_never_share_a_time_and_each_time_gives_its_pts_back(pts: int, time_base: Fraction) -> None:
    time = from_pts(pts, time_base)
    assert time < from_pts(pts + 1, time_base)
    assert round(Fraction(time, SECOND) / time_base) == pts


def test_a_start_that_is_not_zero_is_taken_off() -> None:
    assert from_pts(126_000, Fraction(1, 90_000), start=from_pts(126_000, Fraction(1, 90_000))) == 0


def test_drop_frame_rates_do_not_drift_over_a_day() -> None:
    frames = 24 * 3600 * 30_000 // 1001
    assert from_pts(frames, Fraction(1001, 30_000)) == round(Fraction(frames * 1001, 30_000) * SECOND)


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (4, 3)])
def test_what_is_no_range_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="not a range"):
        TimeRange(start, end)


@given(ranges, ranges)
def test_two_ranges_overlap_exactly_when_they_share_an_instant(a: TimeRange, b: TimeRange) -> None:
    shared = a.intersection(b)
    assert a.overlaps(b) == b.overlaps(a) == (shared is not None)
    if shared:
        assert a.contains(shared.start)
        assert b.contains(shared.start)
        assert a.span(b).contains(shared.start)


def test_neighbours_that_touch_do_not_overlap() -> None:
    assert not TimeRange(0, 5).overlaps(TimeRange(5, 9))
    assert not TimeRange(0, 5).contains(5)


@given(st.sets(times, min_size=2, max_size=8))
def test_pieces_cover_the_whole_exactly_when_none_is_missing_or_doubled(marks: set[int]) -> None:
    at = sorted(marks)
    pieces = [TimeRange(a, b) for a, b in itertools.pairwise(at)]
    whole = TimeRange(at[0], at[-1])
    assert covers(pieces, whole)
    assert not covers(pieces[:-1], whole)
    assert not covers([pieces[0], *pieces], whole)
