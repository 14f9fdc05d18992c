"""Vectors and classes as they lie in the bucket: NPZ, written by the embedding stage, read by it and other stages."""

import io
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FrameClasses:
    """The likeliest classes of n pictures, k of each, best first: names [n, k], and probabilities [n, k] in [0, 1]."""

    names: npt.NDArray[np.str_]
    probabilities: F32


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


def classes_to_npz(classes: FrameClasses) -> bytes:
    """Compressed NPZ; the same classes give the same bytes.

    A name is kept once: `vocabulary` holds the names in order of the alphabet, `indices` [n, k] places in it. Raises
    ValueError when names and probabilities differ in shape.
    """
    names, probabilities = classes.names, np.ascontiguousarray(classes.probabilities, np.float32)
    if names.ndim != 2 or names.shape != probabilities.shape:
        raise ValueError(f"names are {names.shape}, probabilities {probabilities.shape}; wanted one shape [n, k]")
    vocabulary, indices = np.unique(names.astype(np.str_), return_inverse=True)
    out = io.BytesIO()
    np.savez_compressed(
        out,
        vocabulary=vocabulary,
        indices=indices.reshape(names.shape).astype(np.int32),
        probabilities=probabilities,
    )
    return out.getvalue()


def classes_from_npz(data: bytes) -> FrameClasses:
    """What `classes_to_npz` wrote. Raises ValueError on anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            vocabulary, indices, probabilities = held["vocabulary"], held["indices"], held["probabilities"]
    except (OSError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"not an NPZ of classes: {error}") from error
    if vocabulary.ndim != 1 or vocabulary.dtype.kind != "U":
        raise ValueError(f"the vocabulary is {vocabulary.dtype} {vocabulary.shape}, not text [v]")
    inside = not indices.size or (indices.min() >= 0 and indices.max() < len(vocabulary))
    if indices.ndim != 2 or indices.dtype != np.int32 or not inside:
        raise ValueError(f"indices are {indices.dtype} {indices.shape}, not places of the vocabulary [n, k]")
    if probabilities.dtype != np.float32 or probabilities.shape != indices.shape:
        raise ValueError(f"probabilities are {probabilities.dtype} {probabilities.shape}, not float32 {indices.shape}")
    return FrameClasses(vocabulary[indices], probabilities)
