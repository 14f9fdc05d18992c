"""Celery in, pipeline out: reports of workers, and pokes."""

from typing import Any

from celery import Celery

from services.pipeline.celery import TICK_TASK
from services.pipeline.service import Pipeline
from services.runtime.queue import REPORT_TASK, report_from


def register(app: Celery, pipeline: Pipeline) -> None:
    """Make the pipeline's two tasks known to the app."""

    def report(report: dict[str, Any]) -> None:
        pipeline.report(report_from(report))

    def tick() -> None:
        pipeline.dispatch()

    # Reports are tried again when the catalog is busy or away; a lost one costs a repeated job, never a video.
    options = {"autoretry_for": (Exception,), "retry_backoff": 1, "retry_backoff_max": 10, "max_retries": 10}
    app.task(report, name=REPORT_TASK, **options)
    app.task(tick, name=TICK_TASK)
