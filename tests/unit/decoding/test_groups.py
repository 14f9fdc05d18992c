"""What of a group of pictures is decoded, told by the sizes of its packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.decoding.domain.groups import Packed, Use, quiet_size, uses

QUIET = 500
W, R, S = Use.WHOLE, Use.REFERENCE, Use.SKIP


def group(*sizes: int, start: int = 0) -> list[Packed]:
    """Packets shown in the order in which they are decoded."""
    return [Packed(start + i, size) for i, size in enumerate(sizes)]


def reordered(order: list[int], large: int = -1, size: int = 5000) -> list[Packed]:
    """Quiet packets with these PTS; the one at place `large` is not."""
    return [Packed(pts, size if i in (0, large) else 80) for i, pts in enumerate(order)]


def test_of_a_group_that_stands_the_keyframe_is_decoded() -> None:
    assert uses(group(9000, *[90] * 49), [], QUIET, set(range(50))) == [W] + [S] * 49


def test_without_a_keyframe_that_stands_alone_after_it_every_reference_is() -> None:
    assert uses(group(9000, *[90] * 49), None, QUIET, set()) == [W] + [R] * 49


def test_pictures_that_lead_the_next_keyframe_count() -> None:
    packets = group(9000, *[90] * 49)
    assert uses(packets, group(90, 95, start=50), QUIET, set()) == [W] + [S] * 49
    assert uses(packets, group(90, 4000, start=50), QUIET, set()) == [W] + [R] * 49


def test_what_comes_after_the_last_change_is_left_out() -> None:
    found = uses(group(9000, *[90] * 29, 6000, *[90] * 19), [], QUIET, set())
    assert found[31:] == [S] * 19
    assert S not in found[:31]


def test_what_is_shown_before_a_change_is_decoded_though_it_is_packed_after_it() -> None:
    # The picture with PTS 8 changes; where, only those between tell.
    packets = reordered([0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11, 16, 14, 13, 15], large=5)
    found = dict(zip((p.pts for p in packets), uses(packets, [], QUIET, set()), strict=True))
    assert [found[pts] for pts in range(9)] == [W] * 9
    assert [found[pts] for pts in range(9, 17)] == [S] * 8


def test_frames_of_the_grid_are_decoded_where_something_happens() -> None:
    found = uses(group(9000, *[2000, 900] * 20), [], QUIET, {15, 16})
    assert [i for i, use in enumerate(found) if use is W] == [0, 15, 16]
    assert S not in found
    found = uses(group(9000, *[90] * 30, *[2000] * 10), [], QUIET, {15, 35})
    assert (found[15], found[35]) == (R, W)


def test_what_stands_out_among_moving_pictures_is_decoded_with_its_neighbours() -> None:
    sizes = [3000, 900] * 20
    sizes[24] = 20_000
    found = uses(group(30_000, *sizes), [], QUIET, set())
    assert [i for i, use in enumerate(found) if use is W] == [0, *range(17, 30)]


def test_the_larger_the_picture_the_more_bytes_say_nothing() -> None:
    assert quiet_size(64 * 48) == quiet_size(1) == 64
    assert quiet_size(1280 * 720) == 450
    assert quiet_size(1920 * 1080) == 1012


@pytest.mark.parametrize("following", [None, []])
def test_a_keyframe_alone_is_decoded(following: list[Packed] | None) -> None:
    assert uses(group(9000), following, QUIET, set()) == [W]


@given(st.data())
def test_what_is_left_out_is_quiet_and_shown_last(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 60))
    order = data.draw(st.permutations(range(count)))
    sizes = data.draw(st.lists(st.sampled_from([40, 90, 600, 3000, 40_000]), min_size=count, max_size=count))
    packets = [Packed(pts, size) for pts, size in zip(order, sizes, strict=True)]
    wanted = data.draw(st.sets(st.integers(0, count)))
    found = uses(packets, [], QUIET, wanted)
    assert found[0] is W
    skipped = [p for p, use in zip(packets, found, strict=True) if use is S]
    assert all(p.size <= QUIET for p in skipped)
    fed = [p.pts for p, use in zip(packets, found, strict=True) if use is not S]
    assert all(p.pts > max(fed) for p in skipped)


def moving(count: int = 50, *others: tuple[int, int]) -> list[Packed]:
    """A group whose picture moves evenly, but for packets (place, size)."""
    sizes = [30_000, *[3000, 900] * (count // 2)][:count]
    for place, size in others:
        sizes[place] = size
    return group(*sizes)


def test_what_moves_evenly_may_be_left_out_after_the_last_frame_that_is_wanted() -> None:
    found = uses(moving(), [], QUIET, {0, 25}, blind=25)
    assert found[25] is W
    assert found[26:] == [Use.BLIND] * 24
    assert uses(moving(), None, QUIET, {0, 25}, blind=25)[26:] == [R] * 24


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([(40, 25_000)], id="a new picture"),
        pytest.param([(i, 60) for i in range(36, 45)], id="nothing to see"),
    ],
)
def test_what_moves_unevenly_is_not_left_out(others: list[tuple[int, int]]) -> None:
    assert Use.BLIND not in uses(moving(50, *others), [], QUIET, {0, 25}, blind=25)
    assert Use.BLIND not in uses(moving(), group(25_000, start=50), QUIET, {0, 25}, blind=25)


def test_a_few_pictures_are_not_worth_leaving_out() -> None:
    assert Use.BLIND not in uses(moving(), [], QUIET, {0, 45}, blind=45)
