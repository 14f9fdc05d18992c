"""Whether a search grows slower, or a process larger, under a steady load.

    python -m tests.bench.search_steady [--minutes 60] [--rows 100000] [--rate 0] [--clients 2] [--json FILE]
                                                                                   or: make bench-steady MINUTES=60

The processes of `search_stack`, and clients that together ask `rate` new queries a second; with 0, half of what they
get when they ask as fast as they can, which is tried for 20 s first. Every five minutes: how many queries, p50 and p99
in milliseconds, and the resident memory of each process. How much slower and larger is told between the second such
stretch, for the first warms up, and the last; so 15 minutes are the least that tell it.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tests.bench.report import Figure, about, save, table
from tests.bench.search_rows import sentence
from tests.bench.search_stack import models, stack

PART = "search, steady load"
STRETCH_S = 300.0
TRIED_S = 20.0
SLOWER, LARGER = 1.2, 1.1
"""What counts as no growth, of a p50 and of memory: more than the noise of five minutes."""


class Asked(Protocol):
    """What is asked; see `search_stack.Stack`."""

    def search(self, text: str) -> object: ...

    def memory_mib(self) -> dict[str, float]: ...


class Load:
    """Clients that ask new sentences, each at its turn of a common clock."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._rng = np.random.default_rng(5)
        self._lock = threading.Lock()

    def run(self, clients: int, rate: Callable[[], float], seconds: float) -> list[float]:
        """Milliseconds of each query; `rate()` a second by all clients together, or as many as they get with 0.

        A query that is late by its turn is asked at once, and its time counts from its turn.
        """
        took: list[float] = []
        began = turn = time.perf_counter()

        def work() -> None:
            nonlocal turn
            while True:
                with self._lock:
                    per_s = rate()
                    due = turn if per_s else time.perf_counter()
                    turn = due + (1 / per_s if per_s else 0)
                    text = sentence(self._rng)
                if max(due, time.perf_counter()) > began + seconds:
                    return
                time.sleep(max(0.0, due - time.perf_counter()))
                self._asked.search(text)
                took.append((time.perf_counter() - due) * 1000)

        threads = [threading.Thread(target=work) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return took


def stretch(load: Load, asked: Asked, clients: int, rate: Callable[[], float], seconds: float) -> dict[str, Any]:
    took = load.run(clients, rate, seconds)
    p50, p99 = np.percentile(took, [50, 99])
    memory = asked.memory_mib()
    return {"queries": len(took), "p50": round(p50, 1), "p99": round(p99, 1), "memory_mib": memory}


def figures(told: Sequence[dict[str, Any]], rows: int, rate: float) -> list[Figure]:
    """How much slower and larger the last stretch is than the second; nothing while there is none after it."""
    if len(told) < 3:
        return []
    early, late = told[1], told[-1]
    over = f"{rows} rows, {rate:.1f} queries a second, last five minutes by the second five"
    found = [Figure(PART, f"{over}: p50", late["p50"] / early["p50"], "times", SLOWER, most=True)]
    for name, size in late["memory_mib"].items():
        label = f"{over}: memory of {name} ({size:.0f} MiB)"
        found.append(Figure(PART, label, size / early["memory_mib"][name], "times", LARGER, most=True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=0, help="queries a second")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        with models(scratch) as with_, stack(args.rows, with_, scratch) as asked:
            load = Load(asked)
            tried = len(load.run(args.clients, lambda: 0, TRIED_S)) / TRIED_S
            rate = args.rate or tried / 2
            print(f"{tried:.1f} queries a second at most; {rate:.1f} are asked", flush=True)
            told = []
            left = 60 * args.minutes
            while left > 0:
                told.append(stretch(load, asked, args.clients, lambda: rate, min(left, STRETCH_S)))
                left -= STRETCH_S
                print(f"after {args.minutes - max(left, 0) / 60:.0f} min: {told[-1]}", flush=True)
    found = figures(told, args.rows, rate)
    print(table(found))
    if args.json:
        save(args.json, found, about=about(), stretches=told, tried_per_s=tried, rate_per_s=rate)


if __name__ == "__main__":
    main()
