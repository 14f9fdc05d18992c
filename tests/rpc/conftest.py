"""The command line against a gateway in memory, behind a real server."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import structlog

from services.cli.__main__ import main
from tests.fakes.gateway import FakeGateway


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGateway]:
    fake = FakeGateway()
    server = fake.serve()
    monkeypatch.setenv("VIDX_ADDRESS", f"127.0.0.1:{server.port}")
    # The server's log lines would be taken for what the command prints.
    with structlog.testing.capture_logs():
        yield fake
        server.stop()


@pytest.fixture
def vidx(capsys: pytest.CaptureFixture[str]) -> Callable[..., SimpleNamespace]:
    def run(*arguments: str) -> SimpleNamespace:
        status = main(list(arguments))
        out = capsys.readouterr()
        return SimpleNamespace(status=status, out=out.out, err=out.err, lines=out.out.splitlines())

    return run
