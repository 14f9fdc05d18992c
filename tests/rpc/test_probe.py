"""The command that container engines ask a server's health with."""

import os
import subprocess
import sys
from pathlib import Path

from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from tests.servers.certificates import Authority


def probe(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "services.runtime.probe", *arguments]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=120)


def test_a_server_is_well_until_it_stops() -> None:
    server = create_server(ServerSettings(drain_s=0), [])
    at = f"127.0.0.1:{server.port}"
    well = probe(at, "--timeout", "60")
    assert (well.returncode, well.stdout) == (0, "SERVING\n")
    unknown = probe(at, "vidx.nothing.v1.Nothing", "--timeout", "60")
    assert unknown.returncode == 1
    assert "NOT_FOUND" in unknown.stderr
    server.stop()
    gone = probe(at, "--timeout", "1")
    assert gone.returncode == 1
    assert at in gone.stderr


def test_it_speaks_tls_as_the_settings_say(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    files = authority.issue("127.0.0.1", file="server")
    server = create_server(
        ServerSettings(tls_cert=files.cert, tls_key=files.key, tls_client_ca=authority.ca, drain_s=0), []
    )
    at = f"127.0.0.1:{server.port}"
    try:
        own = authority.issue("spiffe://vidx/probe", file="probe")
        told = {"VIDX_CLIENT_TLS_CA": authority.ca, "VIDX_CLIENT_TLS_CERT": own.cert, "VIDX_CLIENT_TLS_KEY": own.key}
        assert probe(at, "--timeout", "60", **told).returncode == 0
        assert probe(at, "--timeout", "2").returncode == 1
        # A probe asks on loopback for a server whose certificate names its Service.
        inside = authority.issue("vidx-search", "spiffe://vidx/search", file="server")
        told |= {"VIDX_CLIENT_TLS_CERT": inside.cert, "VIDX_CLIENT_TLS_KEY": inside.key}
        assert probe(at, "--timeout", "2", **told).returncode == 1
        assert probe(at, "--timeout", "60", "--name", "vidx-search", **told).returncode == 0
        assert probe(at, "--timeout", "2", "--name", "vidx-gateway", **told).returncode == 1
    finally:
        server.stop()
