"""The drawn part of a picture: what is bare is left out, and places are given back where they were."""

import numpy as np
import pytest

from services.captioning.domain.ink import LONGEST, MULTIPLE, U8, drawn
from services.core.text import Box

HEIGHT, WIDTH = 336, 597


def page(*blocks: tuple[int, int, int, int]) -> U8:
    """Light ground with dark blocks: top, left, bottom, right."""
    picture = np.full((HEIGHT, WIDTH, 3), 230, np.uint8)
    for top, left, bottom, right in blocks:
        picture[top:bottom, left:right] = 20
    return picture


def test_a_bare_picture_has_nothing_drawn() -> None:
    assert drawn(page()) is None


def test_two_lines_far_apart_are_put_together_and_placed_back() -> None:
    lines = ((40, 60, 60, 300), (280, 60, 300, 200))
    found = drawn(page(*lines))
    assert found is not None
    height, width = found.pixels.shape[:2]
    assert height * width < 0.3 * HEIGHT * WIDTH
    assert height % MULTIPLE == width % MULTIPLE == 0
    assert width <= LONGEST * height
    dark = (found.pixels[..., 0] < 100).any(1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], dark, [False]]).astype(int))).reshape(-1, 2)
    assert len(edges) == len(lines)
    for (begin, end), (top, left, bottom, right) in zip(edges, lines, strict=True):
        columns = np.flatnonzero(found.pixels[begin, :, 0] < 100)
        box = Box(columns[0] / width, begin / height, (columns[-1] + 1) / width, end / height)
        back = found.back(box)
        assert (back.top * HEIGHT, back.bottom * HEIGHT) == pytest.approx((top, bottom))
        assert (back.left * WIDTH, back.right * WIDTH) == pytest.approx((left, right))


def test_a_picture_drawn_all_over_is_taken_whole() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    found = drawn(picture)
    assert found is not None
    assert found.pixels is picture
    assert found.back(Box(0.1, 0.2, 0.3, 0.4)) == Box(0.1, 0.2, 0.3, 0.4)


def test_noise_on_even_ground_is_not_drawn() -> None:
    noise = np.random.default_rng(1).integers(0, 4, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    assert drawn(page() - noise) is None


def test_colours_of_one_brightness_are_told_apart() -> None:
    picture = page()
    picture[:] = (150, 76, 60)
    picture[100:120, 100:200] = (60, 122, 60)
    assert drawn(picture) is not None
