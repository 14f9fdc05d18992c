"""Reads the vectors that the embedding stage stores: NPZ with `vectors` float32 [n, d] and `space`."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.core.errors import Internal


@dataclass(frozen=True)
class Vectors:
    """Unit rows [n, d] of a vector space."""

    space: str
    values: NDArray[np.float32]


def read(data: bytes, key: str) -> Vectors:
    """The vectors of an object; `key` is for the message."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            values = np.ascontiguousarray(arrays["vectors"], dtype=np.float32)
            return Vectors(str(arrays["space"]), values)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise Internal(f"object {key} does not hold vectors: {error}") from error
