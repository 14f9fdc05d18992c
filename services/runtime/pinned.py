"""HTTP connections to an address that was judged, whatever its host's name means by then, and cut at a deadline.

Each byte of a head may come in time, and all of them never: so the sockets themselves are ended.
"""

import functools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection


@contextmanager
def pool(
    secure: bool, host: str, port: int, address: str, timeout: urllib3.Timeout, deadline: float
) -> Iterator[urllib3.HTTPConnectionPool]:
    """Connections to `address`, which with TLS must have a certificate of `host`; `deadline` by the monotonic clock."""
    found: urllib3.HTTPConnectionPool
    if secure:
        found = urllib3.HTTPSConnectionPool(address, port, timeout=timeout, assert_hostname=host, server_hostname=host)
    else:
        found = urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    with _watched(deadline) as sockets:
        found.ConnectionCls = functools.partial(_Secure if secure else _Plain, sockets)  # type: ignore[assignment]
        with found:
            yield found


class _Plain(HTTPConnection):
    """Tells its socket."""

    def __init__(self, sockets: "list[socket.socket]", *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sockets = sockets

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        self._sockets.append(made.dup())
        return made


class _Secure(_Plain, HTTPSConnection):
    """The same with TLS."""


@contextmanager
def _watched(deadline: float) -> "Iterator[list[socket.socket]]":
    """Sockets that are cut at the deadline."""
    sockets: list[socket.socket] = []

    def cut() -> None:
        for found in sockets:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield sockets
    finally:
        timer.cancel()
        for found in sockets:
            found.close()
