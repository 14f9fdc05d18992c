"""Pictures of every shape on the wide canvas."""

import numpy as np
import pytest
from PIL import Image

from services.packs.canvas import lay


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (300, 300), (2000, 100), (100, 2000), (1, 1), (1, 3)])
def test_fills_the_canvas(size: tuple[int, int]) -> None:
    laid = lay(Image.new("RGB", size, (10, 200, 30)), 64, 96)
    assert laid.shape == (64, 96, 3)
    assert laid.dtype == np.uint8
    assert (laid == (10, 200, 30)).all()


def test_upright_picture_lies_top_left_bottom_right() -> None:
    picture = Image.new("L", (90, 160), 0)
    picture.paste(255, (0, 80, 90, 160))
    laid = lay(picture, 64, 96)
    assert laid[:, :48].max() == 0
    assert laid[:, 48:].min() == 255


def test_very_wide_picture_keeps_its_middle() -> None:
    picture = Image.new("L", (1000, 100), 0)
    picture.paste(255, (400, 0, 600, 100))
    laid = lay(picture, 64, 96)
    # The 100 x 1.5 x 4/3 = 200 columns that are kept; at the edge the filter sees one more.
    assert laid[:, 1:-1].min() == 255
