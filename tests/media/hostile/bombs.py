"""Small files that claim, or become, much more than they are."""

import functools
import itertools
import struct
from collections.abc import Iterator
from pathlib import Path

import av

from tests.media import films as made
from tests.media.hostile.case import Case
from tests.media.hostile.seeds import EXACT, with_font
from tests.media.pictures import hold, plain

film = functools.partial(made.film, container_options=EXACT)


def films(folder: Path) -> Iterator[Case]:
    folder.mkdir(parents=True, exist_ok=True)
    yield Case("a GIF of 65535 x 65535 in 40 bytes", "bomb.gif", _gif(65535, 65535, 1))
    yield Case("a GIF of 5900 x 5900, a hundred times", "bomb.gif", _gif(5900, 5900, 100))
    large = film(folder / "large.mkv", hold(plain(0, 4000, 3000), 8), codec="ffv1", pixel_format="gray")
    yield Case(f"8 pictures of 12 megapixels in {large.stat().st_size} bytes", "large.mkv", large.read_bytes())
    grows = b"".join(
        film(folder / "grows.ts", hold(plain(60, side, side), 3)).read_bytes() for side in (64, 3000, 64, 128, 1024)
    )
    yield Case("pictures that grow and shrink", "grows.ts", grows)
    many = film(folder / "many.avi", hold(plain(0, 16, 16), 4000), codec="mpeg4", gop=1000)
    yield Case(f"4000 pictures in {many.stat().st_size} bytes", "many.avi", many.read_bytes())
    far = film(folder / "far.mkv", hold(plain(0, 32, 32), 3), times=[0, 40, 80_000_000])
    yield Case("22 hours between two pictures", "far.mkv", far.read_bytes())
    beyond = film(folder / "beyond.mkv", hold(plain(0, 32, 32), 3), times=[0, 40, 2_000_000_000])
    yield Case("23 days between two pictures", "beyond.mkv", beyond.read_bytes())
    fast = film(folder / "fast.mp4", hold(plain(0, 32, 32), 50), rate=90_000)
    yield Case("90,000 pictures a second", "fast.mp4", fast.read_bytes())
    yield Case("200 streams", "streams.mkv", _streams(folder / "streams.mkv", 200))
    for what, font in {
        "of nothing": b"", "that is a list": b"#EXTM3U\n/etc/passwd\n", "of 4 MB of one letter": b"A" * (4 << 20),
        "whose tables lie beyond its end": b"\0\1\0\0\xff\xffglyf" + struct.pack(">II", 1 << 31, 1 << 31) * 99,
    }.items():  # fmt: skip
        yield Case(f"a font {what}", "font.mkv", with_font(folder / "font.mkv", font))


def _gif(width: int, height: int, count: int) -> bytes:
    """Pictures of the width and height, of which one pixel is given."""
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    picture = b"\x21\xf9\x04\0\x0a\0\0\0" + b"\x2c\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02\x44\x01\0"
    return head + picture * count + b";"


def _streams(path: Path, count: int) -> bytes:
    with av.open(str(path), "w", options=EXACT) as out:
        videos = [out.add_stream("mpeg4", rate=25) for _ in range(count)]
        for video in videos:
            video.width, video.height, video.pix_fmt = 16, 16, "yuv420p"
        for video, picture in itertools.product(videos, hold(plain(0, 16, 16), 1)):
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            out.mux(video.encode(None))
    return path.read_bytes()
