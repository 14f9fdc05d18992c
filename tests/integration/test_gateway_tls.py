"""The gateway's process with everything on: TLS in front, keys, mutual TLS to the services behind it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from vidx.search.v1 import search_service_pb2 as search_pb
from vidx.search.v1.search_service_pb2_grpc import add_SearchServiceServicer_to_server

from services.runtime.grpc_client import channel
from services.runtime.grpc_server import create_server
from services.runtime.settings import ClientSettings, ServerSettings
from tests.fakes.public_api import FakeSearch
from tests.servers.certificates import Authority
from tests.servers.ports import free_ports

SEARCH = search_pb.DESCRIPTOR.services_by_name["SearchService"]
READY_S = 120.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def search(authority: Authority) -> Iterator[tuple[str, FakeSearch]]:
    """A search service that knows its callers by their certificates; its address."""
    files, fake = authority.issue("127.0.0.1", file="search"), FakeSearch()
    settings = ServerSettings(tls_cert=files.cert, tls_key=files.key, tls_client_ca=authority.ca, drain_s=0)
    server = create_server(settings, [(SEARCH, lambda s: add_SearchServiceServicer_to_server(fake, s))])
    yield f"127.0.0.1:{server.port}", fake
    server.stop()


def environment(folder: Path, search: str, **changes: str) -> dict[str, str]:
    """What a gateway is told; only the search service is there."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VIDX_")}
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    return {
        **inherited,
        "VIDX_CATALOG_URL": f"sqlite:///{folder}/catalog.db",
        "VIDX_STORE_URL": f"folder://{folder}/store",
        "VIDX_QUEUE_URL": f"redis://{nobody}/0",
        "VIDX_GATEWAY_SEARCH_ADDRESS": search,
        "VIDX_GATEWAY_DECODING_ADDRESS": nobody,
        "VIDX_GATEWAY_TRANSCRIPTION_ADDRESS": nobody,
        "VIDX_GATEWAY_CHAPTERING_ADDRESS": nobody,
        "VIDX_SERVER_DRAIN_S": "0",
        **changes,
    }


def run(env: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", *command], env=env, capture_output=True, text=True, timeout=READY_S)


@pytest.mark.parametrize("identity", ["spiffe://vidx/gateway", "spiffe://vidx/decoding"])
def test_a_search_goes_through_tls_a_key_and_mutual_tls(authority, search, tmp_path: Path, identity: str) -> None:
    (address, fake), port = search, free_ports(1)[0]
    door, own = authority.issue("127.0.0.1", file="gateway"), authority.issue(identity, file="identity")
    env = environment(
        tmp_path,
        address,
        VIDX_SERVER_ADDRESS=f"127.0.0.1:{port}",
        VIDX_SERVER_TLS_CERT=door.cert,
        VIDX_SERVER_TLS_KEY=door.key,
        VIDX_CLIENT_TLS_CA=authority.ca,
        VIDX_CLIENT_TLS_CERT=own.cert,
        VIDX_CLIENT_TLS_KEY=own.key,
        VIDX_ACCESS_AUTHENTICATION="on",
    )
    key = run(env, "services.catalog", "key", "first").stdout.strip()
    with (tmp_path / "gateway.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "services.gateway"], env=env, stdout=log, stderr=log)
    try:
        with channel(f"127.0.0.1:{port}", ClientSettings(tls_ca=authority.ca)) as connection:
            stub = health_pb2_grpc.HealthStub(connection)
            stub.Check(health_pb2.HealthCheckRequest(), timeout=READY_S, wait_for_ready=True)
        person = {**env, "VIDX_ADDRESS": f"127.0.0.1:{port}", "VIDX_API_KEY": key}
        for name in ("VIDX_CLIENT_TLS_CERT", "VIDX_CLIENT_TLS_KEY"):
            del person[name]
        made = run(person, "services.cli", "collections", "create", "talks")
        assert (made.returncode, made.stdout) == (0, "collections/talks\n"), made.stderr
        found = run(person, "services.cli", "search", "a dog", "--collection", "talks", "--json")
        if identity.endswith("/gateway"):
            assert found.returncode == 0, found.stderr
            assert '"video": "collections/talks/videos/v"' in found.stdout
            assert [request.query for request in fake.asked] == ["a dog"]
            without = run({**person, "VIDX_API_KEY": ""}, "services.cli", "collections", "list")
            assert "send a key or a token" in without.stderr
            plain = run({**person, "VIDX_CLIENT_TLS_CA": ""}, "services.cli", "collections", "list")
            assert plain.returncode == 1
        else:
            # A key opens the gateway; its certificate does not open the service.
            assert (found.returncode, fake.asked) == (1, [])
            assert "names no service that may call" in found.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(READY_S)
    text = (tmp_path / "gateway.log").read_text()
    assert key not in text
    assert key.split("_")[2] not in text


def test_a_gateway_that_others_can_reach_does_not_start_before_it_is_told_who_may(authority, tmp_path: Path) -> None:
    door = authority.issue("127.0.0.1", file="gateway")
    far = {"VIDX_SERVER_ADDRESS": "0.0.0.0:0"}
    plain = run(environment(tmp_path, "127.0.0.1:9", **far), "services.gateway")
    assert plain.returncode == 1
    assert "VIDX_SERVER_TLS_CERT" in plain.stderr
    files = {"VIDX_SERVER_TLS_CERT": door.cert, "VIDX_SERVER_TLS_KEY": door.key}
    open_ = run(environment(tmp_path, "127.0.0.1:9", **far, **files), "services.gateway")
    assert open_.returncode == 1
    assert "VIDX_ACCESS_AUTHENTICATION=on" in open_.stderr
