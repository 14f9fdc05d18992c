"""The processes that a search passes, over an index that is filled with made rows."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc
from vidx.gateway.v1 import video_index_service_pb2 as vidx
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub
from vidx.media.v1 import text_pb2 as text_pb
from vidx.search.v1 import search_service_pb2 as search_pb

from services.search.settings import SearchSettings
from tests.bench.search_parts import await_indexes, encoder, fill
from tests.bench.search_rows import ASKED, F32, Subjects
from tests.servers import milvus, triton
from tests.servers.ports import free_ports


@dataclass(frozen=True)
class Models:
    """Triton on the built-in pack, and the embedding service's address."""

    embedding: str
    pids: Mapping[str, int]


@dataclass(frozen=True)
class Stack:
    """A gateway that answers, and what it asks. `frames` [n, d] are the vectors of the asked collection's frames."""

    settings: SearchSettings
    gateway: VideoIndexServiceStub
    pids: Mapping[str, int]
    data: Path
    written: int
    frames: F32
    fill_s: float
    index_s: float

    def search(self, text: str, *tracks: text_pb.Track) -> vidx.SearchResponse:
        """One search through the gateway, of all tracks when none is named."""
        weights = [search_pb.TrackWeight(track=track) for track in tracks]
        asked = vidx.SearchRequest(parent=f"collections/{ASKED}", query=text, tracks=weights)
        return self.gateway.Search(asked, timeout=60)

    def processor_ms(self) -> dict[str, float]:
        """Processor time of each process since it began, with its children's, and of this one, the client."""
        own = os.times()
        spent = {name: 1000 * sum(_spent(p) for p in _family(pid)) for name, pid in self.pids.items()}
        return {**spent, "client": 1000 * (own.user + own.system)}

    def memory_mib(self) -> dict[str, float]:
        """Resident memory of each process with its children's."""
        return {
            name: round(sum(p.memory_info().rss for p in _family(pid)) / 2**20, 1) for name, pid in self.pids.items()
        }


@contextmanager
def models(scratch: Path) -> Iterator[Models]:
    """The parts that turn texts into vectors."""
    pack = triton.built_pack(scratch)
    with triton.serving(pack, scratch) as (address, server):
        told = {"VIDX_TRITON_ADDRESS": address, "VIDX_EMBEDDING_MODELS": str(pack), "VIDX_STORE_URL": _store(scratch)}
        with service("embedding", "--role", "serve", **told) as (embedding, pid):
            yield Models(embedding, {"embedding": pid, "triton": server.pid})


@contextmanager
def stack(rows: int, with_: Models, scratch: Path) -> Iterator[Stack]:
    """Milvus with at least so many rows, the search service and the gateway."""
    subjects = Subjects.make(encoder(with_.embedding))
    data = scratch / f"milvus-{rows}"
    with ExitStack() as run:
        uri, server = run.enter_context(milvus.serving(data))
        settings = SearchSettings(milvus_uri=uri, embedding_address=with_.embedding, search_timeout_s=60)
        began = time.monotonic()
        written, frames = fill(settings, subjects, rows)
        filled = time.monotonic() - began
        indexed = await_indexes(data)
        searching, search_pid = run.enter_context(
            service(
                "search", "--role", "serve", VIDX_SEARCH_MILVUS_URI=uri,
                VIDX_SEARCH_EMBEDDING_ADDRESS=with_.embedding, VIDX_STORE_URL=_store(scratch),
            )
        )  # fmt: skip
        others = dict.fromkeys(
            (f"VIDX_GATEWAY_{name}_ADDRESS" for name in ("DECODING", "TRANSCRIPTION", "CHAPTERING")), "127.0.0.1:1"
        )
        address, gateway_pid = run.enter_context(
            service(
                "gateway", VIDX_GATEWAY_SEARCH_ADDRESS=searching, VIDX_STORE_URL=_store(scratch),
                VIDX_QUEUE_URL="redis://127.0.0.1:1", VIDX_CATALOG_URL=f"sqlite:///{scratch / f'catalog-{rows}.db'}",
                **others,
            )
        )  # fmt: skip
        gateway = VideoIndexServiceStub(run.enter_context(grpc.insecure_channel(address)))
        gateway.CreateCollection(vidx.CreateCollectionRequest(collection_id=ASKED), timeout=30)
        pids = {**with_.pids, "milvus": server.pid, "search": search_pid, "gateway": gateway_pid}
        yield Stack(settings, gateway, pids, data, written, frames, filled, indexed)


@contextmanager
def service(name: str, *options: str, **env: str) -> Iterator[tuple[str, int]]:
    """A service's address and process id, once it serves; stopped at the end."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    told = {"VIDX_SERVER_ADDRESS": address, "VIDX_LOG_LEVEL": "error", "OMP_NUM_THREADS": "1", **env}
    process = subprocess.Popen([sys.executable, "-m", f"services.{name}", *options], env={**os.environ, **told})
    try:
        with grpc.insecure_channel(address) as channel:
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=90, wait_for_ready=True)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _store(scratch: Path) -> str:
    return f"folder://{scratch / 'store'}"


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
