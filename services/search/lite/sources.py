"""Rows that never change: a segment, or one write that was not flushed yet."""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from milvus_lite.index.faiss_hnsw import FaissHnswIndex
from milvus_lite.search.filter import evaluate_mask
from milvus_lite.search.indexed_filter import evaluate_segment_filter
from numpy.typing import NDArray

from services.search.lite.bm25 import Bm25

Mask = NDArray[np.bool_]
F32 = NDArray[np.float32]
FILTERS = 64
"""Filters whose rows are remembered, a segment: a byte a row and filter."""


class Source(ABC):
    """`position` of each primary key; `sequence` numbers say which version of a key is the latest."""

    def __init__(self, table: pa.Table, keys: Sequence[Any], position: Mapping[Any, int], sequence: Any) -> None:
        self.table = table
        self.keys = keys
        self.position = position
        self.sequence = sequence
        self._filters: OrderedDict[str, Mask] = OrderedDict()
        self._words: Bm25 | None = None
        self._columns: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.keys)

    def passing(self, filter_: Any, plan: Any) -> Mask:
        """Rows that a compiled filter lets pass."""
        with self._lock:
            known = self._filters.get(filter_.source)
            if known is not None:
                self._filters.move_to_end(filter_.source)
                return known
        found = np.asarray(self._evaluate(filter_, plan), np.bool_)
        with self._lock:
            self._filters[filter_.source] = found
            while len(self._filters) > FILTERS:
                self._filters.popitem(last=False)
        return found

    def words(self, field: str, k1: float, b: float) -> Bm25:
        """The texts' terms."""
        if self._words is None:
            self._words = Bm25(self.table.column(field).to_pylist(), k1, b)
        return self._words

    def values(self, field: str, rows: NDArray[np.intp]) -> list[Any]:
        """A field of some rows."""
        column = self._columns.get(field)
        if column is None:
            whole = self.table.column(field).combine_chunks()
            whole_numbers = pa.types.is_int64(whole.type) and not whole.null_count
            column = self._columns[field] = whole.to_numpy() if whole_numbers else whole
        if isinstance(column, np.ndarray):
            found: list[Any] = column[rows].tolist()
        elif pa.types.is_string(column.type):
            # As `to_pylist`, which makes an object of pyarrow's for each value on the way.
            found = column.take(pa.array(rows)).to_numpy(zero_copy_only=False).tolist()
        else:
            found = column.take(pa.array(rows)).to_pylist()
        return found

    @abstractmethod
    def vectors(self, field: str) -> F32:
        """Rows of vectors [n, d]."""

    def index(self, field: str) -> Any:
        """The HNSW index of the vectors, or None while there is none."""
        return None

    def _evaluate(self, filter_: Any, plan: Any) -> Any:
        return evaluate_mask(filter_, self.table)


class SegmentRows(Source):
    """A segment of milvus-lite."""

    def __init__(self, segment: Any) -> None:
        super().__init__(segment.table, segment.pks, segment.pk_to_row, segment.seqs)
        self._segment = segment

    def vectors(self, field: str) -> F32:
        rows, missing = self._segment.vector_data(field)
        if missing is not None:
            raise ValueError(f"field {field} has rows without a vector")
        found: F32 = rows
        return found

    def index(self, field: str) -> Any:
        found = self._segment.indexes.get(field)
        return found if isinstance(found, FaissHnswIndex) else None

    def _evaluate(self, filter_: Any, plan: Any) -> Any:
        return evaluate_segment_filter(self._segment, filter_, plan)


class WrittenRows(Source):
    """One write, in memory and in the log."""

    def __init__(self, batch: Any, key: str) -> None:
        table = pa.Table.from_batches([batch])
        keys = batch.column(key).to_pylist()
        super().__init__(table, keys, dict(zip(keys, range(len(keys)), strict=True)), batch.column("_seq").to_numpy())
        self._vectors: dict[str, F32] = {}

    def vectors(self, field: str) -> F32:
        if field not in self._vectors:
            column = self.table.column(field).combine_chunks()
            width = column.type.list_size
            self._vectors[field] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
        return self._vectors[field]
