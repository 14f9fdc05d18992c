"""Frames' vectors into shots' vectors."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import Incomplete
from services.core.media import SampledFrame, Shot
from services.core.times import TimeRange
from services.embedding.domain.shots import ShotPooler
from services.embedding.domain.vectors import unit

X, Y = np.array([1, 0], np.float32), np.array([0, 1], np.float32)


def shots(*bounds: int) -> list[Shot]:
    return [Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(pairwise(bounds))]


def frame(time: int, start: int, end: int) -> SampledFrame:
    return SampledFrame(time, time, TimeRange(start, end))


def pooled(shots_: list[Shot], *parts: tuple[list[SampledFrame], list[np.ndarray]]) -> np.ndarray:
    pooler = ShotPooler(shots_)
    for frames, vectors in parts:
        pooler.add(frames, np.stack(vectors))
    return pooler.result()


def test_frames_weigh_as_long_as_they_stand() -> None:
    found = pooled(shots(0, 70), ([frame(0, 0, 30), frame(30, 30, 70)], [X, Y]))
    np.testing.assert_allclose(found, [[0.6, 0.8]], atol=1e-6)


def test_a_frame_weighs_only_what_lies_in_its_shot() -> None:
    found = pooled(shots(0, 70, 100), ([frame(0, 0, 30), frame(30, 30, 100)], [X, Y]), ([frame(70, 70, 100)], [X]))
    np.testing.assert_allclose(found, [[0.6, 0.8], X], atol=1e-6)


def test_a_frame_belongs_to_the_shot_of_its_time_at_the_bound() -> None:
    found = pooled(shots(0, 10, 20), ([frame(9, 0, 10), frame(10, 10, 20)], [X, Y]))
    np.testing.assert_allclose(found, [X, Y])


def test_segments_add_up_to_one_shot() -> None:
    found = pooled(shots(0, 70), ([frame(0, 0, 30)], [X]), ([frame(30, 30, 70)], [Y]))
    np.testing.assert_allclose(found, [[0.6, 0.8]], atol=1e-6)


def test_shot_without_a_frame_takes_the_one_that_covers_most_of_it() -> None:
    found = pooled(shots(0, 10, 20, 30), ([frame(0, 0, 13)], [X]), ([frame(25, 13, 30)], [Y]))
    np.testing.assert_allclose(found, [X, Y, Y])


def test_lent_frame_gives_way_to_an_own_one_of_a_later_segment() -> None:
    found = pooled(shots(0, 10, 20), ([frame(0, 0, 19)], [X]), ([frame(19, 19, 20)], [Y]))
    np.testing.assert_allclose(found, [X, Y])


def test_shot_that_nothing_covers_is_named() -> None:
    with pytest.raises(Incomplete, match=r"shot 1 \[10, 20\)"):
        pooled(shots(0, 10, 20), ([frame(0, 0, 10)], [X]))


def test_counts_that_differ_are_refused() -> None:
    with pytest.raises(Incomplete, match="1 sampled frames but 2 vectors"):
        pooled(shots(0, 10), ([frame(0, 0, 10)], [X, X]))


@given(st.data())
def test_every_shot_is_the_weighted_mean_of_its_frames(data: st.DataObject) -> None:
    """Against the plain formula, over any cutting of a video into shots, frames and segments."""
    end = 1000
    bounds = [0, *sorted(data.draw(st.sets(st.integers(1, end - 1), max_size=6))), end]
    extra = data.draw(st.sets(st.integers(1, end - 1), max_size=20))
    starts = sorted({*bounds[:-1], *extra})
    frames = [frame(a, a, b) for a, b in zip(starts, [*starts[1:], end], strict=True)]
    vectors = unit(np.random.default_rng(len(starts)).normal(size=(len(frames), 5)) + 0.1)
    cut = data.draw(st.integers(1, len(frames)))
    pooler = ShotPooler(shots(*bounds))
    pooler.add(frames[:cut], vectors[:cut])
    pooler.add(frames[cut:], vectors[cut:])
    for shot, vector in zip(shots(*bounds), pooler.result(), strict=True):
        mine = [i for i, f in enumerate(frames) if shot.range.contains(f.time)]
        mean = sum(vectors[i].astype(np.float64) * frames[i].range.duration for i in mine)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)
