"""How large a picture may be."""

import pytest

from services.core.errors import MediaLimit
from services.decoding.ports import Limits
from services.decoding.pyav_open import check_pixels


@pytest.mark.parametrize(("width", "height"), [(65_501, 48), (48, 65_535), (8192, 8192)])
def test_a_picture_that_no_frame_can_be_kept_of_is_refused(width: int, height: int) -> None:
    with pytest.raises(MediaLimit, match=f"{width} x {height}"):
        check_pixels(width, height, Limits())


def test_a_long_picture_is_not_too_long() -> None:
    check_pixels(65_500, 48, Limits())
