"""Cutting a video into segments, and joining their shots."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import Internal
from services.core.media import Shot, Shots, Thumbnail, Transition
from services.core.times import SECOND, TimeRange, covers
from services.decoding.domain.detection import Cut
from services.decoding.domain.segments import plan_segments
from services.decoding.domain.shots import join, shots_between

HOUR = 3600 * SECOND
CUTS = st.builds(Cut, st.integers(1, 10**12), st.sampled_from([Transition.CUT, Transition.GRADUAL]))


@given(
    st.integers(1, 24 * HOUR),
    st.lists(st.integers(0, 25 * HOUR), max_size=60).map(sorted),
    st.integers(SECOND, HOUR),
)
def test_segments_cover_the_video_and_begin_at_keyframes(duration: int, keyframes: list[int], length: int) -> None:
    segments = plan_segments(duration, keyframes, length)
    assert covers([s.range for s in segments], TimeRange(0, duration))
    assert [s.index for s in segments] == list(range(len(segments)))
    assert all(s.range.start in keyframes for s in segments[1:])
    assert all(s.range.duration >= length for s in segments[:-1])


def test_a_keyframe_each_second_gives_segments_of_the_length() -> None:
    segments = plan_segments(HOUR, range(0, HOUR, SECOND), 300 * SECOND)
    assert [s.range.duration for s in segments] == [300 * SECOND] * 12


def test_a_short_rest_joins_the_segment_before() -> None:
    segments = plan_segments(610 * SECOND, range(0, HOUR, SECOND), 300 * SECOND)
    assert [s.range.end for s in segments] == [300 * SECOND, 610 * SECOND]


def test_one_keyframe_gives_one_segment() -> None:
    assert len(plan_segments(10 * HOUR, [0], 300 * SECOND)) == 1


def test_an_instant_is_a_segment() -> None:
    assert [s.range for s in plan_segments(1, [0], 300 * SECOND)] == [TimeRange(0, 1)]


@given(st.lists(CUTS, max_size=30, unique_by=lambda c: c.time), st.sets(st.integers(1, 10**12), max_size=8))
def test_any_segmentation_gives_the_same_shots(cuts: list[Cut], borders: set[int]) -> None:
    whole = TimeRange(0, 10**12 + 1)
    marks = [0, *sorted(borders), whole.end]
    segments = [TimeRange(a, b) for a, b in itertools.pairwise(marks)]
    joined = join([Shots(tuple(shots_between(r, [c for c in cuts if r.contains(c.time)]))) for r in segments])
    assert joined.shots == tuple(shots_between(whole, cuts))
    assert covers([s.range for s in joined.shots], whole)
    assert [s.range.start for s in joined.shots[1:]] == sorted(c.time for c in cuts)


@given(st.lists(CUTS, max_size=30, unique_by=lambda c: c.time), st.integers(0, 10**12), st.integers(1, 10**12))
def test_shots_cover_their_segment(cuts: list[Cut], start: int, length: int) -> None:
    whole = TimeRange(start, start + length)
    shots = shots_between(whole, cuts)
    assert covers([s.range for s in shots], whole)
    goes_on = not any(c.time == start and start > 0 for c in cuts)
    assert (shots[0].transition is Transition.NONE) == goes_on


def test_a_joined_shot_keeps_the_thumbnail_of_its_longest_part() -> None:
    def part(start: int, end: int, key: str | None) -> Shots:
        picture = Thumbnail(key, 512, 10, start) if key else None
        return Shots((Shot(0, TimeRange(start, end), Transition.NONE, picture),))

    joined = join([part(0, 5, None), part(5, 7, "a"), part(7, 20, "b"), part(20, 23, "c")])
    (shot,) = joined.shots
    assert shot.thumbnail is not None
    assert shot.thumbnail.key == "b"


def test_a_missing_segment_is_noticed() -> None:
    with pytest.raises(Internal, match="gap"):
        join([Shots((Shot(0, TimeRange(0, 5)),)), Shots((Shot(0, TimeRange(6, 9)),))])
