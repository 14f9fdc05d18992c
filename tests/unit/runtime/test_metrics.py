"""What is counted and how it is read."""

import socket
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.core.errors import NotFound, Unavailable
from services.core.jobs import Job, Outputs
from services.core.names import VideoName
from services.runtime import metrics, worker
from services.runtime.settings import Metrics
from services.runtime.store_folder import FolderStore
from services.runtime.store_watch import WatchedStore
from tests.servers.ports import free_ports


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_metrics_are_read_where_the_setting_says(tmp_path) -> None:
    port = free_ports(1)[0]
    metrics.serve(Metrics(address=f"127.0.0.1:{port}"))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        families = {f.name: f for f in text_string_to_metric_families(answer.read().decode())}
    assert {"vidx_build_info", "grpc_server_handled", "vidx_job_seconds", "process_resident_memory_bytes"} <= set(
        families
    )
    (build,) = families["vidx_build_info"].samples
    assert build.value == 1
    assert build.labels["version"]


def test_a_door_that_cannot_be_had_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Unavailable, match="VIDX_METRICS_ADDRESS"):
        metrics.serve(Metrics(address=f"127.0.0.1:{taken.getsockname()[1]}"))


def test_without_an_address_there_is_no_door(monkeypatch) -> None:
    monkeypatch.setattr(metrics, "start_http_server", lambda *_: pytest.fail("opened"))
    metrics.serve(Metrics())


@pytest.mark.parametrize("address", ["9000", "host:", ":9000"])
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Metrics(address=address)


def test_jobs_are_timed_by_step_and_how_they_ended() -> None:
    def fails(job, progress):
        raise Unavailable("down")

    for handler, outcome in ((lambda job, progress: Outputs(), "succeeded"), (fails, "failed")):
        before = value("vidx_job_seconds_count", step="search.index", outcome=outcome)
        worker.run_job(handler, Job(VideoName("c", "v"), "search.index"), lambda report: None)
        assert value("vidx_job_seconds_count", step="search.index", outcome=outcome) == before + 1
    assert value("vidx_jobs_running", step="search.index") == 0


def test_the_store_is_timed_by_operation_and_outcome(tmp_path) -> None:
    store = WatchedStore(FolderStore(tmp_path))
    written, fetched = (
        value("vidx_store_bytes_total", operation="put"),
        value("vidx_store_bytes_total", operation="get"),
    )
    missed = value("vidx_store_seconds_count", operation="get", outcome="NOT_FOUND")
    store.put("a/b", b"12345")
    assert store.get("a/b") == b"12345"
    with pytest.raises(NotFound):
        store.get("a/c")
    with store.open("a/b") as stream, store.local("a/b") as path:
        assert stream.read() == path.read_bytes() == store.read("a/b", 0, 9)
    with pytest.raises(NotFound), store.open("a/c"):
        pytest.fail("opened")
    assert value("vidx_store_bytes_total", operation="put") == written + 5
    assert value("vidx_store_bytes_total", operation="get") == fetched + 5
    assert value("vidx_store_seconds_count", operation="get", outcome="NOT_FOUND") == missed + 1
    assert value("vidx_store_seconds_count", operation="open", outcome="OK") >= 1


def test_what_the_block_itself_raises_is_no_failure_of_the_store(tmp_path) -> None:
    store = WatchedStore(FolderStore(tmp_path))
    store.put("a/b", b"1")
    before = value("vidx_store_seconds_count", operation="open", outcome="INTERNAL")
    with pytest.raises(RuntimeError), store.open("a/b"):
        raise RuntimeError("the reader's own")
    assert value("vidx_store_seconds_count", operation="open", outcome="INTERNAL") == before
