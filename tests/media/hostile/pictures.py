"""Pictures, good ones and hostile ones."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.media.hostile.case import Case
from tests.media.pictures import scene


def good() -> dict[str, bytes]:
    """By name."""
    picture = Image.fromarray(scene(1, 64, 48))
    found = {}
    for name, options in {"a.jpg": {"progressive": True}, "b.jpg": {}, "a.png": {}}.items():
        out = io.BytesIO()
        picture.save(out, format="PNG" if name.endswith("png") else "JPEG", **options)
        found[name] = out.getvalue()
    return found


def cases() -> Iterator[Case]:
    jpeg, png = good()["b.jpg"], good()["a.png"]
    for side in (30_000, 65_535, 2**31 - 1):
        yield Case(f"a PNG of {side} x {side}", "bomb.png", _png(side, side, b""))
    rows = zlib.compress(b"\0" + bytes(20_000), 9)
    yield Case("a PNG of 20,000 x 20,000 black points", "bomb.png", _png(20_000, 20_000, rows))
    text = zlib.compress(bytes(1 << 26), 9)
    yield Case("a PNG whose text unfolds to 64 MiB", "text.png", _with(png, b"zTXt", b"k\0\0" + text))
    yield Case("a PNG whose colours unfold to 64 MiB", "icc.png", _with(png, b"iCCP", b"k\0\0" + text))
    yield Case("a PNG of no point", "none.png", _png(0, 0, b""))
    start = jpeg.index(b"\xff\xc0")
    for height, width in ((0, 0), (65_535, 65_535), (1, 65_535)):
        size = struct.pack(">HH", height, width)
        yield Case(f"a JPEG of {width} x {height}", "bomb.jpg", jpeg[: start + 5] + size + jpeg[start + 9 :])
    yield Case("a JPEG with 10,000 scans", "scans.jpg", _scans())
    for data, name in ((jpeg, "b.jpg"), (png, "a.png")):
        for share in range(1, 8):
            yield Case(f"{name} cut off after {share} eighths", name, data[: len(data) * share // 8])
    for form in ("GIF", "BMP", "TIFF", "WEBP", "ICO", "PPM", "TGA"):
        out = io.BytesIO()
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(out, format=form)
        yield Case(f"a {form} named a.jpg", "a.jpg", out.getvalue())
    page, archive = b"<html><script>alert(1)</script></html>", b"PK\3\4" + bytes(26) + b"PK\5\6" + bytes(18)
    for data, name in ((jpeg, "b.jpg"), (png, "a.png")):
        yield Case(f"{name} that is a web page as well", name, data + page)
        yield Case(f"{name} that is an archive as well", name, data + archive)
        yield Case(f"{name} behind a web page", name, page + data)
    yield Case("a PNG that is a JPEG as well", "a.png", png + jpeg)
    yield Case("a JPEG that is a PNG as well", "b.jpg", jpeg + png)
    yield Case("a PostScript program", "a.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n")
    yield Case("nothing", "a.png", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, data: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _with(png: bytes, kind: bytes, data: bytes) -> bytes:
    return png[:33] + _chunk(kind, data) + png[33:]


def _scans() -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = good()["a.jpg"]
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 10_000 + data[-2:]
