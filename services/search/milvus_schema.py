"""How rows lie in Milvus: names of collections, their fields and index, rows and hits, filters.

A filter is built from the platform's own ids, digests and integers only (see `label_token`), and each is checked here
once more, so no value can change what an expression means. Templates (`filter_params`) would do the same, but
milvus-lite 3.2 ignores them.
"""

import re
from collections.abc import Mapping
from typing import Any

from pymilvus import DataType, MilvusClient
from pymilvus.milvus_client.index import IndexParams
from pymilvus.orm.schema import CollectionSchema

from services.core.errors import Internal
from services.search.domain.moments import Hit
from services.search.domain.query import Scope
from services.search.domain.rows import FRAME, Row, label_token

VECTOR = "vector"
METRIC = "IP"
"""Of unit vectors: the cosine."""
HIT_FIELDS = ["video", "shot", "shot_start", "shot_end", "start", "end", "frame_time"]
_INT64 = 2**63 - 1
_PLAIN = re.compile(r"[a-z0-9-]{1,63}")
_ENCODED = re.compile(r"_([0-9a-f]{2})")


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


def schema(dimensions: int) -> CollectionSchema:
    """Fields of a space's collection; the platform's collection is the partition key."""
    made = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    made.add_field("id", DataType.VARCHAR, is_primary=True, max_length=32)
    made.add_field("collection", DataType.VARCHAR, max_length=63, is_partition_key=True)
    made.add_field("video", DataType.VARCHAR, max_length=63)
    made.add_field("kind", DataType.VARCHAR, max_length=8)
    for name in ("shot", "shot_start", "shot_end", "start", "end", "frame_time", "added", "duration"):
        made.add_field(name, DataType.INT64)
    made.add_field("labels", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=64, max_length=32)
    made.add_field("revision", DataType.VARCHAR, max_length=32)
    made.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=dimensions)
    return made


def index_params() -> IndexParams:
    """HNSW with FAISS's usual degree; what it costs in recall is bought back with `ef` at search time."""
    made = MilvusClient.prepare_index_params()
    made.add_index(VECTOR, index_type="HNSW", metric_type=METRIC, params={"M": 16, "efConstruction": 200})
    return made


def entity(row: Row) -> dict[str, Any]:
    """A row as pymilvus takes it."""
    return {
        "id": row.id,
        "collection": row.video.collection,
        "video": row.video.video,
        "kind": row.kind,
        "shot": row.shot,
        "shot_start": row.shot_range.start,
        "shot_end": row.shot_range.end,
        "start": row.range.start,
        "end": row.range.end,
        "frame_time": row.frame_time,
        "added": row.added,
        "duration": row.duration,
        "labels": list(row.labels),
        "revision": row.revision,
        VECTOR: row.vector,
    }


def hit(found: Mapping[str, Any]) -> Hit:
    """A search result of pymilvus with HIT_FIELDS. With metric IP its "distance" is the inner product."""
    e = found["entity"]
    return Hit(
        e["video"], e["shot"], e["shot_start"], e["shot_end"], e["start"], e["end"], e["frame_time"], found["distance"]
    )  # fmt: skip


def rows_of(collection: str = "", video: str = "", other_than: str = "") -> str:
    """Expression for rows of a collection, of one video of it, of any revision but one."""
    terms = []
    if collection:
        terms.append(f"collection == {_text(collection)}")
    if video:
        terms.append(f"video == {_text(video)}")
    if other_than:
        terms.append(f"revision != {_text(other_than)}")
    return " and ".join(terms)


def rows_with(ids: list[str]) -> str:
    """Expression for rows by id; in this form milvus-lite looks them up instead of reading all rows."""
    return f"id in [{', '.join(map(_text, ids))}]"


def frames_in(scope: Scope) -> str:
    """Expression for the frames that may answer."""
    terms = [rows_of(scope.collection), f"kind == {_text(FRAME)}"]
    if scope.videos:
        terms.append(f"video in [{', '.join(map(_text, scope.videos))}]")
    terms += [f"array_contains(labels, {_text(label_token(k, v))})" for k, v in sorted(scope.labels.items())]
    for name, sign, value in (
        ("added", ">=", scope.added_after),
        ("added", "<", scope.added_before),
        ("duration", ">=", scope.min_duration),
        ("duration", "<=", scope.max_duration),
        ("end", ">", scope.range.start if scope.range else None),
        ("start", "<", scope.range.end if scope.range else None),
    ):
        if value is not None:
            terms.append(f"{name} {sign} {min(max(value, -_INT64), _INT64)}")
    return " and ".join(terms)


def _text(value: str) -> str:
    if not _PLAIN.fullmatch(value):
        raise Internal(f"{value[:80]!r} is no id or digest, and must not go into an expression")
    return f'"{value}"'
