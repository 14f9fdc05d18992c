"""Finds a weights file in an installed distribution and refuses it when its digest is not the pack's."""

import hashlib
from importlib import metadata
from pathlib import Path

from services.core import errors
from services.packs.pack import File, Source


def locate(source: Source, file: File) -> Path:
    """The path of `file`, after its digest was checked.

    `NotFound` when the distribution is not installed or lacks the file, `ChecksumMismatch` when the bytes differ.
    """
    want = f"{source.distribution}=={source.version}"
    try:
        path = Path(str(metadata.distribution(source.distribution).locate_file(file.path)))
    except metadata.PackageNotFoundError as error:
        raise errors.NotFound(f"{want} is not installed: pip install {want}") from error
    if not path.is_file():
        raise errors.NotFound(f"{source.distribution} holds no {file.path}: pip install {want}")
    return verify(path, file.sha256)


def verify(path: Path, expected: str) -> Path:
    """`path` itself when its SHA-256 is `expected`, else `ChecksumMismatch`."""
    with path.open("rb") as data:
        found = hashlib.file_digest(data, "sha256").hexdigest()
    if found != expected:
        raise errors.ChecksumMismatch(f"{path} is not the file that the pack names: expected {expected}, found {found}")
    return path
