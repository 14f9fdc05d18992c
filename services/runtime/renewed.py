"""A channel that is made anew when the files of its certificates change; calls end on the one that they began on."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from services.core.errors import InvalidInput
from services.runtime import tls


class RenewedChannel(grpc.Channel):  # type: ignore[misc]
    """Implements `grpc.Channel`. gRPC reads a client's certificates once; they may live for an hour."""

    def __init__(self, make: Callable[[], grpc.Channel], files: Sequence[str]) -> None:
        self._make = make
        self._files = files
        self._lock = threading.Lock()
        self._seen = tls.marks(*files)
        self._channel = make()

    def now(self) -> grpc.Channel:
        """The channel of the files as they are, or of what could last be read."""
        with self._lock:
            try:
                seen = tls.marks(*self._files)
                if seen != self._seen:
                    # The old one is left to the calls that are under way on it.
                    self._channel, self._seen = self._make(), seen
            except InvalidInput:
                # Half of the files may be written yet: the next call looks again.
                pass
            return self._channel

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        return _Method(self, "unary_unary", args, kwargs)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        return _Method(self, "unary_stream", args, kwargs)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        return _Method(self, "stream_unary", args, kwargs)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        return _Method(self, "stream_stream", args, kwargs)

    def subscribe(self, callback: Any, try_to_connect: bool | None = False) -> None:
        self.now().subscribe(callback, bool(try_to_connect))

    def unsubscribe(self, callback: Any) -> None:
        self.now().unsubscribe(callback)

    def close(self) -> None:
        with self._lock:
            self._channel.close()

    def __enter__(self) -> "RenewedChannel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Method:
    """A method of whichever channel there is now."""

    def __init__(self, owner: RenewedChannel, kind: str, args: Any, kwargs: Any) -> None:
        self._owner = owner
        self._made = (kind, args, kwargs)
        self._of: tuple[grpc.Channel, Any] | None = None

    def _now(self) -> Any:
        channel, known = self._owner.now(), self._of
        if known is None or known[0] is not channel:
            kind, args, kwargs = self._made
            self._of = known = (channel, getattr(channel, kind)(*args, **kwargs))
        return known[1]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._now()(*args, **kwargs)

    def with_call(self, *args: Any, **kwargs: Any) -> Any:
        return self._now().with_call(*args, **kwargs)

    def future(self, *args: Any, **kwargs: Any) -> Any:
        return self._now().future(*args, **kwargs)
