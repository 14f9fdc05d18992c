"""Spans over work and messages; what a collector that is away costs; what log lines say of it all."""

import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from services.core.errors import Unavailable
from services.core.jobs import Job
from services.core.names import VideoName
from services.runtime import queue, telemetry, tracing, worker
from services.runtime.queue import Report
from services.runtime.settings import Telemetry, Tracing
from tests.fakes.spans import recorded
from tests.servers.ports import free_ports

PARENT = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
JOB = Job(VideoName("c", "v"), "decoding.segment", 3, 2, trace=PARENT)


class Sent:
    """A Celery app that keeps what is sent."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []

    def send_task(self, name: str, *, headers: dict[str, str], **_: object) -> None:
        self.headers.append(headers)


def test_a_message_carries_the_span_of_its_sending_which_lies_under_the_videos() -> None:
    app = Sent()
    with recorded() as spans:
        queue.send(app, JOB)
    (sent,) = spans.get_finished_spans()
    assert (sent.name, f"{sent.parent.span_id:016x}", f"{sent.context.trace_id:032x}") == (
        "send decoding.segment", "cd" * 8, "ab" * 16,
    )  # fmt: skip
    (headers,) = app.headers
    assert headers["traceparent"].split("-")[1:3] == ["ab" * 16, f"{sent.context.span_id:016x}"]


def test_a_process_that_records_nothing_hands_on_the_trace_that_it_was_given() -> None:
    app = Sent()
    queue.send(app, JOB)
    queue.send(app, replace(JOB, trace=""))
    assert app.headers == [{"traceparent": PARENT}, {}]


def test_only_the_last_report_of_a_job_carries_its_span(monkeypatch) -> None:
    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.01)
    told: dict[str, list[dict[str, str]]] = {}
    alive = threading.Event()

    def report(said: Report) -> None:
        told.setdefault(said.event, []).append(tracing.carrier())
        alive.set()

    def handler(job, progress):
        assert alive.wait(30)
        raise Unavailable("Triton is away")

    with recorded() as spans, tracing.span("decoding.segment"):
        worker.run_job(handler, JOB, report)
    (span,) = spans.get_finished_spans()
    assert set(map(tuple, told["alive"])) == {()}
    assert told["failed"][0]["traceparent"].split("-")[2] == f"{span.context.span_id:016x}"
    assert (span.status.description, span.attributes["error.type"]) == ("UNAVAILABLE", "UNAVAILABLE")


def test_what_a_span_raises_is_noted_by_its_reason() -> None:
    with recorded() as spans:
        for error in (Unavailable("a secret"), KeyError("a secret")):
            try:
                with tracing.span("work"):
                    raise error
            except (Unavailable, KeyError):
                pass
    assert [s.status.description for s in spans.get_finished_spans()] == ["UNAVAILABLE", "KeyError"]
    assert not any(s.events for s in spans.get_finished_spans())


def test_headers_that_cannot_be_read_begin_a_trace_of_their_own() -> None:
    with recorded() as spans:
        for found in ("", "nonsense", "00-" + "0" * 32 + "-" + "cd" * 8 + "-01"):
            with tracing.span("work", parent={"traceparent": found}):
                pass
    assert [s.parent for s in spans.get_finished_spans()] == [None] * 3


def test_log_lines_name_service_trace_and_span_in_every_thread(capsys) -> None:
    telemetry.configure("decoding", Telemetry())
    log = telemetry.log("test")

    def line() -> None:
        with tracing.span("work", parent={"traceparent": PARENT}):
            log.info("inside")

    with recorded():
        thread = threading.Thread(target=line)
        thread.start()
        thread.join()
    log.info("outside")
    inside, outside = map(json.loads, capsys.readouterr().out.splitlines())
    assert (inside["service"], inside["trace_id"], len(inside["span_id"])) == ("decoding", "ab" * 16, 16)
    assert outside["service"] == "decoding"
    assert "trace_id" not in outside


@pytest.mark.parametrize("endpoint", ["collector:4317", "grpc://collector:4317", "http://collector:4318/v1/traces"])
def test_a_collector_that_is_not_named_by_scheme_host_and_port_stops_the_start(endpoint: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        Tracing(endpoint=endpoint)


MANY = """
import sys
from services.runtime import telemetry, tracing
from services.runtime.settings import Telemetry, Tracing
telemetry.configure("test", Telemetry())
tracing.configure("test", Tracing(endpoint=sys.argv[1]))
for n in range(20_000):
    with tracing.span("work"):
        pass
print("worked")
"""


def test_a_collector_that_is_away_neither_blocks_the_work_nor_its_end_and_is_told_once() -> None:
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    done = subprocess.run([sys.executable, "-c", MANY, nobody], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "worked" in lines
    assert len([line for line in lines if "collector_away" in line]) <= 1
    assert len(lines) <= 2, lines
