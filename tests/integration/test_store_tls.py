"""S3 over TLS: the CA of the settings is believed and no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.core.errors import Unavailable
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from tests.servers import tls_relay
from tests.servers.certificates import Authority
from tests.servers.s3 import S3


@pytest.fixture
def served(s3_server: S3, tmp_path: Path) -> Iterator[tuple[StoreSettings, str, str]]:
    """A bucket behind TLS, its CA, and a CA that is not its own."""
    own, other = Authority(tmp_path / "own"), Authority(tmp_path / "other")
    port = int(s3_server.endpoint.rsplit(":", 1)[1])
    with tls_relay.serving(port, own.issue("127.0.0.1")) as secure:
        bucket = s3_server.new_bucket()
        plain = s3_server.settings(bucket, tmp_path / "scratch")
        yield plain.model_copy(update={"url": f"s3+https://127.0.0.1:{secure}/{bucket}"}), own.ca, other.ca


def test_a_server_is_believed_by_its_ca_alone(served: tuple[StoreSettings, str, str]) -> None:
    settings, own, other = served
    objects = connect(settings.model_copy(update={"ca": own})).objects
    objects.put("one", b"1")
    assert objects.get("one") == b"1"
    for ca in (other, ""):
        with pytest.raises(Unavailable):
            connect(settings.model_copy(update={"ca": ca}))


def test_a_ca_is_for_tls(tmp_path: Path) -> None:
    ca = Authority(tmp_path / "ca").ca
    with pytest.raises(ValueError, match="VIDX_STORE_CA needs"):
        StoreSettings(url="s3://127.0.0.1:9000/vidx", ca=ca)
