"""Vectors of repeated texts, in a bounded cache (cachetools)."""

import threading

from cachetools import LRUCache

from services.embedding.domain.vectors import F32


class LruCache:
    """Implements `ports.Cache`: the `size` texts used last; 0 remembers nothing."""

    def __init__(self, size: int) -> None:
        self._held: LRUCache[tuple[str, str], F32] = LRUCache(size)
        self._size = size
        self._lock = threading.Lock()

    def get(self, text: str, kind: str) -> F32 | None:
        with self._lock:
            return self._held.get((text, kind))

    def put(self, text: str, kind: str, vector: F32) -> None:
        if self._size:
            with self._lock:
                self._held[text, kind] = vector
