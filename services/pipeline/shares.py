"""Whose job goes to a queue next, so that a collection with much to do does not keep others waiting.

Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), with a job as the unit: a collection's `turn` grows by
one with each of its jobs that is sent; the lowest turn is next. The queue's clock is the turn of the job that was sent
last. A collection that had nothing to do begins at the clock: it has saved nothing up, and owes nothing. So of two
collections that both have jobs waiting, neither is ever more than one job ahead.
"""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Shared(Generic[T]):
    """What is sent, in this order, and the turns and the clock after it; only of collections that were served."""

    sent: list[T]
    turns: dict[str, int]
    clock: int


def share(waiting: Mapping[str, Iterator[T]], turns: Mapping[str, int], clock: int, room: int) -> Shared[T]:
    """At most `room` of what waits, by collection and in its own order there. `turns`: after what was sent before."""
    heap = [(max(turns.get(collection, clock), clock), collection) for collection in waiting]
    heapq.heapify(heap)
    shared = Shared[T]([], {}, clock)
    while heap and len(shared.sent) < room:
        turn, collection = heap[0]
        job = next(waiting[collection], None)
        if job is None:
            heapq.heappop(heap)
            continue
        shared.sent.append(job)
        shared.turns[collection] = turn + 1
        clock = turn
        heapq.heapreplace(heap, (turn + 1, collection))
    return Shared(shared.sent, shared.turns, clock)
