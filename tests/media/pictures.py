"""Pictures to make films of: uint8[height, width, 3], RGB."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]


def scene(seed: int, width: int = 192, height: int = 108) -> Picture:
    """A colourful picture with large shapes and fine detail; another seed gives quite another picture."""
    rng = np.random.default_rng(seed)
    layers = []
    for cells, weight in ((4, 0.6), (12, 0.25), (40, 0.15)):
        noise = rng.integers(0, 256, (max(2, cells * 9 // 16), cells, 3), np.uint8)
        smooth = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
        layers.append(weight * np.asarray(smooth, np.float32))
    mixed = sum(layers)
    contrast = (mixed - np.mean(mixed)) * 1.6 + rng.uniform(90, 165)
    return np.clip(contrast, 0, 255).astype(np.uint8)


def corners(width: int = 64, height: int = 48) -> Picture:
    """Red top left, green top right, blue bottom left, white bottom right: tells every turn and mirroring apart."""
    picture = np.zeros((height, width, 3), np.uint8)
    h, w = height // 2, width // 2
    picture[:h, :w] = 255, 0, 0
    picture[:h, w:] = 0, 255, 0
    picture[h:, :w] = 0, 0, 255
    picture[h:, w:] = 255, 255, 255
    return picture


def plain(level: int, width: int = 192, height: int = 108) -> Picture:
    """One grey."""
    return np.full((height, width, 3), level, np.uint8)


def hold(picture: Picture, count: int) -> Iterator[Picture]:
    """The picture, so many frames long."""
    for _ in range(count):
        yield picture


def pan(seed: int, count: int, width: int = 192, height: int = 108, reach: float = 0.15) -> Iterator[Picture]:
    """A camera that moves over a larger scene by `reach` of the width."""
    big = scene(seed, round(width * (1 + reach)) + 1, height)
    for i in range(count):
        x = round(i / max(1, count - 1) * (big.shape[1] - width))
        yield big[:, x : x + width]


def zoom(seed: int, count: int, width: int = 192, height: int = 108, factor: float = 1.25) -> Iterator[Picture]:
    """A camera that closes in on the middle of a scene."""
    big = Image.fromarray(scene(seed, 2 * width, 2 * height))
    for i in range(count):
        share = 1 / (1 + (factor - 1) * i / max(1, count - 1))
        w, h = 2 * width * share, 2 * height * share
        box = (width - w / 2, height - h / 2, width + w / 2, height + h / 2)
        yield np.asarray(big.resize((width, height), Image.Resampling.BILINEAR, box))


def shake(seed: int, count: int, width: int = 192, height: int = 108, pixels: int = 5) -> Iterator[Picture]:
    """A camera held by a hand that is not steady."""
    big = scene(seed, width + 8 * pixels, height + 8 * pixels)
    rng = np.random.default_rng(seed + 1)
    at = np.array([4.0 * pixels, 4.0 * pixels])
    for _ in range(count):
        at = np.clip(at + rng.normal(0, pixels / 2, 2), 0, 8 * pixels)
        x, y = int(at[0]), int(at[1])
        yield big[y : y + height, x : x + width]


def mix(a: Picture, b: Picture, count: int) -> Iterator[Picture]:
    """A dissolve: `count` mixtures that lie strictly between a and b."""
    for i in range(1, count + 1):
        share = i / (count + 1)
        yield (a * (1 - share) + b * share).astype(np.uint8)


def flash(frames: list[Picture], at: int, strength: float = 110.0, fade: int = 3) -> list[Picture]:
    """The same frames with a photo flash that begins at one and dies down."""
    lit = list(frames)
    for i in range(fade):
        lit[at + i] = np.clip(frames[at + i] + strength * (1 - i / fade), 0, 255).astype(np.uint8)
    return lit
