"""What every process counts and times, by the field's names, and the door at which Prometheus reads it.

Labels are bounded: methods, steps, models, operations and reasons come from the code, never from a request. No video,
no collection and no address is a label. What only the catalog knows is in `services.pipeline.metrics`.
"""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

from services.core.errors import Unavailable, VidxError
from services.runtime import telemetry
from services.runtime.settings import Metrics

REGISTRY = CollectorRegistry(auto_describe=True)
for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=REGISTRY)

CALL_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
JOB_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
OK = "OK"

BUILD = Gauge("vidx_build_info", "Always 1; the version that runs", ["version", "python"], registry=REGISTRY)

_RPC = ["grpc_type", "grpc_service", "grpc_method"]
RPC_STARTED = Counter("grpc_server_started", "Calls begun", _RPC, registry=REGISTRY)
RPC_HANDLED = Counter("grpc_server_handled", "Calls ended, by status code", [*_RPC, "grpc_code"], registry=REGISTRY)
RPC_SECONDS = Histogram(
    "grpc_server_handling_seconds", "From a call's first message to its end", _RPC, buckets=CALL_S, registry=REGISTRY
)

JOB_SECONDS = Histogram(
    "vidx_job_seconds",
    "Work on a job in a worker, by step and how it ended: succeeded, failed, cancelled",
    ["step", "outcome"],
    buckets=JOB_S,
    registry=REGISTRY,
)
JOBS_RUNNING = Gauge("vidx_jobs_running", "Jobs under way in this worker", ["step"], registry=REGISTRY)
HEARTBEAT = Gauge(
    "vidx_worker_heartbeat_timestamp_seconds", "When this worker last told the broker that it lives", registry=REGISTRY
)

FAILURES = Counter(
    "vidx_failures", "Failed attempts of jobs, lost workers included", ["step", "reason"], registry=REGISTRY
)
VIDEOS_ENDED = Counter("vidx_videos_ended", "Videos that became READY or FAILED", ["state"], registry=REGISTRY)
for _state in ("READY", "FAILED"):
    # There from the start: the first of them would otherwise be no increase.
    VIDEOS_ENDED.labels(_state)
MEDIA_SECONDS = Counter("vidx_media_indexed_seconds", "Media time of videos that became READY", registry=REGISTRY)
INDEXING_SECONDS = Histogram(
    "vidx_indexing_seconds",
    "From a video's entry in the catalog to READY",
    buckets=(1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400),
    registry=REGISTRY,
)

MODEL_SECONDS = Histogram(
    "vidx_model_seconds", "A call of a model on Triton", ["model", "outcome"], buckets=CALL_S, registry=REGISTRY
)
MILVUS_SECONDS = Histogram(
    "vidx_milvus_seconds", "A call of Milvus", ["operation", "outcome"], buckets=CALL_S, registry=REGISTRY
)
STORE_SECONDS = Histogram(
    "vidx_store_seconds",
    "An operation of the object store; of `open` and `local`, until the object can be read",
    ["operation", "outcome"],
    buckets=CALL_S,
    registry=REGISTRY,
)
STORE_BYTES = Counter("vidx_store_bytes", "Bytes written to and read from it", ["operation"], registry=REGISTRY)

TRACE_EXPORTS = Counter(
    "vidx_trace_exports", "Batches of spans sent to the collector, by outcome", ["outcome"], registry=REGISTRY
)
_log = telemetry.log(__name__)


def release() -> str:
    """The installed version of the platform."""
    try:
        return version("vidx")
    except PackageNotFoundError:
        return "source"


@contextmanager
def timed(histogram: Histogram, what: str) -> Iterator[None]:
    """Observe the block under the label `what`, and OK or the reason of the error that it raises."""
    began, outcome = time.perf_counter(), OK
    try:
        yield
    except Exception as error:
        outcome = error.reason if isinstance(error, VidxError) else "INTERNAL"
        raise
    finally:
        histogram.labels(what, outcome).observe(time.perf_counter() - began)


def serve(settings: Metrics) -> None:
    """Open the door that the settings name, if they name one. Raises Unavailable when it cannot be had."""
    BUILD.labels(release(), platform.python_version()).set(1)
    if not settings.address:
        return
    host, _, port = settings.address.rpartition(":")
    try:
        server, _ = start_http_server(int(port), host.strip("[]"), REGISTRY)
    except OSError as error:
        raise Unavailable(f"cannot serve metrics at {settings.address} (VIDX_METRICS_ADDRESS): {error}") from error
    _log.info("metrics", address=f"{host}:{server.server_port}")
