"""Workers say in a real Redis that they live, and are forgotten when they say nothing."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.core.errors import Unavailable
from services.core.jobs import Job
from services.core.names import VideoName
from services.pipeline.celery import CeleryQueue
from services.runtime import heartbeat
from services.runtime.heartbeat import Seen
from services.runtime.queue import celery_app, send
from services.runtime.settings import QueueSettings
from tests.servers import redis
from tests.servers.ports import free_ports


def test_workers_and_messages_are_counted_by_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis.serving(tmp_path) as (url, _):
        app = celery_app(QueueSettings(url=SecretStr(url)))
        for host, queue, slots in (
            ("a", "decoding", 2),
            ("b", "decoding", 3),
            ("a", "search", 1),
            ("a", "decoding", 2),
        ):
            monkeypatch.setattr(heartbeat.socket, "gethostname", lambda host=host: host)
            heartbeat.tell(app, queue, slots)
        send(app, Job(VideoName("c", "v"), "decoding.plan"))
        seen = CeleryQueue(app).look(["decoding", "search", "captioning"])
        assert seen == {"decoding": Seen(1, 2, 5), "search": Seen(0, 1, 1), "captioning": Seen(0, 0, 0)}
        # As if the time in which each must say so were over.
        monkeypatch.setattr(heartbeat, "FORGET_S", -1.0)
        assert CeleryQueue(app).look(["decoding"]) == {"decoding": Seen(1, 0, 0)}
        heartbeat.tell(app, "search", 1)
        monkeypatch.setattr(heartbeat, "FORGET_S", 20.0)
        assert CeleryQueue(app).look(["decoding", "search"])["decoding"].workers == 0, "it was not taken away"


def test_a_redis_that_is_away_is_unavailable() -> None:
    app = celery_app(QueueSettings(url=SecretStr(f"redis://127.0.0.1:{free_ports(1)[0]}/0")))
    with pytest.raises(Unavailable):
        CeleryQueue(app).look(["decoding"])
