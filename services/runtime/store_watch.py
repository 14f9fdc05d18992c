"""An object store that counts and times what is asked of it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from services.core.store import ObjectInfo, ObjectStore
from services.runtime.metrics import STORE_BYTES, STORE_SECONDS, timed


class WatchedStore:
    """Implements `core.store.ObjectStore` over another one."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def put(self, key: str, data: bytes | BinaryIO) -> int:
        with timed(STORE_SECONDS, "put"):
            size = self._objects.put(key, data)
        STORE_BYTES.labels("put").inc(size)
        return size

    def get(self, key: str) -> bytes:
        with timed(STORE_SECONDS, "get"):
            data = self._objects.get(key)
        STORE_BYTES.labels("get").inc(len(data))
        return data

    def read(self, key: str, offset: int, size: int) -> bytes:
        with timed(STORE_SECONDS, "read"):
            data = self._objects.read(key, offset, size)
        STORE_BYTES.labels("read").inc(len(data))
        return data

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with ExitStack() as opened:
            with timed(STORE_SECONDS, "open"):
                stream = opened.enter_context(self._objects.open(key))
            yield stream

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        with ExitStack() as opened:
            with timed(STORE_SECONDS, "local"):
                path = opened.enter_context(self._objects.local(key))
            yield path

    def stat(self, key: str) -> ObjectInfo | None:
        with timed(STORE_SECONDS, "stat"):
            return self._objects.stat(key)

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._objects.walk(prefix)

    def delete(self, keys: list[str]) -> None:
        with timed(STORE_SECONDS, "delete"):
            self._objects.delete(keys)
