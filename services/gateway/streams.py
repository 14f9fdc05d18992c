"""Streams that a new video's bytes pass through."""

import hashlib
from collections.abc import Callable
from typing import BinaryIO

from services.core.errors import Conflict
from services.core.store import Artifacts

READ_BYTES = 1 << 20


class Joined:
    """One stream over the parts of an upload: (key, first byte to use, bytes) each. A read may come out short."""

    def __init__(self, store: Artifacts, parts: list[tuple[str, int, int]]) -> None:
        self._store = store
        self._parts = list(reversed(parts))

    def read(self, size: int) -> bytes:
        if not self._parts:
            return b""
        key, begin, left = self._parts.pop()
        data = self._store.objects.read(key, begin, min(size, left))
        if not data:
            raise Conflict("another stream of this upload changed what was kept; ask GetUpload and go on from there")
        if len(data) < left:
            self._parts.append((key, begin + len(data), left - len(data)))
        return data


class Hashing:
    """A stream that hashes and counts what is read from it, within a bound.

    `check_end` is called with the bytes and their SHA-256 before the end is told, so that what raises there keeps the
    reader from taking the stream for whole.
    """

    def __init__(
        self, inner: BinaryIO, check_size: Callable[[int], None], check_end: Callable[[int, str], None]
    ) -> None:
        self._inner = inner
        self._hash = hashlib.sha256()
        self._check_size = check_size
        self._check_end = check_end
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._inner.read(size if size >= 0 else READ_BYTES)
        self._hash.update(data)
        self.size += len(data)
        self._check_size(self.size)
        if not data and size != 0:
            self._check_end(self.size, self.hexdigest())
        return data

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
