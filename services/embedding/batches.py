"""Pictures in batches, with a few batches under way while the next pictures are decoded."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from services.core.threads import ContextPool
from services.embedding.domain.vectors import F32, U8, pool

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Batch:
    """Whole pictures: their rows in the answer, their canvases, and whose each canvas is."""

    rows: list[int]
    canvases: U8
    owners: npt.NDArray[np.intp]

    def pooled(self, vectors: F32) -> F32:
        """A unit row a picture, from a unit row a canvas."""
        return pool(vectors, self.owners, np.ones(len(self.owners)), len(self.rows))

    def averaged(self, probabilities: F32) -> F32:
        """Probabilities a picture, from probabilities a canvas: their mean."""
        sums = np.zeros((len(self.rows), probabilities.shape[1]), np.float32)
        np.add.at(sums, self.owners, probabilities)
        mean: F32 = sums / np.bincount(self.owners, minlength=len(self.rows)).astype(np.float32)[:, None]
        return mean


def batches(pictures: Iterable[tuple[int, U8]], size: int) -> Iterator[Batch]:
    """Pictures (row, canvases) packed, in order, into batches of at most `size` canvases.

    A picture of more canvases than that has a batch of its own.
    """
    rows: list[int] = []
    held: list[U8] = []
    count = 0
    for row, canvases in pictures:
        if held and count + len(canvases) > size:
            yield _batch(rows, held)
            rows, held, count = [], [], 0
        rows.append(row)
        held.append(canvases)
        count += len(canvases)
    if held:
        yield _batch(rows, held)


def _batch(rows: list[int], held: list[U8]) -> Batch:
    owners = np.repeat(np.arange(len(held)), [len(canvases) for canvases in held])
    return Batch(rows, np.concatenate(held), owners)


def ahead(call: Callable[[A], B], items: Iterable[A], in_flight: int) -> Generator[tuple[A, B], None, None]:
    """Every item with `call(item)`, in order, at most `in_flight` calls under way while the next item is made.

    Whatever raises, here or in whoever takes the results, ends the calls not yet begun and waits for the others.
    """
    waiting: deque[tuple[A, Future[B]]] = deque()
    with ContextPool(in_flight, thread_name_prefix="encode") as executor:
        try:
            for item in items:
                waiting.append((item, executor.submit(call, item)))
                if len(waiting) >= in_flight:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
