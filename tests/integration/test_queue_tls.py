"""A broker with a password behind TLS: work goes through, and what is wrong is said without telling the password."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kombu import pools
from pydantic import SecretStr

from services.core.errors import Unavailable
from services.core.jobs import Job
from services.core.names import VideoName
from services.pipeline.celery import CeleryQueue
from services.runtime.queue import celery_app
from services.runtime.settings import QueueSettings
from tests.servers import redis, tls_relay
from tests.servers.certificates import Authority

PASSWORD, WRONG = "a-password-of-the-broker", "another-that-is-wrong"
JOB = Job(VideoName("c", "v"), "decoding.plan", None, 1, {"source": ("s",)})
WITHIN_S = 120.0
WORKER = """
import sys
from pathlib import Path
from services.core.jobs import Outputs
from services.runtime import telemetry, worker
from services.runtime.queue import celery_app
from services.runtime.settings import QueueSettings, Telemetry, read

telemetry.configure("decoding", read(Telemetry))

def step(job, progress):
    Path(sys.argv[1]).touch()
    return Outputs()

app = celery_app(read(QueueSettings))
worker.register(app, {"decoding.plan": step})
worker.run(app, "decoding", 1)
"""


@dataclass
class Broker:
    """Its address, its CA, and a CA that is not its own."""

    at: str
    ca: str
    other_ca: str

    def settings(self, password: str = PASSWORD, ca: str = "") -> QueueSettings:
        return QueueSettings(url=SecretStr(f"rediss://:{password}@{self.at}/0"), ca=ca or self.ca)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("broker")
    own, other = Authority(folder / "own"), Authority(folder / "other")
    with redis.serving(folder, password=PASSWORD) as (url, _):
        plain = urlsplit(url).port
        assert plain is not None
        with tls_relay.serving(plain, own.issue("127.0.0.1")) as port:
            yield Broker(f"127.0.0.1:{port}", own.ca, other.ca)


@contextmanager
def working(settings: QueueSettings, folder: Path) -> Iterator[Callable[[], str]]:
    """A worker; gives what it has logged so far."""
    environment = {
        **os.environ,
        "VIDX_QUEUE_URL": settings.url.get_secret_value(),
        "VIDX_QUEUE_CA": settings.ca,
        "VIDX_LOG_LEVEL": "debug",
    }
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, folder / "done"], env=environment, stdout=out, stderr=out
        )
        try:
            yield log.read_text
        finally:
            process.kill()
            process.wait()


def wait_for(true: Callable[[], object], log: Callable[[], str]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, f"never came: {log()[-3000:]}"
        time.sleep(0.05)


def test_a_job_goes_through_a_broker_with_password_and_tls(broker: Broker, tmp_path: Path) -> None:
    queue = CeleryQueue(celery_app(broker.settings()))
    queue.send(JOB)
    assert queue.depth("decoding") == 1
    with working(broker.settings(), tmp_path) as log:
        wait_for((tmp_path / "done").exists, log)
        assert PASSWORD not in log()


@pytest.mark.parametrize(
    ("wrong", "told"), [("password", "invalid username-password pair"), ("ca", "certificate verify failed")]
)
def test_a_wrong_password_or_ca_is_said_and_the_password_is_not(
    broker: Broker, tmp_path: Path, wrong: str, told: str
) -> None:
    password = WRONG if wrong == "password" else PASSWORD
    settings = broker.settings(password, broker.other_ca if wrong == "ca" else "")
    # kombu keeps connections by address and password, and hands them to an app with another CA.
    pools.reset()
    with pytest.raises(Unavailable, match=told) as caught:
        CeleryQueue(celery_app(settings)).depth("decoding")
    assert password not in str(caught.value)
    with working(settings, tmp_path) as log:
        wait_for(lambda: told in log(), log)
        assert password not in log()


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"VIDX_QUEUE_URL": f"http://:{PASSWORD}@127.0.0.1/0"}, "VIDX_QUEUE_URL must begin with redis:// or rediss://"),
        ({"VIDX_QUEUE_URL": f"redis://:{PASSWORD}@127.0.0.1/0", "VIDX_QUEUE_CA": os.devnull}, "VIDX_QUEUE_CA needs"),
        ({"VIDX_QUEUE_URL": f"rediss://:{PASSWORD}@127.0.0.1/0", "VIDX_QUEUE_CA": "/none"}, "cannot read /none"),
    ],
)
def test_wrong_settings_are_said_without_the_password(environment: dict[str, str], told: str) -> None:
    code = "from services.runtime.settings import QueueSettings, read; read(QueueSettings)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode != 0
    assert told in done.stderr
    assert PASSWORD not in done.stderr
