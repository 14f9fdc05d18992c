"""Pictures that callers bring, opened in a child process."""

import io

import numpy as np
from PIL import Image

from services.captioning.ports import U8
from services.runtime.pictures import OPEN_S, opened
from services.runtime.sandbox import Sandbox

LARGEST = 4096
"""Pixels on a side of what a captioner is shown; none sees more."""
_QUALITY = 95


class SandboxedPictures:
    """Implements `ports.Brought`."""

    def __init__(self, sandbox: Sandbox, max_pixels: int) -> None:
        self._sandbox = sandbox
        self._max_pixels = max_pixels

    def pixels(self, data: bytes) -> U8:
        return self._sandbox.run(_pixels, data, self._max_pixels, timeout_s=OPEN_S)

    def made_anew(self, data: bytes) -> bytes:
        return self._sandbox.run(_made_anew, data, self._max_pixels, timeout_s=OPEN_S)


def _pixels(data: bytes, max_pixels: int) -> U8:
    return np.asarray(opened(data, max_pixels))


def _made_anew(data: bytes, max_pixels: int) -> bytes:
    picture, out = opened(data, max_pixels), io.BytesIO()
    picture.thumbnail((LARGEST, LARGEST))
    # Of its points alone: comments, profiles and the like would be written again with the picture that was opened.
    Image.fromarray(np.asarray(picture)).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
