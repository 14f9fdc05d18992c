"""Files of pictures into canvases (Pillow); how a picture is laid is the model pack's rule, in `packs.canvas`."""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from services.core.errors import InvalidInput, MediaLimit
from services.embedding.domain.vectors import U8
from services.packs import canvas

FORMATS = ("JPEG", "PNG")


class PillowPictures:
    """Implements `ports.Pictures` for canvases of height x width. No thread's work disturbs another's."""

    def __init__(self, height: int, width: int, max_pixels: int) -> None:
        self._height = height
        self._width = width
        self._max_pixels = max_pixels

    def canvases(self, data: bytes) -> U8:
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                self._check(picture)
                # A large JPEG need not be decoded whole: half the size, a quarter or an eighth is enough.
                picture.draft(None, (4 * self._width, 4 * self._height))
                shown = _rgb(ImageOps.exif_transpose(picture))
        except (InvalidInput, MemoryError):
            raise
        except Image.DecompressionBombError as error:
            raise MediaLimit(f"the picture has more than {self._max_pixels} pixels") from error
        except UnidentifiedImageError as error:
            raise InvalidInput(f"{len(data)} bytes that are neither a JPEG nor a PNG") from error
        except Exception as error:
            # Pillow raises nearly every class there is on bytes that only begin like a picture.
            raise InvalidInput(f"the picture cannot be decoded: {error}") from error
        return canvas.lay(shown, self._height, self._width)[np.newaxis]

    def _check(self, picture: Image.Image) -> None:
        width, height = picture.size
        if width * height > self._max_pixels:
            raise MediaLimit(f"the picture has {width} x {height} pixels; at most {self._max_pixels} are opened")


def _rgb(picture: Image.Image) -> Image.Image:
    """As RGB: what is transparent on white, 16 bits brought to 8."""
    if picture.mode.startswith("I"):
        grey = (np.asarray(picture).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if picture.has_transparency_data:
        whole = picture.convert("RGBA")
        shown = Image.new("RGB", whole.size, "white")
        shown.paste(whole, mask=whole.getchannel("A"))
        return shown
    return picture.convert("RGB")
