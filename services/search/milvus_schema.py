"""How rows lie in Milvus: their fields and indexes, rows in, hits out."""

from collections.abc import Mapping
from typing import Any

from pymilvus import DataType, Function, FunctionType, MilvusClient
from pymilvus.milvus_client.index import IndexParams
from pymilvus.orm.schema import CollectionSchema

from services.core.text import Track
from services.core.times import TimeRange
from services.search.domain.moments import Hit
from services.search.domain.rows import SHOT, Row, shot_label_token
from services.search.domain.text_rows import TextRow
from services.search.domain.texts import TextHit

VECTOR, TERMS, BM25 = "vector", "terms", "bm25"
METRIC = "IP"
"""Of unit vectors: the cosine."""
NAMES = "label_names"
HIT_FIELDS = ["video", "shot", "shot_start", "shot_end", "start", "end", "frame_time"]
TEXT_FIELDS = ["video", "track", "start", "end", "shot_start", "shot_end", "text", "after", TERMS, "language"]
_TEXT_BYTES = 65_535
_LABELS, _NAME_BYTES = 256, 400
"""As many labels as a collection has, each of 100 characters."""


def visual_schema(dimensions: int) -> CollectionSchema:
    """Fields of a space's frames and shots; the platform's collection is the partition key."""
    made = _common(dimensions)
    made.add_field("kind", DataType.VARCHAR, max_length=8)
    for name in ("shot", "frame_time"):
        made.add_field(name, DataType.INT64)
    made.add_field(
        NAMES, DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=_LABELS, max_length=_NAME_BYTES
    )  # fmt: skip
    return made


def text_schema(dimensions: int) -> CollectionSchema:
    """Fields of a space's texts. `domain.words` wrote the terms, so cutting at spaces is all there is to do."""
    made = _common(dimensions)
    made.add_field("track", DataType.VARCHAR, max_length=16)
    made.add_field("text", DataType.VARCHAR, max_length=_TEXT_BYTES)
    made.add_field("after", DataType.VARCHAR, max_length=1024)
    made.add_field("language", DataType.VARCHAR, max_length=64)
    made.add_field("confidence", DataType.FLOAT)
    made.add_field(
        TERMS, DataType.VARCHAR, max_length=_TEXT_BYTES, enable_analyzer=True, analyzer_params={"tokenizer": "standard"}
    )
    made.add_field(BM25, DataType.SPARSE_FLOAT_VECTOR)
    made.add_function(
        Function(name=BM25, function_type=FunctionType.BM25, input_field_names=[TERMS], output_field_names=[BM25])
    )
    return made


def _common(dimensions: int) -> CollectionSchema:
    made = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    made.add_field("id", DataType.VARCHAR, is_primary=True, max_length=32)
    made.add_field("collection", DataType.VARCHAR, max_length=63, is_partition_key=True)
    made.add_field("video", DataType.VARCHAR, max_length=63)
    for name in ("shot_start", "shot_end", "start", "end", "added", "duration"):
        made.add_field(name, DataType.INT64)
    made.add_field("labels", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=64, max_length=32)
    made.add_field("shot_labels", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=_LABELS, max_length=32)
    made.add_field("revision", DataType.VARCHAR, max_length=32)
    made.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=dimensions)
    return made


def visual_indexes() -> IndexParams:
    """HNSW with FAISS's usual degree; what it costs in recall is bought back with `ef` at search time."""
    made = MilvusClient.prepare_index_params()
    made.add_index(VECTOR, index_type="HNSW", metric_type=METRIC, params={"M": 16, "efConstruction": 200})
    return made


def text_indexes() -> IndexParams:
    """The same for the vectors, and an inverted index of the terms."""
    made = visual_indexes()
    made.add_index(BM25, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params={})
    return made


def entity(row: Row) -> dict[str, Any]:
    """A row as pymilvus takes it."""
    # Only shots are counted by their labels' names.
    names = list(row.shot_labels) if row.kind == SHOT else []
    return _shared(row) | {"kind": row.kind, "shot": row.shot, "frame_time": row.frame_time, NAMES: names}


def text_entity(row: TextRow) -> dict[str, Any]:
    """A row of text as pymilvus takes it."""
    return _shared(row) | {
        "track": row.track.value,
        "text": row.text,
        "after": row.after,
        "language": row.language,
        "confidence": row.confidence,
        TERMS: row.terms,
    }


def _shared(row: Row | TextRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "collection": row.video.collection,
        "video": row.video.video,
        "shot_start": row.shot_range.start,
        "shot_end": row.shot_range.end,
        "start": row.range.start,
        "end": row.range.end,
        "added": row.added,
        "duration": row.duration,
        "labels": list(row.labels),
        "shot_labels": [shot_label_token(label) for label in row.shot_labels],
        "revision": row.revision,
        VECTOR: row.vector,
    }


def hit(found: Mapping[str, Any]) -> Hit:
    """A search result of pymilvus with HIT_FIELDS. With metric IP its "distance" is the inner product."""
    e = found["entity"]
    return Hit(
        e["video"], e["shot"], e["shot_start"], e["shot_end"], e["start"], e["end"], e["frame_time"], found["distance"]
    )  # fmt: skip


def text_hit(found: Mapping[str, Any]) -> TextHit:
    """The same with TEXT_FIELDS."""
    e = found["entity"]
    span, shot = TimeRange(e["start"], e["end"]), TimeRange(e["shot_start"], e["shot_end"])
    words = e["text"], e["after"], e[TERMS]
    return TextHit(found["id"], e["video"], Track(e["track"]), span, shot, *words, e["language"])
