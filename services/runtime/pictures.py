"""Files of pictures, opened within bounds (Pillow): what is no JPEG or PNG, broken or too large is refused."""

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from services.core.errors import InvalidInput, MediaLimit

FORMATS = ("JPEG", "PNG")
OPEN_S = 30.0
"""Longest that a child process may take to open one."""
OPENING_BYTES = 2 << 30
"""Address space of a process that opens them."""


def opened(data: bytes, max_pixels: int, least: tuple[int, int] | None = None, grey: bool = False) -> Image.Image:
    """The picture as shown, RGB, or L when `grey`; what is transparent on white.

    A JPEG much larger than `least` (width, height) is decoded at a half, a quarter or an eighth of its size, which is
    faster. Raises InvalidInput when it is no such picture, MediaLimit when it has more than `max_pixels`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise MediaLimit(f"the picture has {width} x {height} pixels; at most {max_pixels} are opened")
            if least is not None or grey:
                picture.draft("L" if grey else None, least or picture.size)
            shown = ImageOps.exif_transpose(picture)
            return shown.copy() if grey and shown.mode == "L" else _rgb(shown).convert("L" if grey else "RGB")
    except (InvalidInput, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise MediaLimit(f"the picture has more than {max_pixels} pixels") from error
    except UnidentifiedImageError as error:
        raise InvalidInput(f"{len(data)} bytes that are neither a JPEG nor a PNG") from error
    except Exception as error:
        # Pillow raises nearly every class there is on bytes that only begin like a picture.
        raise InvalidInput(f"the picture cannot be decoded: {error}") from error


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
