"""Files of pictures into canvases (Pillow); how a picture is laid is the model pack's rule, in `packs.canvas`."""

import numpy as np

from services.embedding.domain.vectors import U8
from services.packs import canvas
from services.runtime.pictures import opened


class PillowPictures:
    """Implements `ports.Pictures` for canvases of height x width. No thread's work disturbs another's."""

    def __init__(self, height: int, width: int, max_pixels: int) -> None:
        self._height = height
        self._width = width
        self._max_pixels = max_pixels

    def canvases(self, data: bytes) -> U8:
        shown = opened(data, self._max_pixels, least=(4 * self._width, 4 * self._height))
        return canvas.lay(shown, self._height, self._width)[np.newaxis]
