"""A collection of milvus-lite whose plain reads are quick; others are left to milvus-lite."""

import json
import logging
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from milvus_lite.engine.collection import Collection
from milvus_lite.engine.projection import build_projection_plan
from milvus_lite.schema.types import DataType

from services.search.lite import deletions, reads
from services.search.lite.reads import Filter, Place
from services.search.lite.soundness import Soundness
from services.search.lite.versions import Published, Versions, View

_KEYS = re.compile(r"\s*(\w+) in (\[[^\\\[\]]*\])\s*")
"""A list of primary keys, which needs no look at the rows."""
EF = 64
"""Of milvus-lite, when a search names none."""
_log = logging.getLogger(__name__)
_UNUSUAL = ("group_by_field", "radius", "range_filter", "offset", "ranker", "timezone")


class QuickCollection(Collection):
    """Reads from any number of threads beside one that writes."""

    _writes = 0
    _flushing: Any = None
    _memtable: Any
    _published = Published((), {})

    def __init__(self, *args: Any, **more: Any) -> None:
        self._versions = Versions()
        self._soundness = Soundness(Path(args[1] if len(args) > 1 else more["data_dir"]))
        self._compiling = threading.Lock()
        super().__init__(*args, **more)
        self.vectors = [f.name for f in self._schema.fields if f.dtype == DataType.FLOAT_VECTOR]

    def search(
        self,
        query_vectors: list[Any],
        top_k: int = 10,
        metric_type: str | None = None,
        partition_names: list[str] | None = None,
        expr: str | None = None,
        output_fields: list[str] | None = None,
        anns_field: str | None = None,
        search_params: dict[str, Any] | None = None,
        **more: Any,
    ) -> list[list[dict[str, Any]]]:
        metric = self.resolve_search_metric(self._resolve_anns_field(anns_field), metric_type)
        if not query_vectors or not self.usual(metric, partition_names, more):
            return super().search(  # type: ignore[no-any-return]
                query_vectors, top_k, metric_type, partition_names, expr, output_fields, anns_field,
                search_params=search_params, **more,
            )  # fmt: skip
        sign, found = self.places(query_vectors, top_k, metric, expr, anns_field, search_params or {})
        plan = build_projection_plan(output_fields, self._schema, api_kind="search")
        fields = [name for name in plan.response_schema_fields if name != self._pk_name]
        return [
            [
                {"id": place.source.keys[place.row], "distance": sign * place.score, "entity": entity}
                for place, entity in zip(places, reads.records(places, fields, self.vectors), strict=True)
            ]
            for places in found
        ]

    def usual(self, metric: str, partition_names: list[str] | None, more: Mapping[str, Any]) -> bool:
        """True for a search that is answered here; `more` are milvus-lite's other ways to ask."""
        return metric in ("IP", "BM25") and self._plain(partition_names) and not any(map(more.get, _UNUSUAL))

    def places(
        self,
        queries: list[Any],
        limit: int,
        metric: str,
        expr: str | None,
        anns_field: str | None,
        params: Mapping[str, Any],
    ) -> tuple[float, list[list[Place]]]:
        """The rows found for each query, best first, and the sign of what milvus-lite calls their distance."""
        self._require_loaded()
        field, view, filter_ = self._resolve_anns_field(anns_field), self._view(), self._filter(expr)
        if metric == "BM25":
            self._validate_sparse_tuning(field, metric, params)
            asked = self._prepare_sparse_queries(queries, field)
            built = self._index_specs[field].build_params if field in self._index_specs else {}
            k1, b = float(built.get("bm25_k1", 1.5)), float(built.get("bm25_b", 0.75))
            # Of full text the less the better, unlike in Milvus.
            return -1.0, reads.matching(view, asked, field, filter_, limit, k1, b)
        vectors = np.asarray(queries, np.float32)
        return 1.0, reads.nearest(view, vectors, field, filter_, limit, int(params.get("ef", EF)))

    def query(
        self,
        expr: str | None = None,
        output_fields: list[str] | None = None,
        partition_names: list[str] | None = None,
        limit: int | None = None,
        offset: int = 0,
        timezone: str | None = None,
        order_by_pk: bool = False,
    ) -> list[dict[str, Any]]:
        if timezone or not self._plain(partition_names):
            return super().query(  # type: ignore[no-any-return]
                expr, output_fields, partition_names, limit, offset, timezone, order_by_pk
            )
        self._require_loaded()
        places = reads.every(self._view(), self._filter(expr))
        if order_by_pk:
            places.sort(key=lambda place: place.source.keys[place.row])
        return self._records(places[offset : None if limit is None else offset + limit], output_fields)

    def get(
        self,
        pks: list[Any],
        partition_names: list[str] | None = None,
        expr: str | None = None,
        output_fields: list[str] | None = None,
        timezone: str | None = None,
    ) -> list[dict[str, Any]]:
        if expr or timezone or not self._plain(partition_names):
            return super().get(pks, partition_names, expr, output_fields, timezone)  # type: ignore[no-any-return]
        self._require_loaded()
        return self._records(reads.at(self._view(), pks), output_fields)

    def rows(self, expr: str | None) -> int:
        """How many rows pass a filter."""
        self._require_loaded()
        return reads.count(self._view(), self._filter(expr))

    def upsert(self, records: list[Any], *args: Any, **more: Any) -> list[Any]:
        # Whole rows need nothing of the rows that they replace; the newer version is the one that counts.
        given = {field.name for field in self._schema.fields} - set(self._bm25_analyzers)
        if all(isinstance(record, dict) and record.keys() >= given for record in records):
            self._validate_bm25_input_ownership(records)
            return self.insert(records, *args, **more)  # type: ignore[no-any-return]
        return super().upsert(records, *args, **more)  # type: ignore[no-any-return]

    def _apply(self, op: Any) -> None:
        with self._soundness.write():
            super()._apply(op)
        self._writes += 1

    def _trigger_flush(self) -> None:
        # Reads go on meanwhile, and must find what is on its way into a segment.
        self._flushing = table = self._memtable
        # milvus-lite makes a Python object of every value, and lets reads wait for it.
        table._build_data_table = partial(_data_table, table)
        table.flush = partial(deletions.flushed, table)
        try:
            with self._soundness.write():
                super()._trigger_flush()
        except OSError:
            # Nothing was written since, and what did not come into a segment must still be found.
            self._memtable = table
            raise
        finally:
            self._flushing = None

    def _bg_compact_and_index(self) -> None:
        super()._bg_compact_and_index()
        try:
            with self._maintenance_lock:
                if deletions.fold(self):
                    self._refresh_segment_cache()
        except Exception:
            _log.exception("deletions could not be brought together; again after the next flush")

    def _refresh_segment_cache(self) -> None:
        super()._refresh_segment_cache()
        self._published = Published(tuple(self._segment_cache.values()), self._delta_index.snapshot)

    def _compile_filter(self, expr_str: str, timezone: str | None = None) -> Any:
        with self._compiling:
            return super()._compile_filter(expr_str, timezone)

    def _num_entities(self, partition_names: list[str] | None) -> int:
        if not self._plain(partition_names):
            return int(super()._num_entities(partition_names))
        return reads.count(self._view(), Filter())

    def _plain(self, partition_names: list[str] | None) -> bool:
        return not partition_names and not self._schema.enable_dynamic_field

    def _view(self) -> View:
        # In this order: a flush that begins or ends meanwhile then shows its rows twice at most, never not at all.
        writes, table = self._writes, self._memtable
        flushing = self._flushing
        return self._versions.view(self._published, (table, flushing), writes, self._pk_name)

    def _filter(self, expr: str | None) -> Filter:
        if not expr:
            return Filter()
        listed = _KEYS.fullmatch(expr)
        if listed and listed[1] == self._pk_name:
            with suppress(ValueError):
                return Filter(keys=tuple(json.loads(listed[2])))
        compiled = self._compile_filter(expr)
        return Filter(compiled, self._indexed_filter_plan(compiled))

    def _records(self, places: list[Place], output_fields: list[str] | None) -> list[dict[str, Any]]:
        plan = build_projection_plan(output_fields, self._schema, api_kind="query")
        return reads.records(places, list(dict.fromkeys([*plan.response_schema_fields, self._pk_name])), self.vectors)


def _data_table(table: Any, rows: list[tuple[int, int]]) -> pa.Table:
    """The rows (batch, row) of a milvus-lite table of writes, as a segment keeps them."""
    starts = np.cumsum([0, *(batch.num_rows for batch in table._insert_batches)])
    places = pa.array([starts[batch] + row for batch, row in rows], pa.int64())
    whole = pa.Table.from_batches(table._insert_batches).select(table._data_schema.names)
    return whole.take(places).cast(table._data_schema).combine_chunks()
