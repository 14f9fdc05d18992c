"""Files of pictures into canvases."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from services.core.errors import InvalidInput, MediaLimit
from services.embedding.images import PillowPictures

PICTURES = PillowPictures(32, 64, max_pixels=1_000_000)


def file(picture: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def solid(mode: str, colour: object, size: tuple[int, int] = (64, 32)) -> Image.Image:
    return Image.new(mode, size, colour)


def header_only(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is large."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b"")]
    packed = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (2, 3), (64, 32), (640, 360), (360, 640), (999, 1000)])
def test_any_shape_fills_one_canvas(size: tuple[int, int]) -> None:
    canvases = PICTURES.canvases(file(solid("RGB", (250, 10, 20), size)))
    assert canvases.shape == (1, 32, 64, 3)
    assert canvases.dtype == np.uint8
    np.testing.assert_allclose(canvases.reshape(-1, 3).mean(0), (250, 10, 20), atol=2)


@pytest.mark.parametrize(
    ("picture", "colour"),
    [
        (solid("L", 100), (100, 100, 100)),
        (solid("1", 1), (255, 255, 255)),
        (solid("RGBA", (255, 0, 0, 0)), (255, 255, 255)),
        (solid("RGBA", (255, 0, 0, 255)), (255, 0, 0)),
        (solid("LA", (0, 0)), (255, 255, 255)),
        (solid("RGB", (0, 255, 0)).convert("P"), (0, 255, 0)),
        (Image.fromarray(np.full((32, 64), 0x8000, np.uint16)), (128, 128, 128)),
    ],
    ids=["grey", "bits", "transparent", "opaque", "grey-alpha", "palette", "16-bit"],
)
def test_every_kind_of_png_is_shown_as_seen(picture: Image.Image, colour: tuple[int, int, int]) -> None:
    found = PICTURES.canvases(file(picture)).reshape(-1, 3)
    np.testing.assert_allclose(found, np.broadcast_to(colour, found.shape), atol=5)


def test_cmyk_jpeg_is_read() -> None:
    found = PICTURES.canvases(file(solid("CMYK", (0, 0, 0, 0)), "JPEG"))
    assert found.min() > 245


def test_jpeg_is_turned_as_its_exif_says() -> None:
    picture = solid("RGB", "black")
    picture.paste("white", (0, 0, 64, 16))
    exif = Image.Exif()
    exif[0x0112] = 3
    canvas = PICTURES.canvases(file(picture, "JPEG", exif=exif, quality=95))[0]
    assert canvas[4, 32, 0] < 20
    assert canvas[28, 32, 0] > 235


def test_a_large_jpeg_gives_nearly_the_canvas_of_a_whole_decode() -> None:
    y, x = np.mgrid[0:800, 0:1200]
    picture = Image.fromarray(np.stack([x * 255 // 1200, y * 255 // 800, (x + y) % 256 * 0], -1).astype(np.uint8))
    whole = PICTURES.canvases(file(picture, "PNG")).astype(int)
    reduced = PICTURES.canvases(file(picture, "JPEG", quality=95)).astype(int)
    assert np.abs(whole - reduced).mean() < 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\xff\xd8\xff\xe0",
        file(solid("RGB", "red", (200, 200)), "JPEG")[:300],
        file(Image.effect_noise((200, 200), 90))[:2000],
        file(solid("RGB", "red"), "GIF"),
        file(solid("RGB", "red"), "BMP"),
        header_only(10, 10),
    ],
    ids=["empty", "text", "jpeg-start", "jpeg-cut", "png-cut", "gif", "bmp", "png-header"],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        PICTURES.canvases(data)


@pytest.mark.parametrize("size", [(1001, 1000), (8192, 8192), (60000, 60000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(MediaLimit, match="pixels"):
        PICTURES.canvases(header_only(*size))
