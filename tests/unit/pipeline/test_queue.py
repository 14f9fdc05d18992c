"""The queues on Celery, as far as they need no broker."""

import pytest
from kombu.exceptions import LimitExceeded
from pydantic import SecretStr

from services.core.errors import Unavailable
from services.pipeline.celery import CeleryQueue
from services.runtime.queue import celery_app
from services.runtime.settings import QueueSettings


def test_no_free_connection_is_a_queue_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    app = celery_app(QueueSettings(url=SecretStr("redis://127.0.0.1:1/0")))

    def acquire(**_: object) -> None:
        raise LimitExceeded(16)

    monkeypatch.setattr(app.pool, "acquire", acquire)
    with pytest.raises(Unavailable):
        CeleryQueue(app).depth("decoding")
    with pytest.raises(Unavailable):
        CeleryQueue(app).look(["decoding"])
