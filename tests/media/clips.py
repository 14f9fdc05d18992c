"""Minutes of film as people keep them, for measuring: slides that stand, and a camera held by hand over photographs.

Every function takes numbers, draws from a generator of its own, and gives the pictures one at a time, so that an hour
of film needs the memory of a second.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from skimage import data

from tests.media.pictures import Picture
from tests.media.slides import DARK, LIGHT, Style, slide, texts

PHOTOS = (
    "astronaut",
    "coffee",
    "chelsea",
    "rocket",
    "motorcycle",
    "retina",
    "immunohistochemistry",
    "hubble_deep_field",
)
_FADE = 12
"""Frames of a dissolve."""


@dataclass(frozen=True)
class Clip:
    """How a film is made: pixels, frames a second, frames in all, and the seed of what is in it."""

    width: int
    height: int
    rate: int
    frames: int
    seed: int = 0


@dataclass(frozen=True)
class Shown:
    """A picture, and whether a shot begins with it: "" for no, "cut", or "dissolve" in the middle of one."""

    picture: Picture
    begins: str = ""


@lru_cache
def photograph(name: str) -> Picture:
    """A photograph that comes with scikit-image, RGB."""
    picture = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    return np.ascontiguousarray(picture[..., :3])


def calm(clip: Clip) -> Iterator[Shown]:
    """Slides of one design, each for 4 to 12 s, and a photograph now and then: a hard cut to it and one back."""
    rng = random.Random(clip.seed)
    left, number, photo, before = clip.frames, 0, False, None
    styles = [Style(style.size * clip.height // 720, style.ink, style.paper) for style in (LIGHT, DARK)]
    while left > 0:
        photo = number % 4 == 3
        if photo:
            picture = _fitted(PHOTOS[rng.randrange(len(PHOTOS))], clip)
        else:
            # The design changes after a photograph only.
            style = styles[number // 4 % 2]
            picture = slide(texts(rng.randrange(1 << 30), 1)[0], style, clip.width, clip.height)
        kind = -1 if photo else number // 4 % 2
        begins = "cut" if before is not None and kind != before else ""
        before, number = kind, number + 1
        count = min(left, rng.randint(4 * clip.rate, 12 * clip.rate))
        for i in range(count):
            yield Shown(picture, begins if i == 0 else "")
        left -= count


def busy(clip: Clip) -> Iterator[Shown]:
    """Shots of 3 to 8 s over photographs: the hand shakes, pans and closes in, the sensor has noise; some dissolve."""
    rng = random.Random(clip.seed)
    left, number = clip.frames, 0
    tail: list[Picture] = []
    noise = _Noise(clip)
    order = rng.sample(PHOTOS, len(PHOTOS))
    while left > 0:
        count = min(left, rng.randint(3 * clip.rate, 8 * clip.rate))
        dissolves = bool(tail)
        keep = _FADE if number % 4 == 2 and count < left else 0
        shot = _handheld(order[number % len(order)], clip, count + keep, rng)
        number += 1
        for i in range(count):
            picture = next(shot)
            if i < len(tail):
                share = (i + 1) / (len(tail) + 1)
                picture = cv2.addWeighted(tail[i], 1 - share, picture, share, 0)
            begins = ("dissolve" if i == len(tail) // 2 else "") if dissolves else ("cut" if i == 0 else "")
            yield Shown(noise.on(picture), begins if number > 1 else "")
        left -= count
        tail = list(shot)


def _fitted(name: str, clip: Clip) -> Picture:
    """The whole photograph, cut to the film's shape."""
    photo = photograph(name)
    h, w = photo.shape[:2]
    scale = max(clip.width / w, clip.height / h)
    big = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    y, x = (big.shape[0] - clip.height) // 2, (big.shape[1] - clip.width) // 2
    return np.ascontiguousarray(big[max(0, y) : max(0, y) + clip.height, max(0, x) : max(0, x) + clip.width])


def _handheld(name: str, clip: Clip, count: int, rng: random.Random) -> Iterator[Picture]:
    photo = photograph(name)
    h, w = photo.shape[:2]
    base = max(clip.width / w, clip.height / h) * 1.25
    zoom, turn = rng.uniform(-0.2, 0.3), rng.uniform(0, 2 * np.pi)
    reach = 0.08 * min(w, h)
    x = y = dx = dy = 0.0
    for i in range(count):
        share = i / max(1, count - 1)
        # A hand is a slow, damped, random walk.
        dx, dy = 0.9 * dx + rng.gauss(0, 0.15), 0.9 * dy + rng.gauss(0, 0.15)
        x, y = 0.97 * x + dx, 0.97 * y + dy
        scale = base * (1 + zoom * share)
        cx = w / 2 + x + reach * (share - 0.5) * np.cos(turn)
        cy = h / 2 + y + reach * (share - 0.5) * np.sin(turn)
        matrix = np.array([[scale, 0, clip.width / 2 - scale * cx], [0, scale, clip.height / 2 - scale * cy]])
        yield cv2.warpAffine(
            photo, matrix, (clip.width, clip.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )


class _Noise:
    """A sensor's noise: one large field of it, laid anew on every picture."""

    def __init__(self, clip: Clip, sigma: float = 2.5) -> None:
        rng = np.random.default_rng(clip.seed)
        self._rng = rng
        field = rng.normal(0, sigma, (clip.height + 64, clip.width + 64, 1))
        self._field = np.repeat(np.round(field).astype(np.int16), 3, axis=2)
        self._size = clip.height, clip.width

    def on(self, picture: Picture) -> Picture:
        y, x = self._rng.integers(0, 64, 2)
        part = self._field[y : y + self._size[0], x : x + self._size[1]]
        return cv2.add(picture, part, dtype=cv2.CV_8U)
