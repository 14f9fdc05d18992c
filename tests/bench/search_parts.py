"""What the search benchmark runs: an index that it fills, bare calls, and somebody who indexes meanwhile."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pymilvus import MilvusClient
from vidx.embedding.v1 import embedding_service_pb2 as embedding_pb

from services.core.names import VideoName
from services.runtime import grpc_client
from services.runtime.text_embedding import Embedded, TextEmbedding
from services.search import milvus_expressions as mx
from services.search import milvus_schema as ms
from services.search.domain.moments import shot_row
from services.search.domain.query import Query, Scope
from services.search.domain.rows import FRAME
from services.search.domain.selection import first_limit, text_limit
from services.search.domain.words import terms
from services.search.milvus import TEXT, VISUAL, MilvusIndex, MilvusTexts
from services.search.milvus_connection import QUIET, Connection
from services.search.milvus_space import collection_name
from services.search.settings import SearchSettings
from tests.bench.search_rows import ASKED, F32, Subjects, video, videos

BATCH = 256
INDEXED_WITHIN_S = 3600.0
"""How long milvus-lite may take to build what it builds beside the writes."""


def encoder(address: str) -> Callable[[Sequence[str]], tuple[Embedded, ...]]:
    """Asks the embedding service for both spaces."""
    asked = TextEmbedding(grpc_client.channel(address), 60.0)
    return lambda texts: asked.encode(texts, [embedding_pb.JOINT, embedding_pb.SENTENCE])


def fill(settings: SearchSettings, subjects: Subjects, rows: int) -> tuple[int, F32]:
    """How many rows were written, and the vectors [n, d] of the asked collection's frames."""
    connection = Connection(settings)
    pictures, texts = MilvusIndex(settings, connection), MilvusTexts(settings, connection)
    pictures.prepare(subjects.spaces[0], subjects.joint.shape[1])
    texts.prepare(subjects.spaces[1], subjects.sentence.shape[1])
    written, frames, last = 0, [], None
    for seen, said in videos(subjects, rows):
        for at in range(0, len(seen), BATCH):
            pictures.upsert(subjects.spaces[0], seen[at : at + BATCH])
        texts.upsert(subjects.spaces[1], said)
        written += len(seen) + len(said)
        name = seen[0].video
        if name.collection == ASKED:
            frames += [row.vector for row in seen if row.kind == FRAME]
        if last is None or written // 20_000 > last // 20_000:
            pictures.settle(subjects.spaces[0], name, seen[0].revision)
            texts.settle(subjects.spaces[1], name, seen[0].revision)
            last = written
    pictures.settle(subjects.spaces[0], name, seen[0].revision)
    texts.settle(subjects.spaces[1], name, seen[0].revision)
    pictures.close()
    return written, np.stack(frames)


def await_indexes(data: Path) -> float:
    """Seconds until milvus-lite has built an index of every file of rows."""
    began = time.monotonic()
    while time.monotonic() - began < INDEXED_WITHIN_S:
        files = {p.stem for p in data.glob("**/partitions/*/data/*.parquet")}
        built = {p.name.split(".")[0] for p in data.glob("**/partitions/*/indexes/*.vector.hnsw.idx")}
        if files and files <= built:
            return time.monotonic() - began
        time.sleep(0.5)
    raise SystemExit("milvus-lite does not finish its indexes")


class Bare:
    """The indexes asked through pymilvus alone; `spaces` as in `Subjects`."""

    def __init__(self, settings: SearchSettings, spaces: tuple[str, str]) -> None:
        self._client = MilvusClient(uri=settings.milvus_uri, dedicated=True, grpc_options=QUIET)
        self._name = collection_name(f"{settings.milvus_prefix}_{VISUAL.word}_", spaces[0])
        self._texts = collection_name(f"{settings.milvus_prefix}_{TEXT.word}_", spaces[1])
        self._ef, self._narrow = settings.ef, settings.narrow_ef
        self.limit = first_limit(Query("", Scope(ASKED)))

    def load(self) -> None:
        """Make the indexes ready after the server's start."""
        self._client.load_collection(self._name)
        self._client.load_collection(self._texts)

    def five(self, seen: F32, meant: F32, text: str) -> None:
        """What a query of all tracks asks of Milvus, one after the other: frames, texts by meaning, texts by words,
        the frames' shots, the texts that words found."""
        query = Query(text, Scope(ASKED))
        texts, limit = mx.texts_in(query.scope, query.text_tracks), text_limit(query)
        shots = {shot_row(ASKED, ms.hit(hit)) for hit in self.search(seen, self.limit)}
        self._ask(self._texts, ms.VECTOR, meant, texts, limit, ms.TEXT_FIELDS)
        words = {"metric_type": "BM25", "params": {}}
        found = self._ask(self._texts, ms.BM25, terms(text), texts, limit, ms.TEXT_FIELDS, words)
        self._ask(self._name, ms.VECTOR, seen, mx.rows_with(sorted(shots)), len(shots), ["frame_time"])
        if found:
            ids = [hit["id"] for hit in found]
            self._ask(self._texts, ms.VECTOR, meant, mx.rows_with(ids), len(ids), ["id"])

    def _ask(self, name: str, field: str, data: Any, which: str, limit: int, fields: list[str], how: Any = None) -> Any:
        near = {"metric_type": ms.METRIC, "params": {"ef": max(self._narrow, limit)}}
        return self._client.search(
            name, data=[data], anns_field=field, limit=limit, filter=which, output_fields=fields,
            search_params=how or near, consistency_level="Strong",
        )[0]  # fmt: skip

    def search(self, vector: F32, limit: int) -> Any:
        return self._client.search(
            self._name,
            data=[vector],
            anns_field=ms.VECTOR,
            limit=limit,
            filter=mx.pictures_in(Scope(ASKED), FRAME),
            output_fields=ms.HIT_FIELDS,
            search_params={"metric_type": ms.METRIC, "params": {"ef": max(self._ef, limit)}},
            consistency_level="Strong",
        )[0]


class Timed:
    """A port whose calls are timed by the method's name."""

    def __init__(self, port: Any, took: dict[str, list[float]]) -> None:
        self._port, self._took = port, took

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*args: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*args, **more)
            finally:
                self._took.setdefault(name, []).append((time.perf_counter() - began) * 1000)

        return call


def insert(settings: SearchSettings, subjects: Subjects, stop: Any, written: Any) -> None:
    """Index made videos one after the other, as the search stage does, until told to stop."""
    connection = Connection(settings)
    pictures, texts = MilvusIndex(settings, connection), MilvusTexts(settings, connection)
    seed = 1_000_000
    while not stop.is_set():
        seed += 1
        seen, said = video(subjects, VideoName("tenant-new", f"v{seed}"), seed)
        pictures.upsert(subjects.spaces[0], seen)
        texts.upsert(subjects.spaces[1], said)
        pictures.settle(subjects.spaces[0], seen[0].video, seen[0].revision)
        texts.settle(subjects.spaces[1], seen[0].video, seen[0].revision)
        if pictures.count(subjects.spaces[0], seen[0].video) + texts.count(subjects.spaces[1], seen[0].video) != len(
            seen
        ) + len(said):
            raise SystemExit("rows were lost while others searched")
        written.value += len(seen) + len(said)
    pictures.close()


@contextmanager
def inserting(settings: SearchSettings, subjects: Subjects) -> Iterator[Any]:
    """Another process that indexes at full speed; its count of rows."""
    context = multiprocessing.get_context("spawn")
    stop, written = context.Event(), context.Value("l", 0)
    process = context.Process(target=insert, args=(settings, subjects, stop, written))
    process.start()
    while written.value == 0 and process.is_alive():
        time.sleep(0.05)
    yield written
    stop.set()
    process.join(60)
    if process.exitcode != 0:
        raise SystemExit("indexing beside the searches failed")
