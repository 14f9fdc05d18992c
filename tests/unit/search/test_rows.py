"""What is indexed of a video."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.core.errors import Internal
from services.core.media import SampledFrame, Shot, VideoInfo
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.search.domain.rows import About, RowMaker, label_token, revision, row_id

VIDEO = VideoName("films", "v")
INFO = VideoInfo(str(VIDEO), "Title", 5, {"lang": "en"})


def shots(*bounds: int) -> list[Shot]:
    return [Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(pairwise(bounds))]


def units(count: int) -> NDArray[np.float32]:
    return np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (count, 1))


def maker(made: list[Shot]) -> RowMaker:
    return RowMaker(About(VIDEO, INFO, 100 * SECOND, made, (), "a1"))


def test_a_frame_belongs_to_the_shot_that_holds_its_time() -> None:
    frames = [SampledFrame(0, t, TimeRange(t, t + 2)) for t in (0, 9, 10, 19)]
    got = list(maker(shots(0, 10, 20)).frames(frames, units(4)))
    assert [(r.shot, r.shot_range) for r in got] == [
        (0, TimeRange(0, 10)), (0, TimeRange(0, 10)), (1, TimeRange(10, 20)), (1, TimeRange(10, 20))
    ]  # fmt: skip


def test_a_frame_s_range_is_clipped_to_its_shot() -> None:
    frame = SampledFrame(0, 9, TimeRange(9, 14))
    (row,) = maker(shots(0, 10, 20)).frames([frame], units(1))
    assert row.range == TimeRange(9, 10)


def test_a_frame_after_the_last_shot_belongs_to_the_last() -> None:
    (row,) = maker(shots(0, 10)).frames([SampledFrame(0, 12, TimeRange(12, 13))], units(1))
    assert (row.shot, row.range) == (0, TimeRange(0, 10))


def test_a_shot_has_a_row_when_it_has_a_vector() -> None:
    vectors = units(2)
    vectors[1] = 0
    (row,) = maker(shots(0, 10, 20)).shots(vectors)
    assert (row.kind, row.shot, row.range) == ("shot", 0, TimeRange(0, 10))


def test_rows_carry_what_filters_ask_for() -> None:
    (row,) = maker(shots(0, 10)).frames([SampledFrame(0, 1, TimeRange(0, 2))], units(1))
    assert (row.video, row.added, row.duration, row.revision) == (VIDEO, 5, 100 * SECOND, "a1")
    assert row.labels == (label_token("lang", "en"),)


@pytest.mark.parametrize("bad", [units(2), np.full((1, 2), np.nan, dtype=np.float32), np.zeros(2, dtype=np.float32)])
def test_vectors_that_do_not_fit_are_refused(bad: NDArray[np.float32]) -> None:
    with pytest.raises(Internal):
        list(maker(shots(0, 10)).frames([SampledFrame(0, 1, TimeRange(0, 2))], bad))


def test_a_video_without_shots_is_refused() -> None:
    with pytest.raises(Internal):
        maker([])


def test_labels_are_part_of_the_revision_and_their_order_is_not() -> None:
    a = revision("d", VideoInfo("n", "t", 1, {"a": "1", "b": "2"}))
    assert a == revision("d", VideoInfo("n", "t", 1, {"b": "2", "a": "1"}))
    assert a != revision("d", VideoInfo("n", "t", 1, {"a": "1", "b": "3"}))
    assert a != revision("e", VideoInfo("n", "t", 1, {"a": "1", "b": "2"}))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("cd"), st.sampled_from(["frame", "shot"]),
                          st.integers(0, 2**62)), unique=True, min_size=2))  # fmt: skip
def test_different_rows_have_different_ids(rows: list[tuple[str, str, str, int]]) -> None:
    assert len({row_id(*row) for row in rows}) == len(rows)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 500))
def test_every_frame_s_range_lies_in_its_shot(lengths: list[int], time: int) -> None:
    bounds = [0, *np.cumsum(lengths).tolist()]
    frame = SampledFrame(0, time, TimeRange(max(0, time - 3), time + 3))
    (row,) = maker(shots(*bounds)).frames([frame], units(1))
    assert row.shot_range.start <= row.range.start < row.range.end <= row.shot_range.end
    assert row.frame_time == time
