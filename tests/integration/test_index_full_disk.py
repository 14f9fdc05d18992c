"""A disk that is full for a while costs `milvus-lite` as one machine runs it nothing that it has answered for."""

import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymilvus import DataType, MilvusClient, MilvusException

from services.search.milvus_connection import QUIET
from tests.servers import milvus
from tests.servers.ports import free_ports

NAME = "rows"
BATCH = 300
WAIT_S = 180.0


class Index:
    """A server that is started again whenever it ended, as a supervisor does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_ports(1)[0]
        self._start()

    def _start(self) -> None:
        self._running = milvus.serving(self._folder / "milvus", self._port)
        uri, self._process = self._running.__enter__()
        self.client = MilvusClient(uri, timeout=WAIT_S, dedicated=True, grpc_options=QUIET)

    def kill(self) -> None:
        """Without any order, and start it again."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(20)
        self._again()

    def close(self) -> None:
        self.client.close()
        self._running.__exit__(None, None, None)

    def _again(self) -> None:
        self.close()
        self._start()

    @contextmanager
    def full(self, more: int) -> Iterator[None]:
        """No file grows by more than so many bytes over the largest."""
        sizes = [path.stat().st_size for path in (self._folder / "milvus").rglob("*.arrow")]
        self._limit(max(0, max(sizes, default=0) + more))
        yield
        with suppress(psutil.NoSuchProcess):
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        psutil.Process(self._process.pid).rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def create(self) -> None:
        schema = self.client.create_schema()
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=64)
        indexes = self.client.prepare_index_params()
        indexes.add_index("vector", index_type="HNSW", metric_type="IP", params={"M": 8, "efConstruction": 32})
        self.client.create_collection(NAME, schema=schema, index_params=indexes)

    def upsert(self, batch: int) -> None:
        rows: list[dict[str, Any]] = [
            {"id": batch * BATCH + number, "vector": [float(number)] * 64} for number in range(BATCH)
        ]
        self.client.upsert(NAME, rows)

    def upsert_again(self, batch: int) -> None:
        """As often as it takes, as the platform does."""
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                return self.upsert(batch)
            except MilvusException:
                assert time.monotonic() < deadline, "it never takes a row again"
                if self._process.poll() is not None:
                    self._again()

    def batches(self) -> set[int]:
        """Those of which every row can be read."""
        self.client.load_collection(NAME)
        found = self.client.query(NAME, filter="id >= 0", output_fields=["id"], consistency_level="Strong")
        ids = {row["id"] for row in found}
        return {id_ // BATCH for id_ in ids if all(id_ // BATCH * BATCH + n in ids for n in range(BATCH))}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    found = Index(tmp_path)
    yield found
    found.close()


def test_a_collection_that_could_not_be_created_can_be_later(index: Index) -> None:
    with index.full(0), pytest.raises(MilvusException, match=r"too large|No space"):
        index.create()
    index.create()
    index.upsert(0)
    assert index.batches() == {0}


def test_rows_that_came_after_a_torn_write_are_there_after_a_restart(index: Index) -> None:
    index.create()
    index.upsert(0)
    with index.full(1_000), pytest.raises(MilvusException, match=r"too large|No space"):
        index.upsert(1)
    assert index.batches() == {0}
    index.upsert_again(2)
    index.kill()
    assert index.batches() == {0, 2}


def test_rows_that_could_not_be_flushed_are_found_meanwhile_and_there_after_a_restart(index: Index) -> None:
    index.create()
    index.upsert(0)
    with index.full(-1_000_000_000), pytest.raises(MilvusException, match=r"too large|No space"):
        index.client.flush(NAME)
    assert index.batches() == {0}
    index.upsert_again(1)
    index.client.flush(NAME)
    index.kill()
    assert index.batches() == {0, 1}
