"""Celery in, pipeline out: reports of workers, and pokes."""

from typing import Any

from celery import Celery
from opentelemetry.trace import SpanKind

from services.pipeline.celery import TICK_TASK
from services.pipeline.service import Pipeline
from services.runtime import tracing
from services.runtime.queue import REPORT_TASK, about, report_from, taken


def register(app: Celery, pipeline: Pipeline) -> None:
    """Make the pipeline's two tasks known to the app."""

    def report(self: Any, report: dict[str, Any]) -> None:
        found = report_from(report)
        if found.event == "alive":
            pipeline.report(found)
            return
        facts = about(found.job) | {"vidx.event": found.event}
        with tracing.span("report", SpanKind.CONSUMER, parent=taken(self.request), attributes=facts):
            pipeline.report(found)

    def tick() -> None:
        pipeline.dispatch()

    # Reports are tried again when the catalog is busy or away; a lost one costs a repeated job, never a video.
    options = {"autoretry_for": (Exception,), "retry_backoff": 1, "retry_backoff_max": 10, "max_retries": 10}
    app.task(report, name=REPORT_TASK, bind=True, **options)
    app.task(tick, name=TICK_TASK)
