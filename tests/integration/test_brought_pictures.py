"""Pictures that callers bring: opened in a child process, and shown to a captioner without what else the file held."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from services.captioning.sandboxed import LARGEST, SandboxedPictures
from services.core.errors import InvalidInput, MediaLimit
from services.runtime.pictures import OPENING_BYTES
from services.runtime.sandbox import Sandbox
from tests.media.pictures import scene

SCRIPT = b"<html><script>alert(1)</script></html>"


@pytest.fixture(scope="module")
def pictures() -> Iterator[SandboxedPictures]:
    with Sandbox(1, OPENING_BYTES, within=[]) as sandbox:
        yield SandboxedPictures(sandbox, 40_000_000)


def file(picture: Image.Image, format_: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def test_a_captioner_is_shown_the_picture_and_nothing_else_of_the_file(pictures: SandboxedPictures) -> None:
    shown = Image.fromarray(scene(1, 64, 48))
    exif = Image.Exif()
    exif[0x010E] = "where somebody lives"
    brought = file(shown, "JPEG", exif=exif, comment=SCRIPT, quality=95) + SCRIPT
    made = pictures.made_anew(brought)
    assert SCRIPT in brought
    assert b"where somebody lives" in brought
    assert SCRIPT not in made
    assert b"where somebody lives" not in made
    with Image.open(io.BytesIO(made)) as found:
        assert (found.format, found.size, dict(found.getexif())) == ("JPEG", (64, 48), {})
        assert np.abs(np.asarray(found).astype(int) - np.asarray(shown)).mean() < 8


def test_a_very_large_picture_is_shown_smaller_and_read_whole(pictures: SandboxedPictures) -> None:
    wide = file(Image.new("L", (70_000, 16), 200), "PNG")
    with Image.open(io.BytesIO(pictures.made_anew(wide))) as found:
        assert found.size == (LARGEST, 1)
    assert pictures.pixels(wide).shape == (16, 70_000, 3)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (file(Image.new("1", (8_000, 8_000)), "PNG"), MediaLimit),
        (file(Image.new("RGB", (64, 64)), "GIF"), InvalidInput),
        (file(Image.new("RGB", (64, 64)), "WEBP"), InvalidInput),
        (file(Image.fromarray(scene(1, 64, 48)), "JPEG")[:700], InvalidInput),
        (SCRIPT, InvalidInput),
        (b"", InvalidInput),
    ],
    ids=["bomb", "gif", "webp", "cut off", "page", "empty"],
)
def test_what_is_no_picture_within_bounds_is_refused(pictures: SandboxedPictures, data: bytes, error: type) -> None:
    for opening in (pictures.pixels, pictures.made_anew):
        with pytest.raises(error):
            opening(data)
