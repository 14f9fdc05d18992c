"""Files of pictures into canvases (Pillow); how a picture is laid is the model pack's rule, in `packs.canvas`."""

import numpy as np

from services.embedding.domain.vectors import U8
from services.packs import canvas
from services.runtime.pictures import OPEN_S, opened
from services.runtime.sandbox import Sandbox


class PillowPictures:
    """Implements `ports.Pictures` for canvases of height x width. No thread's work disturbs another's."""

    def __init__(self, height: int, width: int, max_pixels: int) -> None:
        self._height = height
        self._width = width
        self._max_pixels = max_pixels

    def canvases(self, data: bytes) -> U8:
        shown = opened(data, self._max_pixels, least=(4 * self._width, 4 * self._height))
        return canvas.lay(shown, self._height, self._width)[np.newaxis]


class SandboxedPictures:
    """Implements `ports.Pictures` for a stranger's bytes: the same canvases, made in a child process."""

    def __init__(self, sandbox: Sandbox, pictures: PillowPictures) -> None:
        self._sandbox = sandbox
        self._pictures = pictures

    def canvases(self, data: bytes) -> U8:
        return self._sandbox.run(self._pictures.canvases, data, timeout_s=OPEN_S)
