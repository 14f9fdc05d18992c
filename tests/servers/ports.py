"""Free ports on loopback that no other process of the tests is given at the same time."""

import itertools
import os
import random
import socket
from collections.abc import Iterator

# Below what the kernel gives to outgoing connections and what `vidx up` chooses from: a port that is handed out stays
# free until its server listens. Each of the processes that run the tests has a share of its own.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_SHARES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PORTS = range(10_000 + _WORKER, 20_000, _SHARES)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different, and different from those given before."""
    return list(itertools.islice(_free, count))


def _ports() -> Iterator[int]:
    while True:
        for port in random.sample(_PORTS, len(_PORTS)):
            try:
                socket.create_server(("127.0.0.1", port)).close()
            except OSError:
                continue
            yield port


_free = _ports()
