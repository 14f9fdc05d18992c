"""Words weighed on arrays, which versions of rows count, and how milvus-lite is started."""

import os
import sys
import threading

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_lite.adapter.grpc import server as stock
from milvus_lite.analyzer.sparse import sparse_to_bytes
from milvus_lite.index.sparse_inverted import SparseInvertedIndex

from services.search.lite import __main__ as lite
from services.search.lite import server
from services.search.lite.bm25 import Bm25
from services.search.lite.versions import Published, Versions

texts = st.lists(st.dictionaries(st.integers(0, 9), st.integers(1, 4).map(float), max_size=6), max_size=12)
queries = st.dictionaries(st.integers(0, 11), st.integers(1, 3).map(float), max_size=5)


@settings(deadline=None)
@given(texts, queries, st.integers(1, 15))
def test_words_weigh_as_in_milvus_lite_and_equals_come_in_its_order(
    held: list[dict[int, float]], query: dict[int, float], limit: int
) -> None:
    rng = np.random.default_rng(len(held))
    valid = rng.random(len(held)) < 0.7
    expected = SparseInvertedIndex()
    expected.build(held)
    ids, distances = expected.search([query], limit, valid_mask=valid)
    rows, scores = Bm25([sparse_to_bytes(text) for text in held], 1.5, 0.75).best(query, limit, valid)
    wanted = [row for row in ids[0].tolist() if row >= 0]
    assert rows.tolist() == wanted
    assert scores.tolist() == [-distance for distance in distances[0].tolist()[: len(wanted)]]


class Segment:
    """Rows as milvus-lite keeps them in a file: sequence numbers by key."""

    def __init__(self, **sequences: int) -> None:
        self.pks = list(sequences)
        self.pk_to_row = {key: n for n, key in enumerate(sequences)}
        self.seqs = np.array(list(sequences.values()), np.uint64)
        self.table = pa.table({"id": self.pks, "_seq": self.seqs})


class Table:
    """The latest writes: one batch, and deletions."""

    def __init__(self, deleted: dict[str, int] | None = None, **sequences: int) -> None:
        self._lock = threading.Lock()
        columns = [pa.array(list(sequences), pa.string()), pa.array(list(sequences.values()), pa.uint64())]
        self._insert_batches = [pa.record_batch(columns, names=["id", "_seq"])]
        self._pk_index = {key: (0, n, sequence) for n, (key, sequence) in enumerate(sequences.items())}
        self._delete_index = {key: (sequence, "_all") for key, sequence in (deleted or {}).items()}


def counting(versions: Versions, published: Published, *tables: Table, writes: int = 0) -> list[tuple[str, int]]:
    """Key and sequence of every row that counts."""
    view = versions.view(published, tables, writes, "id")
    found = [
        (str(source.keys[row]), int(source.sequence[row]))
        for source, mask in view.sources
        for row in np.flatnonzero(mask)
    ]
    return sorted(found)


def test_the_latest_version_of_a_key_counts_and_none_of_a_deleted_one() -> None:
    versions, first, second = Versions(), Segment(a=1, b=2, c=3), Segment(b=5, d=6)
    assert counting(versions, Published((first,), {})) == [("a", 1), ("b", 2), ("c", 3)]
    assert counting(versions, Published((first, second), {"c": 7})) == [("a", 1), ("b", 5), ("d", 6)]
    assert counting(versions, Published((Segment(a=1, b=5, d=6),), {})) == [("a", 1), ("b", 5), ("d", 6)]


def test_what_was_written_last_hides_what_lies_in_segments() -> None:
    versions, published = Versions(), Published((Segment(a=1, b=2, c=3),), {})
    assert counting(versions, published, Table(a=5, e=6)) == [("a", 5), ("b", 2), ("c", 3), ("e", 6)]
    assert counting(versions, published, Table({"b": 7}, a=5), writes=2) == [("a", 5), ("c", 3)]


def test_rows_on_their_way_into_a_segment_count_once_before_and_after() -> None:
    versions, old, flushing, latest = Versions(), Segment(a=1), Table(a=5, b=6), Table({"b": 9}, a=8)
    assert counting(versions, Published((old,), {}), latest, flushing) == [("a", 8)]
    assert counting(versions, Published((old, Segment(a=5, b=6)), {}), latest, flushing) == [("a", 8)]
    assert counting(versions, Published((old, Segment(a=5, b=6)), {}), latest) == [("a", 8)]
    assert counting(versions, Published((old, Segment(a=5, b=6)), {}), Table(), flushing) == [("a", 5), ("b", 6)]


@pytest.mark.parametrize(("version", "quick"), [(lite.KNOWN, True), ("9.9.9", False)])
def test_only_a_known_version_is_made_quick(monkeypatch: pytest.MonkeyPatch, version: str, quick: bool) -> None:
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(lite, "version", lambda _: version)
    monkeypatch.setattr(server, "serve", lambda *given: started.append(("quick", *given)))
    monkeypatch.setattr(stock, "run_server", lambda *given, max_workers: started.append(("stock", *given, max_workers)))
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(sys, "argv", ["lite", "--data-dir", "here", "--port", "19530"])
    lite.main()
    assert started == [("quick", "here", "127.0.0.1:19530") if quick else ("stock", "here", "127.0.0.1", 19530, 1)]
