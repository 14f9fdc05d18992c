"""The queues: Celery on Redis, with messages that carry names only.

A stage's worker takes a `Job` off the queue of the stage's name, runs the step's handler, and reports to the queue
`pipeline`: that it started, how far it is, and what came of it. A worker that dies reports nothing; the pipeline
notices the silence.
"""

import ssl
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import kombu.exceptions
import redis.exceptions
from celery import Celery
from opentelemetry.trace import SpanKind

from services.core.jobs import Job
from services.core.names import VideoName
from services.runtime import tracing
from services.runtime.settings import QueueSettings

REPORT_TASK = "pipeline.report"
REPORT_QUEUE = "pipeline"
LOST = (
    kombu.exceptions.OperationalError,
    kombu.exceptions.LimitExceeded,
    redis.exceptions.RedisError,
    OSError,
)
"""What is raised while the broker does not answer, or while no connection of this process to it is free."""


@dataclass(frozen=True)
class Report:
    """What a worker says of a job."""

    job: Job
    event: Literal["alive", "succeeded", "failed", "cancelled"]
    worker: str = ""
    done: int = 0
    total: int = 0
    busy_ns: int = 0
    artifacts: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    reason: str = ""
    message: str = ""
    retryable: bool = False


def celery_app(settings: QueueSettings) -> Celery:
    """An app that sends and takes messages, keeps no results, and acknowledges work only when it is done."""
    app = Celery("vidx", broker=settings.url.get_secret_value(), set_as_current=False)
    app.conf.update(
        broker_use_ssl=_tls(settings) if settings.tls else None,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_limit=16,
        task_publish_retry_policy={"max_retries": 3, "interval_start": 0.1, "interval_step": 0.3, "interval_max": 1},
        broker_transport_options={
            "visibility_timeout": settings.visibility_s,
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
            "health_check_interval": 10,
            # How long Redis holds a worker's question for messages; one that comes is answered at once.
            "polling_interval": 5,
        },
    )
    return app


def _tls(settings: QueueSettings) -> dict[str, Any]:
    """The broker's certificate must be one for its name, of the CA that the settings name."""
    found: dict[str, Any] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    return found | ({"ssl_ca_certs": settings.ca} if settings.ca else {})


def under_way(queue: str) -> str:
    """The Redis hash of the queue's messages that workers have taken and not acknowledged."""
    return f"{queue}.under-way"


def task_id(job: Job) -> str:
    """The message's id, so that a job can be revoked by anybody who knows it."""
    return f"{job.video}:{job.step}:{-1 if job.segment is None else job.segment}:{job.attempt}"


def send(app: Celery, job: Job) -> None:
    """Put a job on its stage's queue; the queue is the part of the step's name before the dot."""
    with tracing.span(f"send {job.step}", SpanKind.PRODUCER, parent=_parent(job), attributes=about(job)):
        app.send_task(
            job.step,
            kwargs={"job": job_to(job)},
            queue=job.step.split(".")[0],
            task_id=task_id(job),
            headers=tracing.carrier(),
            ignore_result=True,
        )


def taken(request: Any) -> dict[str, str]:
    """Where a message that a Celery task took belongs in a trace; empty when it does not say so."""
    found = getattr(request, tracing.HEADER, None)
    return {tracing.HEADER: found} if isinstance(found, str) else {}


def about(job: Job) -> dict[str, str | int]:
    """What a job's spans say of it."""
    facts: dict[str, str | int] = {
        "messaging.system": "celery",
        "messaging.destination.name": job.step.split(".")[0],
        "vidx.video": str(job.video),
        "vidx.step": job.step,
        "vidx.attempt": job.attempt,
    }
    return facts if job.segment is None else facts | {"vidx.segment": job.segment}


def _parent(job: Job) -> dict[str, str] | None:
    return {tracing.HEADER: job.trace} if job.trace else None


def job_to(job: Job) -> dict[str, Any]:
    return {
        "video": str(job.video),
        "step": job.step,
        "segment": job.segment,
        "attempt": job.attempt,
        "inputs": {k: list(v) for k, v in job.inputs.items()},
    }


def job_from(data: dict[str, Any]) -> Job:
    return Job(
        video=VideoName.parse(data["video"]),
        step=data["step"],
        segment=data["segment"],
        attempt=data["attempt"],
        inputs={k: tuple(v) for k, v in data["inputs"].items()},
    )


def report_to(report: Report) -> dict[str, Any]:
    # The inputs are known to whoever sent the job, and may be long.
    return {**asdict(report), "job": {**job_to(report.job), "inputs": {}}}


def report_from(data: dict[str, Any]) -> Report:
    return Report(**{**data, "job": job_from(data["job"])})
