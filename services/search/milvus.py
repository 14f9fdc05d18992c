"""The vector index on Milvus, through pymilvus: Milvus distributed, or `milvus-lite server` on one machine.

What of milvus-lite 3.2 the code below answers to, each tried:
- Rows that were not flushed are searched without an index, one Python object a row: 2 s for 10,000 rows, against 10 ms
  once flushed. So it is flushed after each video (0.2 s). Milvus itself searches growing segments quickly and allows
  one flush in ten seconds, so there nothing is flushed.
- After a restart collections are not loaded, and say so with code 101 until somebody loads them.
- Its engine has one writer a collection and no lock: two upserts at once, or an upsert beside a flush, may lose rows.
  Start it with `--max-workers 1`. The lock here covers one process; the count after indexing finds what is lost.
- A search walks over all rows in Python whatever the index: about 1 ms a thousand rows, and 0.14 ms a row returned,
  whichever fields are asked for.
- HNSW beside a filter looks at `ef` nodes and keeps those that pass, so a narrow filter needs a large `ef`. Milvus
  itself turns to an exact search there.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.core.errors import Incomplete, Internal, VidxError
from services.core.names import VideoName
from services.search import milvus_schema as ms
from services.search.domain.moments import Hit
from services.search.domain.query import Scope
from services.search.domain.rows import Row
from services.search.milvus_connection import Call, Connection
from services.search.settings import SearchSettings

_ALIAS = "visual"
_IDS = 1000


class MilvusIndex:
    """Implements `ports.VectorIndex`. Connects at the first call, and again by itself when the server comes back."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings
        self._alias = f"{settings.milvus_prefix}_{_ALIAS}"
        self._prefix = f"{self._alias}_"
        self._milvus = Connection(settings)
        self._writing = threading.Lock()
        self._prepared: set[str] = set()

    def prepare(self, space: str, dimensions: int) -> None:
        name = self._name(space)
        with self._writing:
            if name not in self._prepared:
                self._make(name, dimensions)
                self._prepared.add(name)

    def upsert(self, space: str, rows: Sequence[Row]) -> None:
        entities = [ms.entity(row) for row in rows]
        name = self._name(space)
        with self._writing:
            if self._milvus.call("upsert", name, lambda c, n, t: c.upsert(n, entities, timeout=t)) is None:
                self._prepared.discard(name)
                raise Incomplete(f"Milvus has no collection {name}: somebody removed it; run search again")

    def settle(self, space: str, video: VideoName, revision: str) -> None:
        name = self._name(space)
        stale = ms.rows_of(video.collection, video.video, other_than=revision)
        with self._writing:
            self._flush(name)
            if self._count(name, stale):
                self._milvus.call("delete", name, lambda c, n, t: c.delete(n, filter=stale, timeout=t))
                self._flush(name)
            self._point_alias(name)

    def count(self, space: str, video: VideoName) -> int:
        return self._count(self._name(space), ms.rows_of(video.collection, video.video))

    def delete(self, video: VideoName) -> int:
        of_video = ms.rows_of(video.collection, video.video)
        removed = 0
        for name in self._names():
            with self._writing:
                rows = self._count(name, of_video)
                if rows:
                    self._milvus.call("delete", name, lambda c, n, t: c.delete(n, filter=of_video, timeout=t))
                    self._flush(name)
                    removed += rows
        return removed

    def search(self, space: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> list[Hit]:
        ef = self._settings.narrow_ef if scope.narrow else self._settings.ef
        params = {"metric_type": ms.METRIC, "params": {"ef": max(ef, limit)}}
        found = self._milvus.call(
            "search",
            self._name(space),
            lambda c, n, t: c.search(
                n,
                data=[vector],
                anns_field=ms.VECTOR,
                filter=ms.frames_in(scope),
                limit=limit,
                output_fields=ms.HIT_FIELDS,
                search_params=params,
                consistency_level=self._settings.consistency,
                timeout=t,
            ),
            timeout_s=self._settings.search_timeout_s,
        )
        return [ms.hit(one) for one in found[0]] if found else []

    def cosines(self, space: str, vector: NDArray[np.float32], ids: Sequence[str]) -> Mapping[str, float]:
        cosines: dict[str, float] = {}
        for at in range(0, len(ids), _IDS):
            expression = ms.rows_with(list(ids[at : at + _IDS]))
            rows = self._query(self._name(space), expression, ["id", ms.VECTOR], self._settings.search_timeout_s)
            if rows:
                values = np.asarray([row[ms.VECTOR] for row in rows], dtype=np.float32) @ vector
                cosines.update(zip((row["id"] for row in rows), values.tolist(), strict=True))
        return cosines

    def current_space(self) -> str:
        name = self._pointed_at()
        return ms.space_of(self._prefix, name) if name else ""

    def total(self, space: str, collection: str = "", video: str = "") -> int:
        return self._count(self._name(space), ms.rows_of(collection, video))

    def close(self) -> None:
        """Close the connection."""
        self._milvus.close()

    def _name(self, space: str) -> str:
        return ms.collection_name(self._prefix, space)

    def _names(self) -> list[str]:
        names: list[str] = self._milvus.call("list", "", lambda c, _, t: c.list_collections(timeout=t)) or []
        return sorted(name for name in names if name.startswith(self._prefix))

    def _make(self, name: str, dimensions: int) -> None:
        """Make the collection and its index, and load it."""
        level = self._settings.consistency
        self._unless_there(
            "create_collection",
            name,
            lambda c, n, t: c.has_collection(n, timeout=t),
            lambda c, n, t: c.create_collection(n, schema=ms.schema(dimensions), consistency_level=level, timeout=t),
        )
        self._unless_there(
            "create_index",
            name,
            lambda c, n, t: bool(c.list_indexes(n, timeout=t)),
            lambda c, n, t: c.create_index(n, ms.index_params(), timeout=t),
        )
        self._milvus.call("load", name, lambda c, n, t: c.load_collection(n, timeout=t))
        found = self._milvus.call("describe", name, lambda c, n, t: c.describe_collection(n, timeout=t))
        there = next((f["params"]["dim"] for f in found["fields"] if f["name"] == ms.VECTOR), 0) if found else 0
        if there != dimensions:
            raise Internal(f"{name} holds vectors of {there} dimensions, not {dimensions}: give the space a new name")

    def _unless_there(self, what: str, name: str, there: Call[bool], make: Call[Any]) -> None:
        """Make a thing that another process may be making at the same moment."""
        if self._milvus.call(what, name, there):
            return
        try:
            self._milvus.call(what, name, make)
        except VidxError:
            if not self._milvus.call(what, name, there):
                raise

    def _count(self, name: str, expression: str) -> int:
        rows = self._query(name, expression, ["count(*)"], self._settings.write_timeout_s)
        return int(rows[0]["count(*)"]) if rows else 0

    def _query(self, name: str, expression: str, fields: list[str], timeout_s: float) -> Any:
        return self._milvus.call(
            "query",
            name,
            lambda c, n, t: c.query(n, filter=expression, output_fields=fields, consistency_level="Strong", timeout=t),
            timeout_s=timeout_s,
        )

    def _flush(self, name: str) -> None:
        if self._milvus.lite:
            self._milvus.call("flush", name, lambda c, n, t: c.flush(n, timeout=t))

    def _pointed_at(self) -> str:
        """The collection behind the alias, or ""."""
        for name in self._names():
            found = self._milvus.call("list_aliases", name, lambda c, n, t: c.list_aliases(n, timeout=t))
            if found and self._alias in found["aliases"]:
                return name
        return ""

    def _point_alias(self, name: str) -> None:
        """Let the alias follow the space that holds most rows, so that it moves to a new model once that has caught
        up. It is for people and other tools; searches name the space of their query."""
        now = self._pointed_at()
        if not now:
            self._unless_there(
                "create_alias",
                name,
                lambda c, n, t: bool(self._pointed_at()),
                lambda c, n, t: c.create_alias(n, self._alias, timeout=t),
            )
        elif now != name and self._count(name, "") >= self._count(now, ""):
            self._milvus.call("alter_alias", name, lambda c, n, t: c.alter_alias(n, self._alias, timeout=t))
