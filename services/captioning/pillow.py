"""Pictures, opened with Pillow."""

import numpy as np
from PIL import Image

from services.captioning.domain.looks import Grey
from services.captioning.ports import U8
from services.runtime.pictures import opened


class PillowPicture:
    """Implements `ports.Picture`; decodes as little as it is asked for."""

    def __init__(self, data: bytes, max_pixels: int) -> None:
        self._data = data
        self._max_pixels = max_pixels

    def grey(self, width: int, height: int) -> Grey:
        picture = opened(self._data, self._max_pixels, least=(width, height), grey=True)
        return np.asarray(picture.resize((width, height), Image.Resampling.BOX))

    def pixels(self) -> U8:
        return np.asarray(opened(self._data, self._max_pixels))


class PillowPictures:
    """Implements `ports.Pictures`."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels

    def open(self, data: bytes) -> PillowPicture:
        return PillowPicture(data, self._max_pixels)
