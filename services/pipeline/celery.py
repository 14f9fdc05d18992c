"""The queues on Celery, as the pipeline sees them."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from celery import Celery

from services.core.errors import Unavailable
from services.core.jobs import Job
from services.runtime import heartbeat, queue, telemetry
from services.runtime.heartbeat import Seen

TICK_TASK = "pipeline.tick"
_log = telemetry.log(__name__)


class CeleryQueue:
    """Implements `ports.Queue` and `ports.Broker`."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def send(self, job: Job) -> None:
        with _errors():
            queue.send(self._app, job)

    def depth(self, queue: str) -> int:
        with _errors(), self._app.pool.acquire(block=True, timeout=heartbeat.ACQUIRE_S) as connection:
            size: int = connection.default_channel.client.llen(queue)
            return size

    def look(self, queues: Sequence[str]) -> Mapping[str, Seen]:
        with _errors():
            return heartbeat.look(self._app, queues)

    def revoke(self, jobs: list[Job]) -> None:
        # Celery tries this without end, and nobody should wait for a broker that is away.
        threading.Thread(target=self._revoke, args=([queue.task_id(job) for job in jobs],), daemon=True).start()

    def _revoke(self, ids: list[str]) -> None:
        try:
            self._app.control.revoke(ids)
        except queue.LOST as error:
            _log.warning("revoke_lost", jobs=len(ids), message=str(error)[:200])

    def poke(self) -> None:
        try:
            self._app.send_task(TICK_TASK, queue=queue.REPORT_QUEUE, ignore_result=True, expires=5, retry=False)
        except queue.LOST as error:
            _log.warning("poke_lost", message=str(error)[:200])


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except queue.LOST as error:
        raise Unavailable(f"the queue server does not answer: {str(error)[:200]}") from error
