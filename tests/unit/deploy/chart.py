"""The chart's objects, rendered by Helm in the environment that `make helm-check` makes."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def tools() -> Path:
    """The folder with Helm, `docker-compose` and what validates; the calling test is skipped where it is not."""
    named = os.environ.get("VIDX_TEST_DEPLOY")
    found = Path(named) if named else Path(sys.prefix).parent / ".venv-deploy" / "bin"
    if not (found / "python").exists():
        pytest.skip("run `make helm-check` first: it installs what renders the chart")
    return found


@cache
def objects(values: str) -> list[dict[str, Any]]:
    """What the chart makes of a values file."""
    render = [tools() / "python", "-m", "deploy.chart.check", "--render", values]
    made = subprocess.run(render, cwd=ROOT, check=True, capture_output=True, timeout=240)
    found: list[dict[str, Any]] = json.loads(made.stdout)
    return found
