"""Vectors as they lie in the bucket: NPZ, written by the embedding stage and read by it and by search."""

import io
import zipfile

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]


def to_npz(vectors: F32, space: str) -> bytes:
    """NPZ of `vectors` float32 [n, d] and `space`; the same input gives the same bytes."""
    out = io.BytesIO()
    np.savez(out, vectors=np.ascontiguousarray(vectors, np.float32), space=np.array(space))
    return out.getvalue()


def from_npz(data: bytes) -> tuple[F32, str]:
    """What `to_npz` wrote. Raises ValueError on anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            vectors, space = held["vectors"], str(held["space"])
    except (OSError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"not an NPZ of vectors: {error}") from error
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ValueError(f"vectors are {vectors.dtype} {vectors.shape}, not float32 [n, d]")
    return vectors, space
