"""A worker takes messages again after its broker was away, whether it was idle or busy, without any help."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import redis
from pydantic import SecretStr

from services.core.jobs import Job
from services.core.names import VideoName
from services.pipeline.celery import CeleryQueue
from services.runtime.queue import celery_app, send, under_way
from services.runtime.settings import QueueSettings
from tests.servers import redis as redis_server
from tests.servers.ports import free_ports

WITHIN_S = 120.0
WORKER = """
import sys, time
from pathlib import Path
from pydantic import SecretStr
from services.core.jobs import Outputs
from services.runtime import worker
from services.runtime.queue import celery_app
from services.runtime.settings import QueueSettings

folder = Path(sys.argv[2])

def step(job, progress):
    (folder / f"begun-{job.attempt}").touch()
    while (folder / f"hold-{job.attempt}").exists():
        time.sleep(0.02)
    (folder / f"done-{job.attempt}").touch()
    return Outputs()

app = celery_app(QueueSettings(url=SecretStr(sys.argv[1])))
worker.register(app, {"decoding.plan": step})
worker.run(app, "decoding", 2)
"""


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


def test_a_busy_worker_goes_on_when_its_broker_comes_back_empty(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    url = f"redis://127.0.0.1:{port}/0"
    app = celery_app(QueueSettings(url=SecretStr(url)))

    def job(attempt: int) -> None:
        send(app, Job(VideoName("c", "v"), "decoding.plan", None, attempt, {"source": ("s",)}))

    worker = None
    try:
        with redis_server.serving(tmp_path, port) as (_, broker):
            worker = subprocess.Popen([sys.executable, "-c", WORKER, url, str(tmp_path)])
            (tmp_path / "hold-1").touch()
            job(1)
            wait_for(tmp_path / "begun-1")
            broker.kill()
            broker.wait()
        with redis_server.serving(tmp_path, port):
            job(2)
            wait_for(tmp_path / "done-2")
            # Only now does the job end that was under way, and its message is of a connection that is gone.
            (tmp_path / "hold-1").unlink()
            wait_for(tmp_path / "done-1")
            job(3)
            wait_for(tmp_path / "done-3")
            assert worker.poll() is None
            worker.terminate()
            assert worker.wait(WITHIN_S) == 0
    finally:
        if worker is not None:
            worker.kill()
            worker.wait()


def test_what_a_worker_has_taken_is_counted_by_queue(tmp_path: Path) -> None:
    def counted(client: redis.Redis, number: int) -> None:
        deadline = time.monotonic() + WITHIN_S
        while client.hlen(under_way("decoding")) != number:
            assert time.monotonic() < deadline, client.hgetall(under_way("decoding"))
            time.sleep(0.02)

    worker = None
    try:
        with redis_server.serving(tmp_path) as (url, _), redis.Redis.from_url(url) as client:
            (tmp_path / "hold-1").touch()
            worker = subprocess.Popen([sys.executable, "-c", WORKER, url, str(tmp_path)])
            send(
                celery_app(QueueSettings(url=SecretStr(url))),
                Job(VideoName("c", "v"), "decoding.plan", None, 1, {"source": ("s",)}),
            )
            wait_for(tmp_path / "begun-1")
            counted(client, 1)
            assert client.llen("decoding") == 0
            (tmp_path / "hold-1").unlink()
            counted(client, 0)
            worker.terminate()
            assert worker.wait(WITHIN_S) == 0
    finally:
        if worker is not None:
            worker.kill()
            worker.wait()


def test_nobody_waits_long_for_a_broker_that_does_not_answer(tmp_path: Path) -> None:
    with redis_server.serving(tmp_path) as (url, broker):
        queue = CeleryQueue(celery_app(QueueSettings(url=SecretStr(url))))
        queue.poke()
        broker.send_signal(signal.SIGSTOP)
        try:
            for act in (lambda: queue.revoke([Job(VideoName("c", "v"), "decoding.plan")]), queue.poke):
                asked = threading.Thread(target=act, daemon=True)
                asked.start()
                asked.join(20)
                assert not asked.is_alive()
        finally:
            broker.send_signal(signal.SIGCONT)
