"""Lays a picture of any shape on the wide canvas of a visual encoder."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Classifiers are trained with aspect ratios changed by up to a third; more than that is cut off, not squeezed.
_STRETCH = 4 / 3


def lay(picture: Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    """The picture as (height, width, 3) uint8 RGB, layout "wide".

    A landscape picture fills the canvas, stretched by at most a third, the rest cut equally from two sides. Of an
    upright one the top half lies left and the bottom half right, so that nothing becomes tiny.
    """
    picture = picture.convert("RGB")
    if picture.width >= picture.height:
        return _fill(picture, height, width)
    half = (picture.height + 1) // 2
    top = picture.crop((0, 0, picture.width, half))
    bottom = picture.crop((0, picture.height - half, picture.width, picture.height))
    left = width // 2
    return np.concatenate([_fill(top, height, left), _fill(bottom, height, width - left)], axis=1)


def _fill(picture: Image.Image, height: int, width: int) -> NDArray[np.uint8]:
    ratio, wanted = picture.width / picture.height, width / height
    kept_w, kept_h = float(picture.width), float(picture.height)
    if ratio > wanted * _STRETCH:
        kept_w = kept_h * wanted * _STRETCH
    elif ratio < wanted / _STRETCH:
        kept_h = kept_w / (wanted / _STRETCH)
    x, y = (picture.width - kept_w) / 2, (picture.height - kept_h) / 2
    box = (x, y, x + kept_w, y + kept_h)
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC, box=box), dtype=np.uint8)
