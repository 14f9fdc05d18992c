"""Pictures that carry a number which survives scaling and coding, and what a film of them holds, read back."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from services.core.times import from_pts
from tests.media.pictures import Picture

BITS = 12
_CELLS = 4


def numbered(number: int, width: int = 128, height: int = 96) -> Picture:
    """A picture of 4 x 4 cells: white, the number's 12 bits from the highest on, its bit sum in 2 bits, black."""
    bits = [number >> i & 1 for i in reversed(range(BITS))]
    cells = np.array([1, *bits, sum(bits) >> 1 & 1, sum(bits) & 1, 0], np.uint8).reshape(_CELLS, _CELLS)
    rows = np.arange(height) * _CELLS // height
    columns = np.arange(width) * _CELLS // width
    return np.repeat((cells[rows][:, columns] * 215 + 20)[..., None], 3, axis=2).astype(np.uint8)


def count(frames: int, width: int = 128, height: int = 96) -> Iterator[Picture]:
    """Pictures 0, 1, 2 and so on."""
    return (numbered(i, width, height) for i in range(frames))


def read(picture: Picture) -> int:
    """The number in a picture that is shown upright, or -1 when it holds none."""
    height, width = picture.shape[:2]
    grey = picture.mean(2)
    middle = (np.arange(_CELLS) * 2 + 1) / (2 * _CELLS)
    bits = [int(grey[int(y * height), int(x * width)] > 127) for y in middle for x in middle]
    number = sum(bit << i for i, bit in enumerate(reversed(bits[1:-3])))
    whole = bits[0] == 1 and bits[-1] == 0 and bits[-3] * 2 + bits[-2] == sum(bits[1:-3]) % 4
    return number if whole else -1


@dataclass(frozen=True)
class Film:
    """What a film shows: (ns, number) of each frame, the end of the last; its samples [channels, n] and their rate."""

    frames: list[tuple[int, int]]
    end: int
    size: tuple[int, int]
    sound: np.ndarray | None
    sound_start: Fraction
    rate: int
    container: str

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.frames]


def watch(path: Path, corner: tuple[float, float] = (1, 1)) -> Film:
    """Decode all of it, its times as a player takes them; `corner` is the share of height and width, from the lower
    left, that the number fills."""
    with av.open(str(path)) as box:
        video = box.streams.video[0]
        frames, end = [], 0
        for frame in box.decode(video):
            time = from_pts(frame.pts, video.time_base)
            picture = frame.to_ndarray(format="rgb24")
            top, right = round(frame.height * (1 - corner[0])), round(frame.width * corner[1])
            frames.append((time, read(picture[top:, :right])))
            end = from_pts(frame.pts + frame.duration, video.time_base)
        size = (video.width, video.height)
    with av.open(str(path)) as box:
        parts, start, rate = [], Fraction(0), 0
        for stream in box.streams.audio[:1]:
            rate = stream.rate
            for frame in box.decode(stream):
                start = start if parts else frame.pts * frame.time_base
                parts.append(frame.to_ndarray())
            # The last frame of AAC is filled up; what is of use of it is in the stream's length, where that is told.
            length = None if stream.duration is None else round(stream.duration * stream.time_base * rate)
            parts = [np.concatenate(parts, axis=1)[:, :length]]
        return Film(frames, end, size, parts[0] if parts else None, start, rate, box.format.name)
