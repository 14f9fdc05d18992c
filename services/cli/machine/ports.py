"""Free loopback ports that stay the same from one start to the next when they can."""

import random
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from services.core.errors import Unavailable

HOST = "127.0.0.1"
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def choose(names: Iterable[str], before: Mapping[str, int]) -> dict[str, int]:
    """A port for each name: the one it had before, else any that is free."""
    chosen: dict[str, int] = {}
    for name in names:
        wished = [before[name]] if name in before else []
        chosen[name] = next(
            (port for port in [*wished, *_candidates()] if port not in chosen.values() and _is_free(port)), 0
        )
        if not chosen[name]:
            raise Unavailable("no free port was found on 127.0.0.1")
    return chosen


def _candidates() -> list[int]:
    # Below the range from which the kernel takes ports for outgoing connections: a port of that range may be taken
    # by one of them while a program that should listen on it is being started again.
    try:
        low = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        low = 32768
    return random.sample(range(20000, low), 200) if low > 21000 else random.sample(range(20000, 60000), 200)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that has just ended does not keep the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
