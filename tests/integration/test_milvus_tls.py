"""Milvus over TLS: the CA of the settings is believed and no other, and the token is told to nobody."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from services.core.errors import Unavailable
from services.search.milvus_connection import Connection
from services.search.settings import SearchSettings
from tests.servers import milvus, tls_relay
from tests.servers.certificates import Authority

TOKEN = "root:a-secret-token"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """Its URI, its CA, and a CA that is not its own."""
    folder = tmp_path_factory.mktemp("milvus")
    own, other = Authority(folder / "own"), Authority(folder / "other")
    with (
        milvus.serving(folder / "data") as (uri, _),
        tls_relay.serving(int(uri.rsplit(":", 1)[1]), own.issue("127.0.0.1")) as port,
    ):
        yield f"https://127.0.0.1:{port}", own.ca, other.ca


def connection(uri: str, ca: str, connect_s: float) -> Connection:
    token = SecretStr(TOKEN)
    return Connection(
        SearchSettings(
            milvus_uri=uri,
            milvus_token=token,
            milvus_ca=ca or None,
            embedding_address="none",
            connect_timeout_s=connect_s,
        )
    )


def test_it_is_reached_over_tls(served: tuple[str, str, str]) -> None:
    uri, ca, _ = served
    found = connection(uri, ca, 60)
    assert found.call("listing", "none", lambda client, _, timeout: client.list_collections(timeout=timeout)) == []
    assert found.lite
    found.close()


@pytest.mark.parametrize("ca", ["another", "this machine's"])
def test_a_server_of_another_ca_is_not_believed(served: tuple[str, str, str], ca: str) -> None:
    uri, _, other = served
    found = connection(uri, other if ca == "another" else "", 3)
    with pytest.raises(Unavailable, match=uri) as caught:
        found.call("listing", "none", lambda client, _, timeout: client.list_collections(timeout=timeout))
    assert TOKEN not in str(caught.value)
    assert "a-secret-token" not in str(caught.value)
