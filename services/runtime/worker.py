"""A stage's queue door: takes jobs, runs handlers, reports. Threads, because gRPC channels do not survive a fork."""

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tenacity
from celery import Celery
from celery.signals import setup_logging
from celery.worker import state as celery_state
from celery.worker.consumer import Consumer
from opentelemetry.trace import SpanKind

from services.core.errors import Cancelled, Internal, VidxError
from services.core.jobs import Handler, Job, Outputs
from services.runtime import alive, broker, heartbeat, metrics, telemetry, tracing
from services.runtime.queue import LOST, REPORT_QUEUE, REPORT_TASK, Report, about, job_from, report_to, taken, task_id

HEARTBEAT_S = 3.0
_log = telemetry.log(__name__)


def register(app: Celery, steps: Mapping[str, Handler]) -> None:
    """Make each step's handler a Celery task of the step's name."""
    for step, handler in steps.items():
        app.task(_task(app, handler), name=step, bind=True)


def run(app: Celery, queue: str, concurrency: int, sign: str = "") -> None:
    """Take messages until SIGTERM, then finish those under way. Blocks; call in the main thread.

    `sign` is the file of the worker's signs of life (`alive`); none is written when it is empty.
    """
    # A receiver of this signal keeps Celery from setting up logs of its own.
    setup_logging.connect(_keep_logs)
    broker.outlive_lost_connections()
    broker.count_under_way(app, queue)
    over = threading.Event()
    threading.Thread(target=heartbeat.keep_telling, args=(app, queue, concurrency, over), daemon=True).start()
    app.Worker(
        pool="threads",
        concurrency=concurrency,
        queues=[queue],
        hostname=f"{queue}-{os.getpid()}@{socket.gethostname()}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
        consumer_cls=_telling(Path(sign)) if sign else Consumer,
    ).start()
    over.set()


def _telling(sign: Path) -> type[Consumer]:
    """A consumer whose loop says that it turns, and, while it waits for the broker, that it tries."""

    class Telling(Consumer):  # type: ignore[misc]
        def ensure_connected(self, conn: Any) -> Any:
            ensure = conn.ensure_connection

            def telling(*args: Any, callback: Callable[[], None], **more: Any) -> Any:
                # Called each second between tries.
                def turn() -> None:
                    alive.tell(sign)
                    callback()

                alive.tell(sign)
                return ensure(*args, callback=turn, **more)

            conn.ensure_connection = telling
            return super().ensure_connected(conn)

        def register_with_event_loop(self, hub: Any) -> None:
            # With each connection; Celery takes back what an earlier one registered.
            super().register_with_event_loop(hub)
            hub.call_repeatedly(alive.TELL_S, alive.tell, sign)

    return Telling


def _keep_logs(**_: object) -> None:
    """Telemetry has set up the logs already."""


def _task(app: Celery, handler: Handler) -> Callable[[Any, dict[str, Any]], None]:
    def task(self: Any, job: dict[str, Any]) -> None:
        found = job_from(job)
        with tracing.span(found.step, SpanKind.CONSUMER, parent=taken(self.request), attributes=about(found)):
            run_job(handler, found, lambda report: _send_report(app, report))

    return task


def run_job(handler: Handler, job: Job, report: Callable[[Report], None]) -> None:
    """Run one job, reporting that it is alive, how far it is, and how it ended."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    facts = {"video": str(job.video), "stage": job.step, "segment": job.segment, "attempt": job.attempt}
    counter = [0, 0]
    over = threading.Event()

    def alive() -> None:
        while True:
            report(Report(job, "alive", worker, counter[0], counter[1], time.monotonic_ns() - began))
            if over.wait(HEARTBEAT_S):
                return

    def progress(done: int, total: int) -> None:
        counter[:] = done, total
        if task_id(job) in celery_state.revoked:
            raise Cancelled("stopped by a person")

    began = time.monotonic_ns()
    with telemetry.bound(**facts):
        pulse = threading.Thread(target=alive, daemon=True)
        pulse.start()
        try:
            progress(0, 0)
            with metrics.JOBS_RUNNING.labels(job.step).track_inprogress():
                outputs = handler(job, progress)
            last = _succeeded(job, worker, outputs)
            _log.info("job_done", ms=(time.monotonic_ns() - began) // 1_000_000, **dict(outputs.counts))
        except Cancelled:
            last = Report(job, "cancelled", worker)
            _log.info("job_cancelled")
        except VidxError as error:
            last = _failed(job, worker, error)
            _log.warning("job_failed", reason=error.reason, message=error.message)
        except Exception as error:
            # A fault of ours may pass (a part restarting in an unforeseen way); the attempts are bounded.
            last = _failed(job, worker, Internal(f"{type(error).__name__}: {str(error)[:300]}"), retryable=True)
            _log.error("job_crashed", exc_info=True)
        finally:
            over.set()
            pulse.join()
        metrics.JOB_SECONDS.labels(job.step, last.event).observe((time.monotonic_ns() - began) / 1e9)
        if last.event == "failed":
            tracing.fail(tracing.current(), last.reason)
        report(_with_time(last, time.monotonic_ns() - began))


def _succeeded(job: Job, worker: str, outputs: Outputs) -> Report:
    fault = outputs.fault
    if fault:
        _log.warning("job_incomplete", reason=fault.reason, message=fault.message)
    return Report(
        job,
        "succeeded",
        worker,
        artifacts=dict(outputs.artifacts),
        counts=dict(outputs.counts),
        reason=fault.reason if fault else "",
        message=fault.message if fault else "",
    )


def _failed(job: Job, worker: str, error: VidxError, retryable: bool = False) -> Report:
    return Report(
        job,
        "failed",
        worker,
        reason=error.reason,
        message=error.message,
        retryable=error.retryable or retryable,
    )


def _with_time(report: Report, busy_ns: int) -> Report:
    return Report(**{**report.__dict__, "busy_ns": busy_ns})


def _send_report(app: Celery, report: Report) -> None:
    """Send, trying for a while; a report that is lost for good is made up for by the pipeline's reconciler."""
    try:
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(LOST),
            wait=tenacity.wait_exponential(multiplier=0.2, max=2),
            stop=tenacity.stop_after_delay(2 if report.event == "alive" else 20),
            reraise=True,
        ):
            with attempt:
                app.send_task(
                    REPORT_TASK,
                    kwargs={"report": report_to(report)},
                    queue=REPORT_QUEUE,
                    headers=tracing.carrier(),
                    ignore_result=True,
                )
    except LOST as error:
        _log.warning("report_lost", event_lost=report.event, message=str(error)[:200])
