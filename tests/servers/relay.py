"""A TCP relay on loopback that can be told to cut, slow down or garble what passes through it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Mode = Literal["pass", "cut", "slow", "garble"]
READ = 65_536
DELAY_S = 0.3
HEAD = 16
"""Bytes of each piece that `garble` leaves as they are, so that peers begin to talk before they stumble."""


class Relay:
    """Listens on `port`; `mode` is what happens to connections and bytes from now on."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._mode: Mode = "pass"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def mode(self) -> Mode:
        """What happens now."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "cut":
            self._cut()

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._listener.close()
        self._cut()

    def _cut(self) -> None:
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._mode == "cut":
                    raise OSError("cut")
                server = socket.create_connection(self._target, 5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            threading.Thread(target=self._carry, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, False), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, asking: bool) -> None:
        with suppress(OSError):
            while data := source.recv(READ):
                if self._mode == "slow":
                    time.sleep(DELAY_S)
                if self._mode == "garble" and asking and len(data) > HEAD:
                    data = data[:HEAD] + bytes(byte ^ 0x55 for byte in data[HEAD : HEAD + 8]) + data[HEAD + 8 :]
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}
        if asking:
            source.close()
            sink.close()


@contextmanager
def relaying(host: str, port: int) -> Iterator[Relay]:
    """A relay to an address, closed at the end."""
    relay = Relay((host, port))
    try:
        yield relay
    finally:
        relay.close()
