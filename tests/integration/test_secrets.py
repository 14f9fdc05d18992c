"""Services whose parts cannot be had say so without the passwords and keys in their settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import secrets
from tests.servers.ports import free_ports

NEEDED = {
    "VIDX_TRITON_ADDRESS": "127.0.0.1:9",
    "VIDX_EMBEDDING_ADDRESS": "127.0.0.1:9",
    **{
        f"VIDX_{service}_{what}_ADDRESS": "127.0.0.1:9"
        for service in ("GATEWAY", "PIPELINE", "SEARCH", "CHAPTERING", "CAPTIONING")
        for what in ("SEARCH", "DECODING", "TRANSCRIPTION", "CHAPTERING", "EMBEDDING")
    },
}


def test_every_secret_setting_is_known() -> None:
    known = set(secrets.variables())
    assert {"VIDX_STORE_SECRET_KEY", "VIDX_QUEUE_URL", "VIDX_CATALOG_URL", "VIDX_CHAPTERING_CHAT_KEY"} <= known
    assert set(secrets.dead(1)) >= known


@pytest.mark.parametrize("command", ["catalog", "pipeline", "gateway", "search", "decoding"])
def test_what_a_service_says_of_a_part_that_is_not_there_holds_no_secret(command: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    settings = {**NEEDED, **secrets.dead(port), "VIDX_LOG_LEVEL": "debug", "VIDX_STORE_SCRATCH": str(tmp_path)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VIDX_")}
    process = subprocess.Popen(
        [sys.executable, "-m", f"services.{command}"],
        env=inherited | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        # It goes on trying, which is as good; what it said so far counts.
        process.kill()
        said, _ = process.communicate()
    assert "Field required" not in said
    assert secrets.MARK not in said
