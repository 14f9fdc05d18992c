"""Which frames stand for a segment."""

import itertools
from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.media import Transition
from services.core.times import SECOND, TimeRange, covers
from services.decoding.domain.detection import Cut
from services.decoding.domain.sampling import Kept, Sampler, fit
from services.decoding.domain.signature import SIZE, Bytes
from services.decoding.domain.turns import FINE_HEIGHT, FINE_WIDTH

MS = SECOND // 1000


def look(level: int) -> Bytes:
    return np.full(SIZE, level, np.uint8)


def fine(level: int) -> Bytes:
    return np.full((FINE_HEIGHT, FINE_WIDTH), level, np.uint8)


def sample(
    whole: TimeRange,
    times: list[int],
    levels: list[int],
    cuts: list[int],
    batch: int = 7,
    interval: int = SECOND,
    turns: Collection[int] = (),
) -> tuple[list[Kept], list[TimeRange]]:
    """Play frames to a sampler as the decoder does; cuts become known `batch` frames late."""
    sampler = Sampler(whole, interval, 2.5)
    found = [Cut(t, Transition.CUT) for t in cuts]
    kept: list[Kept] = []
    settled = 0
    for i, (time, level) in enumerate(zip(times, levels, strict=True)):
        spare = sampler.look(look(level))
        until = times[i + 1] if i + 1 < len(times) else max(time + 1, whole.end)
        if whole.start <= time < whole.end:
            place = sampler.place(time, until, time in turns, spare)
            if place:
                sampler.offer(i, time, look(level), fine(level), b"jpeg%d" % i, place)
        if i % batch == batch - 1:
            kept += sampler.settle([c for c in found if settled <= c.time < times[i - batch + 1]], times[i - batch + 1])
            settled = times[i - batch + 1]
    kept += sampler.settle([c for c in found if settled <= c.time], whole.end)
    kept += sampler.finish()
    return kept, sampler.missing


@given(st.data())
def test_ranges_cover_the_segment_and_cross_no_cut(data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.integers(1, 3000), min_size=1, max_size=120))
    times = np.cumsum([0, *gaps]).astype(int) * MS
    levels = data.draw(st.lists(st.integers(0, 255), min_size=len(times), max_size=len(times)))
    first = data.draw(st.integers(0, len(times) - 1))
    whole = TimeRange(int(times[first]), int(times[-1]) + data.draw(st.integers(1, 2000)) * MS)
    cuts = sorted(data.draw(st.sets(st.sampled_from([int(t) for t in times]), max_size=10)) - {0})
    turns = data.draw(st.sets(st.sampled_from([int(t) for t in times]), max_size=10))
    batch = data.draw(st.integers(1, 9))
    kept, missing = sample(whole, [int(t) for t in times], levels, cuts, batch, turns=turns)
    ranges = sorted([k.frame.range for k in kept] + missing)
    assert covers(ranges, whole)
    marks = [c for c in cuts if whole.start < c < whole.end]
    assert not any(r.start < c < r.end for r in ranges for c in marks)
    assert all(k.frame.range.contains(k.frame.time) for k in kept)
    shots = [whole.start, *marks, whole.end]
    for a, b in itertools.pairwise(shots):
        assert any(a <= r.start and r.end <= b for r in ranges)


def test_the_grid_takes_the_frame_shown_at_each_second() -> None:
    times = [0, 700 * MS, 1400 * MS, 2900 * MS, 3000 * MS, 3100 * MS]
    kept, _ = sample(TimeRange(0, 4 * SECOND), times, [0, 50, 100, 150, 200, 250], [])
    # At 1 s the frame of 0.7 s is shown, at 2 s that of 1.4 s, at 3 s that of 3.0 s.
    assert [k.frame.time // MS for k in kept] == [0, 700, 1400, 3000]


def test_a_first_frame_that_comes_late_stands_from_the_start() -> None:
    kept, _ = sample(TimeRange(0, 2 * SECOND), [400 * MS, 1500 * MS], [0, 100], [])
    assert kept[0].frame.range == TimeRange(0, 2 * SECOND)
    assert kept[0].frame.time == 400 * MS


def test_near_duplicates_are_remembered_as_a_range() -> None:
    times = [i * SECOND for i in range(10)]
    kept, _ = sample(TimeRange(0, 10 * SECOND), times, [10] * 6 + [90] * 4, [])
    assert [k.frame.range for k in kept] == [TimeRange(0, 6 * SECOND), TimeRange(6 * SECOND, 10 * SECOND)]


def test_a_picture_that_turns_between_two_seconds_is_kept_at_its_exact_time() -> None:
    times = [i * 100 * MS for i in range(40)]
    levels = [10] * 13 + [90] * 27
    kept, _ = sample(TimeRange(0, 4 * SECOND), times, levels, [], turns=[1300 * MS])
    assert [k.frame.range for k in kept] == [TimeRange(0, 1300 * MS), TimeRange(1300 * MS, 4 * SECOND)]


def test_a_turn_that_changes_nothing_keeps_nothing() -> None:
    times = [i * 100 * MS for i in range(40)]
    kept, _ = sample(TimeRange(0, 4 * SECOND), times, [10] * 40, [], turns=[1300 * MS, 2500 * MS])
    assert [k.frame.time for k in kept] == [0]


def test_a_turn_before_the_first_second_of_a_segment_keeps_what_was_before_it() -> None:
    times = [300 * MS + i * 100 * MS for i in range(30)]
    levels = [10] * 4 + [90] * 26
    kept, _ = sample(TimeRange(300 * MS, 3300 * MS), times, levels, [], turns=[700 * MS])
    assert [k.frame.range for k in kept] == [TimeRange(300 * MS, 700 * MS), TimeRange(700 * MS, 3300 * MS)]


def test_a_duplicate_after_a_cut_is_kept() -> None:
    times = [i * SECOND for i in range(6)]
    kept, _ = sample(TimeRange(0, 6 * SECOND), times, [10] * 6, [3 * SECOND])
    assert [k.frame.time // SECOND for k in kept] == [0, 3]


def test_a_shot_between_two_seconds_has_a_frame() -> None:
    times = [i * 40 * MS for i in range(100)]
    levels = [20] * 30 + [120] * 10 + [220] * 60
    kept, missing = sample(TimeRange(0, 4 * SECOND), times, levels, [1200 * MS, 1600 * MS])
    inside = [k for k in kept if 1200 * MS <= k.frame.time < 1600 * MS]
    assert [k.frame.range for k in inside] == [TimeRange(1200 * MS, 1600 * MS)]
    assert inside[0].picture == b"jpeg30"
    assert missing == []


def test_a_shot_that_no_offered_frame_lies_in_is_told() -> None:
    times = [i * 40 * MS for i in range(100)]
    _, missing = sample(TimeRange(0, 4 * SECOND), times, [20] * 100, [1200 * MS, 1600 * MS])
    assert missing == [TimeRange(1200 * MS, 1600 * MS)]


@pytest.mark.parametrize(
    ("size", "side", "want"),
    [
        ((1280, 720), 336, (597, 336)),
        ((720, 1280), 336, (336, 597)),
        ((320, 180), 336, (320, 180)),
        ((1, 1), 336, (1, 1)),
        ((16384, 16), 336, (1344, 1)),
        ((4096, 336), 336, (1344, 110)),
    ],
)
def test_pictures_are_fitted_and_never_enlarged(size: tuple[int, int], side: int, want: tuple[int, int]) -> None:
    assert fit(*size, side) == want
