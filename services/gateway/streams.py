"""Streams that a new video's bytes pass through."""

import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from services.core.store import Artifacts

READ_BYTES = 8 << 20


class Joined:
    """One stream over the parts of an upload."""

    def __init__(self, store: Artifacts, parts: list[tuple[str, int, int]]) -> None:
        self._chunks = self._read(store, parts)
        self._left = b""

    def read(self, size: int) -> bytes:
        while len(self._left) < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._left += chunk
        data, self._left = self._left[:size], self._left[size:]
        return data

    @staticmethod
    def _read(store: Artifacts, parts: list[tuple[str, int, int]]) -> Iterator[bytes]:
        for key, skip, length in parts:
            yield store.objects.read(key, skip, length)


class Hashing:
    """A stream that hashes and counts what is read from it, within a bound."""

    def __init__(self, inner: BinaryIO, check_size: Callable[[int], None]) -> None:
        self._inner = inner
        self._hash = hashlib.sha256()
        self._check_size = check_size
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._inner.read(size if size >= 0 else READ_BYTES)
        self._hash.update(data)
        self.size += len(data)
        self._check_size(self.size)
        return data

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
