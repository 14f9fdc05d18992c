"""JPEGs out of a segment's tar."""

import io
import tarfile

import pytest

from services.core.errors import Incomplete
from services.core.jpegs import jpegs
from services.core.media import SampledFrame
from services.core.times import TimeRange

FRAMES = [SampledFrame(pts, t, TimeRange(t, t + 1)) for t, pts in enumerate((-512, 0, 1024))]
FILES = {"-512.jpg": b"one", "0.jpg": b"two", "1024.jpg": b"three"}


def tar_of(files: list[tuple[str, bytes]]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return io.BytesIO(out.getvalue())


class OnlyForward(io.RawIOBase):
    """A stream that gives few bytes at a time and cannot seek, as one from S3."""

    def __init__(self, inner: io.BytesIO) -> None:
        self._inner = inner

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 100))


def test_frames_are_found_by_pts_whatever_the_order() -> None:
    found = dict(jpegs(tar_of(list(reversed(FILES.items()))), FRAMES))
    assert found == {0: b"one", 1: b"two", 2: b"three"}


def test_a_stream_that_only_goes_forward_is_enough() -> None:
    assert len(list(jpegs(OnlyForward(tar_of(list(FILES.items()))), FRAMES))) == 3


def test_no_frames_need_no_pictures() -> None:
    assert list(jpegs(tar_of([]), [])) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([("0.jpg", b"two"), ("1024.jpg", b"three")], "1 of 3 JPEGs are missing, -512.jpg"),
        ([*FILES.items(), ("7.jpg", b"four")], "'7.jpg', which is no sampled frame"),
        ([*FILES.items(), ("0.jpg", b"again")], "'0.jpg', which is no sampled frame"),
        ([("../0.jpg", b"two")], "no sampled frame"),
    ],
    ids=["missing", "one too many", "twice", "path"],
)
def test_other_content_is_incomplete(files: list[tuple[str, bytes]], message: str) -> None:
    with pytest.raises(Incomplete, match=message):
        list(jpegs(tar_of(files), FRAMES))


@pytest.mark.parametrize("size", [0, 300, 700])
def test_truncated_tar_is_incomplete(size: int) -> None:
    with pytest.raises(Incomplete):
        list(jpegs(io.BytesIO(tar_of(list(FILES.items())).getvalue()[:size]), FRAMES))


def test_frames_of_one_pts_are_incomplete() -> None:
    with pytest.raises(Incomplete, match="one PTS"):
        list(jpegs(tar_of([]), [FRAMES[0], FRAMES[0]]))
