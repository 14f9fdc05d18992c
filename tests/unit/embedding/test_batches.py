"""Batches of pictures, and calls that run ahead."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedding.batches import ahead, batches


@given(st.lists(st.integers(1, 5), max_size=30), st.integers(1, 16))
def test_batches_hold_whole_pictures_in_order(counts: list[int], size: int) -> None:
    pictures = [(row, np.full((count, 1, 1, 3), row, np.uint8)) for row, count in enumerate(counts)]
    found = list(batches(pictures, size))
    assert [row for batch in found for row in batch.rows] == list(range(len(counts)))
    for batch in found:
        assert len(batch.canvases) <= size or len(batch.rows) == 1
        assert [batch.rows[owner] for owner in batch.owners] == [int(c[0, 0, 0]) for c in batch.canvases]


def test_vectors_of_a_pictures_canvases_are_averaged() -> None:
    (batch,) = batches([(7, np.zeros((2, 1, 1, 3), np.uint8)), (3, np.zeros((1, 1, 1, 3), np.uint8))], 16)
    vectors = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    np.testing.assert_allclose(batch.pooled(vectors), [[0.5**0.5, 0.5**0.5], [0, 1]], atol=1e-6)


@given(st.lists(st.integers()), st.integers(1, 5))
def test_results_come_in_order(items: list[int], in_flight: int) -> None:
    assert list(ahead(lambda i: i * 2, items, in_flight)) == [(i, i * 2) for i in items]


def test_calls_run_while_the_next_item_is_made() -> None:
    """The second item is only made once the first call runs, which a sequential loop would never reach."""
    running, made = threading.Event(), threading.Event()

    def items():
        yield 1
        assert running.wait(60)
        made.set()
        yield 2

    def call(item: int) -> bool:
        running.set()
        return made.wait(60)

    assert [result for _, result in ahead(call, items(), 2)] == [True, True]


def test_no_more_calls_run_than_asked_for() -> None:
    lock, under_way, most = threading.Lock(), [0], [0]

    def call(item: int) -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        threading.Event().wait(0.001)
        with lock:
            under_way[0] -= 1

    list(ahead(call, range(40), 3))
    assert most[0] <= 3


def test_a_failed_call_ends_the_work() -> None:
    begun = []

    def call(item: int) -> None:
        begun.append(item)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        list(ahead(call, range(1000), 2))
    assert len(begun) <= 3
