"""Writes uncompressed tars whose members can be read by range, and whose bytes depend on their content only."""

import io
import tarfile
from pathlib import Path
from types import TracebackType
from typing import Self

HEADER = 512


class TarWriter:
    """A tar under way."""

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115

    def add(self, name: str, data: bytes) -> int:
        """Append a member; the offset of its first byte in the tar."""
        info = tarfile.TarInfo(name)
        info.size = len(data)
        offset = self._tar.offset + HEADER
        self._tar.addfile(info, io.BytesIO(data))
        # The class remembers every member, which is of no use here and grows.
        self._tar.members.clear()  # type: ignore[attr-defined]
        return offset

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()
