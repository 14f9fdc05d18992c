"""The indexes of pictures and of texts on Milvus, through pymilvus: Milvus distributed, or `milvus-lite server`.

What of milvus-lite 3.2 the searches below answer to, each tried:
- HNSW beside a filter looks at `ef` nodes and keeps those that pass, so a narrow filter needs a large `ef`. Milvus
  itself turns to an exact search there, and so does `services.search.lite`.
- Beside that `lite`, which one machine runs, milvus-lite as it comes walks over all rows in Python in every search:
  1 ms a thousand rows, full text 6 ms, and 0.14 ms a row returned.
- BM25 has neither stems nor other scripts, weighs words by how rare they are in one segment of its files, and gives
  scores below 0; so only its order is used, on terms that the domain wrote. `text_match` reads every row, and
  `phrase_match` is missing; neither is used.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from services.core.deadlines import Deadline
from services.core.names import VideoName
from services.core.text import Track
from services.search import milvus_expressions as mx
from services.search import milvus_schema as ms
from services.search.domain.moments import Hit
from services.search.domain.query import Scope
from services.search.domain.rows import FRAME, SHOT, Row
from services.search.domain.text_rows import TextRow
from services.search.domain.texts import TextHit
from services.search.milvus_connection import Connection
from services.search.milvus_space import Kind, Spaces
from services.search.ports import F32, Pool
from services.search.settings import SearchSettings

VISUAL = Kind("visual2", ms.visual_schema, ms.visual_indexes)
TEXT = Kind("text", ms.text_schema, ms.text_indexes)
_IDS = 1000


class _Milvus:
    """What `ports.Rows` asks for, for any shape of row. Connects at the first call, and again by itself."""

    def __init__(self, settings: SearchSettings, connection: Connection | None, kind: Kind) -> None:
        self._settings = settings
        self._spaces = Spaces(settings, connection or Connection(settings), kind)

    def prepare(self, space: str, dimensions: int) -> None:
        self._spaces.prepare(space, dimensions)

    def settle(self, space: str, video: VideoName, revision: str) -> None:
        self._spaces.settle(space, video, revision)

    def count(self, space: str, video: VideoName) -> int:
        return self._spaces.count(space, video)

    def delete(self, video: VideoName) -> int:
        return self._spaces.delete(video)

    def current_space(self) -> str:
        return self._spaces.current_space()

    def total(self, space: str, collection: str = "", video: str = "") -> int:
        return self._spaces.total(space, collection, video)

    def census(self) -> Iterator[tuple[str, VideoName, int]]:
        return self._spaces.census()

    def close(self) -> None:
        """Close the connection."""
        self._spaces.milvus.close()

    def _near(self, space: str, vectors: F32, narrow: bool, limit: int, until: Deadline | None, **how: Any) -> Any:
        ef = self._settings.narrow_ef if narrow and self._spaces.milvus.lite else self._settings.ef
        params = {"metric_type": ms.METRIC, "params": {"ef": max(ef, limit)}}
        return self._spaces.search(space, list(vectors), ms.VECTOR, limit, until, search_params=params, **how)

    def _beside(
        self, space: str, vectors: F32, ids: Sequence[str], until: Deadline | None, *fields: str
    ) -> dict[str, tuple[F32, Any]]:
        """Rows by id: their cosines [n] with the vectors [n, d], and some fields; ids without a row are left out."""
        found: dict[str, tuple[F32, Any]] = {}
        for at in range(0, len(ids), _IDS):
            some = ids[at : at + _IDS]
            # The server compares: a cosine is much less to send and read than a vector.
            # Without a field that is named, milvus-lite answers with all of them, vectors too.
            fields_ = ["id", *fields]
            hits = self._near(space, vectors, True, len(some), until, filter=mx.rows_with(some), output_fields=fields_)
            for n, of in enumerate(hits):
                for hit in of:
                    cosines, _ = found.setdefault(hit["id"], (np.full(len(vectors), np.nan, np.float32), hit["entity"]))
                    cosines[n] = hit["distance"]
        # An index that does not turn to an exact search may lose some behind such a filter.
        lost = [id_ for id_ in ids if id_ not in found or np.isnan(found[id_][0]).any()]
        for at in range(0, len(lost), _IDS):
            expression = mx.rows_with(lost[at : at + _IDS])
            wait = self._spaces.milvus.wait(until)
            rows = self._spaces.query(self._spaces.name(space), expression, ["id", ms.VECTOR, *fields], wait) or []
            found |= {row["id"]: (vectors @ np.asarray(row[ms.VECTOR], np.float32), row) for row in rows}
        return found


class MilvusIndex(_Milvus):
    """Implements `ports.VectorIndex`."""

    def __init__(self, settings: SearchSettings, connection: Connection | None = None) -> None:
        super().__init__(settings, connection, VISUAL)

    def upsert(self, space: str, rows: Sequence[Row]) -> None:
        self._spaces.upsert(space, [ms.entity(row) for row in rows])

    def search(self, space: str, vector: F32, scope: Scope, limit: int, until: Deadline | None = None) -> list[Hit]:
        frames = mx.pictures_in(scope, FRAME)
        found = self._near(
            space, vector[None], scope.narrow, limit, until, filter=frames, output_fields=ms.HIT_FIELDS
        )  # fmt: skip
        return [ms.hit(one) for one in found[0]]

    def pools(self, space: str, vectors: F32, ids: Sequence[str], until: Deadline | None = None) -> Mapping[str, Pool]:
        rows = self._beside(space, vectors, ids, until, "frame_time")
        return {id_: Pool(cosines, row["frame_time"]) for id_, (cosines, row) in rows.items()}

    def label_counts(self, space: str, scope: Scope, until: Deadline | None = None) -> Mapping[str, int]:
        shots = f"{mx.pictures_in(scope, SHOT)} and array_length(shot_labels) > 0"
        counts: Counter[str] = Counter()
        wait = self._spaces.milvus.wait(until)
        for row in self._spaces.rows(self._spaces.name(space), shots, [ms.NAMES], wait):
            counts.update(row[ms.NAMES])
        return counts


class MilvusTexts(_Milvus):
    """Implements `ports.TextIndex`."""

    def __init__(self, settings: SearchSettings, connection: Connection | None = None) -> None:
        super().__init__(settings, connection, TEXT)

    def upsert(self, space: str, rows: Sequence[TextRow]) -> None:
        self._spaces.upsert(space, [ms.text_entity(row) for row in rows])

    def nearest(
        self,
        space: str,
        vectors: F32,
        scope: Scope,
        tracks: Sequence[Track],
        limit: int,
        until: Deadline | None = None,
    ) -> list[list[tuple[TextHit, float]]]:
        # Tracks are a condition that lets few rows pass when some are left out.
        texts = mx.texts_in(scope, tracks)
        found = self._near(space, vectors, True, limit, until, filter=texts, output_fields=ms.TEXT_FIELDS)
        return [[(ms.text_hit(one), float(one["distance"])) for one in hits] for hits in found]

    def matching(
        self,
        space: str,
        terms: Sequence[str],
        scope: Scope,
        tracks: Sequence[Track],
        limit: int,
        until: Deadline | None = None,
    ) -> list[list[TextHit]]:
        found = self._spaces.search(
            space,
            terms,
            ms.BM25,
            limit,
            until,
            filter=mx.texts_in(scope, tracks),
            output_fields=ms.TEXT_FIELDS,
            search_params={"metric_type": "BM25", "params": {}},
        )
        return [[ms.text_hit(one) for one in hits] for hits in found]

    def cosines(
        self, space: str, vector: F32, ids: Sequence[str], until: Deadline | None = None
    ) -> Mapping[str, float]:
        return {id_: float(cosines[0]) for id_, (cosines, _) in self._beside(space, vector[None], ids, until).items()}
