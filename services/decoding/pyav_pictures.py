"""Pictures of frames with PyAV and Pillow: as shown (turned, square pixels, right colours), and as signatures."""

import io
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image

from services.decoding.domain.sampling import fit
from services.decoding.domain.signature import HEIGHT, WIDTH, Bytes
from services.decoding.domain.turns import FINE_HEIGHT, FINE_WIDTH

_FINE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_SHRINK = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
_PLAIN = ("yuv420p", "yuvj420p", "nv12")
_UNSPECIFIED = 2
_HD_HEIGHT = 720
_MOST_ASPECT = 16
_TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
"""Pillow turns counter-clockwise."""

_COLOURS = VideoReformatter()


def pixel_aspect(ratio: Fraction | None) -> Fraction:
    """Width of a pixel by its height; 1 when not stated or absurd."""
    usable = ratio is not None and Fraction(1, _MOST_ASPECT) <= ratio <= _MOST_ASPECT
    return ratio if usable and ratio is not None else Fraction(1)


def shown_size(width: int, height: int, aspect: Fraction, rotation: int) -> tuple[int, int]:
    """Width and height with square pixels, turned clockwise by `rotation` degrees."""
    wide = max(1, round(width * aspect))
    return (height, wide) if rotation in (90, 270) else (wide, height)


def orientation(frame: VideoFrame) -> tuple[int, bool]:
    """Clockwise degrees that a player turns the picture by, a multiple of 90, and whether it mirrors it first."""
    data = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    if data is None:
        return 0, False
    a, b, _, c, d = np.frombuffer(memoryview(data), np.int32, 5).astype(float)
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(np.degrees(np.arctan2(b, a)) / 90) * 90 % 360, bool(mirrored)


@dataclass(frozen=True)
class Small:
    """A picture in its final size, with what is needed to show it."""

    frame: VideoFrame
    matrix: Colorspace | None
    """Of the colours, where the frame does not tell."""
    turn: int
    mirrored: bool


class Painter:
    """Makes pictures of a stream's frames; keeps FFmpeg's scalers between frames."""

    def __init__(self, aspect: Fraction) -> None:
        self._aspect = aspect
        self._coarse = VideoReformatter()
        self._grey = VideoReformatter()
        self._shrink = VideoReformatter()
        self._direct = VideoReformatter()

    def signature(self, frame: VideoFrame) -> Bytes:
        """uint8[864] of the frame as coded; see `domain.signature`."""
        small = self._coarse.reformat(frame, WIDTH, HEIGHT, "yuv420p", interpolation=Interpolation.AREA, threads=1)
        planes = [
            np.frombuffer(memoryview(p), np.uint8).reshape(p.height, p.line_size)[:, : p.width].ravel()
            for p in small.planes
        ]
        return np.concatenate(planes)

    def fine(self, frame: VideoFrame) -> Bytes:
        """uint8[180, 320] luma of the frame as coded; see `domain.turns`."""
        grey = self._grey.reformat(frame, FINE_WIDTH, FINE_HEIGHT, "gray", interpolation=Interpolation.AREA, threads=1)
        plane = grey.planes[0]
        return np.frombuffer(memoryview(plane), np.uint8).reshape(FINE_HEIGHT, plane.line_size)[:, :FINE_WIDTH].copy()

    def small(self, frame: VideoFrame, side: int) -> Small:
        """The frame as coded, its shorter side at most `side`; a quarter of the work of its picture where that can be.

        Pictures of the usual form are scaled in it, so that colours are made from the few pixels that are left.
        """
        width, height = fit(max(1, round(frame.width * self._aspect)), frame.height, side)
        guess = _guess(frame)
        turn, mirrored = orientation(frame)
        if frame.format.name in _PLAIN:
            frame = self._shrink.reformat(frame, width, height, interpolation=_SHRINK, threads=1)
        else:
            frame = _rgb(self._direct, frame, width, height, guess)
        return Small(frame, guess, turn, mirrored)

    def tall(self, frame: VideoFrame, max_height: int) -> Image.Image:
        """The frame as shown, its height at most `max_height`; its own when that is 0."""
        width, height = max(1, round(frame.width * self._aspect)), frame.height
        shown = width if orientation(frame)[0] in (90, 270) else height
        scale = min(Fraction(1), Fraction(max_height, shown)) if max_height else Fraction(1)
        return self._paint(frame, max(1, round(width * scale)), max(1, round(height * scale)))

    def _paint(self, frame: VideoFrame, width: int, height: int) -> Image.Image:
        """The frame as shown, with this size before it is turned."""
        return _image(_rgb(self._direct, frame, width, height, _guess(frame)), *orientation(frame))


def _guess(frame: VideoFrame) -> Colorspace | None:
    """The matrix that players take where none is stated; None when it is."""
    if frame.colorspace != _UNSPECIFIED:
        return None
    return Colorspace.ITU709 if frame.height >= _HD_HEIGHT else Colorspace.ITU601


def _rgb(
    reformatter: VideoReformatter, frame: VideoFrame, width: int, height: int, matrix: Colorspace | None
) -> VideoFrame:
    return reformatter.reformat(
        frame,
        width,
        height,
        "rgb24",
        src_colorspace=matrix,
        dst_color_range=ColorRange.JPEG,
        interpolation=_FINE,
        threads=1,
    )


def _image(rgb: VideoFrame, turn: int, mirrored: bool) -> Image.Image:
    plane = rgb.planes[0]
    size = (rgb.width, rgb.height)
    image = Image.frombytes("RGB", size, memoryview(plane), "raw", "RGB", plane.line_size, 1)
    if mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.transpose(_TURNS[turn]) if turn else image


def finished(small: Small) -> Image.Image:
    """The picture of a small one, as shown."""
    frame = small.frame
    if frame.format.name != "rgb24":
        frame = _rgb(_COLOURS, frame, frame.width, frame.height, small.matrix)
    return _image(frame, small.turn, small.mirrored)


def jpeg(image: Image.Image, quality: int) -> bytes:
    """JPEG bytes; the same picture gives the same bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def thumbnail(data: bytes, height: int, quality: int = 80) -> bytes:
    """A JPEG made smaller, to at most this height and twice as wide."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.thumbnail((2 * height, height))
        return jpeg(image, quality)
