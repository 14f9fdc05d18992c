"""Collections of one kind of rows in Milvus, one a vector space: made, written, counted, emptied.

What of milvus-lite 3.2 this answers to, each tried:
- Rows that were not flushed have no index, and those of many writes are many small sources. So it is flushed after
  each video (0.2 s). Milvus itself searches growing segments quickly and allows one flush in ten seconds, so there
  nothing is flushed.
- After a restart collections are not loaded, and say so with code 101 until somebody loads them.
- Its engine has one writer a collection and no lock: two upserts at once, or an upsert beside a flush, may lose rows.
  `services.search.lite` has that lock; without it milvus-lite needs `--max-workers 1`. The lock here covers one
  process; the count after indexing finds what is lost.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymilvus import MilvusClient
from pymilvus.milvus_client.index import IndexParams
from pymilvus.orm.schema import CollectionSchema

from services.core.deadlines import Deadline
from services.core.errors import Incomplete, Internal, VidxError
from services.core.names import VideoName
from services.search import milvus_expressions as mx
from services.search.milvus_connection import Call, Connection
from services.search.milvus_schema import VECTOR
from services.search.settings import SearchSettings

_PAGE = 1000
_ENCODED = re.compile(r"_([0-9a-f]{2})")


@dataclass(frozen=True)
class Kind:
    """What distinguishes one kind of rows. `word` names it; it changes when the fields do."""

    word: str
    schema: Callable[[int], CollectionSchema]
    indexes: Callable[[], IndexParams]


def collection_name(prefix: str, space: str) -> str:
    """Milvus takes letters, digits and "_"; every other byte of the space's name becomes "_" and two hex digits."""
    name = prefix + "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else f"_{b:02x}" for b in space.encode())
    if len(name) > 255:
        raise Internal(f"the vector space's name {space[:80]!r} is too long for Milvus")
    return name


def space_of(prefix: str, name: str) -> str:
    """The vector space of a collection's name."""
    raw = _ENCODED.sub(lambda m: chr(int(m[1], 16)), name.removeprefix(prefix))
    return raw.encode("latin-1").decode()


class Spaces:
    """What `ports.Rows` asks for, but for the shape of a row."""

    def __init__(self, settings: SearchSettings, connection: Connection, kind: Kind) -> None:
        self.settings = settings
        self.milvus = connection
        self._kind = kind
        self._alias = f"{settings.milvus_prefix}_{kind.word}"
        self._prefix = f"{self._alias}_"
        self._writing = threading.Lock()
        self._prepared: set[str] = set()

    def name(self, space: str) -> str:
        """The collection of a space."""
        return collection_name(self._prefix, space)

    def prepare(self, space: str, dimensions: int) -> None:
        name = self.name(space)
        with self._writing:
            if name not in self._prepared:
                self._make(name, dimensions)
                self._prepared.add(name)

    def upsert(self, space: str, entities: Sequence[dict[str, Any]]) -> None:
        name = self.name(space)
        with self._writing:
            if self.milvus.call("upsert", name, lambda c, n, t: c.upsert(n, list(entities), timeout=t)) is None:
                self._prepared.discard(name)
                raise Incomplete(f"Milvus has no collection {name}: somebody removed it; run search again")

    def settle(self, space: str, video: VideoName, revision: str) -> None:
        name = self.name(space)
        stale = mx.rows_of(video.collection, video.video, other_than=revision)
        with self._writing:
            self._flush(name)
            if self._count(name, stale):
                self.milvus.call("delete", name, lambda c, n, t: c.delete(n, filter=stale, timeout=t))
                self._flush(name)
            self._point_alias(name)

    def count(self, space: str, video: VideoName) -> int:
        return self.total(space, video.collection, video.video)

    def total(self, space: str, collection: str = "", video: str = "") -> int:
        return self._count(self.name(space), mx.rows_of(collection, video))

    def delete(self, video: VideoName) -> int:
        of_video = mx.rows_of(video.collection, video.video)
        removed = 0
        for name in self._names():
            with self._writing:
                rows = self._count(name, of_video)
                if rows:
                    self.milvus.call("delete", name, lambda c, n, t: c.delete(n, filter=of_video, timeout=t))
                    self._flush(name)
                    removed += rows
        return removed

    def current_space(self) -> str:
        name = self._pointed_at()
        return space_of(self._prefix, name) if name else ""

    def search(
        self, space: str, data: Sequence[Any], field: str, limit: int, until: Deadline | None, **how: Any
    ) -> Any:
        """pymilvus' hits for each of `data`, best first; an empty list each when there is no such space."""
        level = self.settings.consistency
        found = self.milvus.call(
            "search",
            self.name(space),
            lambda c, n, t: c.search(
                n, data=list(data), anns_field=field, limit=limit, consistency_level=level, timeout=t, **how
            ),
            self.milvus.wait(until),
        )
        return found if found is not None else [[] for _ in data]

    def query(self, name: str, expression: str, fields: list[str], timeout_s: float) -> Any:
        """Rows of a collection; None when there is no such collection."""
        return self.milvus.call(
            "query",
            name,
            lambda c, n, t: c.query(n, filter=expression, output_fields=fields, consistency_level="Strong", timeout=t),
            timeout_s=timeout_s,
        )

    def rows(self, name: str, expression: str, fields: list[str], timeout_s: float) -> Iterator[dict[str, Any]]:
        """Every row of a collection, however many; none when there is no such collection."""

        def open_(client: MilvusClient, name: str, timeout: float) -> Any:
            return client.query_iterator(
                name,
                batch_size=_PAGE,
                filter=expression,
                output_fields=["id", *fields],
                consistency_level="Strong",
                timeout=timeout,
            )

        pages = self.milvus.call("query", name, open_, timeout_s=timeout_s)
        while pages is not None:
            page = self.milvus.call("query", name, lambda *_: pages.next(), timeout_s=timeout_s)
            if not page:
                pages.close()
                return
            yield from page

    def census(self) -> Iterator[tuple[str, VideoName, int]]:
        for name in self._names():
            of_all = self.rows(name, "", ["collection", "video"], self.settings.write_timeout_s)
            counts = Counter((row["collection"], row["video"]) for row in of_all)
            for (collection, video), rows in counts.items():
                yield space_of(self._prefix, name), VideoName(collection, video), rows

    def _names(self) -> list[str]:
        names: list[str] = self.milvus.call("list", "", lambda c, _, t: c.list_collections(timeout=t)) or []
        return sorted(name for name in names if name.startswith(self._prefix))

    def _make(self, name: str, dimensions: int) -> None:
        """Make the collection and its indexes, and load it."""
        level, schema = self.settings.consistency, self._kind.schema(dimensions)
        self._unless_there(
            "create_collection",
            name,
            lambda c, n, t: c.has_collection(n, timeout=t),
            lambda c, n, t: c.create_collection(n, schema=schema, consistency_level=level, timeout=t),
        )
        indexes = self._kind.indexes()
        self._unless_there(
            "create_index",
            name,
            lambda c, n, t: len(c.list_indexes(n, timeout=t)) >= len(indexes),
            lambda c, n, t: c.create_index(n, indexes, timeout=t),
        )
        self.milvus.call("load", name, lambda c, n, t: c.load_collection(n, timeout=t))
        found = self.milvus.call("describe", name, lambda c, n, t: c.describe_collection(n, timeout=t))
        there = next((f["params"]["dim"] for f in found["fields"] if f["name"] == VECTOR), 0) if found else 0
        if there != dimensions:
            raise Internal(f"{name} holds vectors of {there} dimensions, not {dimensions}: give the space a new name")

    def _unless_there(self, what: str, name: str, there: Call[bool], make: Call[Any]) -> None:
        """Make a thing that another process may be making at the same moment."""
        if self.milvus.call(what, name, there):
            return
        try:
            self.milvus.call(what, name, make)
        except VidxError:
            if not self.milvus.call(what, name, there):
                raise

    def _count(self, name: str, expression: str) -> int:
        rows = self.query(name, expression, ["count(*)"], self.settings.write_timeout_s)
        return int(rows[0]["count(*)"]) if rows else 0

    def _flush(self, name: str) -> None:
        if self.milvus.lite:
            self.milvus.call("flush", name, lambda c, n, t: c.flush(n, timeout=t))

    def _pointed_at(self) -> str:
        """The collection behind the alias, or ""."""
        for name in self._names():
            found = self.milvus.call("list_aliases", name, lambda c, n, t: c.list_aliases(n, timeout=t))
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
            self.milvus.call("alter_alias", name, lambda c, n, t: c.alter_alias(n, self._alias, timeout=t))
