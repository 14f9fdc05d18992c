"""Reads the vectors that the embedding stage stores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.core.errors import Internal
from services.core.vectors import from_npz


@dataclass(frozen=True)
class Vectors:
    """Unit rows [n, d] of a vector space."""

    space: str
    values: NDArray[np.float32]


def read(data: bytes, key: str) -> Vectors:
    """The vectors of an object; `key` is for the message."""
    try:
        values, space = from_npz(data)
    except ValueError as error:
        raise Internal(f"object {key} does not hold vectors: {error}") from error
    return Vectors(space, values)
