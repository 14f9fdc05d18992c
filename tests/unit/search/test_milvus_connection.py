"""Which servers the index is kept on, and how long they are waited for."""

import time

import pytest

from services.core.errors import TimedOut, Unavailable
from services.search import milvus_connection
from services.search.milvus_connection import Connection
from services.search.settings import SearchSettings


class FakeClient:
    """Says which version of the server it speaks to."""

    version = ""
    closed = 0
    takes_s = 0.0

    def __init__(self, **_: object) -> None:
        pass

    def get_server_version(self, timeout: float) -> str:
        time.sleep(self.takes_s)
        return self.version

    def list_collections(self, timeout: float) -> list[str]:
        return ["one"]

    def close(self) -> None:
        FakeClient.closed += 1


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(milvus_connection, "MilvusClient", FakeClient)
    monkeypatch.setattr(FakeClient, "closed", 0)
    return Connection(SearchSettings(milvus_uri="http://127.0.0.1:19530", embedding_address="none"))


def listed(connection: Connection) -> list[str] | None:
    return connection.call("listing", "none", lambda client, _, timeout: list(client.list_collections(timeout=timeout)))


@pytest.mark.parametrize("version", ["v2.3.5-lite", "2.4.23", "v2.4.0", "1.1"])
def test_a_server_that_is_too_old_is_named_until_it_is_newer(
    connection: Connection, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeClient, "version", version)
    for asked in (1, 2):
        with pytest.raises(Unavailable, match=f"19530 is {version}: 2.5 or newer"):
            listed(connection)
        assert FakeClient.closed == asked
    monkeypatch.setattr(FakeClient, "version", "v2.6.4")
    assert listed(connection) == ["one"]


@pytest.mark.parametrize(
    ("version", "lite"), [("2.5.0", False), ("v3.0.1", False), ("milvus_lite-3.2.2", True), ("master-2026", False)]
)
def test_others_will_do(connection: Connection, version: str, lite: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeClient, "version", version)
    assert listed(connection) == ["one"]
    assert connection.lite is lite


def test_who_has_no_time_left_after_connecting_is_told_who_took_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeClient, "version", "2.5.0")
    monkeypatch.setattr(FakeClient, "takes_s", 0.02)
    with pytest.raises(TimedOut, match=r"Milvus at http://127\.0\.0\.1:19530 took too long for search"):
        connection.call("search", "none", lambda *_: [], timeout_s=0.01)
