"""Object store in a folder: an object is a file, written beside and renamed into place."""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from services.core.errors import InvalidInput, NotFound, StorageFull, Unavailable, VidxError
from services.core.store import ObjectInfo

CHUNK = 1 << 20
LEFTOVER_S = 3600.0
"""A file that nobody wrote to for so long is not being written."""


class FolderStore:
    """Implements `core.store.ObjectStore`. `min_free_bytes` of the disk are left for others."""

    def __init__(self, root: Path, min_free_bytes: int = 0) -> None:
        self._root = root
        self._min_free = min_free_bytes
        self._partial = root / ".partial"
        self._partial.mkdir(parents=True, exist_ok=True)
        self._drop_leftovers()

    def put(self, key: str, data: bytes | BinaryIO) -> int:
        target = self._path(key)
        partial = self._partial / secrets.token_hex(16)
        size = 0
        try:
            self._check_room(len(data) if isinstance(data, bytes) else 0)
            with partial.open("xb") as file:
                for chunk in (data,) if isinstance(data, bytes) else iter(lambda: data.read(CHUNK), b""):
                    self._check_room(len(chunk))
                    size += file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            self._move(partial, target)
        except OSError as error:
            raise _rename(error, key) from error
        finally:
            partial.unlink(missing_ok=True)
        return size

    def get(self, key: str) -> bytes:
        with self.open(key) as file:
            return file.read()

    def read(self, key: str, offset: int, size: int) -> bytes:
        with self.open(key) as file:
            file.seek(offset)
            return file.read(size)

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with self.local(key) as path:
            try:
                file = path.open("rb")
            except OSError as error:
                raise _rename(error, key) from error
            with file:
                yield file

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        if not path.is_file():
            raise NotFound(f"no object {key}")
        yield path

    def stat(self, key: str) -> ObjectInfo | None:
        path = self._path(key)
        try:
            return ObjectInfo(key, path.stat().st_size) if path.is_file() else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _rename(error, key) from error

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        base = self._root / prefix.rpartition("/")[0]
        found = []
        for folder, folders, files in os.walk(base):
            if Path(folder) == self._root:
                folders[:] = [f for f in folders if f != self._partial.name]
            for name in files:
                path = Path(folder, name)
                key = path.relative_to(self._root).as_posix()
                if key.startswith(prefix):
                    found.append((key, path))
        for key, path in sorted(found):
            try:
                yield ObjectInfo(key, path.stat().st_size)
            except FileNotFoundError:
                continue

    def delete(self, keys: list[str]) -> None:
        for key in keys:
            path = self._path(key)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise _rename(error, key) from error
            for folder in path.parents:
                if folder == self._root:
                    break
                try:
                    folder.rmdir()
                except OSError:
                    break

    @staticmethod
    def _move(partial: Path, target: Path) -> None:
        # A delete beside this may take the empty folder away between the calls; then make it again.
        for attempt in range(10):
            changed = [target.parent, *(f.parent for f in target.parents if not f.exists())]
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.replace(partial, target)
                break
            except FileNotFoundError:
                if attempt == 9:
                    raise
        # The names too must be on the disk before the catalog speaks of the object.
        for folder in changed:
            _sync(folder)

    def _drop_leftovers(self) -> None:
        """Remove what processes that died were writing."""
        for path in self._partial.iterdir():
            try:
                if path.stat().st_mtime < time.time() - LEFTOVER_S:
                    path.unlink(missing_ok=True)
            except OSError:
                continue

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\0" in part or part.startswith(".partial") for part in parts):
            raise InvalidInput(f"not an object key: {key[:200]!r}")
        return self._root.joinpath(*parts)

    def _check_room(self, size: int) -> None:
        free = shutil.disk_usage(self._root).free
        if free - size < self._min_free:
            raise StorageFull(
                f"the store at {self._root} has {free >> 20} MiB free and keeps {self._min_free >> 20} MiB: "
                "make room, or lower VIDX_STORE_MIN_FREE_BYTES"
            )


def _sync(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return  # with all that was in it, by a delete beside this
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(error: OSError, key: str) -> VidxError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(f"no room to write {key}: {error.strerror}")
    if isinstance(error, FileNotFoundError):
        return NotFound(f"no object {key}")
    return Unavailable(f"the store failed on {key}: {error.strerror}")
