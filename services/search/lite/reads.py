"""Searches over a view: vectors by their index or one by one, words by their weights, fields of the rows found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from services.search.lite.bm25 import Bm25
from services.search.lite.sources import F32, Mask, Source
from services.search.lite.versions import View

_FAISS: Any = faiss
Rows = NDArray[np.intp]
NODE = 30
"""Rows that are compared one by one, in the order in which they lie, in the time that a graph takes for one node."""
FOUND = 4
"""A graph looks at `ef` nodes, whatever the filter says of them: unless so many times what is wanted can be expected
among them, all rows that pass are compared."""


@dataclass(frozen=True)
class Filter:
    """A compiled filter and milvus-lite's plan for it, or primary keys; without either every row passes."""

    compiled: Any = None
    plan: Any = None
    keys: tuple[Any, ...] | None = None

    def rows(self, source: Source, counting: Mask) -> Mask:
        if self.keys is not None:
            mask = np.zeros(len(source), np.bool_)
            mask[self.named(source, counting)] = True
            return mask
        return counting if self.compiled is None else counting & source.passing(self.compiled, self.plan)

    def named(self, source: Source, counting: Mask) -> Rows:
        """The rows of the primary keys, in the order in which they lie."""
        place = source.position.get
        found: Rows = np.array(sorted({row for key in self.keys or () if (row := place(key)) is not None}), np.intp)
        kept: Rows = found[counting[found]]
        return kept


@dataclass(frozen=True)
class Place:
    """A row that was found, and how well it fits, the more the better."""

    source: Source
    row: int
    score: float


def nearest(view: View, queries: F32, field: str, filter_: Filter, limit: int, ef: int) -> list[list[Place]]:
    """For each of the queries [n, d] the rows with the greatest inner products, best first."""
    found: list[list[tuple[float, int, int]]] = [[] for _ in queries]
    sources = view.sources
    for number, (source, counting) in enumerate(sources):
        parts = _in_source(source, counting, queries, field, filter_, limit, ef)
        for of, (rows, scores) in zip(found, parts, strict=True):
            of.extend(zip((-scores).tolist(), [number] * len(rows), rows.tolist(), strict=True))
    return [[Place(sources[n][0], row, -score) for score, n, row in sorted(of)[:limit]] for of in found]


def _in_source(
    source: Source, counting: Mask, queries: F32, field: str, filter_: Filter, limit: int, ef: int
) -> list[tuple[Rows, F32]]:
    """For each of the queries the best rows of one source, in any order, with their inner products."""
    if filter_.keys is not None:
        # Few rows, whose places are known: nothing is done for every row of the source.
        return _one_by_one(source, queries, field, filter_.named(source, counting), limit)
    mask = filter_.rows(source, counting)
    count = int(np.count_nonzero(mask))
    index = source.index(field) if count else None
    if index is None or NODE * ef > len(source) or ef * count < FOUND * limit * len(source):
        return _one_by_one(source, queries, field, np.flatnonzero(mask), limit)
    return _by_graph(index._index, queries, mask, count, limit, ef)


def _one_by_one(source: Source, queries: F32, field: str, rows: Rows, limit: int) -> list[tuple[Rows, F32]]:
    if not len(rows):
        return [(rows, np.zeros(0, np.float32))] * len(queries)
    vectors = source.vectors(field)
    # Reading all in their order is quicker than picking out many.
    products = (vectors @ queries.T)[rows] if 4 * len(rows) > len(source) else vectors[rows] @ queries.T
    found = []
    for scores in products.T:
        best = np.argpartition(-scores, limit)[:limit] if limit < len(rows) else np.arange(len(rows))
        found.append((rows[best], scores[best]))
    return found


def _by_graph(index: Any, queries: F32, mask: Mask, count: int, limit: int, ef: int) -> list[tuple[Rows, F32]]:
    if count == len(mask):
        parameters = _FAISS.SearchParametersHNSW(efSearch=ef)
    else:
        bits = np.packbits(mask, bitorder="little")
        chosen = _FAISS.IDSelectorBitmap(len(mask), _FAISS.swig_ptr(bits))
        parameters = _FAISS.SearchParametersHNSW(sel=chosen, efSearch=ef)
    scores, rows = index.search(np.ascontiguousarray(queries), limit, params=parameters)
    return [(r[r >= 0], s[r >= 0]) for r, s in zip(rows, scores, strict=True)]


def matching(
    view: View, queries: Sequence[Mapping[int, float]], field: str, filter_: Filter, limit: int, k1: float, b: float
) -> list[list[Place]]:
    """For each query, numbers of terms with their weights, the texts that share terms with it, best first.

    Words weigh by how rare they are in a source, as in milvus-lite; what was not flushed is one source.
    """
    found: list[list[Place]] = [[] for _ in queries]
    for source, counting in view.flushed:
        mask = filter_.rows(source, counting)
        if mask.any():
            words = source.words(field, k1, b)
            for of, query in zip(found, queries, strict=True):
                rows, scores = words.best(query, limit, mask)
                of.extend(Place(source, row, score) for row, score in zip(rows.tolist(), scores.tolist(), strict=True))
    places = [
        Place(source, row, 0.0)
        for source, counting in view.written
        for row in np.flatnonzero(filter_.rows(source, counting)).tolist()
    ]
    if places:
        held = Bm25([place.source.table.column(field)[place.row].as_py() for place in places], k1, b)
        for of, query in zip(found, queries, strict=True):
            rows, scores = held.best(query, limit, None)
            of.extend(
                Place(places[n].source, places[n].row, score)
                for n, score in zip(rows.tolist(), scores.tolist(), strict=True)
            )
    return [sorted(of, key=lambda place: -place.score)[:limit] for of in found]


def every(view: View, filter_: Filter) -> list[Place]:
    """All rows that pass."""
    return [
        Place(source, row, 0.0)
        for source, counting in view.sources
        for row in np.flatnonzero(filter_.rows(source, counting)).tolist()
    ]


def count(view: View, filter_: Filter) -> int:
    """How many rows pass."""
    return sum(int(np.count_nonzero(filter_.rows(source, counting))) for source, counting in view.sources)


def at(view: View, keys: Sequence[Any]) -> list[Place]:
    """The rows of these primary keys, in order; keys without a row are left out."""
    found = []
    for key in keys:
        for source, counting in view.sources:
            row = source.position.get(key)
            if row is not None and counting[row]:
                found.append(Place(source, row, 0.0))
                break
    return found


def columns(places: Sequence[Place], fields: Sequence[str], vectors: Sequence[str]) -> dict[str, list[Any]]:
    """The values of each field, a row each in their order; fields named in `vectors` hold vectors."""
    found: dict[str, list[Any]] = {field: [None] * len(places) for field in fields}
    by_source: dict[int, list[int]] = {}
    for n, place in enumerate(places):
        by_source.setdefault(id(place.source), []).append(n)
    for numbers in by_source.values():
        source, rows = places[numbers[0]].source, np.asarray([places[n].row for n in numbers])
        for field, values in found.items():
            read = source.vectors(field)[rows].tolist() if field in vectors else source.values(field, rows)
            for n, value in zip(numbers, read, strict=True):
                values[n] = value
    return found


def records(places: Sequence[Place], fields: Sequence[str], vectors: Sequence[str]) -> list[dict[str, Any]]:
    """The same, a record a row."""
    read = columns(places, fields, vectors)
    return [{field: read[field][n] for field in fields} for n in range(len(places))]
