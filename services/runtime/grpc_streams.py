"""Streams of requests: each holds a thread as long as its caller likes, so there are only so many, and none is idle.

A caller that sends nothing would otherwise have the threads of all others with as many calls.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services.core.errors import Exhausted
from services.runtime import telemetry

LOOK_S = 1.0
_log = telemetry.log(__name__)


class Streams:
    """At most `most` at a time; one that waits for its caller's next message for `idle_s` is ended."""

    def __init__(self, most: int, idle_s: float) -> None:
        self._most = most
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._open: dict[int, _Stream] = {}
        self._ender: threading.Thread | None = None

    @contextmanager
    def opened(self, requests: Iterator[Any], context: Any) -> Iterator[Iterator[Any]]:
        """The stream's messages, while the call is answered. Raises Exhausted when there are too many."""
        stream = _Stream(requests, context)
        with self._lock:
            if len(self._open) >= self._most:
                raise Exhausted("too many streams are open here; try again later")
            self._open[id(stream)] = stream
            if self._ender is None:
                self._ender = threading.Thread(target=self._end_idle, name="streams", daemon=True)
                self._ender.start()
        try:
            yield stream
        finally:
            with self._lock:
                del self._open[id(stream)]

    def _end_idle(self) -> None:
        while True:
            time.sleep(min(LOOK_S, self._idle_s))
            before = time.monotonic() - self._idle_s
            with self._lock:
                idle = [stream for stream in self._open.values() if stream.waits_since < before]
            for stream in idle:
                _log.info("stream_idle", peer=stream.context.peer(), seconds=self._idle_s)
                stream.context.cancel()


class _Stream:
    """The messages of one, and since when the next one is waited for; while none is, that lies ahead of all time."""

    def __init__(self, requests: Iterator[Any], context: Any) -> None:
        self._requests = requests
        self.context = context
        self.waits_since = float("inf")

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self.waits_since = time.monotonic()
        try:
            return next(self._requests)
        finally:
            self.waits_since = float("inf")
