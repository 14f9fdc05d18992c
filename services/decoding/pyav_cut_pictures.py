"""Pictures of a film that is written: of one size, turned, with square pixels, yuv420p in BT.709, with PyAV."""

from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from services.decoding.pyav_pictures import orientation, pixel_aspect, shown_size

WIDEST = 4
"""A picture is at most so many times as wide as its greatest height."""
MOST_WIDTH = 8192
_HD_HEIGHT = 720
_UNSPECIFIED = 2
_SCALE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP


class Canvas:
    """Paints frames; keeps FFmpeg's scaler between them. The size is that of the first frame, as it is shown."""

    def __init__(self, first: VideoFrame, aspect: Fraction | None, max_height: int) -> None:
        turn, _ = orientation(first)
        shown = shown_size(first.width, first.height, pixel_aspect(aspect), turn)
        self.width, self.height = even_size(*shown, max_height)
        self._scaler = VideoReformatter()

    def paint(self, frame: VideoFrame) -> VideoFrame:
        """The frame as a player shows it."""
        turn, mirrored = orientation(frame)
        width, height = (self.height, self.width) if turn in (90, 270) else (self.width, self.height)
        guess = Colorspace.ITU709 if frame.height >= _HD_HEIGHT else Colorspace.ITU601
        scaled = self._scaler.reformat(
            frame,
            width,
            height,
            "yuv420p",
            src_colorspace=guess if frame.colorspace == _UNSPECIFIED else None,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=_SCALE,
            threads=1,
        )
        return _turned(scaled, turn, mirrored) if turn or mirrored else scaled


def even_size(width: int, height: int, max_height: int) -> tuple[int, int]:
    """Even width and height of a picture that is at most so high, and never larger but to be even."""
    most = min(WIDEST * max_height, MOST_WIDTH)
    scale = min(Fraction(1), Fraction(max_height, height), Fraction(most, width))
    return _even(width * scale, most), _even(height * scale, max_height)


def _even(size: Fraction, most: int) -> int:
    return max(2, min(2 * round(size / 2), most // 2 * 2))


def _turned(frame: VideoFrame, turn: int, mirrored: bool) -> VideoFrame:
    planes = []
    for plane in frame.planes:
        pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        planes.append(np.rot90(np.fliplr(pixels) if mirrored else pixels, -turn // 90))
    height, width = planes[0].shape
    pixels = np.concatenate([plane.ravel() for plane in planes]).reshape(height * 3 // 2, width)
    return VideoFrame.from_ndarray(pixels, format="yuv420p")
