"""The compose files as Compose itself reads them."""

import json
import subprocess
from functools import cache
from typing import Any

from tests.unit.deploy.chart import ROOT, tools

SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "MINIO_PASSWORD", "GRAFANA_PASSWORD")


def config(*files: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """What `docker compose config` answers; it needs no engine."""
    named = [argument for file in files for argument in ("-f", str(ROOT / "deploy" / file))]
    command = [tools() / "docker-compose", *named, "--env-file", "/dev/null", "config", "--format", "json"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=240)


@cache
def model(*files: str) -> dict[str, Any]:
    """The merged files, with every variable in its place."""
    made = config(*files, env={name: f"s3cret{name.replace('_', '')}" for name in SECRETS})
    assert made.returncode == 0, made.stderr
    found: dict[str, Any] = json.loads(made.stdout)
    return found
