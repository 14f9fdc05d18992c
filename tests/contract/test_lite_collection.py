"""A quick collection answers as milvus-lite's own does, whatever was written, replaced, deleted and flushed before."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from milvus_lite.engine.collection import Collection
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema, Function, FunctionType

from services.search.lite import deletions, reads
from services.search.lite.collection import QuickCollection

DIM = 8
WORDS = ["dog", "cat", "beach", "train", "tower"]
SCHEMA = CollectionSchema(
    fields=[
        FieldSchema("id", DataType.VARCHAR, is_primary=True, max_length=32),
        FieldSchema("tenant", DataType.VARCHAR, max_length=8, is_partition_key=True),
        FieldSchema("number", DataType.INT64),
        FieldSchema("text", DataType.VARCHAR, max_length=200, enable_analyzer=True),
        FieldSchema("words", DataType.SPARSE_FLOAT_VECTOR, is_function_output=True),
        FieldSchema("vector", DataType.FLOAT_VECTOR, dim=DIM),
    ],
    functions=[Function("words", FunctionType.BM25, ["text"], ["words"])],
)
FILTERS = [None, 'tenant == "a"', "number > 3", 'tenant == "b" and number in [1, 2, 5]', 'tenant == "nobody"']


def row(number: int, version: int) -> dict[str, Any]:
    rng = np.random.default_rng(number * 1000 + version)
    return {
        "id": f"r{number}",
        "tenant": "ab"[number % 2],
        "number": int(rng.integers(0, 9)),
        "text": " ".join(rng.choice(WORDS, int(rng.integers(1, 5)))),
        "vector": rng.standard_normal(DIM).astype(np.float32).tolist(),
    }


class Both:
    """The same writes to a stock collection and to a quick one, which both have their indexes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = 0
        self._open()
        for one in (self.stock, self.quick):
            one.create_index("vector", {"index_type": "HNSW", "metric_type": "IP", "params": {}})
            one.create_index("words", {"index_type": "SPARSE_INVERTED_INDEX", "metric_type": "BM25", "params": {}})
            one.load()

    def _open(self) -> None:
        self.stock = Collection("stock", str(self.folder / "stock"), SCHEMA)
        self.quick = QuickCollection("quick", str(self.folder / "quick"), SCHEMA)

    def write(self, numbers: list[int]) -> None:
        self.version += 1
        for one in (self.stock, self.quick):
            one.upsert([row(number, self.version) for number in dict.fromkeys(numbers)])

    def delete(self, numbers: list[int]) -> None:
        for one in (self.stock, self.quick):
            one.delete([f"r{number}" for number in numbers])

    def flush(self) -> None:
        for one in (self.stock, self.quick):
            one.flush()
            one._wait_for_bg()

    def open_again(self) -> None:
        self.close()
        self._open()
        for one in (self.stock, self.quick):
            one.load()

    def close(self) -> None:
        for one in (self.stock, self.quick):
            one.close()


@contextmanager
def both() -> Iterator[Both]:
    with TemporaryDirectory() as folder:
        made = Both(Path(folder))
        yield made
        made.close()


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({k: v for k, v in r.items() if k != "words"} for r in rows), key=lambda r: str(r["id"]))


def same(made: Both) -> None:
    """Every kind of read has one answer."""
    vectors = np.random.default_rng(7).standard_normal((2, DIM)).astype(np.float32).tolist()
    fields = ["number", "text"]
    for filter_ in FILTERS:
        stock, quick = (one.query(filter_) for one in (made.stock, made.quick))
        assert by_id(quick) == by_id(stock)
        assert made.quick.rows(filter_) == len(stock)
        ordered = [one.query(filter_, ["id"], limit=3, offset=1, order_by_pk=True) for one in (made.stock, made.quick)]
        assert ordered[0] == ordered[1]
        near = [
            one.search(
                vectors, 5, "IP", expr=filter_, output_fields=fields, anns_field="vector", search_params={"ef": 99}
            )
            for one in (made.stock, made.quick)
        ]
        for a, b in zip(*near, strict=True):
            assert [(h["id"], h["entity"]) for h in b] == [(h["id"], h["entity"]) for h in a]
            assert [h["distance"] for h in b] == pytest.approx([h["distance"] for h in a], abs=1e-5)
        worded = [
            one.search(["dog beach", "zebra"], 50, "BM25", expr=filter_, output_fields=fields, anns_field="words")
            for one in (made.stock, made.quick)
        ]
        for a, b in zip(*worded, strict=True):
            # Texts that share as much come in any order.
            assert {h["id"]: h["entity"] for h in b} == {h["id"]: h["entity"] for h in a}
            assert [h["distance"] for h in b] == pytest.approx([h["distance"] for h in a], abs=1e-5)
    ids = ["r1", "r9", "nobody", "r0"]
    assert by_id(made.quick.get(ids)) == by_id(made.stock.get(ids))
    assert made.quick.num_entities == made.stock.num_entities


numbers = st.lists(st.integers(0, 11), min_size=1, max_size=6)
steps = st.lists(
    st.one_of(st.tuples(st.just("write"), numbers), st.tuples(st.just("delete"), numbers), st.just(("flush", None))),
    max_size=9,
)


@settings(max_examples=15, deadline=None)
@given(steps)
def test_reads_answer_as_those_of_milvus_lite(done: list[tuple[str, Any]]) -> None:
    with both() as made:
        for what, of in done:
            getattr(made, what)(*([of] if of else []))
            same(made)


@settings(max_examples=15, deadline=None)
@given(steps)
def test_deletions_that_were_brought_together_hide_what_they_hid(done: list[tuple[str, Any]]) -> None:
    with pytest.MonkeyPatch.context() as patch, both() as made:
        patch.setattr(deletions, "MOST_FILES", 1)
        for what, of in [*done, ("flush", None)]:
            getattr(made, what)(*([of] if of else []))
            same(made)
        assert sum(map(len, made.quick._manifest.get_all_delta_files().values())) <= 1
        made.open_again()
        same(made)


def test_files_of_deletions_do_not_grow_in_number_with_what_was_deleted() -> None:
    old, come_and_gone = list(range(12)), 3 * deletions.MOST_FILES
    with both() as made:
        made.write(old)
        made.flush()
        for n in range(come_and_gone):
            made.write([100 + n])
            made.flush()
            made.delete([100 + n])
        made.flush()
        kept = made.quick._manifest.get_all_delta_files()
        on_disk = list(made.folder.glob("quick/partitions/*/delta/*"))
        assert len(on_disk) == sum(map(len, kept.values())) <= deletions.MOST_FILES + 1
        assert len(made.quick._delta_index) <= deletions.MOST_FILES + 1
        same(made)


def test_files_that_were_merged_answer_alike() -> None:
    with both() as made:
        for n in range(6):
            made.write([n, n + 1, n + 6])
            made.delete([n])
            made.flush()
        assert len(made.quick._segment_cache) < 12
        same(made)


def test_the_graph_finds_what_comparing_all_rows_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    with both() as made:
        made.write(list(range(200)))
        made.flush()
        by_graph, asked = reads._by_graph, []
        monkeypatch.setattr(reads, "_by_graph", lambda *given: asked.append(given) or by_graph(*given))
        same(made)
        assert not asked
        monkeypatch.setattr(reads, "NODE", 0)
        same(made)
        assert asked


def test_a_search_beside_a_flush_always_finds_what_was_written() -> None:
    with both() as made:
        made.write(list(range(40)))
        missed = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                if (
                    made.quick.rows(None) != 40
                    or len(made.quick.search([[1.0] * DIM], 50, "IP", anns_field="vector")[0]) != 40
                ):
                    missed.append(1)

        thread = threading.Thread(target=look)
        thread.start()
        for _ in range(15):
            made.quick.upsert([row(number, made.version) for number in range(40)])
            made.quick.flush()
        made.quick._wait_for_bg()
        done.set()
        thread.join()
        assert not missed


def test_what_the_platform_does_not_ask_is_answered_by_milvus_lite() -> None:
    with both() as made:
        made.write(list(range(9)))
        for one in (made.stock, made.quick):
            found = one.search([[1.0] * DIM], 2, "IP", anns_field="vector", group_by_field="tenant", offset=0)
            assert {hit["id"][0] for hit in found[0]} == {"r"}
        grouped = [
            [h["id"] for h in one.search([[1.0] * DIM], 2, "IP", anns_field="vector", group_by_field="tenant")[0]]
            for one in (made.stock, made.quick)
        ]
        assert grouped[0] == grouped[1]
        assert [
            len(one.search([[1.0] * DIM], 3, "IP", anns_field="vector", offset=2)[0])
            for one in (made.stock, made.quick)
        ] == [3, 3]


def test_a_collection_that_is_opened_again_knows_what_it_knew() -> None:
    with both() as made:
        made.write(list(range(10)))
        made.flush()
        made.write([3, 4, 20])
        made.delete([5])
        made.open_again()
        same(made)
