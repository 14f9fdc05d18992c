"""Streams that a new video's bytes pass through."""

import hashlib
from collections.abc import Callable
from typing import BinaryIO

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
        if len(data) < left:
            self._parts.append((key, begin + len(data), left - len(data)))
        return data


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
