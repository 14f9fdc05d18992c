"""The plan of a cut: which ranges may be cut, and where frames and samples of them lie."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import InvalidInput
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.decoding.domain.cutting import LONGEST, MOST, TICKS, check_end, parts, stretches, tick, timed

RATE = 48_000


@st.composite
def several(draw: st.DrawFn) -> list[TimeRange]:
    """Ranges as they may be cut, at any nanosecond."""
    at, found = 0, []
    for _ in range(draw(st.integers(1, 20))):
        start = at + draw(st.integers(0, 5 * SECOND))
        at = start + draw(st.integers(MILLISECOND, 5 * SECOND))
        found.append(TimeRange(start, at))
    return found


@st.composite
def shown(draw: st.DrawFn) -> tuple[TimeRange, list[int]]:
    """A range, and when the frame that it begins with and those inside begin; they may be a nanosecond apart."""
    start = draw(st.integers(0, SECOND))
    end = start + draw(st.integers(MILLISECOND, SECOND))
    inside = draw(
        st.sets(st.one_of(st.integers(start + 1, end - 1), st.integers(start + 1, start + 5000)), max_size=30)
    )
    first = draw(st.integers(max(0, start - SECOND), start + 100))
    return TimeRange(start, end), sorted({first, *(t for t in inside if first < t < end)})


def test_parts_follow_one_another() -> None:
    found = parts(
        [TimeRange(5, SECOND), TimeRange(SECOND, 2 * SECOND), TimeRange(3 * SECOND, 3 * SECOND + MILLISECOND)]
    )
    assert [part.at for part in found] == [0, SECOND - 5, 2 * SECOND - 5]
    assert found[-1].end == 2 * SECOND - 5 + MILLISECOND


@pytest.mark.parametrize(
    ("ranges", "field"),
    [
        ([], "ranges"),
        ([TimeRange(i * SECOND, i * SECOND + MILLISECOND) for i in range(MOST + 1)], "ranges"),
        ([TimeRange(0, SECOND), TimeRange(5 * SECOND, 5 * SECOND)], "ranges[1]"),
        ([TimeRange(0, MILLISECOND - 1)], "ranges[0]"),
        ([TimeRange(0, SECOND), TimeRange(SECOND - 1, 2 * SECOND)], "ranges[1]"),
        ([TimeRange(2 * SECOND, 3 * SECOND), TimeRange(0, SECOND)], "ranges[1]"),
        ([TimeRange(0, LONGEST), TimeRange(LONGEST, LONGEST + MILLISECOND)], "ranges"),
    ],
)
def test_ranges_that_cannot_be_cut_are_refused_with_their_place(ranges: list[TimeRange], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parts(ranges)
    assert list(caught.value.fields) == [field]


def test_an_hour_in_500_ranges_may_be_cut() -> None:
    each = LONGEST // MOST
    assert parts([TimeRange(i * each, (i + 1) * each) for i in range(MOST)])[-1].end == LONGEST


def test_ranges_end_with_the_video() -> None:
    found = parts([TimeRange(0, SECOND), TimeRange(2 * SECOND, 3 * SECOND)])
    check_end(found, 3 * SECOND)
    with pytest.raises(InvalidInput, match=r"it ends at 3.000 s, but the video at 2.500 s") as caught:
        check_end(found, 2_500_000_000)
    assert list(caught.value.fields) == ["ranges[1]"]


def test_frames_of_every_usual_rate_fall_on_ticks() -> None:
    for rate in (24, 25, 30, 50, 60, 1000, 90_000):
        assert TICKS % rate == 0
    times = [round(i * SECOND * 1001 / 24_000) for i in range(100)]
    assert [tick(t) for t in times] == [round(i * 1001 * TICKS / 24_000) for i in range(100)]


@given(shown())
def test_frames_fill_a_part_without_gap(case: tuple[TimeRange, list[int]]) -> None:
    range_, times = case
    (part,) = parts([range_])
    found = list(timed(part, [(t, t) for t in times]))
    assert found[0][0] == 0
    assert all(length >= 1 and at + length == next_ for (at, length, _), (next_, _, _) in pairwise(found))
    assert found[-1][0] + found[-1][1] == tick(range_.duration)
    for at, _, time in found[1:]:
        assert at == tick(time - range_.start)
    # One that is left out gives way to another at its tick.
    for time in times:
        assert tick(max(0, time - range_.start)) in {at for at, _, _ in found} | {tick(range_.duration)}


def test_a_frame_that_is_hardly_shown_gives_way() -> None:
    (part,) = parts([TimeRange(1_000_000_000, 1_100_000_000)])
    frames = [(960_000_000, "before"), (1_000_000_300, "one"), (1_040_000_000, "two"), (1_099_999_999, "last")]
    assert list(timed(part, frames)) == [(0, tick(40_000_000), "one"), (tick(40_000_000), tick(60_000_000), "two")]


def test_a_range_before_the_first_frame_shows_it() -> None:
    (part,) = parts([TimeRange(0, SECOND)])
    assert list(timed(part, [(5 * SECOND, "first")])) == [(0, TICKS, "first")]


@given(several(), st.sampled_from([8000, 44_100, RATE]))
def test_samples_never_drift_from_the_picture(ranges: list[TimeRange], rate: int) -> None:
    found, at = parts(ranges), 0
    for part, stretch in zip(found, stretches(found, rate), strict=True):
        assert abs(at * SECOND - part.at * rate) <= SECOND // 2
        assert abs(stretch.first * SECOND - part.range.start * rate) <= SECOND // 2
        assert stretch.count >= 0
        at += stretch.count
    assert abs(at * SECOND - found[-1].end * rate) <= SECOND // 2
